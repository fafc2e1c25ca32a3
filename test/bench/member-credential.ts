/**
 * A member's booking is confirmed → the account at Kisi and the PIN at Brivo are there; it is cancelled → they are gone. From the request at the
 * API over the feed and the gateway's disk to the makers' clouds, which are simulated over HTTP with Kisi's documented five requests a second.
 */
import { setTimeout as pause } from "node:timers/promises";
import { systemClock } from "../../gateway/system-clock.ts";
import { givenHub, type Hub, type HubBooking } from "../support/hub.ts";
import { type Benchmark, median, type Row, row } from "./row.ts";

const bookings = 20;
const together = 10;
/** Bookings come now and then, so that none waits for the one before it. */
const betweenMs = 2_500;
const goalMs = 5_000;
const hour = 3_600_000;
const day = 24 * hour;

export const benchmark: Benchmark = {
  name: "member-credential",
  async run() {
    const hub = await givenHub(systemClock, { pollMs: 30_000 });
    try {
      const first = await hub.book(aWindow(0));
      await stand(hub, 1);
      await pause(betweenMs);
      const confirmed: number[] = [];
      const cancelled: number[] = [];
      for (let nth = 1; nth <= bookings; nth += 1) {
        let booking = first;
        confirmed.push(
          await timed(hub, 2, async () => {
            booking = await hub.book({ ...aMember(nth), ...aWindow(nth) });
          }),
        );
        await pause(betweenMs);
        cancelled.push(await timed(hub, 1, () => hub.change(booking.id, { status: "cancelled" })));
        await pause(betweenMs);
      }
      const made: HubBooking[] = [];
      const allConfirmed = await timed(hub, 1 + together, async () => {
        const wishes = Array.from({ length: together }, (_, nth) => ({ ...aMember(100 + nth), ...aWindow(nth) }));
        made.push(...(await Promise.all(wishes.map((wish) => hub.book(wish)))));
      });
      await pause(betweenMs);
      const allCancelled = await timed(hub, 1, () =>
        Promise.all(made.map(({ id }) => hub.change(id, { status: "cancelled" }))),
      );
      return [
        ...rowsOf("member confirmed → credential at both makers", confirmed),
        ...rowsOf("member cancelled → gone from both makers", cancelled),
        row(`${together} members confirmed at once → all at both makers`, allConfirmed, "ms", "told beside", null),
        row(`${together} members cancelled at once → gone from both`, allCancelled, "ms", "told beside", null),
      ];
    } finally {
      await hub.close();
    }
  },
};

function rowsOf(what: string, took: readonly number[]): Row[] {
  const longest = Math.max(...took);
  return [
    row(`${what}, p50`, median(took), "ms", "told beside the longest", null),
    row(`the same, longest of ${took.length}`, longest, "ms", `≤ ${goalMs / 1_000} s`, longest <= goalMs),
  ];
}

/** From the request until so many stand at each maker. */
async function timed(hub: Hub, count: number, ask: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await ask();
  await stand(hub, count);
  return performance.now() - begun;
}

async function stand(hub: Hub, count: number): Promise<void> {
  const isSo = () => Object.values(hub.held()).every(({ length }) => length === count);
  const begun = performance.now();
  while (!isSo()) {
    if (performance.now() - begun > 120_000) throw new Error(`never were there ${count} at each maker`);
    await pause(5);
  }
}

function aMember(nth: number) {
  return { name: `Member ${nth}`, email: `member.${nth}@hub.example` };
}

function aWindow(nth: number) {
  const from = Math.ceil(Date.now() / hour) * hour + (30 + nth) * day;
  return { from, until: from + 2 * hour };
}
