/** What a store that came back from its backup, or has lost its master key, means for people. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { restoreBackup, takeBackup } from "../../../cloud-sync/store/backup.ts";
import { saveBackup } from "../../../cloud-sync/store/backup-file.ts";
import { openSiteKeys } from "../../../cloud-sync/store/site-keys.ts";
import { givenCloud, HandClock, type TestCloud } from "../../support/cloud.ts";

const clock = new HandClock();
let cloud: TestCloud;
let folder: string;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "postern-restored-"));
  cloud = await givenCloud({ clock });
});
after(async () => {
  await cloud.close();
  rmSync(folder, { recursive: true, force: true });
});

test("with people and no master key none is made, even while there is no site", async () => {
  await cloud.as("user");
  await assert.rejects(openSiteKeys(cloud.store.db, folder), { code: "master-key-missing" });
  assert.equal(existsSync(join(folder, "master-key")), false);
});

test("after a restore everybody signs in anew, and links of before are void; keys go on", async () => {
  const ada = await cloud.as("user");
  const { body: link } = await cloud.ask("POST", `/api/people/${ada.id}/reset-link`);
  const { body: key } = await cloud.ask("POST", "/api/api-keys", { name: "k", role: "owner", scopes: ["sites.read"] });
  const path = join(folder, "backup");
  await saveBackup(path, (write) => takeBackup(cloud.store, { madeAt: clock.wall(), by: "test" }, write));
  assert.equal((await ada.ask("GET", "/api/me")).status, 200);

  await restoreBackup(cloud.store, path, clock.wall());

  assert.equal((await ada.ask("GET", "/api/me")).status, 401);
  const token = new URL(link.url).hash.slice(1);
  assert.equal((await cloud.ask("POST", "/auth/link", { token }, { authorization: "" })).status, 404);
  const byKey = { authorization: `Bearer ${key.token}` };
  assert.equal((await cloud.ask("GET", "/api/sites", undefined, byKey)).status, 200);
});
