/** What is kept about somebody is told whole to whoever may know it; and erased it is nowhere, while every chain still holds. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { Passwords } from "../../../cloud-sync/people/passwords.ts";
import { takeBackup } from "../../../cloud-sync/store/backup.ts";
import { saveBackup } from "../../../cloud-sync/store/backup-file.ts";
import { addPasskey } from "../../../cloud-sync/store/passkeys.ts";
import { changePerson } from "../../../cloud-sync/store/people.ts";
import { apiKey, outbox } from "../../../cloud-sync/store/schema.ts";
import { recordSecurity } from "../../../cloud-sync/store/security-events.ts";
import type { Finding } from "../../../cloud-sync/verify/finding.ts";
import { verifyBackup } from "../../../cloud-sync/verify/verify-backup.ts";
import { SecretString } from "../../../gateway/wire/secret.ts";
import {
  cheapPasswords,
  givenCloud,
  HandClock,
  type TestCloud,
  type TestGateway,
  type TestPerson,
} from "../../support/cloud.ts";

const clock = new HandClock();
let folder: string;
let cloud: TestCloud;
let admin: TestPerson;
let gate: TestGateway;
let rosa: TestPerson;
/** Held by Rosa, made by an administrator; and made by Rosa for somebody. */
let held: string;
let made: string;

/** Not in the middle of a hash or of sealed bytes, which spell any four letters sooner or later. */
const whoRosaIs = /(?<![\w-])(?:Rosa|rosa)|203\.0\.113\.9|Her own phone/;
const phone = { address: "203.0.113.9", device: "Her own phone" };

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "postern-privacy-"));
  cloud = await givenCloud({ clock });
  await cloud.ask("POST", "/api/sites", { id: "home", name: "Home", zone: "UTC" });
  gate = await cloud.gateway("home", ["front"]);
  admin = await cloud.as("admin");
  rosa = await cloud.as("owner", ["home"], { name: "Rosa Keeper", userName: "rosa", email: "rosa@example.org" });
  const passwordHash = await new Passwords(cheapPasswords).hash(new SecretString("gate and garden 7"));
  const key = { id: "a2V5", personId: rosa.id, name: "Rosa's phone", publicKey: "x", counter: 0, transports: [] };
  await cloud.store.transaction(async (tx) => {
    await addPasskey(tx, key, clock.wall());
    await changePerson(tx, rosa.id, { passwordHash }, clock.wall());
  });
  await recordSecurity(
    cloud.store.db,
    { kind: "new-device", severity: "notice", subject: rosa.id, ...phone, detail: "Rosa came with another device" },
    clock.wall(),
  );
  const mail = { siteId: "*", id: "mail-1", kind: "mail", personId: rosa.id, body: "", state: "sent" } as const;
  const at = clock.wall();
  await cloud.store.db.insert(outbox).values({ ...mail, createdAt: at, dueAt: at, expiresAt: at });
  const grant = async (ask: TestCloud["ask"], holder: object) => {
    const validity = { from: "2031-01-01T00:00:00Z", until: "2031-12-31T00:00:00Z" };
    const shape = { kind: "member", accessPoints: ["front"], entriesAllowed: null, credentials: [{ kind: "pin" }] };
    const { status, body } = await ask("POST", "/api/sites/home/grants", { ...shape, ...validity, holder });
    assert.equal(status, 201);
    return body.id as string;
  };
  held = await grant(admin.ask, { id: rosa.id, name: "Rosa Keeper", document: "rosa-12345" });
  made = await grant(rosa.ask, { name: "Plumber" });
  await cloud.store.transaction((tx) => changePerson(tx, rosa.id, { name: "Rosa K. Keeper" }, clock.wall()));
  gate.record(
    { type: "staff-signed-in", staff: rosa.id },
    { type: "staff-command", staff: rosa.id, accessPoint: "front" },
    {
      type: "admitted",
      accessPoint: "front",
      grant: held,
      credential: "c",
      via: "pin",
      left: null,
      revision: 4,
    },
  );
  assert.equal((await gate.push(1)).body.next, 4);
});
after(async () => {
  await cloud.close();
  rmSync(folder, { recursive: true, force: true });
});

const exported = async (by: TestPerson, path = `/api/people/${rosa.id}/personal-data`) =>
  (await by.ask("GET", path, undefined, { "user-agent": "Firefox" })).body;

async function backup(): Promise<string> {
  const path = join(folder, "backup");
  await saveBackup(path, (write) => takeBackup(cloud.store, { madeAt: 0, by: "test" }, write));
  return path;
}

async function findings(): Promise<Finding[]> {
  const found: Finding[] = [];
  await verifyBackup(await backup(), (finding) => found.push(finding));
  return found;
}

describe("an export", () => {
  test("reads whole tables, so one person gets a few and then waits", async () => {
    const eager = await cloud.as("user", ["home"]);
    const statuses: number[] = [];
    for (let times = 0; times < 6; times += 1) statuses.push((await eager.ask("GET", "/api/me/personal-data")).status);
    assert.deepEqual(statuses, [200, 200, 200, 200, 200, 429]);
  });

  test("has the account and all that hangs on it, and no secret", async () => {
    const all = await exported(admin);
    assert.deepEqual(
      [all.account.name, all.account.userName, all.account.email, all.account.hasPassword],
      ["Rosa K. Keeper", "rosa", "rosa@example.org", true],
    );
    assert.deepEqual(
      all.sessions.map(({ id }: { id: string }) => id),
      [rosa.session],
    );
    assert.deepEqual([all.passkeys[0].name, all.securityEvents[0].address], ["Rosa's phone", phone.address]);
    assert.deepEqual(
      all.mails.map(({ kind, state }: Record<string, unknown>) => [kind, state]),
      [["mail", "sent"]],
    );
    const ids = (rows: readonly { id: string }[]) => rows.map(({ id }) => id);
    assert.deepEqual([ids(all.grantsHeld), ids(all.grantsMade)], [[held], [made]]);
    assert.deepEqual([all.grantsHeld[0].holder.document, all.grantsMade[0].holder.name], ["rosa-12345", "Plumber"]);
    assert.deepEqual(
      all.eventsOfGrantsHeld.map(({ type, grant }: { type: string; grant: string }) => [type, grant]),
      [["admitted", held]],
    );
    const actions = (rows: readonly { action: string }[]) => rows.map(({ action }) => action);
    assert.deepEqual(actions(all.auditBy), ["staff.unlock", "staff.sign-in", "grants.create"]);
    assert.deepEqual(actions(all.auditAbout), ["people.export"]);
    assert.doesNotMatch(JSON.stringify(all), /argon2|"sealed"|"index"|"hash"|publicKey/);
  });

  test("is anybody's of oneself, and an entry of the audit trail", async () => {
    clock.advance(1_000);
    const own = await exported(rosa, "/api/me/personal-data");
    assert.equal(own.account.id, rosa.id);
    assert.deepEqual([own.auditBy[0].action, own.auditBy[0].from.device], ["people.export", "Firefox"]);
    assert.equal((await rosa.ask("GET", `/api/people/${admin.id}/personal-data`)).status, 403);
    assert.equal((await admin.ask("GET", "/api/people/person-none/personal-data")).status, 404);
    assert.equal((await cloud.ask("GET", "/api/me/personal-data")).status, 403);
  });
});

describe("an erasure", () => {
  const erase = (person: TestPerson, userName: string, by = admin) =>
    by.ask("POST", `/api/people/${person.id}/erase`, { userName });

  test("is refused of oneself, of the last administrator, by a wrong name, and to whoever may not", async () => {
    assert.equal((await erase(admin, admin.userName)).body.errors[0].message, "nobody erases their own account");
    const passwordHash = await new Passwords(cheapPasswords).hash(new SecretString("gate and garden 7"));
    await cloud.store.transaction((tx) => changePerson(tx, admin.id, { passwordHash }, clock.wall()));
    const last = await cloud.ask("POST", `/api/people/${admin.id}/erase`, { userName: admin.userName });
    assert.deepEqual([last.status, last.body.errors[0].message], [409, "this is the last administrator"]);
    assert.deepEqual([(await erase(rosa, "ros")).status, (await erase(rosa, "rosa", rosa)).status], [400, 403]);
    assert.equal((await cloud.ask("GET", `/api/people/${rosa.id}`)).body.name, "Rosa K. Keeper");
  });

  test("ends what the person had, and tells gateways", async () => {
    await cloud.ask("POST", "/api/api-keys", {
      name: "k",
      role: "owner",
      scopes: ["sites.read"],
    });
    await cloud.store.db.update(apiKey).set({ createdBy: rosa.id, name: "Rosa's import" });
    assert.match(JSON.stringify(await gate.catchUp()), /Rosa/);
    clock.advance(60_000);

    const { status, body } = await erase(rosa, "rosa");
    assert.equal(status, 200);
    assert.deepEqual(body, { sessions: 1, passkeys: 1, keys: 1, grants: 1, auditEntriesInClear: 0 });

    assert.equal((await rosa.ask("GET", "/api/me")).status, 401);
    assert.deepEqual(await cloud.store.db.select().from(outbox), []);
    const [key] = (await cloud.ask("GET", "/api/api-keys")).body.items;
    assert.deepEqual([key.name, key.state], ["erased", "revoked"]);
    const rows = await gate.catchUp();
    assert.doesNotMatch(JSON.stringify(rows), whoRosaIs);
    const told = new Map(rows.map((row) => [`${row.kind} ${row.id}`, row]));
    assert.equal(told.get(`staff ${rosa.id}`)?.gone, true);
    assert.deepEqual(told.get(`grant ${held}`)?.revoked, [held]);
    assert.equal((await cloud.ask("GET", `/api/sites/home/grants/${made}`)).body.state, "active", "another's code");
  });

  test("leaves the bare id, called erased, that nobody becomes again", async () => {
    const { body } = await cloud.ask("GET", `/api/people/${rosa.id}`);
    assert.deepEqual([body.name, body.state, body.email, body.sites], ["erased", "erased", null, []]);
    const again = [
      await admin.ask("PATCH", `/api/people/${rosa.id}`, { disabled: false }),
      await admin.ask("POST", `/api/people/${rosa.id}/reset-link`),
      await erase(rosa, body.userName),
    ];
    assert.deepEqual(
      again.map(({ status }) => status),
      [409, 409, 409],
    );
    const next = await admin.ask("POST", "/api/people", { userName: "rosa", name: "Another", role: "user" });
    assert.equal(next.status, 201, "the user name is free");
    assert.equal((await admin.ask("DELETE", `/api/people/${next.body.person.id}/sessions`)).status, 204);
  });

  test("leaves every chain whole, and nothing of the person in a backup", async () => {
    assert.deepEqual(await findings(), []);
    const lines = gunzipSync(readFileSync(await backup()))
      .toString()
      .split("\n");
    // Somebody else has the user name by now.
    const ofRosa = lines.filter((line) => whoRosaIs.test(line) && !line.includes('"name":"Another"'));
    assert.deepEqual(ofRosa, []);
    const { body } = await cloud.ask("GET", `/api/audit?who=${rosa.id}`);
    assert.ok(body.items.length >= 4);
    for (const { from } of body.items) assert.deepEqual(from, { address: "erased", device: "erased" });
    const [entry] = (await cloud.ask("GET", "/api/audit?action=people.erase")).body.items;
    assert.deepEqual([entry.actor, entry.thing, entry.from.address], [admin.id, rosa.id, "in-process"]);
  });

  test("what the person did at a gateway and arrives afterwards is still taken, once", async () => {
    gate.record({ type: "staff-command", staff: rosa.id, accessPoint: "front" });
    assert.equal((await gate.push(4)).body.next, 5);
    assert.equal((await gate.push(4)).body.next, 5);
    const { body } = await cloud.ask("GET", `/api/audit?who=${rosa.id}&action=staff.unlock`);
    assert.equal(body.items.length, 2);
    assert.deepEqual(await findings(), []);
  });
});
