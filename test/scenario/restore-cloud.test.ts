/** A cloud that comes back from a backup older than a revocation and ten admissions, while its gateway and box go on. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { postern } from "../cli/run-postern.ts";
import { until } from "../support/until.ts";
import { adminToken, type MadeGrant, WholeSite } from "../support/whole-site.ts";

let site: WholeSite;
before(async () => {
  site = await WholeSite.start({ boxes: ["box-1"], holdMs: 150 });
});
after(() => site.stop());

const cloudCommand = async (...words: string[]) => {
  const ended = await postern(["cloud", ...words], { env: { POSTERN_ADMIN_TOKEN: adminToken } });
  assert.equal(ended.code, 0, ended.err + ended.out);
};
const enters = async ({ pin }: MadeGrant) => {
  const verdict = await site.box("box-1").enterPin(pin);
  await site.box("box-1").becomes("secured");
  return verdict;
};
const inCloud = ({ id }: MadeGrant) =>
  site.admin<{ entriesUsed: number; revokedAt: string | null }>("GET", `/api/sites/${site.site}/grants/${id}`);
const isDone = () =>
  until("the gateway has given its account and sent everything", async () => {
    const { items } = await site.admin<{ items: { upToDate: boolean }[] }>("GET", `/api/sites/${site.site}/gateways`);
    return site.gateway.site.sync.state === "online" && site.gateway.site.sync.queue === 0 && items[0]!.upToDate;
  });

test("nothing revoked opens, no limit is exceeded, and the ten are there again", async () => {
  const [gone, ten] = [await site.grant(), await site.grant({ entries: 10 })];
  await site.arrives(ten.version);
  assert.equal(await enters(gone), "granted");
  await isDone();
  const file = join(site.folder, "cloud.backup");
  await cloudCommand("backup", file, "--url", site.cloudUrl);

  for (let entry = 0; entry < 10; entry += 1) assert.equal(await enters(ten), "granted");
  await site.arrives((await site.revoke(gone)).version);
  await isDone();
  assert.equal((await inCloud(ten)).entriesUsed, 10);
  await site.stopCloud();
  await cloudCommand("restore", file, "--data", join(site.folder, "cloud"));
  await site.startCloud();

  await until("the revocation has come back", async () => (await inCloud(gone)).revokedAt !== null);
  await until("the ten are counted again", async () => (await inCloud(ten)).entriesUsed === 10);
  await isDone();
  const [sent, kept] = [await site.cloudEvents(), await site.journalEvents()];
  assert.deepEqual(
    sent.filter(({ type }) => type === "admitted"),
    kept.filter(({ type }) => type === "admitted"),
  );
  assert.equal(sent.filter((event) => event.type === "admitted" && event.grant === ten.id).length, 10);
  assert.equal(await enters(gone), "denied");
  assert.equal(await enters(ten), "denied");
  await isDone();
  await cloudCommand("verify", "--url", site.cloudUrl);

  const fresh = await site.grant({ entries: 1 });
  await site.arrives(fresh.version);
  assert.equal(await enters(fresh), "granted");
});
