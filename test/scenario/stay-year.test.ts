/** Six weeks of an owner's year, see ../year/owner-year.ts; the whole of it is `npm run year`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { liveYear } from "../year/owner-year.ts";

test("a year: by count, nobody stands at the door, no code outlives its stay, no source locks anybody out", async () => {
  const { wrong } = await liveYear();
  assert.deepEqual(wrong, []);
});
