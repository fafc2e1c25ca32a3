/** What no lock could honour is refused when a grant is made, and a PIN is one that all its locks take. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Door, findImpossible, findUnfit, pinShapeOf } from "../../cloud-sync/domain/doors.ts";
import { makePin, type PinShape, pinDigits, usualShape } from "../../cloud-sync/domain/pin-policy.ts";
import { takes } from "../../gateway/domain/lock-code.ts";
import type { WeeklySchedule } from "../../gateway/domain/schedule.ts";
import type { ToldHours } from "../../gateway/domain/week-hours.ts";
import { givenCloud, type TestCloud } from "../support/cloud.ts";
import fc from "../support/fast-check.ts";

const six: PinShape = { lengths: [6], digits: "123456789", forbiddenPrefixes: ["12"] };
const seven: PinShape = { lengths: [7], digits: "0123456789", forbiddenPrefixes: [] };
const keypad: Door = { id: "gate", reads: true };
const silent: Door = { id: "old", reads: undefined };
const nuki: Door = { id: "flat", reads: false, codes: six };
const tuya: Door = { id: "shed", reads: false, codes: seven };
const scanner: Door = { id: "yard", reads: true, kinds: ["pass"] };
const ring: Door = { id: "porch", reads: false };
const studio: Door = { ...ring, id: "studio", noCodes: "it opens to members", accounts: { capacity: 500 } };
const account = { entriesAllowed: null, credentials: [{ kind: "provider" }] } as const;
const intercom: Door = { ...ring, id: "street", noCodes: "PINs are not possible on this lock: its maker has none" };
/** No PIN is left, although no digit is forbidden to begin one. */
const closed: PinShape = { lengths: [6], digits: "34", forbiddenPrefixes: ["33", "34", "43", "44"] };
const pin = { entriesAllowed: null, credentials: [{ kind: "pin" }] } as const;
const hours = { windows: [{ days: [1], from: "08:00", until: "09:00" }] } as const;
const validity = { from: Date.UTC(2031, 2, 5, 10), until: Date.UTC(2031, 2, 6, 10) };
const zone = "Europe/Rome";
const wanted = (windows: WeeklySchedule["windows"] = hours.windows) => ({ schedule: { windows }, validity, zone });
const nightly = wanted([{ days: [1, 2, 3], from: "22:00", until: "06:00" }]);
/** The same lock with what it says of hours. */
const knowing = (told: ToldHours): Door => ({ ...nuki, codes: { ...six, hours: told } });

for (const [what, doors, order, field, why] of [
  [
    "a PIN where a reader asks the gateway",
    [keypad, silent],
    { ...pin, entriesAllowed: 3, hours: wanted() },
    undefined,
  ],
  ["a PIN for a lock that keeps it", [nuki], pin, undefined],
  ["a PIN where nothing can take one", [keypad, ring], pin, "accessPoints[1]", /PINs are not possible at porch/],
  [
    "a PIN where the lock says why it can hold none",
    [intercom],
    pin,
    "accessPoints[0]",
    /^nothing at street reads PINs, and PINs are not possible on this lock: its maker has none; leave it out/,
  ],
  ["a PIN that something reads, whatever the lock can", [{ ...intercom, reads: true }], pin, undefined],
  ["a PIN where only passes are read", [keypad, scanner], pin, "accessPoints[1]", /PINs are not possible at yard/],
  [
    "a PIN or a pass where only passes are read",
    [scanner],
    { ...pin, credentials: [{ kind: "pin" }, { kind: "pass" }] },
    undefined,
  ],
  [
    "a card where only passes are read",
    [scanner],
    { ...pin, credentials: [{ kind: "card" }] },
    "accessPoints[0]",
    /reads a card/,
  ],
  ["a PIN that a lock keeps behind a scanner for passes", [{ ...scanner, codes: six }], pin, undefined],
  [
    "hours that such a lock does not know",
    [{ ...scanner, codes: six }],
    { ...pin, hours: wanted() },
    "schedule",
    /the lock of yard/,
  ],
  [
    "a pass where nothing reads it",
    [nuki],
    { ...pin, credentials: [{ kind: "pass" }] },
    "accessPoints[0]",
    /reads a pass/,
  ],
  ["a limit that a lock cannot count", [nuki], { ...pin, entriesAllowed: 1 }, "entriesAllowed", /the lock of flat/],
  [
    "hours that a lock does not know",
    [keypad, nuki],
    { ...pin, hours: wanted() },
    "schedule",
    /the lock of flat opens by itself and knows no weekly hours; leave out/,
  ],
  [
    "hours that a lock keeps by itself",
    [knowing({ native: "one-span", zone, openingsPerWeekMax: 0 })],
    { ...pin, hours: wanted() },
    undefined,
  ],
  [
    "hours by the clock of another zone, without leave to write them",
    [knowing({ native: "one-span", zone: "Europe/Lisbon", openingsPerWeekMax: 0 })],
    { ...pin, hours: wanted() },
    "schedule",
    /knows no weekly hours/,
  ],
  [
    "hours that it may be written for",
    [knowing({ native: "none", openingsPerWeekMax: 3 })],
    { ...pin, hours: nightly },
    undefined,
  ],
  [
    "hours that it would be written for too often",
    [knowing({ native: "none", openingsPerWeekMax: 2 })],
    { ...pin, hours: nightly },
    "schedule",
    /opens by itself and may be written for 2 openings a week: this schedule has 3 openings a week; leave out/,
  ],
  [
    "hours that it neither keeps nor may be written for",
    [knowing({ native: "one-span", zone, openingsPerWeekMax: 2 })],
    { ...pin, hours: nightly },
    "schedule",
    /keeps one span of hours on some days, or may be written for 2 openings a week: this schedule has 3/,
  ],
  [
    "hours kept in a way that nobody here knows",
    [knowing({ native: "anything", zone, openingsPerWeekMax: 0 })],
    { ...pin, hours: wanted() },
    "schedule",
    /knows no weekly hours/,
  ],
  ["an account where the lock opens to those", [studio], account, undefined],
  [
    "an account where no lock opens to any",
    [studio, nuki],
    account,
    "accessPoints[1]",
    /the lock of flat opens to no accounts of its maker; leave it out/,
  ],
  [
    "an account beside a PIN, each at its lock",
    [studio, nuki],
    { ...pin, credentials: [...pin.credentials, ...account.credentials] },
    undefined,
  ],
  [
    "a PIN where a lock opens to accounts",
    [studio],
    pin,
    "accessPoints[0]",
    /nothing at studio reads PINs, and it opens to members/,
  ],
  [
    "a limit at a lock that opens to accounts",
    [studio],
    { ...account, entriesAllowed: 1 },
    "entriesAllowed",
    /counts no entries/,
  ],
  [
    "hours at a lock that opens to accounts",
    [studio],
    { ...account, hours: wanted() },
    "schedule",
    /knows no weekly hours/,
  ],
  [
    "a link opens what nothing reads",
    [ring, nuki],
    { entriesAllowed: 1, credentials: [{ kind: "pin" }, { kind: "link" }] },
    undefined,
  ],
] as const)
  test(`${what}: ${field ?? "possible"}`, () => {
    const found = findImpossible(doors, order);
    assert.equal(found?.field, field);
    if (why) assert.match(found?.why ?? "", why);
  });

test("a PIN fits every lock of its grant, and hides what no lock demands", () => {
  assert.deepEqual(pinShapeOf([keypad, ring, silent]), usualShape);
  assert.deepEqual(pinShapeOf([keypad, nuki]), six);
  assert.deepEqual(pinShapeOf([tuya]), { lengths: [7], digits: "123456789", forbiddenPrefixes: ["12"] });
  const none = pinShapeOf([nuki, keypad, tuya]);
  assert.ok("why" in none);
  assert.equal(none.field, "accessPoints[2]");
  assert.match(none.why, /the lock of shed takes 7 digits, that of flat 6 digits of 123456789, not beginning with 12/);
  for (const odd of [
    { ...six, lengths: [3] },
    { ...six, digits: "7" },
    { ...six, digits: "12", forbiddenPrefixes: ["1", "2"] },
  ])
    assert.ok("why" in pinShapeOf([{ id: "odd", reads: false, codes: odd }]));
});

test("a PIN or a length that was named is refused by the lock that does not take it", () => {
  assert.equal(findUnfit([nuki], { value: "458723" }, "c"), undefined);
  assert.equal(findUnfit([nuki], { value: "120000" }, "c")?.field, "c.value");
  assert.equal(findUnfit([tuya], { length: 6 }, "c")?.field, "c.length");
  assert.equal(findUnfit([keypad, ring], { length: 4 }, "c"), undefined);
});

test("whatever the locks, a PIN that is made is one that all of them take", () => {
  const shapes = fc.record({
    lengths: fc.uniqueArray(fc.integer({ min: 4, max: 10 }), { minLength: 1 }),
    digits: fc.uniqueArray(fc.constantFrom(..."0123456789"), { minLength: 2 }).map((digits) => digits.join("")),
    forbiddenPrefixes: fc.array(fc.stringMatching(/^\d{2,3}$/), { maxLength: 3 }),
  });
  fc.assert(
    fc.property(fc.array(shapes, { maxLength: 3 }), fc.nat(1_000), (codes, live) => {
      const shape = pinShapeOf(codes.map((one, index) => ({ id: `door-${index}`, reads: false, codes: one })));
      if ("why" in shape) return;
      let seed = 7;
      const made = makePin(pinDigits(live, shape), shape, (bound) => {
        seed = (seed * 48_271) % 2_147_483_647;
        return seed % bound;
      });
      // Hardly a PIN is left, or by bad luck none was drawn.
      if (made === undefined) return;
      assert.ok(
        codes.every((one) => takes(one, made)),
        `${made} of ${JSON.stringify(shape)}`,
      );
    }),
    { seed: 4 },
  );
});

test("prefixes that leave no PIN keep nobody busy", () => {
  const shape = pinShapeOf([{ id: "odd", reads: false, codes: closed }]);
  assert.ok(!("why" in shape));
  assert.equal(
    makePin(6, shape, (bound) => bound - 1),
    undefined,
  );
});

test("a PIN grows with the live codes, as far as the locks let it", () => {
  assert.equal(pinDigits(1), 6);
  assert.equal(pinDigits(101), 7);
  assert.equal(pinDigits(101, { lengths: [6, 8] }), 8);
  assert.equal(pinDigits(101, { lengths: [4, 6] }), 6);
  assert.equal(pinDigits(1, { lengths: [4] }), 4);
  assert.equal(pinDigits(1, usualShape, 8), 8);
});

const cellar: ToldHours = { native: "one-span", zone, openingsPerWeekMax: 1 };

let cloud: TestCloud;
before(async () => {
  cloud = await givenCloud();
  await cloud.ask("POST", "/api/sites", { id: "hill", name: "Hill", zone: "Europe/Rome" });
  const gateway = await cloud.gateway("hill");
  const point = ({ id, reads, kinds, codes, noCodes }: Door) => ({
    id,
    lock: `${id}-lock`,
    reads,
    ...(kinds && { kinds }),
    ...(noCodes !== undefined && { noCodes }),
    ...(codes && { codes: { ...codes, capacity: 10, windows: "range" } }),
  });
  await gateway.report(
    [
      keypad,
      nuki,
      tuya,
      ring,
      intercom,
      scanner,
      { ...knowing(cellar), id: "cellar" },
      { id: "odd", reads: false, codes: closed },
    ].map(point),
  );
});
after(() => cloud.close());

const order = (accessPoints: readonly string[], more: object = {}) =>
  cloud.ask("POST", "/api/sites/hill/grants", {
    kind: "temporary",
    holder: { name: "Ada" },
    accessPoints,
    from: "2031-03-05T10:00:00Z",
    until: "2031-03-06T10:00:00Z",
    entriesAllowed: null,
    credentials: [{ kind: "pin" }],
    ...more,
  });

for (const [what, accessPoints, more, field] of [
  ["for a lock that keeps no PIN", ["gate", "porch"], {}, "body.accessPoints[1]"],
  ["for a lock that can hold none", ["street"], {}, "body.accessPoints[0]"],
  ["for a scanner that reads no PIN", ["gate", "yard"], {}, "body.accessPoints[1]"],
  ["for locks that share no PIN", ["flat", "shed"], {}, "body.accessPoints[1]"],
  [
    "with a PIN its lock does not take",
    ["gate", "flat"],
    { credentials: [{ kind: "pin", value: "123456" }] },
    "body.credentials[0].value",
  ],
  [
    "with a length its lock does not take",
    ["shed"],
    { credentials: [{ kind: "pin", length: 6 }] },
    "body.credentials[0].length",
  ],
  ["with a limit its lock cannot count", ["flat"], { entriesAllowed: 2 }, "body.entriesAllowed"],
  ["with hours its lock does not know", ["flat"], { schedule: hours }, "body.schedule"],
  ["with hours its lock would be written for too often", ["cellar"], { schedule: nightly.schedule }, "body.schedule"],
] as const)
  test(`a grant ${what} is refused, and no code is kept for it`, async () => {
    const { status, body } = await order(accessPoints, more);
    assert.equal(status, 400, JSON.stringify(body));
    assert.deepEqual(
      body.errors.map((one: { field: string }) => one.field),
      [field],
    );
  });

test("a grant's PIN has the length its lock wants, and a limit that comes later is refused as one at first", async () => {
  const made = await order(["gate", "shed"]);
  assert.match(made.body.credentials[0].value, /^[1-9]{7}$/);
  const path = `/api/sites/hill/grants/${made.body.id}`;
  const limited = await cloud.ask("PATCH", path, { entriesAllowed: 1 });
  assert.deepEqual([limited.status, limited.body.errors?.[0]?.field], [400, "body.entriesAllowed"]);
  assert.equal((await cloud.ask("PATCH", path, { until: "2031-03-07T10:00:00Z" })).status, 200);
});

test("hours that a lock keeps are taken, and what it can do with them is told", async () => {
  const made = await order(["gate", "cellar"], { schedule: hours });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const { body } = await cloud.ask("GET", "/api/sites/hill/access-points");
  const found = body.items.find(({ id }: { id: string }) => id === "cellar");
  assert.deepEqual(found.codes.hours, cellar);
});

test("a lock that leaves no PIN is told so, and does not stop the cloud", async () => {
  const { status, body } = await order(["odd"]);
  assert.deepEqual([status, body.errors?.[0]?.field], [409, "body.credentials[0].length"], JSON.stringify(body));
});
