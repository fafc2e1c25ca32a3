/** What has been kept for long enough goes, some at a time, and the history that is left still holds together. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { sql } from "drizzle-orm";
import { cleanOnce } from "../../cloud-sync/jobs/housekeeping.ts";
import { recordAudit } from "../../cloud-sync/store/audit-trail.ts";
import { takeBackup } from "../../cloud-sync/store/backup.ts";
import { saveBackup } from "../../cloud-sync/store/backup-file.ts";
import { forgetEvents } from "../../cloud-sync/store/forget-events.ts";
import { listSecurity, recordSecurity } from "../../cloud-sync/store/security-events.ts";
import { rowsOf } from "../../cloud-sync/store/store.ts";
import type { Finding } from "../../cloud-sync/verify/finding.ts";
import { verifyBackup } from "../../cloud-sync/verify/verify-backup.ts";
import { retentionSchema } from "../../config/schema.ts";
import { givenCloud, HandClock, type TestCloud, type TestGateway } from "../support/cloud.ts";

const dayMs = 24 * 3_600_000;
const retention = retentionSchema.parse({
  eventsDays: 100,
  auditAddressesDays: 50,
  securityEventsDays: 60,
  endedCodeDigitsDays: 40,
  endedGrantNamesDays: 80,
});

let folder: string;
let clock: HandClock;
let cloud: TestCloud;
let gate: TestGateway;
let limited: string;

const clean = () => cleanOnce({ ...cloud.parts, retention });

async function findings(): Promise<Finding[]> {
  const path = join(folder, "backup");
  await saveBackup(path, (write) => takeBackup(cloud.store, { madeAt: 0, by: "test" }, write));
  const found: Finding[] = [];
  await verifyBackup(path, (finding) => found.push(finding));
  return found;
}

async function grant(name: string, until: string, entriesAllowed: number | null = null): Promise<string> {
  const from = new Date(clock.wall()).toISOString();
  const { status, body } = await cloud.ask("POST", "/api/sites/home/grants", {
    kind: "temporary",
    holder: { name, document: "X-1" },
    accessPoints: ["gate"],
    ...{ from, until, entriesAllowed },
    credentials: [{ kind: "pin" }],
    about: { phone: "555-1" },
  });
  assert.equal(status, 201, JSON.stringify(body));
  return body.id;
}

const admitted = (left: number | null) => ({
  type: "admitted",
  accessPoint: "gate",
  grant: limited,
  credential: "c",
  via: "pin",
  left,
  revision: 4,
});
const stored = async () =>
  (await rowsOf<{ seq: number | string }>(cloud.store.db, sql`select seq from event order by seq`)).map(({ seq }) =>
    Number(seq),
  );

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "postern-retention-"));
  clock = new HandClock();
  cloud = await givenCloud({ clock });
  await cloud.ask("POST", "/api/sites", { id: "home", name: "Home", zone: "UTC" });
  gate = await cloud.gateway("home", ["gate"]);
  limited = await grant("Ann", "2099-01-01T00:00:00Z", 5);
});
after(async () => {
  await cloud.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("events", () => {
  test("older than the days go, also such that nobody could read; the rest still leads to the signed head", async () => {
    gate.record({ type: "boot", version: "1", cutBytes: 0 }, admitted(4), admitted(3));
    gate.record({ type: "void", of: 3, accessPoint: "gate", grant: limited, why: "refused" });
    gate.lines.push("\0", "\ufffd");
    assert.equal((await gate.push(1)).body.next, 7);
    clock.advance(60 * dayMs);
    gate.record(admitted(3), { type: "boot", version: "1", cutBytes: 0 });
    assert.equal((await gate.push(7)).body.next, 9);

    await clean();
    assert.deepEqual(await stored(), [1, 2, 3, 4, 5, 6, 7, 8], "none is old enough");
    clock.advance(41 * dayMs);
    await clean();
    assert.deepEqual(await stored(), [7, 8]);
    assert.deepEqual(await findings(), [], "counts and chain hold");
    await clean();
    const { body } = await cloud.ask("GET", "/api/audit?action=retention");
    assert.deepEqual(
      body.items.map((one: { thing: string; after: Record<string, unknown> }) => [
        one.thing,
        one.after.next,
        one.after.events,
      ]),
      [[gate.id, 7, 6]],
      "one entry, and none where nothing went",
    );
  });

  test("a gateway that sends once more what is forgotten raises no alarm; other ones of the same numbers do where they are kept", async () => {
    assert.equal((await gate.push(1)).body.next, 9);
    gate.record(admitted(2));
    assert.equal((await gate.push(1)).body.next, 10);
    const kept = gate.lines[7]!;
    gate.lines[7] = kept.replace('"boot":1', '"boot":2');
    assert.equal((await gate.push(7)).status, 409);
    gate.lines[7] = kept;
    await cloud.store.db.execute(sql`update gateway set fork_seq = null, forked_at = null`);
  });

  test("go some at a time, down to none", async () => {
    clock.advance(200 * dayMs);
    const forget = (limit: number) =>
      cloud.store.transaction((tx) => forgetEvents(tx, "home", gate.id, clock.wall(), clock.wall(), limit));
    assert.deepEqual([(await forget(2))?.next, (await forget(2))?.next, await forget(2)], [9, 10, undefined]);
    assert.deepEqual(await stored(), []);
    assert.deepEqual(await findings(), []);
    gate.record({ type: "boot", version: "1", cutBytes: 0 });
    assert.equal((await gate.push(10)).body.next, 11);
    assert.deepEqual(await findings(), []);
  });

  test("what somebody else cut is found, also when a note of it was made", async () => {
    const before = await rowsOf<{ next: number | string }>(cloud.store.db, sql`select next from event_cut`);
    assert.deepEqual(
      before.map(({ next }) => Number(next)),
      [10],
    );
    await cloud.store.db.execute(sql`delete from event where seq = 10`);
    assert.deepEqual(
      (await findings()).map(({ kind, seq }) => [kind, seq]),
      [["gap", 10]],
    );
    const head = sql`(select head from gateway)`;
    await cloud.store.db.execute(sql`update event_cut set next = 11, chain = ${head}`);
    const found = await findings();
    assert.deepEqual(
      found.map(({ kind, seq }) => [kind, seq]),
      [["gap", 11]],
    );
    assert.match(found[0]!.what, /without an entry of the audit trail/);
  });

  test("before a hole stay, for whoever looks for the damage", async () => {
    const other = await cloud.gateway("home", ["yard"]);
    for (let times = 0; times < 3; times += 1) other.record({ type: "boot", version: "1", cutBytes: 0 });
    assert.equal((await other.push(1)).body.next, 4);
    await cloud.store.db.execute(sql`delete from event where gateway_id = ${other.id} and seq = 2`);
    const later = await cloud.gateway("home", ["shed"]);
    later.record({ type: "boot", version: "1", cutBytes: 0 });
    await later.push(1);
    await cloud.store.db.execute(
      sql`update event set gateway_id = ${other.id}, epoch = 7 where gateway_id = ${later.id}`,
    );
    clock.advance(200 * dayMs);
    await clean();
    const left = await rowsOf<{ epoch: number; seq: number }>(
      cloud.store.db,
      sql`select epoch, seq from event where gateway_id = ${other.id}`,
    );
    assert.deepEqual(
      left.map(({ epoch, seq }) => [Number(epoch), Number(seq)]).sort(),
      [
        [1, 1],
        [1, 3],
      ],
      "a later epoch goes",
    );
  });
});

describe("codes and grants that have ended", () => {
  const bodyOf = async (id: string) => {
    const [row] = await rowsOf<{ body: string; holder_name: string; forgotten: string | null }>(
      cloud.store.db,
      sql`select body, holder_name, forgotten from grant_record where id = ${id}`,
    );
    return row!;
  };
  const inDays = (days: number) => new Date(clock.wall() + days * dayMs).toISOString();

  test("lose their digits and then their names, those that were revoked early as well, and no others", async () => {
    const [ended, revoked, lasting] = [
      await grant("Bea", inDays(1)),
      await grant("Cleo", inDays(10_000)),
      await grant("Dora", inDays(10_000)),
    ];
    await cloud.ask("POST", `/api/sites/home/grants/${revoked}/revoke`);
    clock.advance(42 * dayMs);
    await clean();
    for (const id of [ended, revoked]) {
      const { body, forgotten } = await bodyOf(id);
      assert.equal(forgotten, "digits");
      assert.doesNotMatch(body, /"sealed"/);
      assert.match(body, /Bea|Cleo/);
    }
    clock.advance(40 * dayMs);
    await clean();
    for (const id of [ended, revoked]) {
      const { body, forgotten, holder_name } = await bodyOf(id);
      assert.deepEqual([forgotten, holder_name], ["names", "erased"]);
      assert.doesNotMatch(body, /Bea|Cleo|X-1|555/);
    }
    const kept = await bodyOf(lasting);
    assert.equal(kept.forgotten, null);
    assert.match(kept.body, /Dora.*X-1.*"sealed".*555/);
    const row = (await gate.catchUp()).find(({ id }) => id === revoked);
    assert.deepEqual(row?.revoked, [revoked], "its gateways forget the name and not that it is revoked");
    assert.doesNotMatch(JSON.stringify(row), /Cleo/);
    assert.equal((await cloud.ask("PATCH", `/api/temp-codes/${ended}`, { name: "Elsa" })).status, 200);
    assert.equal((await bodyOf(ended)).holder_name, "Elsa");
    await clean();
    assert.equal((await bodyOf(ended)).holder_name, "erased", "a name that was given afterwards goes as well");
  });
});

test("addresses in the audit trail and security events go by their days", async () => {
  const from = { address: "192.0.2.9", device: "curl" };
  const note = () =>
    cloud.store.transaction((tx) =>
      recordAudit(tx, { site: "home", actor: "person-x", from, action: "doors.rename", thing: "gate" }, clock.wall()),
    );
  const notice = (kind: string) =>
    recordSecurity(cloud.store.db, { kind, severity: "notice", subject: "person-x" }, clock.wall());
  const addresses = async () =>
    (await cloud.ask("GET", "/api/audit?who=person-x")).body.items.map(
      (one: { from: { address: string } }) => one.from.address,
    );
  await note();
  await notice("first");
  clock.advance(30 * dayMs);
  await note();
  await notice("second");
  clock.advance(31 * dayMs);
  await clean();
  assert.deepEqual(await addresses(), ["192.0.2.9", "erased"]);
  const kinds = (await listSecurity(cloud.store.db, { subject: "person-x", limit: 10 })).map(({ kind }) => kind);
  assert.deepEqual(kinds, ["second"]);
});
