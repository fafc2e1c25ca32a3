/** Which known booking a told one is: codes and UIDs come, go and are given away again, and the guest is the same or is not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Recognisable, recognise } from "../../cloud-sync/domain/recognise-bookings.ts";

function one(text: string): Recognisable {
  const [name = "", arrival = "", departure = "", code = "-", uid = "-", off] = text.split(" ");
  const mayBeBlock = name === "Nobody";
  const value = (word: string) => (word === "-" ? null : word);
  const names = { code: value(code), uid: value(uid) };
  const externalId = names.code ?? names.uid ?? `${name}-${arrival}`;
  return { externalId, ...names, days: { arrival, departure }, guest: { name }, mayBeBlock, isOff: off === "off" };
}

for (const [what, known, told, found] of [
  ["the same code: moved", ["Ada 04 08 HM1 u1"], ["Ada 20 24 HM1 u1"], [0]],
  ["the same code under another UID and name", ["Ada 04 08 HM1 u1"], ["Bob 04 08 HM1 u9"], [0]],
  ["the same UID with other dates: moved", ["Ada 04 08 - u1"], ["Ada 20 24 - u1"], [0]],
  ["the same UID, the name corrected", ["Ada 04 08 - u1"], ["Adah 04 08 - u1"], [0]],
  ["the same UID, and the code is known now", ["Ada 04 08 - u1"], ["Ada 04 08 HM1 u1"], [0]],
  ["the same UID for somebody else at another time", ["Ada 04 08 - u1"], ["Bob 20 24 - u1"], [undefined]],
  ["the same UID and another code: somebody else", ["Ada 04 08 HM1 u1"], ["Ada 04 08 HM2 u1"], [undefined]],
  ["another UID, the same dates and name", ["Ada 04 08 - u1"], ["Ada 04 08 - u2"], [0]],
  ["another UID, dates that overlap: extended", ["Ada 04 08 - u1"], ["Ada 06 10 - u2"], [0]],
  ["another UID, the same name a week later", ["Ada 04 08 - u1"], ["Ada 11 15 - u2"], [undefined]],
  ["another UID, arriving as the other leaves", ["Ada 04 08 - u1"], ["Ada 08 12 - u2"], [undefined]],
  [
    "two of one name: each is the one of its days",
    ["Ada 04 08 - u1", "Ada 06 12 - u2"],
    ["Ada 06 12 - u8", "Ada 04 08 - u9"],
    [1, 0],
  ],
  ["one known, two told: one of them is new", ["Ada 04 08 - u1"], ["Ada 05 09 - u2", "Ada 04 08 - u3"], [undefined, 0]],
  ["nobody's name, other days that overlap: somebody else", ["Nobody 04 08 - u1"], ["Nobody 06 10 - u2"], [undefined]],
  ["nobody's name, the same arrival: extended", ["Nobody 04 08 - u1"], ["Nobody 04 10 - u2"], [0]],
  [
    "cancelled, and somebody of the same name takes the days",
    ["Reserved 04 08 - u1 off"],
    ["Reserved 04 08 - u2"],
    [undefined],
  ],
  [
    "cancelled, and its UID is given to somebody else of the same days",
    ["Ada 04 08 - u1 off"],
    ["Bob 04 08 - u1"],
    [undefined],
  ],
  ["cancelled and told again under its UID", ["Ada 04 08 - u1 off"], ["Ada 04 08 - u1"], [0]],
  [
    "a booking of a source with its own numbers is known by them alone",
    ["Ada 04 08"],
    ["Ada 04 08", "Ada 05 08"],
    [0, undefined],
  ],
] as const)
  test(what, () => {
    const [before, now] = [known.map(one), told.map(one)];
    const matches = recognise(before, now);
    assert.deepEqual(
      now.map((each) => matches.get(each) && before.indexOf(matches.get(each)!)),
      found.map((index) => index),
    );
  });

test("five thousand of one name are told apart in no time that anybody waits for", () => {
  const many = Array.from({ length: 5_000 }, (_, number) => {
    const day = (at: number) => Temporal.PlainDate.from("2031-01-01").add({ days: at }).toString();
    return one(`Reserved ${day(2 * number)} ${day(2 * number + 1)} - u${number}`);
  });
  const renewed = many.map((each) => ({ ...each, uid: `new-${each.uid}` })).toReversed();
  const matches = recognise(many, renewed);
  assert.ok(renewed.every((each) => matches.get(each)?.days.arrival === each.days.arrival));
});
