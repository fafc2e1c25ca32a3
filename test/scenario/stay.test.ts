/**
 * One stay from the booking at Lodgify to its checkout, at a lockbox, a Nuki, a Tuya lock and a Ring lock: the real cloud, a real gateway and
 * the makers' simulators on real sockets, on one clock that leaps over the hours in which nobody does anything.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkIn, checkout, days, givenLetFlat, hour, minute } from "../support/let-flat.ts";
import { until } from "../support/until.ts";

const aDay = 24 * hour;
const nonceOf = (page: string) =>
  /name="door" value="ring"\/?><input type="hidden" name="nonce" value="([^"]+)"/.exec(page)?.[1] ?? "";

test("booked, told once, opened at every door, extended with the same digits, and gone from every lock at checkout", async (t) => {
  const flat = await givenLetFlat(t, { hasRing: true });
  const { twilio, lodgify } = flat;
  const ring = flat.locks.ring!;
  const guest = { name: "Greta Guest", email: null, phone: "+351910000001" };
  const told = () => twilio.messages.map(({ to, body }) => [to, body ?? ""]);

  const lodgifyId = lodgify.book({ ...days, guest });
  await flat.soon("the guest is told", () => twilio.messages.length > 0);

  const pin = await flat.digits();
  const ready = { lockbox: "gateway-decides", nuki: "on-lock", tuya: "on-lock", ring: "gateway-decides" };
  assert.deepEqual(await flat.states(), ready, "not before every door is ready");
  assert.deepEqual(flat.held(), { nuki: [checkout], tuya: [checkout] });
  const [[to, message] = []] = told();
  assert.equal(to, guest.phone);
  assert.match(message ?? "", /until 5 Mar 2031, 11:00: lockbox, nuki, tuya, ring/);
  assert.ok(!message?.includes(pin), "the link, not the digits");
  assert.deepEqual(await flat.enterEverywhere(pin), [], "an hour too early");

  await flat.leapTo(checkIn + minute);
  assert.deepEqual(await flat.enterEverywhere(pin), ["lockbox", "nuki", "tuya"]);
  const page = new URL(/http\S+/.exec(message ?? "")?.[0] ?? "");
  const shown = await (await fetch(page, { headers: { "accept-language": "en" } })).text();
  assert.match(shown, new RegExp(`<p class="stay-code">${pin}</p>`));
  assert.match(shown, /ring<\/h3><p>There is no PIN on this lock\.<\/p><p class="ready">Ready: open it from this page/);
  const nonce = nonceOf(shown);
  const body = new URLSearchParams({ door: "ring", nonce });
  assert.match(await (await fetch(`${page}/open`, { method: "POST", body })).text(), /The door is open/);
  assert.equal(ring.view().bolt, "released");
  await until("the gateway locks it again", () => ring.view().bolt === "secured");

  lodgify.change(lodgifyId, { departure: "2031-03-06" });
  await flat.soon("the guest is told of the longer stay", () => twilio.messages.length > 1);
  await flat.soon("the locks hold it to the new end", () => flat.held().nuki[0] === checkout + aDay);
  await flat.soon("the locks hold it to the new end", () => flat.held().tuya[0] === checkout + aDay);
  assert.equal(await flat.digits(), pin);
  assert.match(told()[1]?.[1] ?? "", /has changed\. Your code is the same .* until 6 Mar 2031, 11:00/);

  // Time goes by while everybody finds everybody again.
  await flat.leapTo(checkout + aDay - 20 * minute);
  assert.deepEqual(await flat.enterEverywhere(pin), ["lockbox", "nuki", "tuya"], "shortly before the end");
  const kept = nonceOf(await (await fetch(page)).text());
  await flat.leapTo(checkout + aDay);
  assert.deepEqual(await flat.enterEverywhere(pin), [], "at the end");
  assert.match(await (await fetch(page)).text(), /This stay is over/);
  const late = await fetch(`${page}/open`, {
    method: "POST",
    body: new URLSearchParams({ door: "ring", nonce: kept }),
  });
  assert.deepEqual([late.status, ring.view().bolt], [409, "secured"]);
  await flat.soon("it is read back as gone", async () => (await flat.goneFrom()).length === 2);
  assert.deepEqual(await flat.goneFrom(), ["nuki", "tuya"]);
  assert.equal(twilio.messages.length, 2, "each was told once");
  assert.deepEqual(await flat.openAlarms(), []);
});
