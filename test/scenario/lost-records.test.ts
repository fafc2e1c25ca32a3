/** A line of the journal is lost on a real disk: the gateway shuts, begins a new epoch by itself, and after its next start the door opens again. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { loadGatewayKeys } from "../../gateway/storage/gateway-keys.ts";
import { nodeDisk } from "../../gateway/storage/node-disk.ts";
import { until } from "../support/until.ts";
import { WholeSite } from "../support/whole-site.ts";

let site: WholeSite;
before(async () => {
  site = await WholeSite.start({ boxes: ["box-1"] });
});
after(() => site.stop());

test("an admission on the card is damaged: the next epoch begins, the old journal is put aside, nobody does anything", async () => {
  const open = await site.grant();
  await site.arrives(open.version);
  assert.equal(await site.box("box-1").enterPin(open.pin), "granted");
  await until("it is told", () => site.gateway.site.sync.queue === 0);
  await site.gateway.stop();
  const data = join(site.folder, "gateway");
  const segment = join(data, "journal", "000001.jsonl");
  const bytes = readFileSync(segment);
  bytes.write("X", bytes.indexOf('"type":"admitted"') + 9);
  writeFileSync(segment, bytes);
  rmSync(join(data, "snapshot"), { recursive: true });

  await site.startGateway();
  assert.equal(site.gateway.site.parts.records.suspect, true);
  await until("a new epoch is given", async () => {
    const keys = await loadGatewayKeys(nodeDisk, data);
    return keys?.epoch === 2 && !keys.newEpochAsked;
  });
  await site.restartGateway();
  await site.arrives(open.version);

  assert.equal(await site.box("box-1").enterPin(open.pin), "granted");
  await until("it is told", () => site.gateway.site.sync.queue === 0);
  assert.ok(existsSync(join(data, "damaged", "epoch-1", "journal", "000001.jsonl")));
  const started = (await site.cloudEvents()).filter(({ type }) => type === "boot");
  assert.ok(started.some((event) => event.type === "boot" && event.endedEpoch === 1));
});
