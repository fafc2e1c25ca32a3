/** Alarms of stays: told before a guest stands at a door, once for each step, and gone with their cause. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { eq } from "drizzle-orm";
import type { Mail, MailChannel } from "../../cloud-sync/channels/mail.ts";
import { isProvenAt } from "../../cloud-sync/domain/guest-messages.ts";
import {
  isStale,
  type StayDoor,
  standingOf,
  type WatchedStay,
  watchStay,
} from "../../cloud-sync/domain/stay-alarms.ts";
import { forgetOfSite } from "../../cloud-sync/jobs/retention.ts";
import { sendDue } from "../../cloud-sync/jobs/send-mail.ts";
import { sendDueNotices } from "../../cloud-sync/jobs/send-notices.ts";
import { watchAllDue } from "../../cloud-sync/jobs/watch-stays.ts";
import { raiseAlarm } from "../../cloud-sync/stay-alarms.ts";
import { booking as bookings, property, stayAlarm } from "../../cloud-sync/store/schema.ts";
import {
  type Answer,
  givenCloud,
  HandClock,
  type TestCloud,
  type TestGateway,
  type TestPerson,
} from "../support/cloud.ts";

const minute = 60_000;
const hour = 60 * minute;
const from = Date.UTC(2031, 2, 5, 14);
const until = from + 72 * hour;

const door = (change: Partial<StayDoor> = {}): StayDoor => ({
  accessPoint: "front",
  state: "gateway-decides",
  isConfirmed: true,
  ...change,
});
const stay = (change: Partial<WatchedStay> = {}): WatchedStay => ({
  isConfirmed: true,
  window: { from, until },
  codeDueAt: null,
  wantedSince: from - 48 * hour,
  doors: [door()],
  over: [],
  clashes: [],
  ...change,
});
const kindsAt = (facts: WatchedStay, at: number) =>
  watchStay(facts, at).alarms.map(({ kind, level }) => `${kind} ${level}`);

describe("a stay without a code at its doors", () => {
  const without = stay({ doors: [door({ state: "waiting-gateway", isConfirmed: false })] });

  test("alarms 24 h, 4 h, 2 h 10 min and 30 min before, and when it begins; the third leaves two hours", () => {
    const levels = [25 * hour, 24 * hour, 4 * hour, 130 * minute, 30 * minute, 0].map((left) =>
      kindsAt(without, from - left).join(),
    );
    assert.deepEqual(levels, ["", "no-code 1", "no-code 2", "no-code 3", "no-code 4", "no-code 5"]);
  });

  test("is looked at again at each of these moments", () => {
    let at = from - 30 * hour;
    const told: number[] = [];
    let level = 0;
    for (let round = 0; round < 5_000 && at <= from; round += 1) {
      const { alarms, lookAt } = watchStay(without, at);
      const now = alarms[0]?.level ?? 0;
      if (now > level) told.push((from - at) / minute);
      level = now;
      assert.ok(lookAt !== null && lookAt > at);
      at = lookAt;
    }
    assert.deepEqual(told, [24 * 60, 240, 130, 30, 0]);
  });

  test("alarms nobody while the code is not due, within ten minutes of its making, when it is over, or not to have one", () => {
    assert.deepEqual(kindsAt(stay({ doors: [], codeDueAt: from - hour }), from - 2 * hour), []);
    assert.deepEqual(kindsAt(stay({ doors: [], wantedSince: from - 3 * hour }), from - 3 * hour + 9 * minute), []);
    assert.deepEqual(kindsAt(stay({ doors: [], wantedSince: from - 3 * hour }), from - 3 * hour + 10 * minute), [
      "no-code 2",
    ]);
    assert.deepEqual(kindsAt(stay({ doors: [] }), until), []);
    assert.deepEqual(kindsAt(stay({ doors: [], isConfirmed: false }), from), []);
  });

  test("one that its gateway puts into the lock at the beginning alarms nobody before, unless the gateway does not have it", () => {
    assert.equal(standingOf(door({ state: "not-due" })), "later");
    assert.equal(standingOf(door({ state: "not-due", isConfirmed: false })), "missing");
    assert.deepEqual(kindsAt(stay({ doors: [door({ state: "not-due" })] }), from - minute), []);
    assert.deepEqual(kindsAt(stay({ doors: [door(), door({ state: "waiting-lock" })] }), from), ["no-code 5"]);
  });
});

test("a lock that has not heard that the stay goes on alarms two hours before it shuts the guest out, and is not enough to tell", () => {
  const old = until - 24 * hour;
  const short = door({ accessPoint: "attic", state: "on-lock", opensUntil: old });
  const facts = stay({ doors: [door(), short] });
  assert.equal(standingOf(short), "short");
  assert.deepEqual(kindsAt(facts, old - 131 * minute), []);
  assert.equal(watchStay(facts, from).lookAt, old - 130 * minute);
  assert.deepEqual(kindsAt(facts, old - 130 * minute), ["no-code 3"]);
  assert.deepEqual(kindsAt(stay({ doors: [door(), door({ state: "on-lock" })] }), old), []);
  const late = stay({ doors: [short], wantedSince: old - hour });
  assert.deepEqual([kindsAt(late, old - hour + 9 * minute), kindsAt(late, old - 50 * minute)], [[], ["no-code 3"]]);
  assert.ok(!isProvenAt([door(), short]));
});

test("a code in a lock half an hour after its end alarms, and not before; one that is gone does not", () => {
  const over = (stillAt: string[]) => stay({ doors: [], over: [{ endedAt: until, stillAt }] });
  assert.deepEqual(kindsAt(over(["front"]), until + 29 * minute), []);
  assert.equal(watchStay(over(["front"]), until).lookAt, until + 30 * minute);
  assert.deepEqual(kindsAt(over(["front"]), until + 30 * minute), ["removal-late 1"]);
  assert.deepEqual(watchStay(over([]), until + 30 * minute), { alarms: [], lookAt: null });
});

test("a source is stale after six hours, or three of its own intervals", () => {
  assert.deepEqual([isStale(0, 60, 6 * hour - 1), isStale(0, 60, 6 * hour)], [false, true]);
  assert.deepEqual([isStale(0, 240, 12 * hour - 1), isStale(0, 240, 12 * hour)], [false, true]);
});

/** An alarm as the API tells it. */
interface Told {
  readonly id: string;
  readonly kind: string;
  readonly about: string;
  readonly level: number;
  readonly detail: Record<string, unknown>;
  readonly settledAt: string | null;
  readonly settledBy: string | null;
}

class KeptMail implements MailChannel {
  readonly mails: Mail[] = [];

  async send(mail: Mail) {
    this.mails.push(mail);
    return { outcome: "sent" } as const;
  }
}

describe("in the service", () => {
  // Tuesday 2031-03-04, 13:00 in Madrid.
  const clock = new HandClock();
  const mail = new KeptMail();
  let cloud: TestCloud;
  let gateway: TestGateway;
  let owner: TestPerson;
  let flat: string;

  before(async () => {
    cloud = await givenCloud({ clock, mail, publicUrl: "http://localhost" });
  });
  after(() => cloud.close());

  let sites = 0;
  let site = "";
  beforeEach(async () => {
    sites += 1;
    clock.advance(5_000);
    site = `casa-${sites}`;
    clock.stepWall(Date.UTC(2031, 2, 4, 12) - clock.wall());
    await cloud.ask("POST", "/api/sites", { id: site, name: "Casa", zone: "Europe/Madrid" });
    gateway = await cloud.gateway(site);
    await gateway.report([{ id: "front", name: "Front door", lock: "gate", reads: true, kinds: ["pin"] }]);
    owner = await cloud.as("owner", [site], { email: `ona-${sites}@example.org`, language: sites % 2 ? "en" : "es" });
    flat = said(await cloud.ask("POST", "/api/properties", { site, name: "Attic" }), 201).id;
    mail.mails.length = 0;
  });

  const said = (answer: Answer, status: number) => {
    clock.advance(20);
    assert.equal(answer.status, status, answer.text);
    return answer.body;
  };
  const book = async (change: object = {}) =>
    said(
      await cloud.ask("POST", "/api/bookings", {
        property: flat,
        guest: { name: "Greta Guest" },
        arrival: "2031-03-05",
        departure: "2031-03-08",
        ...change,
      }),
      201,
    );
  const alarms = async (query = ""): Promise<Told[]> =>
    said(await owner.ask("GET", `/api/stay-alarms?site=${site}${query}`), 200).items;
  const at = async (moment: string) => {
    clock.stepWall(Date.parse(moment) - clock.wall());
    await watchAllDue(cloud.parts);
  };
  /** What the owner has been told since, as subjects. */
  const told = async () => {
    await sendDueNotices(cloud.parts);
    await sendDue(cloud.parts, mail);
    return mail.mails.splice(0).map(({ to, subject }) => [to, subject]);
  };

  test("the owner is told at each step that no door has the code, and no more once it has", async () => {
    const { id } = await book();
    await at("2031-03-04T12:05Z");
    assert.deepEqual(await alarms(), []);
    await at("2031-03-04T14:00Z");
    const [first] = await alarms();
    assert.deepEqual([first?.kind, first?.about, first?.level, first?.settledAt], ["no-code", id, 1, null]);
    assert.deepEqual(first?.detail.doors, [{ accessPoint: "front", state: "waiting-gateway" }]);
    assert.equal((await told()).length, 1);
    await at("2031-03-05T09:59Z");
    assert.deepEqual(await told(), []);
    await at("2031-03-05T11:50Z");
    const tolds = await told();
    assert.equal(tolds.length, 1);
    assert.match(tolds[0]![1]!, /Attic/);
    await gateway.catchUp();
    await at("2031-03-05T11:51Z");
    const [over] = await alarms();
    assert.deepEqual([over?.level, over?.settledBy], [3, null]);
    assert.notEqual(over?.settledAt, null);
    await at("2031-03-05T13:30Z");
    assert.deepEqual([(await alarms("&open=true")).length, await told()], [0, []]);
  });

  test("what is settled before it is sent is told to nobody", async () => {
    await book();
    await at("2031-03-04T14:00Z");
    await gateway.catchUp();
    await at("2031-03-04T14:01Z");
    assert.deepEqual(await told(), []);
  });

  test("one settled by hand stays so until it gets worse", async () => {
    await book();
    await at("2031-03-04T14:00Z");
    const [{ id } = { id: "" }] = await alarms();
    const settled = said(await owner.ask("POST", `/api/stay-alarms/${id}/settle`), 200);
    assert.equal(settled.settledBy, owner.id);
    await at("2031-03-04T14:05Z");
    assert.equal((await alarms("&open=true")).length, 0);
    await at("2031-03-05T10:00Z");
    const [again] = await alarms("&open=true");
    assert.deepEqual([again?.id, again?.level, again?.settledBy], [id, 2, null]);
  });

  test("whoever may not change stays is neither told nor lets anybody settle; of another site not even seen", async () => {
    const looker = await cloud.as("user", [site], { email: `looker-${sites}@example.org` });
    const stranger = await cloud.as("owner", [], { email: `stranger-${sites}@example.org` });
    await book();
    await at("2031-03-04T14:00Z");
    assert.deepEqual(
      (await told()).map(([to]) => to),
      [`ona-${sites}@example.org`],
    );
    const [{ id } = { id: "" }] = await alarms();
    assert.equal((await looker.ask("GET", "/api/stay-alarms")).body.items.length, 1);
    assert.equal((await looker.ask("POST", `/api/stay-alarms/${id}/settle`)).status, 403);
    assert.equal((await stranger.ask("POST", `/api/stay-alarms/${id}/settle`)).status, 404);
    assert.equal((await stranger.ask("GET", "/api/stay-alarms")).body.items.length, 0);
  });

  test("among many who live there, whoever may do something is told", async () => {
    for (let nth = 0; nth < 55; nth += 1) await cloud.as("resident", [site], { userName: `aa-${sites}-${nth}` });
    await book();
    await at("2031-03-04T14:00Z");
    assert.deepEqual(
      (await told()).map(([to]) => to),
      [`ona-${sites}@example.org`],
    );
  });

  test("where nobody looks after the site, administrators are told", async () => {
    await cloud.ask("PATCH", `/api/people/${owner.id}`, { disabled: true });
    await cloud.as("admin", [], { email: `ada-${sites}@example.org` });
    await book();
    await at("2031-03-04T14:00Z");
    assert.ok((await told()).some(([to]) => to === `ada-${sites}@example.org`));
  });

  test("of two stays at the same time the later one alarms, whichever was changed, until one of them goes", async () => {
    const one = await book({ arrival: "2031-03-10", departure: "2031-03-12" });
    const two = await book({ arrival: "2031-03-14", departure: "2031-03-16" });
    await watchAllDue(cloud.parts);
    assert.deepEqual(await alarms(), []);
    said(await cloud.ask("PATCH", `/api/bookings/${one.id}`, { arrival: "2031-03-10", departure: "2031-03-15" }), 200);
    await watchAllDue(cloud.parts);
    const [clash] = await alarms("&open=true");
    assert.deepEqual([clash?.kind, clash?.about, clash?.detail], ["booked-twice", two.id, { with: [one.id] }]);
    said(await cloud.ask("PATCH", `/api/bookings/${one.id}`, { status: "cancelled" }), 200);
    clock.stepWall(10 * minute);
    await watchAllDue(cloud.parts);
    assert.deepEqual(await alarms("&open=true"), []);
  });

  test("a code that nobody has seen leave its lock is told half an hour after checkout, and is over when it was read back", async () => {
    const codes = { lengths: [6], digits: "123456789", forbiddenPrefixes: ["12"], capacity: 10, windows: "none" };
    said(await gateway.report([{ id: "front", lock: "nuki", reads: false, codes }]), 204);
    const { id, code } = await book();
    await gateway.catchUp();
    const grant = said(await cloud.ask("GET", `/api/sites/${site}/grants/${code.grant}`), 200);
    const facts = { accessPoint: "front", device: "nuki", grant: grant.id, credential: grant.credentials[0].id };
    const read = async (state: string) => {
      const first = gateway.lines.length + 1;
      const change = state === "present" ? "set" : "clear";
      gateway.record({ type: "code-read", change, state, index: "x", ref: "31", window: null, ...facts });
      assert.equal((await gateway.push(first)).status, 200);
    };
    await read("present");
    await at("2031-03-08T10:00Z");
    await at("2031-03-08T10:29Z");
    assert.deepEqual(await alarms("&open=true"), []);
    await at("2031-03-08T10:30Z");
    const [late] = await alarms("&open=true");
    assert.deepEqual([late?.kind, late?.about, late?.detail.doors], ["removal-late", id, ["front"]]);
    await read("absent");
    await watchAllDue(cloud.parts);
    assert.deepEqual(await alarms("&open=true"), []);
  });

  test("a lock that is away while its guest is given new codes keeps the alarm until the first of them is gone", async () => {
    const codes = { lengths: [6], digits: "123456789", forbiddenPrefixes: ["12"], capacity: 10, windows: "none" };
    said(await gateway.report([{ id: "front", lock: "nuki", reads: false, codes }]), 204);
    const { id, code } = await book();
    await gateway.catchUp();
    const grant = said(await cloud.ask("GET", `/api/sites/${site}/grants/${code.grant}`), 200);
    const facts = { accessPoint: "front", device: "nuki", grant: grant.id, credential: grant.credentials[0].id };
    const read = async (state: string) => {
      const first = gateway.lines.length + 1;
      const change = state === "present" ? "set" : "clear";
      gateway.record({ type: "code-read", change, state, index: "x", ref: "31", window: null, ...facts });
      assert.equal((await gateway.push(first)).status, 200);
    };
    const late = async () => (await alarms("&open=true")).filter(({ kind }) => kind === "removal-late");
    await read("present");
    for (const _ of [1, 2, 3]) said(await cloud.ask("POST", `/api/bookings/${id}/new-code`), 200);
    await at("2031-03-05T15:00Z");
    assert.deepEqual((await late())[0]?.detail.doors, ["front"]);
    await read("absent");
    await watchAllDue(cloud.parts);
    assert.deepEqual(await late(), []);
  });

  test("a lock that loses a guest's code during the stay alarms as soon as its gateway says so, and no more once it is back", async () => {
    const codes = { lengths: [6], digits: "123456789", forbiddenPrefixes: ["12"], capacity: 10, windows: "none" };
    said(await gateway.report([{ id: "front", lock: "nuki", reads: false, codes }]), 204);
    const { code } = await book();
    await gateway.catchUp();
    const grant = said(await cloud.ask("GET", `/api/sites/${site}/grants/${code.grant}`), 200);
    const facts = { accessPoint: "front", device: "nuki", grant: grant.id, credential: grant.credentials[0].id };
    const say = async (event: Record<string, unknown>) => {
      const first = gateway.lines.length + 1;
      gateway.record({ ...facts, ...event });
      assert.equal((await gateway.push(first)).status, 200);
      await watchAllDue(cloud.parts);
      return alarms("&open=true");
    };
    const present = { type: "code-read", change: "set", state: "present", index: "x", ref: "31", window: null };
    clock.stepWall(Date.parse("2031-03-05T14:00Z") - clock.wall());
    assert.deepEqual(await say(present), []);
    clock.stepWall(26 * hour);
    const lost = await say({ ...present, state: "absent" });
    assert.deepEqual([lost[0]?.kind, lost[0]?.level], ["no-code", 5]);
    assert.deepEqual(await say(present), []);
  });

  test("a stay that goes on, at a lock that is away: the owner hears of it before the old end, no spare is given, and it is over once the lock knows", async () => {
    const codes = { lengths: [6], digits: "123456789", forbiddenPrefixes: ["12"], capacity: 10, windows: "range" };
    said(await gateway.report([{ id: "front", lock: "nuki", reads: false, codes }]), 204);
    const { id, code } = await book();
    await gateway.catchUp();
    const grant = said(await cloud.ask("GET", `/api/sites/${site}/grants/${code.grant}`), 200);
    const facts = { accessPoint: "front", device: "nuki", grant: grant.id, credential: grant.credentials[0].id };
    const read = async (end: string) => {
      const first = gateway.lines.length + 1;
      const window = { from: Date.parse("2031-03-05T14:00Z"), until: Date.parse(end) };
      gateway.record({ type: "code-read", change: "set", state: "present", index: "x", ref: "31", window, ...facts });
      assert.equal((await gateway.push(first)).status, 200);
    };
    await read("2031-03-08T10:00Z");
    await at("2031-03-07T12:00Z");
    said(await cloud.ask("PATCH", `/api/bookings/${id}`, { arrival: "2031-03-05", departure: "2031-03-10" }), 200);
    await gateway.catchUp();
    await at("2031-03-08T07:49Z");
    assert.deepEqual(await alarms("&open=true"), []);
    await at("2031-03-08T07:50Z");
    const [short] = await alarms("&open=true");
    assert.deepEqual(
      [short?.kind, short?.level, short?.detail.doors],
      ["no-code", 3, [{ accessPoint: "front", state: "on-lock" }]],
    );
    await read("2031-03-10T10:00Z");
    await watchAllDue(cloud.parts);
    assert.deepEqual(await alarms("&open=true"), []);
  });

  test("the same is raised once for a booking and kind, by however many at once; settled, what a guest says may be said again", async () => {
    const { id } = await book();
    const raise = () =>
      cloud.store.transaction((tx) =>
        raiseAlarm(tx, { site, booking: id, kind: "guest-says", detail: { words: "no" } }, clock.wall()),
      );
    assert.deepEqual((await Promise.all([raise(), raise(), raise()])).sort(), [false, false, true]);
    const [{ id: alarm } = { id: "" }] = await alarms();
    said(await owner.ask("POST", `/api/stay-alarms/${alarm}/settle`), 200);
    assert.equal(await raise(), true);
    assert.equal((await alarms()).length, 2);
    const page = said(await owner.ask("GET", `/api/stay-alarms?site=${site}&limit=1`), 200);
    const next = said(await owner.ask("GET", `/api/stay-alarms?site=${site}&limit=1&after=${page.next}`), 200);
    assert.deepEqual([page.items.length, next.items.length, next.next], [1, 1, null]);
    await at("2031-03-08T10:00Z");
    assert.deepEqual(await alarms("&open=true"), []);
  });

  test("a stay that cannot be looked after keeps no other waiting, and is tried again", async () => {
    const [broken, good] = [await book(), await book({ arrival: "2031-03-20", departure: "2031-03-21" })];
    const rules = await cloud.ask("POST", "/api/properties", { site, name: "Broken" });
    await cloud.store.transaction(async (tx) => {
      await tx.update(property).set({ rules: "{" }).where(eq(property.id, rules.body.id));
      await tx.update(bookings).set({ propertyId: rules.body.id, watchAt: 0 }).where(eq(bookings.id, broken.id));
      await tx.update(bookings).set({ watchAt: 1 }).where(eq(bookings.id, good.id));
    });
    await watchAllDue(cloud.parts);
    const rows = await cloud.store.db.select().from(bookings).where(eq(bookings.siteId, site));
    const watchAt = (id: string) => rows.find((row) => row.id === id)?.watchAt ?? 0;
    assert.equal(watchAt(broken.id), clock.wall() + 5 * minute);
    assert.ok(watchAt(good.id) > clock.wall() + hour);
  });

  test("alarms are forgotten with the names of those they were about", async () => {
    await book();
    await at("2031-03-04T14:00Z");
    assert.equal((await alarms()).length, 1);
    clock.stepWall(400 * 24 * hour);
    await forgetOfSite(cloud.parts, site);
    const left = await cloud.store.db.select().from(stayAlarm).where(eq(stayAlarm.siteId, site));
    assert.deepEqual(left, []);
  });
});
