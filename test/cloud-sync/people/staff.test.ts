/** Gateways learn who of the site's people may sign in at them, and at once who may not any more. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Passwords } from "../../../cloud-sync/people/passwords.ts";
import { changePerson } from "../../../cloud-sync/store/people.ts";
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
let cloud: TestCloud;
let home: TestGateway;
let hill: TestGateway;
let passwordHash: string;

before(async () => {
  cloud = await givenCloud({ clock });
  for (const id of ["home", "hill"]) await cloud.ask("POST", "/api/sites", { id, name: id, zone: "Europe/Madrid" });
  home = await cloud.gateway("home", ["front"]);
  hill = await cloud.gateway("hill", ["front"]);
  passwordHash = await new Passwords(cheapPasswords).hash(new SecretString("gate and garden 7"));
});
after(() => cloud.close());

test("a guard with a password is told to the gateways of its sites alone, and nothing of it but what they need", async () => {
  const guard = await cloud.as("guard", ["home"], { name: "Rosa Guard" });
  assert.deepEqual(await staffAt(home), []);
  await choosePassword(guard);
  const told = { id: guard.id, name: "Rosa Guard", userName: guard.userName, role: "guard", password: passwordHash };
  assert.deepEqual(await staffAt(home), [told]);
  assert.deepEqual(await staffAt(hill), []);
});

test("administrators, support, agencies and lookers-on are told to no gateway", async () => {
  for (const role of ["admin", "support", "agency", "resident", "user"] as const) {
    const person = await cloud.as(role, ["hill"]);
    await choosePassword(person);
  }
  assert.deepEqual(await staffAt(hill), []);
});

test("another site, another role, another password and being disabled are told; a sign-in or a lockout is not", async () => {
  const admin = await cloud.as("admin");
  const owner = await cloud.as("owner", ["hill"]);
  await choosePassword(owner);
  const change = (body: object) => admin.ask("PATCH", `/api/people/${owner.id}`, body);
  const isAt = async (gateway: TestGateway) => (await staffAt(gateway)).some(({ id }) => id === owner.id);

  assert.equal((await change({ sites: ["home", "hill"] })).status, 200);
  assert.deepEqual([await isAt(home), await isAt(hill)], [true, true]);
  await change({ sites: ["home"] });
  assert.deepEqual([await isAt(home), await isAt(hill)], [true, false]);

  const version = async () => (await cloud.ask("GET", "/api/sites/home")).body.version;
  const before = await version();
  await cloud.store.transaction((tx) => changePerson(tx, owner.id, { failures: 3, lockedUntil: 5 }, clock.wall()));
  await change({ language: "es" });
  assert.equal(await version(), before);

  await change({ role: "user" });
  assert.equal(await isAt(home), false);
  await change({ role: "guard" });
  assert.equal(await isAt(home), true);
  await change({ disabled: true });
  assert.equal(await isAt(home), false);
});

test("a gateway speaks for those who are or were its site's staff; whom else it names did nothing", async () => {
  const guard = await cloud.as("guard", ["home"]);
  const former = await cloud.as("guard", ["home"]);
  const elsewhere = await cloud.as("guard", ["hill"]);
  const admin = await cloud.as("admin");
  for (const person of [guard, former, elsewhere, admin]) await choosePassword(person);
  await cloud.ask("PATCH", `/api/people/${former.id}`, { disabled: true });
  const named = [guard.id, former.id, elsewhere.id, admin.id, "Rosa, who was never asked"];
  home.record(
    ...named.map((staff) => ({ type: "staff-command", staff, accessPoint: "front" })),
    { type: "staff-signed-in", staff: admin.id },
    { type: "staff-refused", staff: admin.id, why: "wrong" },
    { type: "staff-refused", why: "wrong" },
  );
  assert.equal((await home.push(1)).status, 200);

  const { items } = (await cloud.ask("GET", "/api/audit?site=home&limit=8")).body;
  const at = items[0].after.at;
  assert.deepEqual(
    items.reverse().map((entry: { action: string; actor: string; after: object }) => [entry.actor, entry.after]),
    [
      [guard.id, { at }],
      [former.id, { at }],
      ["unknown", { at, named: elsewhere.id }],
      ["unknown", { at, named: admin.id }],
      ["unknown", { at }],
      ["unknown", { at, named: admin.id }],
      ["unknown", { at, named: admin.id }],
      ["unknown", { at }],
    ],
  );
});

async function choosePassword({ id }: TestPerson): Promise<void> {
  await cloud.store.transaction((tx) => changePerson(tx, id, { passwordHash }, clock.wall()));
}

/** By gateway: the rows it has been sent. */
const known = new Map<TestGateway, Map<string, object>>();

/** The staff as the gateway has it once it has taken everything in. */
async function staffAt(gateway: TestGateway): Promise<{ readonly id: string }[]> {
  const rows = known.getOrInsertComputed(gateway, () => new Map());
  for (const { kind, id, body } of await gateway.catchUp()) {
    if (kind !== "staff") continue;
    if (body) rows.set(id, body);
    else rows.delete(id);
  }
  return [...rows.values()] as { id: string }[];
}
