/** What `postern cloud verify` finds: each kind of damage is planted in a database and must be named, with its place. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { sql } from "drizzle-orm";
import { takeBackup } from "../../cloud-sync/store/backup.ts";
import { saveBackup } from "../../cloud-sync/store/backup-file.ts";
import { rowsOf } from "../../cloud-sync/store/store.ts";
import type { Finding } from "../../cloud-sync/verify/finding.ts";
import { verifyBackup } from "../../cloud-sync/verify/verify-backup.ts";
import { postern } from "../cli/run-postern.ts";
import { givenCloud, HandClock, type TestCloud, type TestGateway } from "../support/cloud.ts";

const tables = [
  "site",
  "gateway",
  "grant_record",
  "holding",
  "feed_row",
  "command",
  "event",
  "event_parked",
  "audit_chain",
  "audit_entry",
];
let folder: string;
let cloud: TestCloud;
let gate: TestGateway;
let garage: TestGateway;
/** Three entries, two of them used; and one that was revoked after its only entry. */
let limited: string;
let revoked: string;
let command: number;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "postern-verify-"));
  const clock = new HandClock();
  cloud = await givenCloud({ clock });
  await cloud.ask("POST", "/api/sites", { id: "home", name: "Home", zone: "UTC" });
  gate = await cloud.gateway("home", ["gate"]);
  garage = await cloud.gateway("home", ["garage"]);
  const grant = async (entriesAllowed: number | null) =>
    (
      await cloud.ask("POST", "/api/sites/home/grants", {
        kind: "temporary",
        holder: { name: "Ann" },
        accessPoints: ["gate"],
        from: "2020-01-01T00:00:00Z",
        until: "2099-01-01T00:00:00Z",
        entriesAllowed,
        credentials: [{ kind: "pin" }],
      })
    ).body;
  const [three, one] = [await grant(3), await grant(null)];
  limited = three.id;
  revoked = one.id;
  command = (await cloud.ask("POST", "/api/sites/home/access-points/gate/unlock")).body.id;
  const admitted = (id: string, left: number | null) => ({
    type: "admitted",
    accessPoint: "gate",
    grant: id,
    credential: "c",
    via: "pin",
    left,
    revision: 4,
  });
  clock.advance(1_000);
  gate.record({ type: "boot", version: "1", cutBytes: 0 }, admitted(limited, 2), admitted(limited, 1));
  gate.record({ type: "void", of: 3, accessPoint: "gate", grant: limited, why: "refused" }, admitted(limited, 1));
  gate.record({ type: "command-taken", command, accessPoint: "gate", by: "admin" }, admitted(revoked, null));
  gate.lines.push("\ufffd".repeat(2), "\0");
  gate.record({ type: "of tomorrow" });
  garage.record({ type: "boot", version: "1", cutBytes: 0 }, { type: "boot", version: "1", cutBytes: 0 });
  assert.equal((await gate.push(1)).body.next, 11);
  assert.equal((await garage.push(1)).body.next, 3);
  clock.advance(1_000);
  await cloud.ask("POST", `/api/sites/home/grants/${revoked}/revoke`);
  await cloud.store.db.execute(sql`create schema kept`);
  for (const name of tables) await cloud.store.db.execute(sql.raw(`create table kept.${name} as table ${name}`));
});
after(async () => {
  await cloud.close();
  rmSync(folder, { recursive: true, force: true });
});

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

/** As it was before the damage. */
async function putBack(): Promise<void> {
  const run = (text: string) => cloud.store.db.execute(sql.raw(text));
  await run("set session_replication_role = replica");
  for (const name of tables) {
    await run(`delete from ${name}`);
    await run(`insert into ${name} select * from kept.${name}`);
  }
  await run("set session_replication_role = origin");
}

test("a history that holds together has no findings", async () => {
  assert.deepEqual(await findings(), []);
  const { events, gateways, grants, audited } = await verifyBackup(await backup(), () => undefined);
  assert.deepEqual({ events, gateways, grants, audited }, { events: 12, gateways: 2, grants: 2, audited: 7 });
});

describe("planted damage is named", () => {
  const atGate = "gateway_id = (select min(gateway_id) from kept.event where type = 'admitted')";
  const unguarded = "set session_replication_role = replica; ";
  const damages: [string, string, Partial<Finding>][] = [
    ["an event is missing", `delete from event where ${atGate} and seq = 3`, { kind: "gap", seq: 3 }],
    ["the last event is missing", `delete from event where ${atGate} and seq = 10`, { kind: "gap", seq: 10 }],
    ["all events of a gateway are missing", `delete from event where not ${atGate}`, { kind: "gap", seq: 1 }],
    [
      "an event was added",
      `insert into event select site_id, gateway_id, epoch, 11, hash, received_at, at, type, body from event where ${atGate} and seq = 10`,
      { kind: "gap", seq: 11 },
    ],
    [
      "an event's text was changed",
      `update event set body = replace(body, '"gate"', '"main"') where ${atGate} and seq = 2`,
      { kind: "altered", seq: 2 },
    ],
    [
      "an event's text and hash were changed",
      `update event set body = ' ' || body, hash = translate(encode(sha256(convert_to(' ' || body, 'UTF8')), 'base64'), '+/=', '-_') where ${atGate} and seq = 2`,
      { kind: "head", seq: 10 },
    ],
    [
      "an event's columns were changed",
      `update event set type = 'denied' where ${atGate} and seq = 2`,
      { kind: "altered", seq: 2 },
    ],
    ["the bytes of an event are missing", "delete from event_parked where seq = 9", { kind: "altered", seq: 9 }],
    ["the head was changed", "update gateway set head = repeat('x', 43)", { kind: "head", seq: 10 }],
    [
      "the head's signature was changed",
      "update gateway set head_signature = repeat('A', 86)",
      { kind: "head", seq: 10 },
    ],
    [
      "the gateway vouched for another past",
      `update gateway set witness = '{"boot":1,"beat":1,"seq":4,"head":"x","signature":"x"}' where id = (select gateway_id from event where ${atGate} limit 1)`,
      { kind: "head", seq: 4 },
    ],
    ["a fork was seen", "update gateway set fork_seq = 2", { kind: "alarm", seq: 2 }],
    ["a journal was cut", "update gateway set cut_seq = 5", { kind: "alarm", seq: 5 }],
    ["a count was changed", "update grant_record set entries_used = 0 where entries_used = 2", { kind: "count" }],
    [
      "a limit was exceeded",
      `update grant_record set body = replace(body, '"entriesAllowed":3', '"entriesAllowed":1'); update holding set granted = 1`,
      { kind: "limit" },
    ],
    [
      "it was admitted after it was revoked",
      "update feed_row set ver = 3, written_at = 0 where revoked is not null",
      { kind: "revoked", seq: 7 },
    ],
    ["a command was taken late", "update command set created_at = created_at - 60000", { kind: "command", seq: 6 }],
    ["a command was never issued", "delete from command", { kind: "command", seq: 6 }],
    [
      "an epoch was never given",
      `update event set epoch = 2 where not ${atGate}; update gateway set epoch = 1`,
      { kind: "gap", epoch: 2 },
    ],
    [
      "an entry of the audit trail is missing",
      `${unguarded}delete from audit_entry where seq = 3`,
      { kind: "audit", seq: 3 },
    ],
    ["the newest ones are missing", `${unguarded}delete from audit_entry where seq > 5`, { kind: "audit", seq: 6 }],
    [
      "an entry of the audit trail was changed",
      `${unguarded}update audit_entry set body = replace(body, 'admin', 'nobody'), actor = 'nobody' where seq = 2`,
      { kind: "audit", seq: 2 },
    ],
    [
      "an entry and its chain were changed",
      `${unguarded}update audit_entry set body = ' ' || body, chain = repeat('x', 43) where seq = 2`,
      { kind: "audit", seq: 3 },
    ],
    [
      "the columns of an entry were changed",
      `${unguarded}update audit_entry set actor = 'nobody' where seq = 2`,
      { kind: "audit", seq: 2 },
    ],
    ["the head of the audit trail is gone", "delete from audit_chain", { kind: "audit", seq: 8 }],
  ];
  for (const [what, damage, expected] of damages)
    test(what, async () => {
      for (const statement of damage.split("; ")) await cloud.store.db.execute(sql.raw(statement));

      const found = await findings();

      await putBack();
      const match = found.find((one) =>
        Object.entries(expected).every(([key, value]) => one[key as keyof Finding] === value),
      );
      assert.ok(match, JSON.stringify(found));
      assert.equal(match.site, "home");
      if (match.kind === "count" || match.kind === "limit") assert.equal(match.grant, limited);
      else if (match.kind !== "audit") assert.ok(match.gateway === gate.id || match.gateway === garage.id);
    });

  test("a command was taken twice, in a later epoch too", async () => {
    const { body } = await cloud.ask("POST", `/api/sites/home/gateways/${gate.id}/enrolment-codes`);
    await gate.enrol(body.code);
    gate.lines.length = 0;
    gate.record({ type: "command-taken", command, accessPoint: "gate", by: "admin" });
    assert.equal((await gate.push(1)).body.next, 2);

    const found = await findings();

    assert.deepEqual(
      found.map(({ kind, gateway, epoch, seq }) => ({ kind, gateway, epoch, seq })),
      [{ kind: "command", gateway: gate.id, epoch: 2, seq: 1 }],
    );
    assert.match(found[0]!.what, /event 6 of epoch 1/);
    await putBack();
  });
});

test("the command prints findings with their place and ends with 1, and with 0 where there are none", async () => {
  await putBack();
  const clean = await postern(["cloud", "verify", "--file", await backup()]);
  assert.equal(clean.code, 0, clean.err);
  assert.equal(clean.out, "");
  assert.match(clean.err, /12 events of 2 gateways, 2 grants and 7 entries of the audit trail: 0 findings/);
  assert.match(clean.err, /Cannot be told/);

  await cloud.store.db.execute(sql`delete from event where gateway_id = ${gate.id} and seq = 3`);
  const { code, out } = await postern(["cloud", "verify", "--file", await backup()]);
  assert.equal(code, 1);
  assert.match(out, new RegExp(`^gap: site home, gateway ${gate.id}, epoch 1, event 3: is missing$`, "m"));
  const [left] = await rowsOf<{ n: string }>(cloud.store.db, sql`select count(*)::text as n from event`);
  assert.equal(left?.n, "11");
});
