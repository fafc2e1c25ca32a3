/** Members of a hub: a booking gives an account at the maker of the lock its right, follows the booking and ends with it. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { provisionAllDue } from "../../cloud-sync/jobs/provision-stays.ts";
import { watchAllDue } from "../../cloud-sync/jobs/watch-stays.ts";
import { type Answer, givenCloud, HandClock, type TestCloud, type TestGateway } from "../support/cloud.ts";

const noCodes = "PINs are not possible on this lock: it opens to the accounts of its members";
const panel = { lengths: [4, 6], digits: "0123456789", forbiddenPrefixes: [], capacity: 100, windows: "range" };

// Tuesday 2031-03-04, 13:00 in Madrid.
const clock = new HandClock();
let cloud: TestCloud;
let gateway: TestGateway;

before(async () => {
  cloud = await givenCloud({ clock });
  await cloud.ask("POST", "/api/sites", { id: "hub", name: "Hub", zone: "Europe/Madrid" });
  gateway = await cloud.gateway("hub");
  await gateway.report([
    { id: "studio", name: "Studio", lock: "kisi-1", reads: false, accounts: { capacity: 500 }, noCodes },
    { id: "office", name: "Office", lock: "brivo-1", reads: false, codes: { ...panel, keptBy: "cloud" } },
    { id: "street", name: "Street", lock: "box", reads: true, kinds: ["pin"] },
  ]);
});
after(() => cloud.close());

const said = (answer: Answer, status: number) => {
  clock.advance(20);
  assert.equal(answer.status, status, answer.text);
  return answer.body;
};
const aProperty = async (...accessPoints: string[]) =>
  said(await cloud.ask("POST", "/api/properties", { name: "Room", accessPoints }), 201).id;
const book = async (property: string, change: object = {}) =>
  said(
    await cloud.ask("POST", "/api/bookings", {
      ...{ property, kind: "member", guest: { name: "Ada L.", email: "Ada@Hub.example" } },
      ...{ from: "2031-06-04T15:00", until: "2031-06-04T17:30" },
      ...change,
    }),
    201,
  );
const change = async (id: string, body: object) => said(await cloud.ask("PATCH", `/api/bookings/${id}`, body), 200);
const read = async (id: string) => said(await cloud.ask("GET", `/api/bookings/${id}`), 200);

interface Told {
  readonly revoked: boolean;
  readonly credentials: readonly {
    readonly id: string;
    readonly kind: string;
    readonly index: string;
    readonly revoked: boolean;
  }[];
}

/** As the gateway has it. */
async function grantOf(id: string): Promise<Told> {
  gateway.cursor = { feed: "", version: 0 };
  const rows = await gateway.catchUp();
  const row = rows.find((one) => one.id === id) as { readonly body?: unknown } | undefined;
  return row?.body as Told;
}

const accounts = ({ credentials }: Told) => credentials.filter(({ kind }) => kind === "provider");
const live = (told: Told) => accounts(told).filter(({ revoked }) => !revoked);
const states = (booking: Answer["body"]) =>
  booking.code.doors.map(({ accessPoint, state, why }: Record<string, string>) => [accessPoint, state, why]);

describe("a member's booking", () => {
  test("is given its account at once, months ahead, and is shown by what became of it at the maker", async () => {
    const booking = await book(await aProperty("studio"));
    assert.deepEqual([booking.code.problem, booking.code.dueAt], [null, null]);
    const [account, ...others] = accounts(await grantOf(booking.code.grant));
    assert.ok(account);
    assert.deepEqual(others, []);
    assert.deepEqual(states(await read(booking.id)), [["studio", "waiting-lock", "not-sent"]]);

    const window = { from: Date.parse("2031-06-04T13:00Z"), until: Date.parse("2031-06-04T15:30Z") };
    const code = { device: "kisi-1", grant: booking.code.grant, credential: account.id };
    const first = gateway.lines.length + 1;
    gateway.record(
      { type: "code-sent", ...code, change: "set", index: account.index, window },
      { type: "code-answered", ...code, result: "accepted" },
      { type: "code-read", ...code, change: "set", state: "present", index: account.index, window, ref: "900001" },
    );
    said(await gateway.push(first), 200);
    assert.deepEqual(states(await read(booking.id)), [["studio", "on-lock", "in-lock"]]);

    await change(booking.id, { status: "cancelled" });
    const revoked = await grantOf(booking.code.grant);
    assert.equal(revoked.revoked, true);
    const { former } = (await read(booking.id)).code;
    assert.deepEqual(states({ code: former }), [["studio", "still-on-lock", "still-in-lock"]]);
  });

  test("shares its account with the member's other bookings, however the address is written", async () => {
    const property = await aProperty("studio", "office");
    const first = await book(property);
    const second = await book(property, { guest: { name: "Ada", email: "ADA@hub.example" } });
    const [one] = live(await grantOf(first.code.grant));
    const [other] = live(await grantOf(second.code.grant));
    assert.ok(one && other);
    assert.equal(one.index, other.index);
    assert.notEqual(one.id, other.id);
    await change(second.id, { until: "2031-06-04T18:30" });
    assert.deepEqual(live(await grantOf(second.code.grant)), [other], "it moves, and stays the same");
    await change(first.id, { status: "completed" });
    assert.equal((await grantOf(second.code.grant)).revoked, false);
  });

  test("whose address changes is another account's, and the old one's no more; the PIN at the other door stays", async () => {
    const booking = await book(await aProperty("studio", "office"));
    const before = await grantOf(booking.code.grant);
    const pin = said(await cloud.ask("POST", `/api/bookings/${booking.id}/reveal`), 200).code;
    const changed = await change(booking.id, { guest: { email: "ada.l@hub.example" } });
    assert.equal(changed.code.grant, booking.code.grant);
    const told = await grantOf(booking.code.grant);
    const [was, now] = accounts(told);
    assert.deepEqual([was?.id, was?.revoked, now?.revoked], [live(before)[0]?.id, true, false]);
    assert.notEqual(now?.index, was?.index);
    assert.equal(said(await cloud.ask("POST", `/api/bookings/${booking.id}/reveal`), 200).code, pin);
    assert.deepEqual(states(await read(booking.id)), [
      ["studio", "waiting-lock", "not-sent"],
      ["office", "waiting-lock", "not-sent"],
    ]);
  });

  for (const [what, guest, told] of [
    ["no address", { name: "Ada" }, /guest\.email is missing, and Studio opens to members' accounts by it: add it/],
  ] as const)
    test(`that gives ${what} says so, and is let in by the button of its page meanwhile`, async () => {
      const booking = await book(await aProperty("studio", "street"), { guest });
      assert.match(booking.code.problem, told);
      const { credentials } = await grantOf(booking.code.grant);
      assert.deepEqual(
        credentials.map(({ kind }) => kind),
        ["pin", "link"],
      );
      const mended = await change(booking.id, { guest: { email: "ada@hub.example" } });
      assert.equal(mended.code.problem, null);
      assert.equal(live(await grantOf(booking.code.grant)).length, 1);
    });

  test("shares its room with other members', and nobody is alarmed about it", async () => {
    const room = await aProperty("street");
    const minutes = { rules: { lateMinutes: 30 } };
    said(await cloud.ask("PATCH", `/api/properties/${room}`, minutes), 200);
    const [one, other] = [await book(room), await book(room, { guest: { name: "Ben M.", email: "ben@hub.example" } })];
    await provisionAllDue(cloud.parts);
    await watchAllDue(cloud.parts);
    for (const { id } of [one, other]) {
      const { isBookedTwice, code } = await read(id);
      assert.deepEqual([isBookedTwice, code.until], [false, "2031-06-04T16:00:00Z"]);
    }
    const { items } = said(await cloud.ask("GET", "/api/stay-alarms?site=hub"), 200);
    assert.deepEqual(
      items.filter(({ about }: { about: string }) => [one.id, other.id].includes(about)),
      [],
    );
  });

  test("whose account was revoked by hand gets it back neither by a change nor by itself, until another address is given", async () => {
    const booking = await book(await aProperty("studio"));
    const { grant } = booking.code;
    const [account] = live(await grantOf(grant));
    said(await cloud.ask("POST", `/api/sites/hub/grants/${grant}/credentials/${account?.id}/revoke`), 200);
    await gateway.catchUp();
    await gateway.poll();
    assert.deepEqual(states(await read(booking.id)), [["studio", "gateway-decides", "gateway-knows"]]);
    await provisionAllDue(cloud.parts);
    assert.match((await read(booking.id)).code.problem, /revoked its member's account there/);
    for (const until of ["2031-06-04T18:00", "2031-06-04T18:30"]) {
      const moved = await change(booking.id, { until });
      assert.match(moved.code.problem, /revoked its member's account there/);
      assert.deepEqual(live(await grantOf(grant)), []);
    }
    const others = await change(booking.id, { guest: { email: "another@hub.example" } });
    assert.equal(others.code.problem, null);
    assert.equal(live(await grantOf(grant)).length, 1);
  });

  test("whose address changes while the maker keeps the old one's right is told of after half an hour, until it is gone", async () => {
    const booking = await book(await aProperty("studio"), { from: "2031-06-05T15:00", until: "2031-06-05T17:30" });
    const { grant } = booking.code;
    const [account] = live(await grantOf(grant));
    const window = { from: Date.parse("2031-06-05T13:00Z"), until: Date.parse("2031-06-05T15:30Z") };
    const its = { device: "kisi-1", grant, credential: account?.id, index: account?.index, window, ref: "900007" };
    const readBack = async (change: string, state: string) => {
      const first = gateway.lines.length + 1;
      gateway.record({ type: "code-read", ...its, change, state });
      said(await gateway.push(first), 200);
    };
    const lateAfter = async (minutes: number) => {
      clock.advance(minutes * 60_000);
      await watchAllDue(cloud.parts);
      const { items } = said(await cloud.ask("GET", "/api/stay-alarms?site=hub&open=true"), 200);
      return items
        .filter(({ about, kind }: Record<string, string>) => about === booking.id && kind === "removal-late")
        .map(({ detail }: { detail: { doors: string[] } }) => detail.doors);
    };
    await readBack("set", "present");
    await change(booking.id, { guest: { email: "ada.new@hub.example" } });
    assert.deepEqual(await lateAfter(28), []);
    assert.deepEqual(await lateAfter(3), [["studio"]]);
    await readBack("clear", "absent");
    assert.deepEqual(await lateAfter(0), []);
  });

  test("whose address changes again and again stays one that gateways can read", async () => {
    const booking = await book(await aProperty("studio"));
    const pin = said(await cloud.ask("POST", `/api/bookings/${booking.id}/reveal`), 200).code;
    let { code } = booking;
    for (let count = 0; count < 32; count += 1)
      ({ code } = await change(booking.id, { guest: { email: `ada-${count}@hub.example` } }));
    const told = await grantOf(code.grant);
    assert.ok(told.credentials.length <= 32, `${told.credentials.length}`);
    assert.equal(live(told).length, 1);
    assert.notEqual(code.grant, booking.code.grant);
    assert.equal(said(await cloud.ask("POST", `/api/bookings/${booking.id}/reveal`), 200).code, pin);
  });

  test("whose address was taken away and given again has its account again", async () => {
    const booking = await book(await aProperty("studio"));
    await change(booking.id, { guest: { email: null } });
    assert.deepEqual(live(await grantOf(booking.code.grant)), []);
    const mended = await change(booking.id, { guest: { email: "ada@hub.example" } });
    assert.equal(mended.code.problem, null);
    assert.equal(live(await grantOf(booking.code.grant)).length, 1);
  });

  test("made before its door opened to accounts gets one then, and keeps it while the door says nothing of them", async () => {
    const late = await cloud.gateway("hub");
    const asPin = { id: "attic", name: "Attic", lock: "kisi-2", reads: true, kinds: ["pin"] };
    await late.report([asPin]);
    const booking = await book(await aProperty("attic"));
    const accountsNow = async () => {
      await provisionAllDue(cloud.parts);
      return live(await grantOf(booking.code.grant)).map(({ id }) => id);
    };
    assert.deepEqual(await accountsNow(), []);
    await late.report([{ ...asPin, accounts: { capacity: 500 } }]);
    const given = await accountsNow();
    assert.equal(given.length, 1);
    await late.report([asPin]);
    await change(booking.id, { until: "2031-06-04T18:00" });
    assert.deepEqual(await accountsNow(), given);
  });

  test("at a door that takes PINs has no account, and nobody's address is asked for", async () => {
    const booking = await book(await aProperty("office"), { guest: { name: "Ada" } });
    assert.equal(booking.code.problem, null);
    assert.deepEqual(accounts(await grantOf(booking.code.grant)), []);
  });

  test("is not what a stay is: a guest of a flat gets no account, and the code when it is time", async () => {
    const booking = await book(await aProperty("studio"), { kind: "stay" });
    assert.equal(booking.code.grant, null);
    const soon = await book(await aProperty("studio"), {
      ...{ kind: "stay", from: "2031-03-05T15:00", until: "2031-03-05T17:30" },
    });
    assert.deepEqual(accounts(await grantOf(soon.code.grant)), []);
    assert.equal(soon.code.problem, null);
  });
});

test("a booking made while the maker's account is switched off says so, until it is on again", async () => {
  const other = await cloud.gateway("hub");
  const account = { site: "hub", gateway: other.id, provider: "BRIVO" };
  const secrets = { apiKey: "key", clientSecret: "secret", password: "word" };
  const configure = async (more: object) =>
    said(await cloud.ask("POST", "/api/integrations/access/configure", { ...account, ...more }), 200);
  await configure({ ...secrets, isEnabled: false });
  const points = [{ id: "loft", name: "Loft", lock: "brivo-1", reads: false, accounts: { capacity: 500 }, noCodes }];
  await other.report(points, [{ id: "brivo-1", link: "online", driver: "brivo" }]);
  const booking = await book(await aProperty("loft"));
  assert.deepEqual(states(await read(booking.id)), [["loft", "refused", "switched-off"]]);
  await configure({ isEnabled: true });
  assert.deepEqual(states(await read(booking.id)), [["loft", "waiting-lock", "not-sent"]]);
});

test("a grant for an account is made by hand, for several at once, and its value is told to nobody after", async () => {
  const order = {
    ...{ kind: "member", holder: { name: "Ben" }, accessPoints: ["studio"], entriesAllowed: null },
    ...{ from: "2031-06-04T15:00:00Z", until: "2031-06-05T15:00:00Z" },
    credentials: [{ kind: "provider", value: "ben@hub.example" }],
  };
  for (const _ of [1, 2]) said(await cloud.ask("POST", "/api/sites/hub/grants", order), 201);
  const refused = await cloud.ask("POST", "/api/sites/hub/grants", { ...order, accessPoints: ["office"] });
  assert.match(refused.text, /the lock of Office opens to no accounts of its maker/);
});
