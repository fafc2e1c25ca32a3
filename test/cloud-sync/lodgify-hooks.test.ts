/** Word from Lodgify over HTTP: signed, twice, out of order, again; it brings about a look at the booking, and nothing else. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { readAllDue } from "../../cloud-sync/jobs/read-sources.ts";
import { lodgifyEvents } from "../../cloud-sync/sources/lodgify-hooks.ts";
import { bookingSource } from "../../cloud-sync/store/schema.ts";
import { LodgifyServer } from "../../firmware-sim/links/lodgify.ts";
import { plainSignature } from "../../firmware-sim/links/signed-hook.ts";
import { BookedSite } from "../support/booked-site.ts";
import { HandClock } from "../support/cloud.ts";
import { type ServedPages, servePages } from "../support/served-pages.ts";

const minute = 60_000;
const key = "lodgify-key-of-a-test";
const start = Date.UTC(2031, 2, 4, 12);
const clock = new HandClock();
const rooms = [{ id: 44, name: "Up" }];
const lodgify = new LodgifyServer({
  key,
  clock,
  properties: [{ id: 812, name: "Casa", zone: "Europe/Madrid", rooms }],
});
let site: BookedSite;
let served: ServedPages;
let source: string;

before(async () => {
  const { url } = await lodgify.start();
  served = await servePages({ app: { fetch: (...asked) => site.cloud.app.fetch(...asked) } });
  site = await BookedSite.build(clock, { lodgifyUrl: url, publicUrl: served.url });
});
after(async () => {
  await lodgify.stop();
  await served.stop();
  await site.cloud.close();
});
beforeEach(async () => {
  if (source) await site.ask("DELETE", `/api/booking-sources/${source}`);
  clock.stepWall(start - clock.wall());
  lodgify.settle();
  lodgify.hooks.forget();
  lodgify.hooks.isList = false;
  lodgify.hooks.isSigned = true;
  const places = { "812/44": await site.property("up") };
  source = await site.connect({ kind: "lodgify", name: "Lodgify", key, places, options: { webhooks: true } });
  await site.read(source);
});

/** Word has arrived, and what followed from it is done. */
async function settle(): Promise<void> {
  await lodgify.hooks.courier.idle();
  await readAllDue(site.cloud.parts);
}
const book = () => lodgify.book({ property_id: 812, arrival: "2031-03-05", departure: "2031-03-08" });
/** Those of earlier tests are somebody else's. */
const stay = async (id: number) =>
  (await site.bookings(source)).find(({ externalId }: { externalId: string }) => externalId === `${id}`);
const lists = () => lodgify.calls.filter(({ path }) => path.includes("stayFilter")).length;

test("each kind of word has an address of its own, and their secrets are kept sealed", async () => {
  const subscribed = lodgify.hooks.subscriptions;
  assert.deepEqual(subscribed.map(({ event }) => event).sort(), [...lodgifyEvents].sort());
  assert.equal(new Set(subscribed.map(({ target_url }) => target_url)).size, lodgifyEvents.length);
  const rows = JSON.stringify(await site.cloud.store.db.select().from(bookingSource));
  for (const { secret, target_url } of subscribed)
    assert.ok(!rows.includes(secret) && !rows.includes(target_url.split("/").at(-2)!));
});

describe("a booking is there at once", () => {
  for (const [what, isList, isSigned] of [
    ["by word", false, true],
    ["by a list of one", true, true],
    ["by word that nobody signed", false, false],
  ] as const)
    test(`${what}: it is asked for by itself, and no list is`, async () => {
      Object.assign(lodgify.hooks, { isList, isSigned });
      const before = lists();
      const id = book();
      await settle();
      assert.equal((await stay(id)).status, "confirmed");
      assert.equal(lists(), before);
    });

  test("it moves and is cancelled at once", async () => {
    const id = book();
    await settle();
    lodgify.change(id, { departure: "2031-03-12" });
    await settle();
    assert.equal((await stay(id)).ends, "2031-03-12T10:00:00Z");
    lodgify.cancel(id);
    await settle();
    assert.equal((await stay(id)).status, "cancelled");
  });

  test("word that comes twice, late and in the wrong order: what holds is what Lodgify says now", async () => {
    lodgify.hooks.courier.hold();
    const id = book();
    lodgify.cancel(id);
    lodgify.change(id, { status: "Booked", canceled_at: null, departure: "2031-03-09" });
    lodgify.hooks.courier.release({ reversed: true, twice: true });
    await settle();
    assert.deepEqual([(await stay(id)).status, (await stay(id)).ends], ["confirmed", "2031-03-09T10:00:00Z"]);
    assert.equal((await readAllDue(site.cloud.parts)).done, 0);
  });

  test("Lodgify does not answer when it is asked: the word is kept, and it is asked again", async () => {
    lodgify.trouble({ answer: { status: 401, json: {} } });
    const id = book();
    await settle();
    assert.equal(await stay(id), undefined);
    clock.stepWall(12 * minute);
    await settle();
    assert.equal((await stay(id)).status, "confirmed");
  });
});

describe("word that is not believed", () => {
  const send = (event: string, body: string, headers: Record<string, string> = {}, token?: string) => {
    const { target_url } = lodgify.hooks.subscriptions.find((one) => one.event === event)!;
    return site.send(
      token === undefined ? target_url : target_url.replace(/\/[^/]+\/([^/]+)$/, `/${token}/$1`),
      body,
      headers,
    );
  };
  const word = JSON.stringify([{ action: "booking_change", booking: { id: 1 } }]);
  const names = async () => (await site.bookings(source)).map(({ guest, status }) => `${guest.name} ${status}`);
  let before: readonly string[];
  beforeEach(async () => {
    before = await names();
  });
  const none = async () => {
    await settle();
    assert.deepEqual(await names(), before);
  };

  test("signed by somebody else: refused", async () => {
    assert.equal(
      (await send("booking_change", word, plainSignature("moon", "ms-signature", "sha256=", word))).status,
      401,
    );
    assert.equal((await send("booking_change", word, { "ms-signature": "sha256=" })).status, 401);
    await none();
  });

  test("at another address: refused", async () => {
    assert.equal((await send("booking_change", word, {}, "A".repeat(22))).status, 404);
    assert.equal((await site.send(`/hooks/${source}/none/booking_change`, word, {})).status, 404);
  });

  test("without a signature, where the owner wants one: refused", async () => {
    await site.ask("PATCH", `/api/booking-sources/${source}`, { options: { signed: true } });
    assert.equal((await send("booking_change", word)).status, 401);
  });

  for (const [what, body] of [
    ["of a booking that is none", word],
    ["that says nothing", "{}"],
    ["that is no JSON", "hello"],
    [
      "of what a booking is, in its own words",
      JSON.stringify({ booking: { id: 1, status: "Booked", guest: { name: "Eve" } } }),
    ],
  ] as const)
    test(`${what}: it is answered, and nothing follows`, async () => {
      assert.equal((await send("booking_change", body)).status, 200);
      await none();
    });
});

describe("that it still sends is looked at every day", () => {
  test("what Lodgify has forgotten is subscribed to again, and works", async () => {
    lodgify.hooks.forget();
    clock.stepWall(2 * 60 * minute);
    await settle();
    assert.equal(lodgify.hooks.subscriptions.length, 0);
    clock.stepWall(23 * 60 * minute);
    await settle();
    assert.equal(lodgify.hooks.subscriptions.length, lodgifyEvents.length);
    const id = lodgify.book({ property_id: 812, arrival: "2031-03-15", departure: "2031-03-18" });
    await settle();
    assert.equal((await stay(id)).status, "confirmed");
  });

  test("it is sent again until it is answered 200, and not to a source that was closed", async () => {
    const id = book();
    await lodgify.hooks.courier.idle();
    await site.ask("DELETE", `/api/booking-sources/${source}`);
    lodgify.change(id, { departure: "2031-03-09" });
    await lodgify.hooks.courier.idle();
    assert.ok(lodgify.hooks.subscriptions.every(({ event }) => event !== "booking_change"));
  });

  test("turned off, it sends no more", async () => {
    await site.ask("PATCH", `/api/booking-sources/${source}`, { options: { webhooks: false } });
    await site.read(source);
    assert.equal(lodgify.hooks.subscriptions.length, 0);
  });

  test("a subscription that Lodgify refuses keeps nobody from reading", async () => {
    lodgify.trouble({ answer: { status: 500, json: {} } }, { times: 50, path: /webhooks/ });
    await site.ask("PATCH", `/api/booking-sources/${source}`, { name: "Casa" });
    const id = book();
    await lodgify.hooks.courier.idle();
    await site.readPatiently(source, 1);
    assert.equal((await stay(id)).status, "confirmed");
  });
});

test("refused where the service does not know its own address", async () => {
  const other = await BookedSite.build(new HandClock(), {});
  const answer = await other.cloud.ask("POST", "/api/booking-sources", {
    kind: "lodgify",
    name: "L",
    key,
    options: { webhooks: true },
  });
  assert.deepEqual([answer.status, answer.body.errors[0].field], [400, "body.options.webhooks"]);
  await other.cloud.close();
});
