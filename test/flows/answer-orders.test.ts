/** The answer to a take-back order is told when it is on the disk. Simulated clock and disk, the rest is real. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answerOrders } from "../../gateway/flows/answer-orders.ts";
import { type Logger, silentLogger } from "../../gateway/ports/logger.ts";
import { startLoneSite } from "../support/lone-site.ts";
import { aGrant, aPage, aSite, grantRow, noon, siteRow } from "../support/site-fixture.ts";

test("the log says that entries were returned once that is on the disk, not before", async () => {
  const told: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    child: () => logger,
    info: (what) => {
      if (what === "rights-returned") told.push(what);
    },
  };
  const site = await startLoneSite({
    logger,
    limits: { segmentBytes: 64 * 1024 },
  });
  const { records, journal } = site.parts;
  const row = { ...grantRow(aGrant("ann", { entriesAllowed: 3 })), order: { no: 1, n: 2 } };
  await journal.record({ kind: "page", page: aPage([siteRow(aSite()), row]), at: noon }).durable;

  answerOrders(site.parts);
  assert.deepEqual([records.registers("ann").returned, told], [2, []]);
  await journal.flushed();

  assert.deepEqual(told, ["rights-returned"]);
});
