/** What the service does by itself: seen, wanted now, and done once however many replicas there are. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eq } from "drizzle-orm";
import type { CloudParts } from "../../cloud-sync/cloud-parts.ts";
import { keepHouse } from "../../cloud-sync/jobs/housekeeping.ts";
import { onRecord } from "../../cloud-sync/jobs/on-record.ts";
import { provisionStays } from "../../cloud-sync/jobs/provision-stays.ts";
import { readSources } from "../../cloud-sync/jobs/read-sources.ts";
import { sweepOnce, sweepStays } from "../../cloud-sync/jobs/sweep-stays.ts";
import { tellGuests } from "../../cloud-sync/jobs/tell-guests.ts";
import { watchStays } from "../../cloud-sync/jobs/watch-stays.ts";
import { listAudit } from "../../cloud-sync/store/audit-trail.ts";
import { takeTurn } from "../../cloud-sync/store/job-runs.ts";
import { openStore } from "../../cloud-sync/store/open-store.ts";
import { booking as bookings, grantRecord } from "../../cloud-sync/store/schema.ts";
import { LodgifyServer } from "../../firmware-sim/links/lodgify.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { givenCloud, HandClock, type TestCloud } from "../support/cloud.ts";
import { memoryStore } from "../support/memory-store.ts";
import { missing } from "../support/needs.ts";
import { startPostgres } from "../support/postgres.ts";
import { until } from "../support/until.ts";

const minute = 60_000;
const hour = 60 * minute;

interface Job {
  readonly name: string;
  readonly ranAt: string | null;
  readonly done: number | null;
  readonly failed: boolean;
  readonly nextAt: string | null;
}

const jobsOf = async (cloud: TestCloud): Promise<Record<string, Job>> => {
  const { body } = await cloud.ask("GET", "/api/jobs");
  return Object.fromEntries(body.items.map((job: Job) => [job.name, job]));
};
const loops = (parts: CloudParts) =>
  Promise.all([
    readSources(parts),
    provisionStays(parts),
    watchStays(parts),
    tellGuests(parts),
    sweepStays(parts),
    keepHouse(parts),
  ]);
const isoOf = (clock: HandClock, ms = 0) =>
  Temporal.Instant.fromEpochMilliseconds(clock.wall() + ms).toString({ smallestUnit: "second" });

/** The service's parts with an end of their own, so that its jobs can be stopped before its store. */
function running(parts: CloudParts) {
  const over = new AbortController();
  const done = loops({ ...parts, stopping: over.signal });
  return async () => {
    over.abort();
    await done;
  };
}

describe("one service", () => {
  const clock = new HandClock();
  let cloud: TestCloud;
  let stop: () => Promise<void>;
  before(async () => {
    cloud = await givenCloud({ clock });
    await cloud.ask("POST", "/api/sites", { id: "casa", name: "Casa", zone: "Europe/Madrid" });
    await cloud.gateway("casa", ["front"]);
  });
  after(async () => {
    await stop();
    await cloud.close();
  });

  test("nothing is told of what has not run", async () => {
    const { sweep } = await jobsOf(cloud);
    assert.deepEqual([sweep?.ranAt, sweep?.done, sweep?.failed, sweep?.nextAt], [null, null, false, null]);
    stop = running(cloud.parts);
  });

  test("each tells when it ran, how much there was to do, and when it runs again", async () => {
    await until("all have run", async () => Object.values(await jobsOf(cloud)).every(({ ranAt }) => ranAt !== null));
    const { bookings: sources, provisioning, sweep, housekeeping } = await jobsOf(cloud);
    assert.deepEqual([sweep?.done, sweep?.failed, sweep?.nextAt], [0, false, isoOf(clock, 24 * hour)]);
    assert.equal(housekeeping?.nextAt, isoOf(clock, hour));
    assert.equal(sources?.nextAt, isoOf(clock, minute));
    assert.equal(provisioning?.nextAt, isoOf(clock, 5 * minute));
  });

  test("the planner's next run is when the next code is due, and what it did is counted", async () => {
    const flat = (await cloud.ask("POST", "/api/properties", { name: "Flat" })).body.id;
    clock.advance(2 * minute);
    await cloud.ask("POST", "/api/bookings", {
      property: flat,
      guest: { name: "Greta Guest" },
      arrival: "2031-03-06",
      departure: "2031-03-08",
    });
    const due = Date.UTC(2031, 2, 4, 14);
    clock.advance(due - clock.wall() - minute);
    await until("it rests until the code is due", async () => {
      const { provisioning } = await jobsOf(cloud);
      return provisioning?.nextAt === Temporal.Instant.fromEpochMilliseconds(due).toString();
    });
    clock.advance(minute);
    await until("the code is made", async () => (await jobsOf(cloud)).provisioning?.done === 1);
  });

  test("one that is wanted now runs now, and it is written down who wanted it", async () => {
    clock.advance(10 * minute);
    for (const name of ["sweep", "housekeeping", "provisioning", "watch", "bookings"]) {
      assert.equal((await cloud.ask("POST", `/api/jobs/${name}/run`)).status, 202);
      if (name !== "bookings")
        await until(`${name} has run`, async () => (await jobsOf(cloud))[name]?.ranAt === isoOf(clock));
    }
    const entries = await listAudit(cloud.store.db, { sites: ["*"], limit: 100 });
    const wanted = entries.filter(({ action }) => action === "jobs.run").map(({ thing }) => thing);
    assert.deepEqual(wanted.toSorted(), ["bookings", "housekeeping", "provisioning", "sweep", "watch"]);
  });

  test("an owner runs what is about stays, and not the service's housekeeping; there is no other job", async () => {
    const owner = await cloud.as("owner", ["casa"]);
    assert.equal((await owner.ask("POST", "/api/jobs/sweep/run")).status, 202);
    assert.equal((await owner.ask("POST", "/api/jobs/housekeeping/run")).status, 403);
    assert.equal((await cloud.ask("POST", "/api/jobs/nonsense/run")).status, 400);
  });

  test("one that fails says so, and is tried again in five minutes", async () => {
    const broken = onRecord(cloud.parts, {
      name: "sweep",
      lookEveryMs: 24 * hour,
      pass: async () => {
        throw new Error("the store is away");
      },
    });
    await assert.rejects(broken(), /the store is away/);
    const { sweep } = await jobsOf(cloud);
    assert.deepEqual([sweep?.failed, sweep?.done, sweep?.nextAt], [true, null, isoOf(clock, 5 * minute)]);
  });
});

test("the sweep finds a code that outlived its stay, and it goes", async (t) => {
  const clock = new HandClock();
  const cloud = await givenCloud({ clock });
  t.after(() => cloud.close());
  await cloud.ask("POST", "/api/sites", { id: "casa", name: "Casa", zone: "Europe/Madrid" });
  await cloud.gateway("casa", ["front"]);
  const flat = (await cloud.ask("POST", "/api/properties", { name: "Flat" })).body.id;
  const order = { property: flat, guest: { name: "Greta Guest" }, arrival: "2031-03-04", departure: "2031-03-06" };
  const made = (await cloud.ask("POST", "/api/bookings", order)).body;
  assert.equal(await sweepOnce(cloud.parts), 0, "a guest is in the house");

  const { db } = cloud.store;
  const lost = { status: "cancelled", lookAt: null } as const;
  await db.update(bookings).set(lost).where(eq(bookings.id, made.id));
  assert.equal(await sweepOnce(cloud.parts), 0, "the planner has not had its time");
  clock.advance(25 * hour);

  assert.equal(await sweepOnce(cloud.parts), 1);
  assert.equal(await sweepOnce(cloud.parts), 0);
  const [row] = await db.select().from(grantRecord);
  assert.equal(row?.revokedAt, clock.wall());
});

const skip = missing("postgres");
test("of two replicas on PostgreSQL one does each thing: a code for each booking, one reading, one look a day", {
  skip,
}, async (t) => {
  const clock = new HandClock();
  const key = "lodgify-key-of-a-test";
  const properties = [{ id: 812, name: "Casa", zone: "Europe/Madrid", rooms: [] }];
  const lodgify = new LodgifyServer({ key, clock, properties });
  const postgres = await startPostgres();
  const { url: lodgifyUrl } = await lodgify.start();
  const replica = async () => {
    const store = await openStore({ databaseUrl: postgres.url, clock, logger: silentLogger });
    return givenCloud({ clock, store, lodgifyUrl });
  };
  const [one, other] = [await replica(), await replica()];
  const ends: (() => Promise<void>)[] = [];
  t.after(async () => {
    for (const end of ends) await end();
    for (const { store } of [one, other]) await store.close();
    await lodgify.stop();
    await postgres.stop();
  });
  await one.ask("POST", "/api/sites", { id: "casa", name: "Casa", zone: "Europe/Madrid" });
  await one.gateway("casa", ["front"]);
  const flat = (await one.ask("POST", "/api/properties", { name: "Flat" })).body.id;
  const stays = 40;
  for (let stay = 0; stay < stays; stay += 1)
    lodgify.book({ property_id: 812, arrival: "2031-03-05", departure: "2031-03-08" });
  const source = { kind: "lodgify", name: "Lodgify", key, places: { "812": flat } };
  assert.equal((await one.ask("POST", "/api/booking-sources", source)).status, 201);

  for (const { parts } of [one, other]) ends.push(running(parts));
  await until("all have a code", async () => {
    const all = await other.store.db.select().from(bookings);
    return all.length === stays && all.every(({ grantId }) => grantId !== null);
  });

  assert.equal((await one.store.db.select().from(grantRecord)).length, stays);
  assert.equal(lodgify.calls.filter(({ path }) => path.includes("stayFilter=Upcoming")).length, 1);
  const sweepOf = async (cloud: TestCloud) => (await jobsOf(cloud)).sweep;
  const first = await sweepOf(one);
  clock.advance(24 * hour);
  await until("the next day's look is had", async () => (await sweepOf(other))?.ranAt !== first?.ranAt);
  assert.equal((await sweepOf(one))?.nextAt, isoOf(clock, 24 * hour));
});

test("a turn is whoever asks first; one that a wrong clock has put years ahead is taken all the same", async (t) => {
  const clock = new HandClock();
  const store = await memoryStore({ clock });
  t.after(() => store.close());
  const turn = () => store.transaction((tx) => takeTurn(tx, "sweep", 24 * hour, clock.wall()));
  assert.deepEqual([await turn(), await turn()], [0, 24 * hour]);
  clock.advance(hour);
  assert.equal(await turn(), 23 * hour);
  clock.stepWall(10 * 365 * 24 * hour);
  assert.equal(await turn(), 0);
  clock.stepWall(-10 * 365 * 24 * hour);
  assert.deepEqual([await turn(), await turn()], [0, 24 * hour]);
});
