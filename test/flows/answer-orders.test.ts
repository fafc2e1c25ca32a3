/** The answer to a take-back order is told when it is on the disk. Simulated clock and disk, the rest is real. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answerOrders } from "../../gateway/flows/answer-orders.ts";
import { type Logger, silentLogger } from "../../gateway/ports/logger.ts";
import { noPeers } from "../../gateway/ports/peer-link.ts";
import { startSite } from "../../gateway/site.ts";
import { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import { noCloud } from "../bench/bench-site.ts";
import { SimClock } from "../support/sim-clock.ts";
import { SimDisk } from "../support/sim-disk.ts";
import { aGrant, aPage, aSite, grantRow, noon, siteRow } from "../support/site-fixture.ts";
import { aloneOnTheMachine } from "../support/site-store.ts";

test("the log says that entries were returned once that is on the disk, not before", async () => {
  const told: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    child: () => logger,
    info: (what) => {
      if (what === "rights-returned") told.push(what);
    },
  };
  const site = await startSite({
    gateway: "gateway-1",
    epoch: 1,
    version: "test",
    folder: "/data",
    accessPoints: [],
    devices: [],
    seal: new CredentialSeal("site-1", new Uint8Array(32)),
    link: noCloud,
    peers: noPeers,
    systemClockWithinMs: 1_000,
    clock: new SimClock(noon),
    disk: new SimDisk().mount(),
    logger,
    random: () => 0.5,
    onFailed: (error) => {
      throw error;
    },
    limits: { segmentBytes: 64 * 1024 },
    processes: aloneOnTheMachine,
  });
  const { records, journal } = site.parts;
  const row = { ...grantRow(aGrant("ann", { entriesAllowed: 3 })), order: { no: 1, n: 2 } };
  await journal.record({ kind: "page", page: aPage([siteRow(aSite()), row]), at: noon }).durable;

  answerOrders(site.parts);
  assert.deepEqual([records.registers("ann").returned, told], [2, []]);
  await journal.flushed();

  assert.deepEqual(told, ["rights-returned"]);
});
