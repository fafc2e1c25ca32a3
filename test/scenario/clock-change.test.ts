/** The nights on which the clocks change, at a whole gateway: schedules follow the clock on the wall, validity does not care. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Weekday } from "../../gateway/domain/schedule.ts";
import { aPinGrant, TimedSite } from "../support/timed-site.ts";

interface Night {
  readonly zone: string;
  readonly what: string;
  /** UTC. */
  readonly changesAt: string;
  readonly window: { readonly day: Weekday; readonly from: string; readonly until: string };
  /** UTC, what the wall shows then, whether the window covers it. */
  readonly looks: readonly (readonly [at: string, wall: string, isInside: boolean])[];
}

const [saturday, sunday] = [6, 7] as const;

const nights: readonly Night[] = [
  {
    zone: "Europe/Madrid",
    what: "02:00 becomes 03:00",
    changesAt: "2031-03-30T01:00Z",
    window: { day: sunday, from: "02:30", until: "03:30" },
    looks: [
      ["2031-03-30T00:59:59Z", "01:59:59", false],
      ["2031-03-30T01:00:01Z", "03:00:01", true],
      ["2031-03-30T01:29:59Z", "03:29:59", true],
      ["2031-03-30T01:30:01Z", "03:30:01", false],
    ],
  },
  {
    zone: "Europe/Madrid",
    what: "03:00 becomes 02:00",
    changesAt: "2031-10-26T01:00Z",
    window: { day: sunday, from: "02:00", until: "02:30" },
    looks: [
      ["2031-10-26T00:00:01Z", "02:00:01", true],
      ["2031-10-26T00:30:01Z", "02:30:01", false],
      ["2031-10-26T01:00:01Z", "02:00:01", true],
      ["2031-10-26T01:30:01Z", "02:30:01", false],
    ],
  },
  {
    zone: "America/New_York",
    what: "02:00 becomes 03:00",
    changesAt: "2031-03-09T07:00Z",
    window: { day: sunday, from: "02:00", until: "03:00" },
    looks: [
      ["2031-03-09T06:59:59Z", "01:59:59", false],
      ["2031-03-09T07:00:01Z", "03:00:01", false],
    ],
  },
  {
    zone: "America/New_York",
    what: "02:00 becomes 01:00",
    changesAt: "2031-11-02T06:00Z",
    window: { day: sunday, from: "01:00", until: "02:00" },
    looks: [
      ["2031-11-02T04:59:59Z", "00:59:59", false],
      ["2031-11-02T05:59:59Z", "01:59:59", true],
      ["2031-11-02T06:00:01Z", "01:00:01", true],
      ["2031-11-02T06:59:59Z", "01:59:59", true],
      ["2031-11-02T07:00:01Z", "02:00:01", false],
    ],
  },
  {
    zone: "Australia/Lord_Howe",
    what: "02:00 becomes 01:30",
    changesAt: "2031-04-05T15:00Z",
    window: { day: sunday, from: "01:30", until: "02:00" },
    looks: [
      ["2031-04-05T14:29:59Z", "01:29:59", false],
      ["2031-04-05T14:59:59Z", "01:59:59", true],
      ["2031-04-05T15:00:01Z", "01:30:01", true],
      ["2031-04-05T15:30:01Z", "02:00:01", false],
    ],
  },
  {
    zone: "Australia/Lord_Howe",
    what: "02:00 becomes 02:30",
    changesAt: "2031-10-04T15:30Z",
    window: { day: sunday, from: "02:15", until: "02:45" },
    looks: [
      ["2031-10-04T15:29:59Z", "01:59:59", false],
      ["2031-10-04T15:30:01Z", "02:30:01", true],
      ["2031-10-04T15:45:01Z", "02:45:01", false],
    ],
  },
  {
    zone: "America/Santiago",
    what: "midnight becomes 01:00",
    changesAt: "2031-09-07T04:00Z",
    window: { day: sunday, from: "00:00", until: "01:30" },
    looks: [
      ["2031-09-07T03:59:59Z", "23:59:59", false],
      ["2031-09-07T04:00:01Z", "01:00:01", true],
      ["2031-09-07T04:30:01Z", "01:30:01", false],
    ],
  },
  {
    zone: "America/Santiago",
    what: "midnight becomes 23:00 of the day before",
    changesAt: "2031-04-06T03:00Z",
    window: { day: saturday, from: "23:00", until: "24:00" },
    looks: [
      ["2031-04-06T01:59:59Z", "22:59:59", false],
      ["2031-04-06T02:59:59Z", "23:59:59", true],
      ["2031-04-06T03:00:01Z", "23:00:01", true],
      ["2031-04-06T03:59:59Z", "23:59:59", true],
      ["2031-04-06T04:00:01Z", "00:00:01", false],
    ],
  },
];

const minute = 60_000;
const at = (iso: string) => Temporal.Instant.from(iso).epochMilliseconds;

for (const { zone, what, changesAt, window, looks } of nights)
  test(`${zone}, ${what}: the schedule covers what the wall shows, and a validity ends when it ends`, async () => {
    const change = at(changesAt);
    const { day, ...hours } = window;
    const scheduled = aPinGrant("1111", {
      validity: { from: change - 30 * 24 * 60 * minute, until: change + 30 * 24 * 60 * minute },
      schedule: { windows: [{ days: [day], ...hours }] },
    });
    const ending = aPinGrant("2222", { validity: { from: change - 10 * minute, until: change } });
    const beginning = aPinGrant("3333", { validity: { from: change, until: change + 10 * minute } });
    const site = await TimedSite.online({
      start: at(looks[0]![0]) - minute,
      site: { zone },
      grants: [scheduled, ending, beginning],
    });
    const expected = looks.map(([when, wall, isInside]) => [when, wall, isInside ? "released" : "OUTSIDE_SCHEDULE"]);
    const edges: (readonly [number, string, string])[] = [
      [change - 500, "2222", "released"],
      [change - 500, "3333", "NOT_YET_VALID"],
      [change + 500, "2222", "QR_EXPIRED"],
      [change + 500, "3333", "released"],
    ];

    const seen: string[][] = [];
    const edge = async (until: number) => {
      while (edges[0] && edges[0][0] < until) {
        const [when, pin, outcome] = edges.shift()!;
        await site.passTo(when);
        assert.equal(await site.enter(pin), outcome, `${pin} at ${new Date(when).toISOString()}`);
      }
    };
    for (const [when] of looks) {
      await edge(at(when));
      await site.passTo(at(when) + 250); // in the middle of the second: the clock is sure of it to some 20 ms
      const outcome = await site.enter("1111");
      const told = / (\d\d:\d\d:\d\d)<\/small>/.exec((await site.page()).split("<h3>Clock</h3>")[1]!)?.[1];
      seen.push([when, told!, outcome]);
    }
    await edge(Number.POSITIVE_INFINITY);
    assert.deepEqual(seen, expected);
    await site.shutDown();
  });
