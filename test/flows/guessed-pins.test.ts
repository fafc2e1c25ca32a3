/** Somebody guesses PINs at the keypads of a site, or passes at its scanners: how many tries they have, and what they are told. Simulated clock and disk, the rest is real. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CredentialKind } from "../../gateway/domain/credential.ts";
import type { EntryEvent } from "../../gateway/domain/entry-event.ts";
import type { Grant } from "../../gateway/domain/grant.ts";
import type { StaffMember } from "../../gateway/domain/staff.ts";
import { checkPass, logEntry } from "../../gateway/flows/guard-scan.ts";
import { answerTickMs } from "../../gateway/flows/tell-reader.ts";
import { Metrics } from "../../gateway/http/metrics.ts";
import { recentEvents } from "../../gateway/http/recent-events.ts";
import { gatewayStatus } from "../../gateway/http/status.ts";
import type { Device, ReportListener } from "../../gateway/ports/device.ts";
import type { RunningSite } from "../../gateway/site.ts";
import { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { startLoneSite } from "../support/lone-site.ts";
import { aSignedPass } from "../support/signed-passes.ts";
import { SimClock } from "../support/sim-clock.ts";
import { SimDisk } from "../support/sim-disk.ts";
import { aCredential, aDay, aGrant, aPage, blacklistRow, grantRow, noon, siteRow } from "../support/site-fixture.ts";
import { smallLimits } from "../support/site-store.ts";
import { anySite, staffRow } from "../support/staffed-gate.ts";
import { statusSources } from "../support/status-sources.ts";
import { until } from "../support/until.ts";

const seal = new CredentialSeal("site-1", new Uint8Array(32));
const guard: StaffMember = { id: "person-rosa", name: "Rosa", userName: "rosa", role: "guard", password: "" };
const keypads = Array.from({ length: 12 }, (_, n) => `keypad-${n}`);

test("given forty wrong PINs over the site's keypads, then the next locks its keypad out, and it is told once, over a kill", async () => {
  const disk = new SimDisk();
  const first = await aSiteOfKeypads(disk);
  for (let n = 0; n < 40; n += 1) await first.enter(keypads[n % 10]!, "999999");
  assert.deepEqual(await first.events("pin-guessing"), []);
  assert.match(await first.metrics(), /^postern_wrong_pins_budget_spent 0$/m);

  await first.enter("keypad-10", "999999");
  await first.enter("keypad-11", "999998");

  assert.equal(first.site.parts.records.attempts.lockedOutMs("pin", "keypad-10", first.clock.monotonic()), 60_000);
  assert.match(await first.metrics(), /^postern_wrong_pins_last_day 42$/m);
  assert.match(await first.metrics(), /^postern_wrong_pins_budget_spent 1$/m);
  const [told, ...more] = await first.events("pin-guessing");
  assert.partialDeepStrictEqual(told, { wrongPins: 41, keypads: 11 });
  assert.deepEqual(more, []);

  disk.kill();
  const second = await aSiteOfKeypads(disk);
  await second.enter("keypad-10", "471199");
  await second.enter("keypad-10", "guest-pass", "pass");
  assert.deepEqual(second.released, ["keypad-10"], "a right PIN waits with the keypad, a pass does not");
  await second.wait(60_000);
  await second.enter("keypad-10", "999997");
  assert.equal(second.site.parts.records.attempts.lockedOutMs("pin", "keypad-10", second.clock.monotonic()), 480_000);
  assert.equal((await second.events("pin-guessing")).length, 1);
  await second.site.stop();
});

test("given ten wrong passes at a scanner nobody watches, then it takes none for half a minute, over a kill; PINs and guards go on", async () => {
  const disk = new SimDisk();
  const first = await aSiteOfKeypads(disk);
  for (let n = 0; n < 30; n += 1) await first.enter("keypad-0", "pass of yesterday", "pass");
  for (let n = 0; n < 9; n += 1) await first.enter("keypad-0", `VIS-0000${n}-AAA`, "pass");
  for (let n = 0; n < 30; n += 1) await first.guardChecks("keypad-0", `VIS-0001${n}-AAA`);
  for (let n = 0; n < 30; n += 1)
    await first.enter("keypad-0", aSignedPass({ validity: { from: noon + n * 1_000, until: noon + aDay } }), "pass");
  await first.enter("keypad-0", "guest-pass", "pass");
  await first.enter("keypad-0", "VIS-99999-AAA", "pass");
  assert.deepEqual(first.released, ["keypad-0"], "nine wrong are free, and signed ones that are not known here");
  await first.enter("keypad-0", "VIS-99999-AAB", "pass");
  const counted = (await first.events("denied")).filter((event) => event.type === "denied" && event.lockedOutMs);
  assert.partialDeepStrictEqual(counted, [{ via: "pass", reason: "OFFLINE_NO_CACHE", lockedOutMs: 30_000 }]);
  assert.match(await first.metrics(), /^postern_scanner_locked_out\{access_point="keypad-0"\} 1$/m);

  disk.kill();
  const second = await aSiteOfKeypads(disk);
  await second.enter("keypad-0", "guest-pass", "pass");
  await second.enter("keypad-0", "471199");
  await second.enter("keypad-1", "guest-pass", "pass");
  await second.guardAdmits("keypad-0", "guest-pass");
  assert.deepEqual(second.released, ["keypad-0", "keypad-1", "keypad-0"], "the scanner alone waits");
  const [waits] = await second.events("denied");
  assert.ok(waits?.type === "denied" && waits.reason === "LOCKED_OUT" && waits.via === "pass");

  await second.wait(30_000);
  await second.enter("keypad-0", "guest-pass", "pass");
  assert.deepEqual(second.released.at(-1), "keypad-0");
  await second.site.stop();
});

test("given two hundred wrong passes over the site's scanners, then the next locks its scanner out, and it is told once", async () => {
  const site = await aSiteOfKeypads(new SimDisk());
  // Nobody's own lockout: each waits until what it did is forgiven.
  for (let n = 0; n < 200; n += 1) {
    await site.enter(keypads[n % 12]!, `VIS-${n}-AAA`, "pass");
    if (n % 96 === 95) await site.wait(2 * 3_600_000);
  }
  assert.deepEqual(await site.events("pass-guessing"), []);
  await site.enter("keypad-9", "VIS-200-AAA", "pass");
  await site.enter("keypad-10", "VIS-201-AAA", "pass");
  assert.equal(site.site.parts.records.attempts.lockedOutMs("pass", "keypad-9", site.clock.monotonic()), 600_000);
  const told = await site.events("pass-guessing");
  assert.partialDeepStrictEqual(told, [{ wrongPasses: 201, scanners: 12 }]);
  assert.equal(told.length, 1);
  assert.deepEqual(await site.events("pin-guessing"), []);
  assert.match(await site.metrics(), /^postern_wrong_passes_budget_spent 1$/m);
  await site.site.stop();
});

test("given a PIN that does not open, then the keypad says the same at the same time, whatever the reason", async () => {
  const told = new Map<string, unknown>();
  const reasons = new Set<unknown>();
  for (const [why, { pin }] of Object.entries(shut)) {
    const site = await aSiteOfKeypads(new SimDisk());
    await site.wait(1_234.5);
    await site.enter("keypad-0", pin);
    await site.wait(answerTickMs - 0.1);
    assert.deepEqual(site.told, [], why);
    await site.wait(0.1);
    told.set(why, site.told);
    const [denied] = await site.events("denied");
    reasons.add(denied?.type === "denied" ? denied.reason : undefined);
    await site.site.stop();
  }

  for (const [why, answers] of told)
    assert.deepEqual(answers, [{ keypad: "keypad-0", verdict: "denied", at: 1_234.5 + answerTickMs }], why);
  assert.equal(reasons.size, told.size, "each reason is in the journal");
});

test("a PIN costs the same look-ups whether nobody has it or it does not open: one index, one look, nothing unsealed", async (t) => {
  for (const [why, { pin }] of Object.entries(shut)) {
    const { site, enter } = await aSiteOfKeypads(new SimDisk());
    const index = t.mock.method(site.parts.seal, "index");
    const open = t.mock.method(site.parts.seal, "open");
    const look = t.mock.method(site.parts.records, "candidates");
    await enter("keypad-0", pin);
    assert.deepEqual(
      [index, open, look].map(({ mock }) => mock.callCount()),
      [1, 0, 1],
      why,
    );
    t.mock.restoreAll();
    await site.stop();
  }
});

test("given a PIN that opens, then the door does and the keypad says so at once, also behind one that did not", async () => {
  const { site, enter, told, released } = await aSiteOfKeypads(new SimDisk());

  await enter("keypad-0", "999999");
  await enter("keypad-0", "471199");
  await enter("keypad-1", "471199");

  assert.deepEqual(released, ["keypad-0", "keypad-1"]);
  assert.deepEqual(told, [
    { keypad: "keypad-0", verdict: "granted", at: 0 },
    { keypad: "keypad-1", verdict: "granted", at: 0 },
  ]);
  await site.stop();
});

test("a denial that a newer answer at its keypad has overtaken is not told, one at another keypad is", async () => {
  const { site, enter, wait, told } = await aSiteOfKeypads(new SimDisk());

  await enter("keypad-0", "999999");
  await enter("keypad-1", "999999");
  await wait(50);
  await enter("keypad-0", "471199");
  await wait(1_000);

  assert.deepEqual(told, [
    { keypad: "keypad-0", verdict: "granted", at: 50 },
    { keypad: "keypad-1", verdict: "denied", at: 150 },
  ]);
  assert.equal(site.parts.answers.size, 0);
  await site.stop();
});

test("a decision that took longer than a tick is told at the next", async () => {
  const { site, press, answered, wait, told, holdLocks } = await aSiteOfKeypads(new SimDisk());
  const lockAnswers = holdLocks();

  await press("keypad-0", "471199");
  await press("keypad-0", "999999");
  await wait(170);
  lockAnswers();
  await answered();
  await wait(129);
  assert.deepEqual(told, [{ keypad: "keypad-0", verdict: "granted", at: 170 }]);
  await wait(1);

  assert.deepEqual(told.at(-1), { keypad: "keypad-0", verdict: "denied", at: 300 });
  await site.stop();
});

test("a stop waits for no tick, and nobody is told after it", async () => {
  const { site, enter, wait, told } = await aSiteOfKeypads(new SimDisk());
  await enter("keypad-0", "999999");

  await site.stop();
  await wait(1_000);

  assert.deepEqual(told, []);
  assert.equal(site.parts.answers.size, 0);
});

/** PINs that open nothing at any keypad here, and why. */
const shut = {
  "nobody has it": { pin: "999999" },
  "it is over": { pin: "531111", validity: { from: noon - 2 * aDay, until: noon - aDay } },
  "it is for later": { pin: "531112", validity: { from: noon + aDay, until: noon + 2 * aDay } },
  "its hours are not now": { pin: "531113", schedule: { windows: [{ days: [1], from: "03:00", until: "03:01" }] } },
  "it is revoked": { pin: "531114", revoked: true },
  "it is another door's": { pin: "531115", accessPoints: ["cellar"] },
  "its entries are used up": { pin: "531116", entriesAllowed: 0 },
  "its holder is blacklisted": { pin: "531117" },
} as const satisfies Record<string, Partial<Grant> & { pin: string }>;

/** One grant for all of the keypads, by PIN and pass, and those that do not hold. */
const known = aPage([
  siteRow(anySite()),
  staffRow(guard),
  grantRow(
    aGrant("guest", {
      kind: "stay",
      accessPoints: keypads,
      credentials: [
        aCredential(seal.index("pin", "471199"), { id: "pin" }),
        aCredential(seal.index("pass", "guest-pass"), { id: "pass", kind: "pass" }),
      ],
    }),
  ),
  ...Object.entries(shut)
    .slice(1)
    .map(([id, { pin, ...but }]) => {
      const credentials = [aCredential(seal.index("pin", pin), { id: `PIN of ${id}` })];
      return grantRow(aGrant(id, { kind: "stay", accessPoints: keypads, credentials, ...but }));
    }),
  grantRow(
    aGrant("yesterday's visitor", {
      kind: "visitor",
      accessPoints: keypads,
      validity: { from: noon - 2 * aDay, until: noon - aDay },
      credentials: [aCredential(seal.index("pass", "pass of yesterday"), { id: "old-pass", kind: "pass" })],
    }),
  ),
  blacklistRow("b-1", "grant", "its holder is blacklisted"),
]);

async function aSiteOfKeypads(disk: SimDisk) {
  const clock = new SimClock(noon);
  const released: string[] = [];
  const told: { keypad: string; verdict: string; at: number }[] = [];
  let locksAnswer: Promise<unknown> = Promise.resolve();
  const listeners = new Map<string, ReportListener[]>(keypads.map((id) => [id, []]));
  const devices = keypads.map(
    (id): Device => ({
      id,
      start: async () => undefined,
      stop: async () => undefined,
      status: () => ({ link: "online", since: 0 }),
      subscribe: (listener) => {
        listeners.get(id)!.push(listener);
        return () => undefined;
      },
      lock: {
        relocks: "by-itself",
        release: async () => {
          released.push(id);
          await locksAnswer;
          return "confirmed";
        },
        secure: async () => "confirmed",
        state: () => ({ bolt: "secured", basis: "reported" }),
      },
      reader: {
        kinds: ["pin"],
        feedback: async (verdict) => {
          told.push({ keypad: id, verdict, at: clock.monotonic() });
        },
      },
    }),
  );
  const site = await startLoneSite({
    accessPoints: keypads.map((id) => ({ id, name: id, lock: id, readers: [id], holdMs: 1_000 })),
    devices,
    seal,
    clock,
    disk: disk.mount(),
    limits: smallLimits,
  });
  await site.parts.journal.record({ kind: "page", page: known, at: noon }).durable;
  let seq = Math.max(0, ...(await presses(site)));
  const press = async (keypad: string, value: string, kind: CredentialKind = "pin") => {
    const origin = { device: keypad, boot: 1, seq: ++seq };
    const pressedAt = clock.monotonic();
    const report = { type: "credential-presented", kind, value: new SecretString(value), pressedAt, origin } as const;
    for (const tell of listeners.get(keypad)!) await tell(report);
  };
  const answered = async () => {
    await until("the presses are answered", () => site.parts.records.unfinished().length === 0);
    await site.parts.journal.flushed();
  };
  return {
    site,
    clock,
    released,
    told,
    press,
    /** Every press has had its outcome, and that is on the disk. */
    answered,
    enter: async (...pressed: Parameters<typeof press>) => {
      await press(...pressed);
      await answered();
    },
    guardChecks: (accessPoint: string, uid: string) => checkPass(site.parts, { staff: guard, accessPoint, uid }),
    guardAdmits: (accessPoint: string, uid: string) =>
      logEntry(site.parts, { staff: guard, accessPoint, uid }, { nonce: "scan-0000-0000-0001" }),
    /** No lock answers until the function given is called. */
    holdLocks: (): (() => void) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      locksAnswer = promise;
      return resolve;
    },
    wait: async (ms: number) => {
      for (const end = clock.monotonic() + ms; clock.step(end); ) await new Promise((resolve) => setImmediate(resolve));
    },
    events: async (type: EntryEvent["type"]) =>
      (await recentEvents(site.parts.journal, 1_000)).filter((event) => event.type === type),
    async metrics(): Promise<string> {
      const status = await gatewayStatus(statusSources(site.parts, () => ({ state: "offline", queue: 0 })));
      return new Metrics().text(status, {});
    },
  };
}

/** Numbers of the presses written down so far. */
async function presses(site: RunningSite): Promise<number[]> {
  return (await recentEvents(site.parts.journal, 1_000)).flatMap((event) =>
    "press" in event && event.press ? [event.press.seq] : [],
  );
}
