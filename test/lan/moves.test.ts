/** Entries of a limited grant move between gateways that see each other, over real TLS, while no cloud answers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startInternet } from "../../firmware-sim/internet.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { until } from "../support/until.ts";
import { aSiteOf, peerRow } from "./neighbours.ts";

test("an entry held at one gateway opens a door of another, once", async (t) => {
  const [west, east] = await aSiteOf(t, ["west", "east"]);

  assert.equal(await east!.present(), "released");
  assert.equal(await east!.present(), "LIMIT_REACHED");
  assert.equal(await west!.present(), "HELD_AT_OTHER_GATE");
  // It gave the entry away itself, so it can tell where to go.
  assert.equal(west!.heldAt, "east");

  assert.deepEqual(await west!.events(), ["rights-sent", "denied"]);
  assert.deepEqual(await east!.events(), ["rights-received", "admitted", "denied"]);
  assert.deepEqual([west!.releases, east!.releases], [0, 1]);
});

test("a guard's word that is sent again takes no other entry away from where it is", async (t) => {
  const [west, east] = await aSiteOf(t, ["west", "east"], { entries: 3 });
  const word = "scan-0000-0000-0001";
  assert.equal(await east!.present(0, word), "released");
  assert.equal(await east!.present(0, word), "released");
  assert.deepEqual([west!.held, east!.held, east!.releases], [2, 0, 1]);
  assert.deepEqual(await east!.events(), ["rights-received", "admitted"]);
});

const crowds = [
  { crowd: 1, entries: 1 },
  { crowd: 100, entries: 1 },
  { crowd: 100, entries: 7 },
];
for (const { crowd, entries } of crowds) {
  test(`${crowd} at once at each of three gateways with a PIN of ${entries}: each entry admits once`, async (t) => {
    const doors = 10;
    const site = await aSiteOf(t, ["west", "east", "north"], { doors, entries });
    const released = () => site.reduce((sum, { releases }) => sum + releases, 0);

    const outcomes = await Promise.all(
      site.flatMap((gateway) => Array.from({ length: crowd }, (_, number) => gateway.present(number % doors))),
    );
    assert.ok(!outcomes.includes("turned away"));
    assert.equal(outcomes.filter((outcome) => outcome === "released").length, released());

    // One that was under way when its door's patience ended comes with the next person.
    await until("every entry is used", async () => {
      for (const gateway of site) await gateway.present();
      return released() >= entries;
    });
    for (const gateway of site) assert.notEqual(await gateway.present(), "released");
    assert.equal(released(), entries);
  });
}

test("an answer lost on its way is repeated, and the entry is given once", async (t) => {
  let cut: () => void = () => undefined;
  const [west, east] = await aSiteOf(t, ["west", "east"], { entries: 5, beforeAnswer: () => cut() });
  const cable = await startInternet({
    targetHost: "127.0.0.1",
    targetPort: Number(west!.lan.address!.split(":")[1]),
    clock: systemClock,
  });
  t.after(() => cable.stop());
  await east!.hear(peerRow(west!.card({ lan: new URL(cable.url).host }), 2));

  cut = () => cable.set(false);
  assert.equal(await east!.present(), "HELD_AT_OTHER_GATE");
  assert.deepEqual([west!.held, east!.held], [4, 0]);

  cut = () => undefined;
  cable.set(true);
  assert.equal(await east!.present(), "released");
  assert.deepEqual([west!.held, east!.held], [4, 0]);
  assert.deepEqual((await west!.events()).filter((type) => type === "rights-sent").length, 1);
});
