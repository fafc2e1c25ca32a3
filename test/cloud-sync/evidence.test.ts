/** Yes only where it is proven: each answer by its table, and over the API from the events a gateway sends. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { codeEvidence, type EvidenceEvent, noEvidence } from "../../cloud-sync/domain/code-evidence.ts";
import { type Asked, willOpen } from "../../cloud-sync/domain/will-open.ts";
import { givenCloud, HandClock, type TestCloud, type TestGateway } from "../support/cloud.ts";
import fc from "../support/fast-check.ts";

const hour = 3_600_000;
const noon = Date.UTC(2031, 2, 4, 12);
const window = { from: noon - hour, until: noon + 24 * hour };
const pin = { id: "cred-1", kind: "pin", index: "x", revoked: false } as const;
const grant = {
  id: "grant-1",
  site: "hill",
  kind: "stay",
  holder: { id: "p", name: "Ada" },
  createdBy: "admin",
  accessPoints: ["flat", "gate"],
  validity: window,
  entriesAllowed: null,
  limitMode: "strict",
  homeGateway: "g",
  credentials: [pin],
  revoked: false,
  about: {},
} as const satisfies Asked["grant"];
const codes = { lengths: [6], digits: "123456789", forbiddenPrefixes: ["12"] };
const keypad = { id: "gate", reads: true } as const;
const scanner = { id: "gate", reads: true, kinds: ["pass"] } as const;
const nuki = { id: "flat", reads: false, codes } as const;
const timedNuki = { ...nuki, codes: { ...codes, windows: "range" } } as const;
const held = { ...noEvidence, state: "confirmed", change: "set", confirmedAt: noon, window } as const;
const asked: Asked = {
  at: noon,
  now: noon,
  grant,
  credential: pin,
  door: keypad,
  gateway: { inService: true, confirmed: true, silentSince: null },
  site: { zone: "Europe/Rome", lockdown: false, offlineMaxAgeMs: null },
  isBlacklisted: false,
  entries: undefined,
  evidence: noEvidence,
};
const inLock: Asked = { ...asked, door: nuki, evidence: held };
const silent = { ...asked.gateway, silentSince: noon - hour };
const hours = { windows: [{ days: [2], from: "08:00", until: "09:00" }] } as const;

const zone = "Europe/Rome";
/** Noon in Rome is 13:00 there, a Tuesday. */
const kept = { days: [2, 3], from: 12 * 60, until: 14 * 60 } as const;
const schedule = { windows: [{ days: [2, 3], from: "12:00", until: "14:00" }] } as const;
const keeper = { ...nuki, codes: { ...codes, hours: { native: "one-span", zone, openingsPerWeekMax: 0 } } } as const;
const keeping = {
  ...inLock,
  door: keeper,
  grant: { ...grant, schedule },
  evidence: { ...held, window: { ...window, hours: kept } },
} as const;
const writer = { ...nuki, codes: { ...codes, hours: { native: "none", openingsPerWeekMax: 2 } } } as const;
const today = { from: noon - hour, until: noon + hour } as const;
const written = { ...keeping, door: writer, evidence: { ...held, window: today } } as const;
const timed = { ...written, evidence: { ...held, window: null } } as const;
const later = { at: noon + 23 * hour } as const;
const evening = { at: noon + 2 * hour } as const;

const aMonth = 30 * 24 * hour;
const monthsAhead = { from: noon + aMonth, until: noon + aMonth + 2 * hour } as const;
const account = { ...pin, kind: "provider" } as const;
const studio = { id: "flat", reads: false, accounts: { capacity: 500 } } as const;
const member: Asked = {
  ...{ ...inLock, door: studio, credential: account, at: monthsAhead.from },
  ...{ grant: { ...grant, kind: "member", validity: monthsAhead }, evidence: { ...held, window: monthsAhead } },
};

for (const [what, given, answer, why] of [
  ["a member's account stands at the maker, months ahead", member, "yes", "in-lock"],
  ["a member's account is not there yet, months ahead", { ...member, evidence: noEvidence }, "unknown", "not-sent"],
  [
    "a member's account is not there, and its maker's is switched off",
    { ...member, evidence: noEvidence, isSwitchedOff: true },
    "unknown",
    "switched-off",
  ],
  ["one that stands there already goes on", { ...member, isSwitchedOff: true }, "yes", "in-lock"],
  [
    "a guest's account is put there as a PIN is",
    { ...member, grant: { ...member.grant, kind: "stay" }, evidence: noEvidence },
    "unknown",
    "not-due",
  ],
  [
    "a member's PIN at a maker's cloud is due as it is booked",
    {
      ...member,
      credential: pin,
      door: { ...timedNuki, codes: { ...timedNuki.codes, keptBy: "cloud" } },
      evidence: noEvidence,
    },
    "unknown",
    "not-sent",
  ],
  ["a PIN where the lock opens to accounts", { ...member, credential: pin }, "no", "no-way"],
  ["an account where the lock takes PINs", { ...member, door: nuki }, "no", "no-way"],
  [
    "an account that was taken away stands there yet",
    { ...member, grant: { ...member.grant, revoked: true } },
    "unknown",
    "still-in-lock",
  ],
  ["a lock keeps its hours, within them", keeping, "yes", "in-lock"],
  ["a lock keeps its hours, within the next ones", { ...keeping, ...later }, "yes", "in-lock"],
  ["a lock keeps its hours, outside of them", { ...keeping, ...evening, now: evening.at }, "no", "outside-hours"],
  [
    "a lock keeps other hours",
    { ...keeping, evidence: { ...held, window: { ...window, hours: { ...kept, days: [1] } } } },
    "unknown",
    "not-read-back",
  ],
  [
    "hours that the lock was not told yet, outside of them",
    { ...keeping, ...evening, now: evening.at, evidence: held },
    "unknown",
    "still-in-lock",
  ],
  [
    "hours that are under way to the lock, outside of them",
    { ...keeping, ...evening, now: evening.at, evidence: { ...keeping.evidence, state: "accepted" } },
    "unknown",
    "still-in-lock",
  ],
  ["hours that a lock cannot honour", { ...keeping, door: nuki }, "no", "not-kept"],
  ["written for its opening, within it", written, "yes", "in-lock"],
  ["written for its opening, after it", { ...written, ...evening, now: evening.at }, "no", "outside-hours"],
  ["written for its opening, in the next one", { ...written, ...later }, "unknown", "not-due"],
  [
    "written for its opening, in the next one, which has begun",
    { ...written, ...later, now: later.at },
    "unknown",
    "not-read-back",
  ],
  [
    "written for the next one already",
    { ...written, ...later, evidence: { ...held, window: { from: noon + 23 * hour, until: noon + 25 * hour } } },
    "yes",
    "in-lock",
  ],
  [
    "told to be missing in the next one",
    { ...written, ...later, evidence: { ...noEvidence, missing: { why: "no-room", at: noon } } },
    "unknown",
    "not-sent",
  ],
  [
    "taken out between two openings",
    { ...written, ...later, evidence: { ...held, state: "cleared" } },
    "unknown",
    "not-due",
  ],
  ["in the lock during each opening alone, within it", timed, "yes", "in-lock"],
  ["in the lock during each opening alone, in the next one", { ...timed, ...later }, "unknown", "not-due"],
  [
    "in the lock during each opening alone, and still there after it",
    { ...timed, ...evening, now: evening.at },
    "unknown",
    "still-in-lock",
  ],
  ["in the lock during each opening alone, later today", { ...timed, ...evening }, "no", "outside-hours"],
  ["the gateway knows it", asked, "yes", "gateway-knows"],
  [
    "the gateway has not confirmed it",
    { ...asked, gateway: { ...asked.gateway, confirmed: false } },
    "unknown",
    "gateway-behind",
  ],
  [
    "a revocation has not arrived",
    { ...asked, grant: { ...grant, revoked: true }, gateway: { ...asked.gateway, confirmed: false } },
    "unknown",
    "gateway-behind",
  ],
  ["it was revoked", { ...asked, grant: { ...grant, revoked: true } }, "no", "revoked"],
  ["the credential was revoked", { ...asked, credential: { ...pin, revoked: true } }, "no", "revoked"],
  ["on the blacklist", { ...asked, isBlacklisted: true }, "no", "blacklisted"],
  ["before it begins", { ...asked, at: window.from - 1 }, "no", "not-yet"],
  ["at its end", { ...asked, at: window.until }, "no", "ended"],
  ["outside of its hours", { ...asked, grant: { ...grant, schedule: hours } }, "no", "outside-hours"],
  ["another door", { ...asked, door: { id: "attic", reads: true } }, "no", "wrong-door"],
  ["a door nobody has reported", { ...asked, door: undefined }, "unknown", "gateway-gone"],
  [
    "a door of a gateway that does not say",
    { ...asked, door: { id: "gate", reads: undefined } },
    "unknown",
    "unreported",
  ],
  ["a scanner that reads passes alone", { ...asked, door: scanner }, "no", "no-way"],
  [
    "a pass at such a scanner",
    { ...asked, door: scanner, credential: { ...pin, kind: "pass" } },
    "yes",
    "gateway-knows",
  ],
  [
    "a PIN that the lock holds behind such a scanner",
    { ...inLock, door: { ...nuki, ...scanner, id: "flat" } },
    "yes",
    "in-lock",
  ],
  ["a door without reader and code", { ...asked, door: { id: "gate", reads: false } }, "no", "no-way"],
  ["a link, which no reader reads", { ...asked, credential: { ...pin, kind: "link" } }, "no", "no-way"],
  [
    "a link that a guest's page presents, at whatever door",
    { ...asked, credential: { ...pin, kind: "link" }, isFromAfar: true, door: { id: "gate", reads: undefined } },
    "yes",
    "gateway-knows",
  ],
  ["a lockdown", { ...asked, site: { ...asked.site, lockdown: true } }, "no", "lockdown"],
  [
    "a lockdown that may be over by then",
    { ...asked, at: noon + hour, site: { ...asked.site, lockdown: true } },
    "unknown",
    "lockdown",
  ],
  ["used up", { ...asked, entries: "none" }, "no", "used-up"],
  ["entries elsewhere", { ...asked, entries: "elsewhere" }, "unknown", "held-elsewhere"],
  [
    "entries elsewhere, lenient",
    { ...asked, grant: { ...grant, limitMode: "lenient" }, entries: "elsewhere" },
    "yes",
    "gateway-knows",
  ],
  ["silent, honoured without a limit of time", { ...asked, gateway: silent }, "yes", "gateway-knows"],
  [
    "silent, too long by then",
    { ...asked, at: noon + 30, gateway: silent, site: { ...asked.site, offlineMaxAgeMs: hour } },
    "unknown",
    "gateway-silent",
  ],
  [
    "silent, not too long by then",
    { ...asked, gateway: silent, site: { ...asked.site, offlineMaxAgeMs: hour } },
    "yes",
    "gateway-knows",
  ],
  [
    "a gateway that was revoked",
    { ...asked, gateway: { ...asked.gateway, inService: false } },
    "unknown",
    "gateway-gone",
  ],
  ["read back from the lock", inLock, "yes", "in-lock"],
  [
    "in the lock whose gateway is gone",
    { ...inLock, gateway: { ...asked.gateway, inService: false } },
    "yes",
    "in-lock",
  ],
  [
    "in the lock, in a lockdown, which it does not hear of",
    { ...inLock, site: { ...asked.site, lockdown: true } },
    "yes",
    "in-lock",
  ],
  [
    "in the lock with an older window",
    { ...inLock, evidence: { ...held, window: { ...window, until: noon } } },
    "unknown",
    "not-read-back",
  ],
  ["in the lock without a window", { ...inLock, evidence: { ...held, window: null } }, "yes", "in-lock"],
  ["accepted by the lock's maker", { ...inLock, evidence: { ...held, state: "accepted" } }, "unknown", "not-read-back"],
  ["sent", { ...inLock, evidence: { ...held, state: "sent" } }, "unknown", "not-read-back"],
  ["refused by the lock", { ...inLock, evidence: { ...held, state: "refused" } }, "unknown", "not-sent"],
  ["not sent, and it is time", { ...inLock, evidence: noEvidence }, "unknown", "not-sent"],
  [
    "not sent, two days before, to a lock that is told ahead",
    { ...inLock, now: window.from - 48 * hour, door: timedNuki, evidence: noEvidence },
    "unknown",
    "not-sent",
  ],
  [
    "not sent, an hour before, to a lock that knows no times",
    { ...inLock, now: window.from - hour, evidence: noEvidence },
    "unknown",
    "not-due",
  ],
  [
    "not sent, long before, to a lock that is told ahead",
    { ...inLock, now: window.from - 100 * hour, door: timedNuki, evidence: noEvidence },
    "unknown",
    "not-due",
  ],
  [
    "digits the lock does not take",
    { ...inLock, evidence: { ...noEvidence, missing: { why: "digits", at: noon } } },
    "no",
    "not-kept",
  ],
  ["no room", { ...inLock, evidence: { ...noEvidence, missing: { why: "no-room", at: noon } } }, "unknown", "not-sent"],
  ["a number of entries", { ...inLock, grant: { ...grant, entriesAllowed: 2 } }, "no", "not-kept"],
  ["revoked and still in the lock", { ...inLock, grant: { ...grant, revoked: true } }, "unknown", "still-in-lock"],
  [
    "revoked and read back as gone",
    { ...inLock, grant: { ...grant, revoked: true }, evidence: { ...held, state: "cleared" } },
    "no",
    "revoked",
  ],
  ["over, in a lock that knows windows", { ...inLock, at: window.until, now: window.until }, "no", "ended"],
  [
    "over, in a lock that knows none",
    { ...inLock, at: window.until, now: window.until, evidence: { ...held, window: null } },
    "unknown",
    "still-in-lock",
  ],
  [
    "its clearing was sent",
    { ...inLock, evidence: { ...held, state: "sent", change: "clear" } },
    "unknown",
    "still-in-lock",
  ],
  ["wiped from the lock", { ...inLock, evidence: { ...held, state: "cleared" } }, "no", "cleared"],
  [
    "a keypad of ours and a lock that keeps it: one is enough",
    { ...asked, door: { ...nuki, reads: true } },
    "yes",
    "gateway-knows",
  ],
] as const satisfies readonly (readonly [string, Asked, string, string])[])
  test(`${what}: ${answer}, ${why}`, () => {
    assert.deepEqual(willOpen(given), { answer, why });
  });

test("never yes for a lock without a read-back since the last change", () => {
  const stamp = {
    seq: 1,
    clock: "synced",
    boot: 1,
    mono: 0,
    device: "lock",
    grant: "grant-1",
    credential: "cred-1",
  } as const;
  const facts = { index: "x", window, ref: "7" } as const;
  const events: fc.Arbitrary<EvidenceEvent> = fc
    .constantFrom(
      { type: "code-sent", change: "set", ...facts } as const,
      { type: "code-sent", change: "clear", ...facts } as const,
      { type: "code-answered", result: "accepted" } as const,
      { type: "code-answered", result: "unknown" } as const,
      { type: "code-read", change: "set", state: "present", ...facts } as const,
      { type: "code-read", change: "clear", state: "present", ...facts } as const,
      { type: "code-read", change: "clear", state: "absent", ...facts } as const,
      { type: "code-missing", why: "late" } as const,
    )
    .map((body): EvidenceEvent => ({ ...stamp, at: noon, ...body }));
  fc.assert(
    fc.property(fc.array(events, { maxLength: 12 }), (all) => {
      const { answer } = willOpen({ ...inLock, evidence: codeEvidence(all) });
      const lastChange = all.findLastIndex(({ type }) => type === "code-sent");
      const isProven = all.slice(lastChange + 1).findLast(({ type }) => type === "code-read");
      if (answer === "yes")
        assert.ok(isProven?.type === "code-read" && isProven.state === "present" && isProven.change === "set");
    }),
    { seed: 11, numRuns: 2_000 },
  );
});

test("hours told in a way that nobody here knows prove nothing, and nothing fails", () => {
  const stamp = { seq: 1, clock: "synced", boot: 1, mono: 0, device: "lock", grant: "grant-1", credential: "cred-1" };
  const answerTo = (hours: unknown) => {
    const read = { ...stamp, at: noon, type: "code-read", change: "set", state: "present", index: "x", ref: "7" };
    const evidence = codeEvidence([{ ...read, window: { ...window, hours } } as EvidenceEvent]);
    return willOpen({ ...keeping, evidence });
  };
  assert.deepEqual(answerTo(kept), { answer: "yes", why: "in-lock" });
  for (const hours of [{}, { days: "2", from: 0, until: 1440 }, { days: [2], spans: [[0, 1440]] }, 7, "always"])
    assert.deepEqual(answerTo(hours), { answer: "unknown", why: "not-read-back" }, JSON.stringify(hours));
});

let cloud: TestCloud;
let gateway: TestGateway;
const clock = new HandClock();
before(async () => {
  cloud = await givenCloud({ clock });
  await cloud.ask("POST", "/api/sites", { id: "hill", name: "Hill", zone: "Europe/Rome" });
  gateway = await cloud.gateway("hill");
  const told = { ...codes, capacity: 10, windows: "range" };
  await gateway.report([
    { id: "gate", lock: "box", reads: true },
    { id: "flat", lock: "nuki", reads: false, codes: told },
  ]);
});
after(() => cloud.close());

test("over the API: from wanted to used, and the other door beside it", async () => {
  const order = {
    kind: "stay",
    holder: { name: "Ada" },
    accessPoints: ["gate", "flat"],
    from: new Date(window.from).toISOString(),
    until: new Date(window.until).toISOString(),
    entriesAllowed: null,
    credentials: [{ kind: "pin" }],
  };
  const made = (await cloud.ask("POST", "/api/sites/hill/grants", order)).body;
  const [{ id: credential, value }] = made.credentials;
  const path = `/api/sites/hill/grants/${made.id}/evidence`;
  const look = async (query = "") => {
    const { status, body, text } = await cloud.ask("GET", `${path}${query}`);
    assert.equal(status, 200, text);
    assert.ok(!text.includes(value), "no PIN is told");
    return body;
  };
  const brief = ({ codes }: { codes: { accessPoint: string; opens: { answer: string; why: string } }[] }) =>
    codes.map(({ accessPoint, opens }) => `${accessPoint} ${opens.answer} ${opens.why}`);

  assert.deepEqual(brief(await look()), ["gate unknown gateway-behind", "flat unknown not-sent"]);
  await gateway.catchUp();
  await gateway.poll();
  assert.deepEqual(brief(await look()), ["gate yes gateway-knows", "flat unknown not-sent"]);

  const facts = {
    device: "nuki",
    grant: made.id,
    credential,
    index: "x",
    window: { from: window.from, until: window.until },
  };
  const say = async (body: object) => {
    const seq = gateway.lines.length + 1;
    gateway.record({ at: clock.wall() + seq * 1_000, ...body });
    assert.equal((await gateway.push(seq)).body.outcome, "taken");
  };
  await say({ type: "code-sent", change: "set", ...facts });
  await say({ type: "code-answered", device: "nuki", grant: made.id, credential, result: "accepted" });
  assert.deepEqual(brief(await look("?accessPoint=flat")), ["flat unknown not-read-back"]);
  await say({ type: "code-read", change: "set", state: "present", ref: "31", ...facts });
  await say({ type: "opened-at-lock", device: "nuki", by: "code", code: "31", grant: made.id, credential });
  const [, flat] = (await look()).codes;
  assert.deepEqual(flat.opens, { answer: "yes", why: "in-lock", words: "it was read back from the lock" });
  const moments = ["sentAt", "acceptedAt", "confirmedAt", "usedAt"].map((name) => Date.parse(flat.code[name]));
  assert.deepEqual(
    moments.map((at) => at - clock.wall()),
    [1_000, 2_000, 3_000, 4_000],
  );
  assert.deepEqual(
    [flat.code.state, flat.code.clearedAt, flat.code.missing, flat.code.lock],
    ["confirmed", null, null, "nuki"],
  );
  assert.deepEqual(brief(await look(`?at=${new Date(window.until).toISOString()}`)), [
    "gate no ended",
    "flat no ended",
  ]);
  assert.deepEqual(brief(await look("?accessPoint=attic")), ["attic unknown gateway-gone"]);

  await cloud.ask("POST", `/api/sites/hill/grants/${made.id}/revoke`);
  assert.deepEqual(brief(await look()), ["gate unknown gateway-behind", "flat unknown still-in-lock"]);
  assert.equal((await cloud.ask("GET", `${path}?when=now`)).status, 400);
  assert.equal((await cloud.ask("GET", "/api/sites/hill/grants/grant-none/evidence")).status, 404);
});

test("a lock of the same name at another gateway proves nothing", async () => {
  const other = await cloud.gateway("hill");
  const told = { ...codes, capacity: 10, windows: "range" };
  await other.report([{ id: "barn", lock: "nuki", reads: false, codes: told }]);
  const order = {
    kind: "stay",
    holder: { name: "Bea" },
    accessPoints: ["flat", "barn"],
    from: new Date(window.from).toISOString(),
    until: new Date(window.until).toISOString(),
    entriesAllowed: null,
    credentials: [{ kind: "pin" }],
  };
  const made = (await cloud.ask("POST", "/api/sites/hill/grants", order)).body;
  const facts = { device: "nuki", grant: made.id, credential: made.credentials[0].id, index: "x", window };
  const at = clock.wall();
  gateway.record({ at, type: "code-sent", change: "set", ...facts });
  gateway.record({ at, type: "code-read", change: "set", state: "present", ref: "32", ...facts });
  const sent = await gateway.push(gateway.lines.length - 1);
  assert.equal(sent.body.outcome, "taken", sent.text);
  const { body } = await cloud.ask("GET", `/api/sites/hill/grants/${made.id}/evidence`);
  assert.deepEqual(
    body.codes.map((one: { accessPoint: string; opens: { why: string }; code: { state: string } }) => [
      one.accessPoint,
      one.opens.why,
      one.code.state,
    ]),
    [
      ["flat", "in-lock", "confirmed"],
      ["barn", "not-sent", "unsent"],
    ],
  );
});
