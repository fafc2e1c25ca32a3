/** What Nuki Web says, written by hand after the maker's description of its API, and what the driver makes of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { actions } from "../../../gateway/drivers/common/nuki.ts";
import { Openings } from "../../../gateway/drivers/common/openings.ts";
import { Proof } from "../../../gateway/drivers/nuki/proof.ts";
import { readCodes, toBody } from "../../../gateway/drivers/nuki/stored-code.ts";
import { type LogEntry, readLogEntries, readStatus } from "../../../gateway/drivers/nuki/wire.ts";
import { SecretString } from "../../../gateway/wire/secret.ts";
import fc from "../../support/fast-check.ts";

const smartlock = (state: object, serverState = 0) => ({
  smartlockId: 17340021,
  type: 4,
  name: "Front door",
  serverState,
  state: { mode: 2, trigger: 0, lastAction: 2, batteryCritical: false, nightMode: false, ...state },
});

for (const [state, bolt] of [
  [0, "unknown"],
  [1, "secured"],
  [2, "moving"],
  [3, "released"],
  [4, "moving"],
  [5, "released"],
  [6, "released"],
  [7, "moving"],
  [252, "unknown"],
  [253, "unknown"],
  [254, "jammed"],
  [255, "unknown"],
  [77, "unknown"],
] as const)
  test(`state ${state} is a bolt that is ${bolt}`, () => {
    assert.equal(readStatus(smartlock({ state }))?.bolt, bolt);
  });

for (const [doorState, told] of [
  [undefined, {}],
  [0, {}],
  [1, {}],
  [2, { door: "closed", tamper: false }],
  [3, { door: "open", tamper: false }],
  [4, { door: "unknown", tamper: false }],
  [240, { door: "unknown", tamper: true }],
] as const)
  test(`door state ${doorState} is ${JSON.stringify(told)}`, () => {
    const { door, tamper } = readStatus(smartlock({ state: 1, doorState })) ?? {};
    assert.deepEqual({ ...(door && { door }), ...(tamper !== undefined && { tamper }) }, told);
  });

test("a lock without a charge in percent says only when it is low", () => {
  assert.equal(readStatus(smartlock({ state: 1 }))?.battery, undefined);
  assert.equal(readStatus(smartlock({ state: 1, batteryCritical: true }))?.battery, 5);
  assert.equal(readStatus(smartlock({ state: 1, batteryCritical: true, batteryCharge: 18 }))?.battery, 18);
});

test("what is no lock is not read", () => {
  for (const body of [undefined, null, "<html>", [], { state: "locked" }, { state: { state: "1" } }])
    assert.equal(readStatus(body), undefined);
});

const entry = (overrides: object) => ({
  id: "65f0c0ffee",
  smartlockId: 17340021,
  deviceType: 4,
  name: "",
  action: 1,
  trigger: 0,
  state: 0,
  autoUnlock: false,
  date: "2031-03-04T12:00:00.000Z",
  ...overrides,
});

for (const [what, log, opened] of [
  ["a keypad code", { trigger: 255, source: 1, authId: "5f01" }, "code"],
  ["a keypad code, of a lock that names no source", { trigger: 255, authId: "5f01" }, "code"],
  ["a finger on the keypad", { trigger: 255, source: 2 }, "fingerprint"],
  ["a telephone held to the keypad", { trigger: 255, source: 3 }, "card"],
  ["the knob or the key", { trigger: 1 }, "hand"],
  ["its button", { trigger: 2 }, "hand"],
  ["the app", { trigger: 5 }, "app"],
  ["an unlatch by the app", { trigger: 5, action: 3 }, "app"],
  ["lock'n'go with the latch", { trigger: 2, action: 5 }, "hand"],
  ["a wrong code", { trigger: 255, source: 1, state: 224 }, undefined],
  ["a motor that was blocked", { trigger: 5, state: 1 }, undefined],
  ["locking", { trigger: 1, action: 2 }, undefined],
  ["the door", { trigger: 1, action: 240 }, undefined],
] as const)
  test(`the log: ${what} ${opened ? `opens by ${opened}` : "opens nothing"}`, () => {
    const [read] = readLogEntries([entry(log)]) ?? [];
    assert.equal(read?.isOpening ? read.by : undefined, opened);
  });

test("an entry that cannot be read hides no other, and what is no log is not read", () => {
  assert.deepEqual(
    readLogEntries([entry({ date: "yesterday" }), null, entry({ id: 7 })])?.map(({ id }) => id),
    ["7"],
  );
  assert.equal(readLogEntries({ message: "no" }), undefined);
});

const anEntry = (id: string, minute: number, overrides: Partial<LogEntry> = {}): LogEntry => ({
  id,
  date: Date.UTC(2031, 2, 4, 12, minute),
  action: actions.unlock,
  isOpening: true,
  by: "hand",
  isThroughWeb: false,
  ...overrides,
});

const now = Date.UTC(2031, 2, 4, 12, 5);

test("news of the log begins after the first reading, comes oldest first, once, and late entries are news as well", () => {
  const openings = new Openings(0);
  const first = [anEntry("b", 2), anEntry("a", 1)];
  const read = (entries: readonly LogEntry[]) => {
    const news = openings.newsOf(entries, now);
    for (const each of news) openings.take(each);
    return news.map(({ id }) => id);
  };
  assert.deepEqual(read(first), []);
  assert.deepEqual(read([anEntry("e", 5), anEntry("c", 3), ...first]), ["c", "e"]);
  assert.deepEqual(read([anEntry("e", 5), anEntry("d", 4), anEntry("c", 3), ...first]), ["d"]);
  assert.deepEqual(read([anEntry("e", 5), anEntry("older than the first", 0)]), []);
});

test("what was not taken is news again", () => {
  const openings = new Openings(0);
  openings.newsOf([], now);
  assert.equal(openings.newsOf([anEntry("a", 1)], now).length, 1);
  assert.equal(openings.newsOf([anEntry("a", 1)], now).length, 1);
});

test("what the lock dates before the start is no news, however late it hands it in", () => {
  const openings = new Openings(Date.UTC(2031, 2, 4, 12, 3));
  openings.newsOf([], now);
  assert.deepEqual(
    openings.newsOf([anEntry("b", 4), anEntry("a", 2)], now).map(({ id }) => id),
    ["b"],
  );
});

test("ten minutes old it is late, but not what was in time and could not be told", () => {
  const openings = new Openings(0);
  const [early, later] = [anEntry("a", 1), anEntry("b", 2)];
  openings.newsOf([], now);
  openings.newsOf([early], early.date + 600_000);
  assert.ok(!openings.isLate(early));
  openings.newsOf([later, early], later.date + 600_001);
  assert.deepEqual([openings.isLate(early), openings.isLate(later)], [false, true]);
});

test("an own command accounts for one entry of its action through the web, within ten minutes", () => {
  const openings = new Openings(0);
  const web = anEntry("a", 1, { isThroughWeb: true, by: "app" });
  openings.noteOwn(actions.unlock, 0);
  assert.ok(openings.isOpening(anEntry("b", 1), 1), "a hand is not ours");
  assert.ok(openings.isOpening({ ...web, action: actions.unlatch }, 1), "another action is not ours");
  assert.ok(!openings.isOpening(web, 1));
  assert.ok(openings.isOpening(web, 1), "it was given once");
  openings.noteOwn(actions.unlock, 0);
  assert.ok(openings.isOpening(web, 600_000), "too late");
});

const { unlock, lock, unlatch } = actions;
for (const [action, before, states, isProven] of [
  [unlatch, "secured", [[3, 0]], true],
  [unlatch, "secured", [[1, 9_000]], false],
  [unlatch, "secured", [[7, 0]], false],
  [unlatch, "released", [[3, 9_000]], false],
  [unlatch, "released", [[5, 0]], true],
  [
    unlatch,
    "released",
    [
      [7, 0],
      [3, 3_000],
    ],
    true,
  ],
  [unlatch, undefined, [[3, 0]], true],
  [unlock, "secured", [[3, 0]], true],
  [unlock, "released", [[3, 4_999]], false],
  [unlock, "released", [[3, 5_000]], true],
  [unlock, "secured", [[254, 9_000]], false],
  [lock, "released", [[1, 0]], true],
  [lock, "secured", [[1, 4_999]], false],
  [lock, "secured", [[1, 5_000]], true],
  [lock, "released", [[4, 0]], false],
] as const)
  test(`action ${action} on a bolt ${before}: states ${JSON.stringify(states)} ${isProven ? "prove it" : "prove nothing"}`, () => {
    const proof = new Proof(action, before);
    const shown = states.map(([state, sinceMs]) => proof.shows(readStatus(smartlock({ state }))!, sinceMs));
    assert.equal(shown.at(-1), isProven);
  });

const auth = (overrides: object) => ({
  id: "5f0000000000000000000001",
  smartlockId: 17340021,
  authId: 3,
  type: 13,
  name: "guest",
  code: 345678,
  enabled: true,
  remoteAllowed: false,
  lockCount: 2,
  ...overrides,
});
const from = Date.UTC(2031, 2, 4, 14);
const until = Date.UTC(2031, 2, 6, 11);
const range = { allowedFromDate: "2031-03-04T14:00:00.000Z", allowedUntilDate: "2031-03-06T11:00:00.000Z" };

for (const [what, fields, window] of [
  ["nothing", {}, null],
  ["null", { allowedFromDate: null, allowedUntilDate: null, allowedWeekDays: null }, null],
  ["a range", range, { from, until }],
  ["a beginning", { allowedFromDate: range.allowedFromDate }, { from, until: 8.64e15 }],
  ["an end", { allowedUntilDate: range.allowedUntilDate }, { from: 0, until }],
  ["all days and hours", { ...range, allowedWeekDays: 127, allowedFromTime: 0, allowedUntilTime: 0 }, { from, until }],
  [
    "all days until the last minute",
    { ...range, allowedWeekDays: 0, allowedFromTime: 0, allowedUntilTime: 1439 },
    { from, until },
  ],
  [
    "Monday and Tuesday",
    { ...range, allowedWeekDays: 96 },
    { from, until, hours: { days: [1, 2], from: 0, until: 1440 } },
  ],
  [
    "Sunday morning",
    { ...range, allowedWeekDays: 1, allowedFromTime: 480, allowedUntilTime: 750 },
    { from, until, hours: { days: [7], from: 480, until: 750 } },
  ],
  [
    "some hours",
    { allowedFromTime: 480, allowedUntilTime: 1020 },
    { from: 0, until: 8.64e15, hours: { days: [1, 2, 3, 4, 5, 6, 7], from: 480, until: 1020 } },
  ],
  [
    "hours over midnight",
    { ...range, allowedFromTime: 1320, allowedUntilTime: 360 },
    { from, until, hours: { days: [1, 2, 3, 4, 5, 6, 7], from: 1320, until: 360 } },
  ],
  ["that it is off", { ...range, enabled: false }, { from: 0, until: 0 }],
] as const)
  test(`a code that says ${what} has the window ${JSON.stringify(window)}`, () => {
    const [code] = readCodes([auth(fields)], (digits) => `<${digits.length}>`) ?? [];
    assert.deepEqual(code?.window, window);
    assert.equal(code?.index, "<6>");
  });

test("other permissions are left out, digits that are not told are masked, an operation is pending", () => {
  const body = [
    { id: "1", type: 0, name: "Nuki Web" },
    auth({ code: undefined, name: null, operationId: { timestamp: 1 } }),
    auth({ id: "2", operationId: null }),
  ];
  const codes = readCodes(body, () => "index");
  assert.deepEqual(codes, [
    { ref: "5f0000000000000000000001", index: "masked", window: null, pending: true, authId: 3 },
    { ref: "2", index: "index", label: "guest", window: null, authId: 3 },
  ]);
});

test("one code that cannot be read makes the list unreadable", () => {
  for (const body of [undefined, {}, [null], [auth({}), auth({ id: 7 })], [auth({ allowedFromDate: "soon" })]])
    assert.equal(
      readCodes(body, () => "index"),
      undefined,
    );
});

test("a code is written as the maker takes it: a number, dates in UTC, null where a window goes", () => {
  const code = { label: "guest", digits: new SecretString("345678") };
  assert.deepEqual(toBody({ ...code, window: { from, until } }), { name: "guest", code: 345678, ...range });
  assert.deepEqual(toBody(code), { name: "guest", code: 345678 });
  const none = { allowedFromDate: null, allowedUntilDate: null };
  const anyHour = { allowedWeekDays: 127, allowedFromTime: 0, allowedUntilTime: 0 };
  assert.deepEqual(toBody({ ...code, ref: "5f01" }), { name: "guest", code: 345678, ...none, ...anyHour });
  assert.deepEqual(toBody({ ...code, ref: "5f01", window: { from, until } }), {
    ...{ name: "guest", code: 345678 },
    ...range,
    ...anyHour,
  });
});

for (const [what, days, span, fields] of [
  ["Monday", [1], [540, 1_020], { allowedWeekDays: 64, allowedFromTime: 540, allowedUntilTime: 1_020 }],
  ["Tuesday to Saturday", [2, 3, 4, 5, 6], [0, 1], { allowedWeekDays: 62, allowedFromTime: 0, allowedUntilTime: 1 }],
  ["Sunday, all of it", [7], [0, 1_440], { allowedWeekDays: 1, allowedFromTime: 0, allowedUntilTime: 0 }],
] as const)
  test(`weekly hours are written as the maker counts days and minutes: ${what}`, () => {
    const hours = { days, from: span[0], until: span[1] };
    const code = { label: "guest", digits: new SecretString("345678"), window: { from, until, hours } };
    assert.deepEqual(toBody(code), { name: "guest", code: 345678, ...range, ...fields });
  });

test("whatever hours are written are read back as they are", () => {
  const days = fc.subarray([1, 2, 3, 4, 5, 6, 7] as const, { minLength: 1 });
  const span = fc.record({ from: fc.nat(1_437), length: fc.integer({ min: 1, max: 1_438 }) });
  fc.assert(
    fc.property(days, span, (some, { from: opens, length }) => {
      const hours = { days: some, from: opens, until: Math.min(opens + length, 1_438) };
      if (hours.from >= hours.until) return;
      const body = toBody({ label: "x", digits: new SecretString("345678"), window: { from, until, hours } });
      assert.deepEqual(readCodes([auth(body)], () => "index")?.[0]?.window, { from, until, hours });
    }),
  );
});

test("whatever comes is read or not, and never thrown back", () => {
  const fields = fc.constantFrom(
    "id",
    "type",
    "code",
    "state",
    "serverState",
    "date",
    "action",
    "allowedFromDate",
    "authId",
  );
  const values = fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.constantFrom(13, 0, -0, 1e308, "9999-99-99", "5f01"));
  const bodies = fc.oneof(fc.jsonValue(), fc.dictionary(fields, values), fc.array(fc.dictionary(fields, values)));
  fc.assert(
    fc.property(bodies, (body) => {
      readStatus(body);
      readLogEntries(body);
      readCodes(body, () => "index");
    }),
    { numRuns: 500 },
  );
});
