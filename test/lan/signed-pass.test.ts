/** A signed pass at two gates that see each other and have both never heard of it: its entries go over the LAN like any others. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { presentCredential } from "../../gateway/flows/present-credential.ts";
import { readCredential } from "../../gateway/flows/read-credential.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { aSignedPass, passKeys } from "../support/signed-passes.ts";
import { aSite, siteRow } from "../support/site-fixture.ts";
import { Neighbour, peerRow } from "./neighbours.ts";

async function twoGates(t: TestContext, visitor: number | null = null) {
  const [west, east] = await Promise.all(["west", "east"].map((id) => Neighbour.start(t, id)));
  const site = aSite({ passKeys, offlineMaxAgeMs: { ...aSite().offlineMaxAgeMs, visitor } });
  const cards = [west!, east!].map((gate) => peerRow(gate.card()));
  for (const gate of [west!, east!]) await gate.hear(siteRow(site), ...cards);
  return { west: west!, east: east! };
}

function ofWest(entries: number | null): string {
  const now = systemClock.wall();
  return aSignedPass({
    home: { gateway: "west", epoch: 1 },
    entries,
    accessPoints: ["west-door-0", "east-door-0"],
    validity: { from: now - 60_000, until: now + 3_600_000 },
  });
}

async function show({ site: { parts }, id }: Neighbour, text: string): Promise<string | undefined> {
  const request = { accessPoint: `${id}-door-0`, presented: readCredential(parts, "pass", text) };
  const outcome = await presentCredential(parts, request, undefined);
  return outcome?.outcome === "denied" ? outcome.reason : outcome?.outcome;
}

test("one of three entries opens its home; another gate gets what is left of it, once each", async (t) => {
  const { west, east } = await twoGates(t);
  const text = ofWest(3);
  assert.equal(await show(east, text), "HELD_AT_OTHER_GATE", "its home has not heard of it, and gives nothing");
  assert.equal(await show(west, text), "released");
  assert.equal(await show(east, text), "released");
  assert.equal(await show(east, text), "released");
  for (const gate of [west, east]) assert.notEqual(await show(gate, text), "released");
  assert.deepEqual([west.releases, east.releases], [1, 2]);
  assert.deepEqual(await west.events(), ["admitted", "rights-sent", "rights-sent", "denied"]);
});

test("shown at both at once, again and again: never one entry too many", async (t) => {
  const { west, east } = await twoGates(t);
  const text = ofWest(5);
  for (let round = 0; round < 6; round += 1)
    await Promise.all([west, east, east, west].map((gate) => show(gate, text)));
  assert.equal(west.releases + east.releases, 5);
});

test("without a limit nothing goes over: it opens its home alone", async (t) => {
  const { west, east } = await twoGates(t);
  assert.equal(await show(west, ofWest(null)), "released");
  assert.equal(await show(east, ofWest(null)), "HELD_AT_OTHER_GATE");
});
