/** Which entries of a maker's log are news: each once, however busy the door. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type LoggedEntry, Openings } from "../../../gateway/drivers/common/openings.ts";

const noon = Date.UTC(2031, 2, 4, 12);
const entry = (no: number): LoggedEntry => ({
  id: `entry-${no}`,
  date: noon + no * 100,
  action: 1,
  isOpening: true,
  isThroughWeb: false,
});
/** Newest first, as makers list them. */
const log = (count: number) => Array.from({ length: count }, (_, no) => entry(no)).toReversed();

test("each entry is told once, also where one answer brings a thousand", () => {
  const openings = new Openings(noon);
  assert.deepEqual(openings.newsOf([], noon), []);
  const told: string[] = [];
  for (const count of [900, 1_000, 1_000, 1_000])
    for (const one of openings.newsOf(log(count), noon + count * 100)) {
      told.push(one.id);
      openings.take(one);
    }
  assert.deepEqual(
    told,
    log(1_000)
      .map(({ id }) => id)
      .toReversed(),
  );
});

test("one entry of a clock that was in the future does not silence the others", () => {
  const openings = new Openings(noon);
  const future = { ...entry(1), id: "future", date: noon + 365 * 24 * 3_600_000 };
  assert.deepEqual(openings.newsOf([future], noon + 50), []);
  assert.deepEqual(
    openings.newsOf([future, entry(2)], noon + 200).map(({ id }) => id),
    ["entry-2"],
  );
});
