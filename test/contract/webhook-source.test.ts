import assert from "node:assert/strict";
import { standardSignature } from "../../firmware-sim/links/signed-hook.ts";
import type { BookedSite } from "../support/booked-site.ts";
import { type BookingAccountServer, bookingSourceContract } from "./booking-source.ts";

bookingSourceContract("webhooks", (clock): BookingAccountServer => {
  let site: BookedSite;
  let hook: { readonly url: string; readonly secret: string };
  const sent = new Map<string, object>();
  let count = 0;
  let version = 0;
  async function send(
    type: string,
    booking: object,
    { secret = hook.secret, expect = 202, version: own = ++version } = {},
  ) {
    count += 1;
    const id = `message-${count}`;
    const said = { id, type, occurred_at: new Date(clock.wall()).toISOString(), booking: { ...booking, version: own } };
    const body = JSON.stringify(said);
    const answer = await site.send(hook.url, body, standardSignature(secret, id, clock.wall(), body));
    assert.equal(answer.status, expect, answer.text);
    return body;
  }
  async function upsert(id: string, facts: object) {
    const booking = { ...sent.get(id), ...facts };
    sent.set(id, booking);
    await send("booking.upsert", booking);
  }
  const guests = () => [...sent.keys()].filter((id) => id.startsWith("Gil"));
  const cancelAll = async (how: Parameters<typeof send>[2]) => {
    for (const external_id of guests()) await send("booking.cancel", { external_id }, how);
  };
  return {
    async start() {
      return {};
    },
    async stop() {},
    deadlines: 1,
    account: {
      open(property) {
        sent.clear();
        return { kind: "webhook", name: "Own program", places: { flat: property } };
      },
      connected(of, answer) {
        site = of;
        hook = answer.hook;
      },
      async book(arrival, departure, name) {
        count += 1;
        const id = `${name} ${count}`;
        const facts = { external_id: id, property: "flat", arrival, departure, status: "confirmed", guest: { name } };
        await upsert(id, facts);
        return id;
      },
      move: (id, arrival, departure) => upsert(id, { arrival, departure }),
      cancel: async (id) => void (await send("booking.cancel", { external_id: id })),
      confirm: (id) => upsert(id, { status: "confirmed" }),
      doubt: (id) => upsert(id, { status: "tentative" }),
      troubles: {
        "it says nothing": () => undefined,
        "somebody else signs": () => cancelAll({ secret: "whsec_AAAA", expect: 401 }),
        "an older word comes late": () => cancelAll({ version: 0 }),
        "the same word comes again": async () => {
          for (const id of guests()) await upsert(id, {});
        },
        "half a message, signed": async () => {
          const body = '{"id": "half", "type": "booking.cancel", "booking": {"external';
          const answer = await site.send(hook.url, body, standardSignature(hook.secret, "half", clock.wall(), body));
          assert.equal(answer.status, 422);
        },
        "a cancellation of what nobody knows": () =>
          send("booking.cancel", { external_id: "moon" }).then(() => undefined),
      },
      settle() {},
    },
  };
});
