/**
 * Checkout while the internet is off, on real sockets: at the gateway's own door and at locks that keep PINs behind their makers' clouds, for a
 * stay that ends as it was known there, and for one that was cut short where nobody in the house could hear of it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkIn, checkout, days, givenLetFlat, hour, minute } from "../support/let-flat.ts";

const guest = { name: "Greta Guest", email: null, phone: "+351910000001" };
const soonEnoughMs = 3 * minute;

test("the end that was known is kept at every door without a line; what the makers' clouds still list goes first thing when it is back", async (t) => {
  const flat = await givenLetFlat(t);
  const { site, clock } = flat;
  flat.lodgify.book({ ...days, guest });
  await flat.soon("the guest is told", () => flat.twilio.messages.length > 0);
  const pin = await flat.digits();
  await flat.leapTo(checkIn + minute);

  await site.setInternet(false);
  await flat.leapTo(checkout - minute);
  assert.deepEqual(await flat.enterEverywhere(pin), ["lockbox", "nuki", "tuya"], "a minute before the end");
  await flat.leapTo(checkout);
  assert.deepEqual(await flat.enterEverywhere(pin), [], "at the end");
  await flat.leapTo(checkout + hour);
  assert.deepEqual(await flat.openAlarms(), [], "it opens nothing, so nobody need do anything");
  assert.deepEqual(flat.held(), { nuki: [checkout], tuya: [checkout] });

  await site.setInternet(true);
  await clock.passUntil("it is read back as gone", async () => (await flat.goneFrom()).length === 2, soonEnoughMs);
  assert.deepEqual(await flat.goneFrom(), ["nuki", "tuya"]);
});

test("a stay cut short without a line: the owner is told which doors it still opens, and it goes first thing when it is back", async (t) => {
  const flat = await givenLetFlat(t);
  const { site, clock } = flat;
  const lodgifyId = flat.lodgify.book({ ...days, departure: "2031-03-06", guest });
  await flat.soon("the guest is told", () => flat.twilio.messages.length > 0);
  const pin = await flat.digits();
  await flat.leapTo(checkIn + minute);

  await site.setInternet(false);
  flat.lodgify.change(lodgifyId, { departure: days.departure });
  await flat.soon("the owner is asked", async () => (await flat.booking()).held !== null);
  await site.admin("POST", `/api/bookings/${(await flat.booking()).id}/decide`, { agree: true });
  await flat.leapTo(checkout + 29 * minute);
  assert.deepEqual(await flat.openAlarms(), []);
  await flat.soon("the owner is told", async () => (await flat.openAlarms()).length > 0);
  const [alarm] = await flat.openAlarms();
  assert.deepEqual([alarm?.kind, alarm?.detail.doors], ["removal-late", ["lockbox", "nuki", "tuya"]]);
  assert.deepEqual(await flat.enterEverywhere(pin), ["lockbox", "nuki", "tuya"], "nobody there has heard of it");

  await site.setInternet(true);
  await clock.passUntil("it is read back as gone", async () => (await flat.goneFrom()).length === 2, soonEnoughMs);
  assert.deepEqual(await flat.goneFrom(), ["nuki", "tuya"]);
  assert.deepEqual(await flat.enterEverywhere(pin), []);
  await flat.soon("the alarm is over", async () => (await flat.openAlarms()).length === 0);
});
