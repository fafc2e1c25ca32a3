/** Two replicas on PostgreSQL look after the same stays and tell the same guests: each is told once, and each alarm is raised once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { eq } from "drizzle-orm";
import { sql } from "drizzle-orm/sql";
import { guestServices } from "../../cloud-sync/channels/guest-services.ts";
import { tellGuests } from "../../cloud-sync/jobs/tell-guests.ts";
import { watchStays } from "../../cloud-sync/jobs/watch-stays.ts";
import { watchNow } from "../../cloud-sync/store/bookings.ts";
import { lockRef } from "../../cloud-sync/store/guest-messages.ts";
import { openStore } from "../../cloud-sync/store/open-store.ts";
import { booking, guestMessage, stayAlarm } from "../../cloud-sync/store/schema.ts";
import { takeReport } from "../../cloud-sync/tell-guest.ts";
import { TwilioServer } from "../../firmware-sim/links/twilio.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { givenCloud, HandClock } from "../support/cloud.ts";
import { missing } from "../support/needs.ts";
import { startPostgres } from "../support/postgres.ts";
import { until } from "../support/until.ts";

const stays = 24;
const publicUrl = "https://postern.example";

test("of two replicas on PostgreSQL one tells each guest, while Twilio tells both what became of it", {
  skip: missing("postgres"),
}, async (t) => {
  const clock = new HandClock();
  const account = { accountSid: `AC${"1".repeat(32)}`, authToken: "test-auth-token" };
  const twilio = new TwilioServer({ ...account, clock });
  const { url: apiUrl } = await twilio.start();
  const postgres = await startPostgres();
  const authToken = new SecretString(account.authToken);
  const settings = { accountSid: account.accountSid, authToken, smsFrom: "+34600000000", apiUrl };
  const guests = guestServices({ twilio: settings, publicUrl, key: Buffer.alloc(32, 3) });
  const replica = async () => {
    const store = await openStore({ databaseUrl: postgres.url, clock, logger: silentLogger });
    return givenCloud({ clock, store, guests, publicUrl });
  };
  const [one, other] = [await replica(), await replica()];
  const stopping = new AbortController();
  const running: Promise<void>[] = [];
  t.after(async () => {
    stopping.abort();
    await Promise.all(running);
    for (const { store } of [one, other]) await store.close();
    await twilio.stop();
    await postgres.stop();
  });
  await one.ask("POST", "/api/sites", { id: "casa", name: "Casa", zone: "Europe/Madrid" });
  const gateway = await one.gateway("casa");
  await gateway.report([{ id: "front", name: "Front", lock: "gate", reads: true, kinds: ["pin"] }]);
  const flat = (await one.ask("POST", "/api/properties", { name: "Flat" })).body.id;
  await one.ask("PATCH", `/api/properties/${flat}/messages`, { on: true, channels: ["sms"] });
  for (let stay = 0; stay < stays; stay += 1) {
    const guest = { name: `Guest ${stay}`, phone: `+3461${`${stay}`.padStart(3, "0")}0001` };
    const days = { arrival: "2031-03-05", departure: "2031-03-08" };
    assert.equal((await one.ask("POST", "/api/bookings", { property: flat, guest, ...days })).status, 201);
  }
  await gateway.catchUp();

  for (const { parts } of [one, other]) {
    const its = { ...parts, stopping: stopping.signal };
    running.push(watchStays(its), tellGuests(its));
  }
  const told = () => one.store.db.select().from(guestMessage);
  const again = async () => {
    const ids = (await one.store.db.select({ id: booking.id }).from(booking)).map(({ id }) => id);
    for (const { store } of [one, other]) await store.transaction((tx) => watchNow(tx, "casa", ids, clock.wall()));
  };
  await again();
  await until("all are told", async () => (await told()).filter(({ state }) => state === "sent").length === stays);
  await again();
  await Promise.all(
    [...twilio.callbacks, ...twilio.callbacks].map(async ({ url, form, signature }, index) => {
      const { app } = index % 2 === 0 ? one : other;
      const headers = { "content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature };
      const answer = await app.request(url.slice(publicUrl.length), { method: "POST", headers, body: form });
      assert.equal(answer.status, 204);
    }),
  );
  await until("all have it", async () => (await told()).every(({ state }) => state === "delivered"));
  assert.deepEqual([(await told()).length, twilio.messages.length], [stays, stays]);
  // All are booked at the same time: each but the first is an alarm, and one.
  await until("each clash is an alarm", async () => (await one.store.db.select().from(stayAlarm)).length >= stays - 1);
  const about = (await one.store.db.select().from(stayAlarm)).map(({ about, kind }) => `${kind} ${about}`);
  assert.deepEqual([about.length, new Set(about).size], [stays - 1, stays - 1]);

  // What is told under a name that the other replica is just writing down.
  const ref = "wamid.written-just-now";
  const [message] = await told();
  let reported: Promise<void> | undefined;
  await one.store.transaction(async (tx) => {
    await lockRef(tx, ref);
    await tx.update(guestMessage).set({ ref }).where(eq(guestMessage.id, message!.id));
    reported = takeReport(other.parts, { ref, word: "read", errorClass: null, why: null });
    const waiting = sql`select 1 from pg_locks where locktype = 'advisory' and not granted`;
    await until(
      "the report waits",
      async () => ((await one.store.db.execute(waiting)) as { rows: [] }).rows.length > 0,
    );
  });
  await reported;
  const isRead = (await told()).find(({ id }) => id === message!.id)?.state;
  assert.equal(isRead, "read");
});
