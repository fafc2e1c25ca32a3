/**
 * What every source of bookings is held to, whatever its wire: it is a hint. Whatever it forgets, muddles, repeats or leaves unanswered takes no
 * code away, and what it tells twice changes nothing. Run by the test of each source against its simulator.
 */
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { BookedSite } from "../support/booked-site.ts";
import { type Answer, type CloudSurroundings, HandClock } from "../support/cloud.ts";

/** What an account there can do, in the words of whoever has it. */
export interface BookingAccount {
  /** Of the test's own; what is connected with. */
  open(property: string): object;
  /** What was answered to that: where it sends to, if it does. */
  connected?(site: BookedSite, answer: Answer["body"]): void;
  /** Somebody books; answers by what the others name it. */
  book(arrival: string, departure: string, guest: string): string | Promise<string>;
  move(booking: string, arrival: string, departure: string): void | Promise<void>;
  /** It says that the stay is off. */
  cancel(booking: string): void | Promise<void>;
  /** It is confirmed, whatever it was before. */
  confirm(booking: string): void | Promise<void>;
  /** It is not confirmed yet, or not any more. */
  doubt(booking: string): void | Promise<void>;
  /** From now on, until it is settled. */
  readonly troubles: Readonly<Record<string, () => void | Promise<void>>>;
  settle(): void;
}

export interface BookingAccountServer {
  start(): Promise<CloudSurroundings>;
  stop(): Promise<void>;
  readonly account: BookingAccount;
  /** How many of them a reading has around it. */
  readonly deadlines: number;
}

const minute = 60_000;
const hour = 60 * minute;
/** Tuesday 2031-03-04, 13:00 in Madrid. */
const start = Date.UTC(2031, 2, 4, 12);

export function bookingSourceContract(name: string, serve: (clock: HandClock) => BookingAccountServer): void {
  describe(`a source of bookings: ${name}`, () => {
    const clock = new HandClock();
    const server = serve(clock);
    const { account, deadlines } = server;
    let site: BookedSite;
    let source: string;

    before(async () => {
      site = await BookedSite.build(clock, await server.start());
    });
    after(async () => {
      await site.cloud.close();
      await server.stop();
    });
    beforeEach(async () => {
      clock.stepWall(start - clock.wall());
      const answer = await site.connected(account.open(await site.property("up")));
      source = answer.id;
      account.connected?.(site, answer);
    });
    afterEach(async () => {
      account.settle();
      await site.ask("DELETE", `/api/booking-sources/${source}`);
    });

    /** One that comes tomorrow, its code made. */
    async function aStay() {
      const id = await account.book("2031-03-05", "2031-03-08", "Gil Guest");
      await account.book("2031-06-05", "2031-06-08", "Later Lena");
      assert.equal((await site.read(source)).added, 2);
      const stay = await site.booking(source, "Gil Guest");
      return { id, grant: stay.code.grant as string, booking: stay.id as string, digits: await site.digits(stay.id) };
    }
    const later = (ms: number) => {
      clock.stepWall(ms);
      return site.readPatiently(source, deadlines);
    };
    async function assertKept({ grant, booking, digits }: Awaited<ReturnType<typeof aStay>>, state: string) {
      const now = await site.booking(source, "Gil Guest");
      const seen = [now.id, now.status, await site.stateOf(grant), now.code.grant, await site.digits(booking)];
      assert.deepEqual(seen, [booking, "confirmed", state, grant, digits]);
    }

    test("what is told again and again changes nothing, and writes nothing", async () => {
      const stay = await aStay();
      const audited = async () => (await site.ask("GET", "/api/audit?limit=1")).items[0].id;
      const last = await audited();
      for (let round = 0; round < 3; round += 1) {
        const { added, changed, held } = await later(hour);
        assert.deepEqual([added, changed, held], [0, 0, 0]);
      }
      assert.equal(await audited(), last);
      await assertKept(stay, "upcoming");
    });

    for (const [trouble, begin] of Object.entries(account.troubles)) {
      test(`${trouble}: nobody loses a code, and the next good reading goes on`, async () => {
        const stay = await aStay();
        await begin();
        for (let round = 0; round < 4; round += 1) {
          await later(20 * minute);
          await assertKept(stay, "upcoming");
        }
        account.settle();
        await account.move(stay.id, "2031-03-05", "2031-03-09");
        await later(20 * minute);
        await assertKept(stay, "upcoming");
        assert.equal((await site.booking(source, "Gil Guest")).ends, "2031-03-09T10:00:00Z");
      });

      test(`${trouble} for hours, over the guest's arrival: the code works on the day, and goes with the stay`, async () => {
        const stay = await aStay();
        await begin();
        for (let round = 0; round < 6; round += 1) await later(5 * hour);
        await assertKept(stay, "active");
        clock.stepWall(66 * hour);
        assert.notEqual(await site.stateOf(stay.grant), "active");
      });
    }

    test("its word flaps: the code is there as long as nobody says that the stay is off, and has the same digits after", async () => {
      const stay = await aStay();
      for (let round = 0; round < 3; round += 1) {
        await account.doubt(stay.id);
        await later(20 * minute);
        assert.equal(await site.stateOf(stay.grant), "upcoming");
        await account.confirm(stay.id);
        await later(20 * minute);
        await assertKept(stay, "upcoming");
      }
      await account.cancel(stay.id);
      await later(20 * minute);
      assert.equal((await site.booking(source, "Gil Guest")).status, "cancelled");
      assert.equal(await site.stateOf(stay.grant), "revoked");
      await account.confirm(stay.id);
      await later(20 * minute);
      assert.equal((await site.booking(source, "Gil Guest")).status, "confirmed");
      assert.equal(await site.digits(stay.booking), stay.digits);
    });

    test("it moves, back and forth: one booking, one code, the same digits", async () => {
      const stay = await aStay();
      for (const [arrival, departure] of [
        ["2031-03-06", "2031-03-09"],
        ["2031-03-05", "2031-03-12"],
        ["2031-03-05", "2031-03-08"],
      ] as const) {
        await account.move(stay.id, arrival, departure);
        await later(20 * minute);
        await assertKept(stay, "upcoming");
      }
    });

    test("the guest in the house is cancelled: the owner is asked", async () => {
      const id = await account.book("2031-03-03", "2031-03-08", "Gil Guest");
      await account.book("2031-06-05", "2031-06-08", "Later Lena");
      await site.read(source);
      const { code } = await site.booking(source, "Gil Guest");
      await account.cancel(id);
      assert.equal((await later(minute)).held, 1);
      assert.equal(await site.stateOf(code.grant), "active");
    });

    for (const [what, ms] of [
      ["back by an hour", -hour],
      ["ahead by an hour", hour],
    ] as const)
      test(`the service's clock is set ${what} between two readings: nothing goes`, async () => {
        const stay = await aStay();
        for (const step of [ms, -ms, ms]) {
          clock.stepWall(step);
          const { added, changed, held } = await site.readPatiently(source, deadlines);
          assert.deepEqual([added, changed, held], [0, 0, 0]);
        }
        await assertKept(stay, "upcoming");
      });
  });
}
