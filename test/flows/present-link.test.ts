/** A guest opens a door of their stay from afar, at the gate. Simulated clock and disk, the rest is real. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Grant } from "../../gateway/domain/grant.ts";
import type { Site } from "../../gateway/domain/site.ts";
import { presentLink } from "../../gateway/flows/present-link.ts";
import type { LinkCommand } from "../../gateway/ports/cloud-link.ts";
import { sealedLink } from "../../gateway/wire/gateway-api.ts";
import { aCredential, aDay, aGrant, grantRow, noon, siteRow } from "../support/site-fixture.ts";
import { aGate, anySite } from "../support/staffed-gate.ts";

const value = "the-secret-of-a-stay-that-nobody-is-told";

async function aStayGate(overrides: Partial<Grant> = {}, site: Partial<Site> = {}) {
  const rules = { ...anySite().offlineMaxAgeMs, stay: null };
  const gate = await aGate({ offlineMaxAgeMs: rules, ...site });
  const link = aCredential("link", { kind: "link", index: gate.site.seal.index("link", value) });
  const grant = aGrant("stay", { kind: "stay", credentials: [aCredential("pin"), link], ...overrides });
  await gate.send([siteRow(anySite({ offlineMaxAgeMs: rules, ...site }), 5), grantRow(grant, 6)]);
  let id = 0;
  const present = (more: Partial<LinkCommand> = {}, text = value) => {
    id += 1;
    const sealed = gate.site.seal.seal(sealedLink, text);
    const facts = { id, accessPoint: "front", ageMs: 0, ttlMs: 10_000, by: "booking-1", link: sealed };
    const now = gate.site.clock.monotonic();
    const command = { ...facts, action: "present", ...more } as const;
    return presentLink(gate.site, { command, askedAt: now, answeredAt: now, heldMs: 0 });
  };
  const ends = async () =>
    (await gate.events("command-ended")).map((event) => {
      const { result, of, reason } = event as { result: string; of?: number; reason?: string };
      return [result, reason ?? (of === undefined ? null : "numbered")];
    });
  const lastEnd = async () => (await ends()).at(-1);
  const change = (more: Partial<Grant>, rows: readonly ReturnType<typeof siteRow>[] = []) =>
    gate.send([...rows, grantRow({ ...grant, ...more }, 9)]);
  return { ...gate, grant, present, ends, lastEnd, change };
}

test("the gate decides, and writes down that a link was presented before anything moves", async () => {
  const gate = await aStayGate();
  await gate.present();
  assert.equal(gate.heard.length, 1);
  const events = await gate.events("command-taken", "admitted", "released", "command-ended");
  assert.deepEqual(
    events.map(({ type }) => type),
    ["command-taken", "admitted", "released", "command-ended"],
  );
  const [taken, admitted, , ended] = events as unknown as Record<string, unknown>[];
  assert.deepEqual([taken?.action, taken?.by], ["present", "booking-1"]);
  assert.deepEqual([admitted?.via, admitted?.grant, admitted?.credential], ["link", "stay", "credential-link"]);
  assert.equal(ended?.result, "confirmed");
  const [, onDisk] = /release, (\d+) on the disk/.exec(gate.heard[0]!) ?? [];
  assert.ok(Number(onDisk) >= Number(ended.of), "the admission is on the disk before the lock hears of it");
  assert.ok(!JSON.stringify(events).includes(value));
});

test("what is old, taken before, for no door here, or sealed by nobody we know moves nothing", async () => {
  const gate = await aStayGate();
  await gate.present();
  await gate.present({ id: 1 });
  await gate.present({ ageMs: 10_001 });
  await gate.present({ ageMs: 20_000, ttlMs: 3_600_000 });
  await gate.present({ accessPoint: "attic" });
  await gate.present({ link: "AAAA" });
  assert.deepEqual(await gate.ends(), [
    ["confirmed", "numbered"],
    ["expired", null],
    ["expired", null],
    ["refused", null],
    ["refused", null],
  ]);
  assert.equal(gate.heard.length, 1);
});

for (const [what, overrides, reason] of [
  ["before the stay", { validity: { from: noon + 1, until: noon + aDay } }, "NOT_YET_VALID"],
  ["after it", { validity: { from: noon - aDay, until: noon } }, "QR_EXPIRED"],
  ["revoked", { revoked: true }, "REVOKED"],
  ["at another's door", { accessPoints: ["back"] }, "WRONG_ACCESS_POINT"],
  ["outside its hours", { schedule: { windows: [{ days: [3], from: "08:00", until: "09:00" }] } }, "OUTSIDE_SCHEDULE"],
] as const)
  test(`refused with its reason: ${what}`, async () => {
    const gate = await aStayGate(overrides as Partial<Grant>);
    await gate.present();
    assert.deepEqual(await gate.ends(), [["refused", reason]]);
    assert.deepEqual(gate.heard, []);
  });

test("a lockdown holds it, a revoked link is refused while the PIN is good, and an unknown one locks nobody out", async () => {
  const gate = await aStayGate();
  for (let times = 0; times < 12; times += 1) await gate.present({}, `wrong-${times}`);
  assert.equal(gate.heard.length, 0);
  await gate.present();
  assert.deepEqual(await gate.lastEnd(), ["confirmed", "numbered"]);
  const [pin, link] = gate.grant.credentials;
  await gate.change({ credentials: [pin!, { ...link!, revoked: true }] });
  await gate.present();
  assert.deepEqual(await gate.lastEnd(), ["refused", "REVOKED"]);

  const locked = await aStayGate({}, { lockdown: true });
  await locked.present();
  assert.deepEqual(await locked.ends(), [["refused", "LOCKDOWN"]]);
  assert.equal(gate.heard.length + locked.heard.length, 1);
});

test("a lock that does not move is told as such, and one that does not say whether it did, as unknown", async () => {
  const gate = await aStayGate();
  gate.held.result = "refused";
  await gate.present();
  assert.deepEqual(await gate.lastEnd(), ["refused", "numbered"]);
  gate.held.result = "unknown";
  await gate.present();
  assert.deepEqual(await gate.lastEnd(), ["unknown", "numbered"]);
});
