/** How the simulated Kisi behaves on a real port: who gets in when, what the limits are, what goes wrong. Its words: test/wire/kisi-golden.test.ts. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { KisiServer, type KisiServerOptions } from "../../../firmware-sim/links/kisi.ts";
import { SimCloudDoor } from "../../../firmware-sim/sim-cloud-door.ts";
import { givenListener } from "../../support/event-listener.ts";
import { SimClock } from "../../support/sim-clock.ts";
import { until } from "../../support/until.ts";

const noon = Date.UTC(2031, 2, 4, 12);
const key = "the-key-of-the-owner";
const group = 77;

async function givenKisi(t: TestContext, options: Partial<KisiServerOptions> = {}) {
  const clock = new SimClock(noon);
  const door = new SimCloudDoor({ id: 1, name: "Entrance", clock });
  const other = new SimCloudDoor({ id: 2, name: "Archive", clock });
  const server = new KisiServer({
    doors: [door, other],
    groups: [{ id: group, name: "Members", locks: [1] }],
    keys: [
      { secret: key, rights: "owner" },
      { secret: "second-key", rights: "owner" },
      { secret: "poor", rights: "none" },
    ],
    clock,
    ...options,
    quirks: { requestsPerSecond: Number.POSITIVE_INFINITY, ...options.quirks },
  });
  const { url } = await server.start();
  t.after(() => server.stop());
  const ask = async (method: string, path: string, body?: unknown, authorization = `KISI-LOGIN ${key}`) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { authorization, "content-type": "application/json" },
      signal: AbortSignal.any([t.signal, AbortSignal.timeout(20_000)]),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const said = await response.text();
    return {
      status: response.status,
      range: response.headers.get("x-collection-range"),
      body: said === "" ? undefined : JSON.parse(said),
    };
  };
  const pass = async (ms: number) => {
    const end = clock.monotonic() + ms;
    while (clock.step(end)) await turn();
    await turn();
  };
  const addMember = async (email: string): Promise<number> =>
    (await ask("POST", "/members", { member: { name: email.split("@")[0], email } })).body.user.id;
  const assign = async (userId: number, window: object = {}): Promise<number> =>
    (
      await ask("POST", "/role_assignments", {
        role_assignment: { user_id: userId, role_id: "group_basic", group_id: group, ...window },
      })
    ).body.id;
  const history = async (more: object = {}) =>
    (await ask("POST", "/event_sets", { event_set: { interval: "P7D/2031-03-05T00:00:00Z", ...more } })).body;
  return { clock, door, other, server, url, ask, pass, addMember, assign, history };
}

test("a member enters the doors of the group, from when the controller knows and within the window", async (t) => {
  const { door, other, pass, addMember, assign } = await givenKisi(t);
  const anna = await addMember("anna@hub.example");
  await assign(anna, { valid_from: "2031-03-04T12:00:00Z", valid_until: "2031-03-04T13:00:00Z" });
  assert.equal(door.usePhone(anna), false, "the controller does not know yet");
  await pass(2_000);
  assert.equal(door.usePhone(anna), true);
  assert.equal(other.usePhone(anna), false);
  await pass(3_600_000);
  assert.equal(door.usePhone(anna), false);
});

test("a deleted assignment, or member, is effective when the controller has heard of it", async (t) => {
  const { door, ask, pass, server, addMember, assign } = await givenKisi(t);
  const anna = await addMember("anna@hub.example");
  const id = await assign(anna);
  await pass(2_000);
  door.cutLine();
  assert.equal((await ask("DELETE", `/role_assignments/${id}`)).status, 204);
  await pass(86_400_000);
  assert.equal(door.usePhone(anna), true);
  door.restoreLine();
  await pass(2_000);
  assert.equal(door.usePhone(anna), false);

  await assign(anna);
  await pass(2_000);
  assert.equal(door.usePhone(anna), true);
  assert.equal((await ask("DELETE", `/members/${server.members()[0]?.id}`)).status, 204);
  assert.deepEqual(server.assignments(), []);
  await pass(2_000);
  assert.equal(door.usePhone(anna), false);
});

test("nothing keeps the same access from being given twice, and taking one away leaves the other", async (t) => {
  const { door, ask, pass, addMember, assign } = await givenKisi(t);
  const anna = await addMember("anna@hub.example");
  const [first, second] = [await assign(anna), await assign(anna)];
  assert.notEqual(first, second);
  await ask("DELETE", `/role_assignments/${first}`);
  await pass(2_000);
  assert.equal(door.usePhone(anna), true);
});

test("looking for an e-mail finds every one that contains it, and 50 members at most", async (t) => {
  const { ask, addMember } = await givenKisi(t);
  await addMember("joanna@hub.example");
  await addMember("anna@hub.example");
  const found = await ask("GET", "/members?query=ANNA%40hub.example");
  assert.deepEqual(
    found.body.map((one: { user: { email: string } }) => one.user.email),
    ["joanna@hub.example", "anna@hub.example"],
  );
  for (let count = 2; count < 60; count++) await addMember(`member${count}@hub.example`);
  const all = await ask("GET", "/members");
  assert.equal(all.range, "0-49/60");
  assert.equal(all.body.length, 50);
  assert.equal((await ask("GET", "/members?offset=50&limit=100")).range, "50-59/60");
  assert.equal((await ask("GET", "/members?offset=60")).range, "*/60");
  assert.equal((await ask("GET", "/members?limit=101")).status, 400);
  assert.equal((await ask("GET", "/role_assignments?limit=251")).status, 400);
});

test("whoever asks for an assignee names its type", async (t) => {
  const { ask } = await givenKisi(t);
  assert.equal((await ask("GET", "/role_assignments?assignee_id=5")).status, 400);
  assert.equal((await ask("GET", "/role_assignments?applies_to_id=5")).status, 400);
});

for (const [what, wish, field] of [
  ["a date without a zone", { valid_from: "2031-03-04T12:00:00" }, "valid_from"],
  ["a window upside down", { valid_from: "2031-03-04T12:00:00Z", valid_until: "2031-03-04T12:00:00Z" }, "valid_until"],
  ["no role", { role_id: "" }, "role_id"],
  ["a group of somebody else", { group_id: 78 }, "applies_to"],
] as const)
  test(`access with ${what} is refused, and the answer names the field`, async (t) => {
    const { ask, addMember, server } = await givenKisi(t);
    const usual = { user_id: await addMember("anna@hub.example"), role_id: "group_basic", group_id: group };
    const refused = await ask("POST", "/role_assignments", { role_assignment: { ...usual, ...wish } });
    assert.equal(refused.status, 422);
    assert.deepEqual(Object.keys(refused.body.errors), [field]);
    assert.deepEqual(server.assignments(), []);
  });

test("a member without an e-mail address is refused", async (t) => {
  const { ask, server } = await givenKisi(t);
  for (const email of [undefined, "", "anna", 7]) {
    const refused = await ask("POST", "/members", { member: { name: "Anna", email } });
    assert.deepEqual([refused.status, Object.keys(refused.body.errors)], [422, ["email"]]);
  }
  assert.deepEqual(server.members(), []);
});

test("six requests in a second are one too many for a user, by whatever keys; another user has five, too", async (t) => {
  const { ask, pass } = await givenKisi(t, { quirks: { requestsPerSecond: 5 } });
  for (let count = 0; count < 4; count++) assert.equal((await ask("GET", "/locks")).status, 200);
  assert.equal((await ask("GET", "/locks", undefined, "KISI-LOGIN second-key")).status, 200);
  assert.equal((await ask("GET", "/groups")).status, 429);
  assert.equal((await ask("GET", "/locks", undefined, "KISI-LOGIN poor")).status, 200);
  await pass(999);
  assert.equal((await ask("GET", "/locks")).status, 429);
  await pass(1);
  assert.equal((await ask("GET", "/locks")).status, 200);
});

test("a door that the cloud does not reach: 503, and the last that was seen of it", async (t) => {
  const { door, ask } = await givenKisi(t);
  door.pressExit();
  door.pushLeaf();
  door.cutLine();
  door.closeLeaf();
  const refused = await ask("POST", "/locks/1/unlock");
  assert.deepEqual([refused.status, refused.body.code], [503, "fac001"]);
  const { online, open } = (await ask("GET", "/locks/1")).body;
  assert.deepEqual([online, open], [false, true]);
  door.restoreLine();
  assert.equal((await ask("GET", "/locks/1")).body.open, false);
});

test("a locked-down door opens for no key; how that is said can be set", async (t) => {
  const { door, ask, server } = await givenKisi(t);
  assert.equal((await ask("POST", "/locks/1/lock_down")).status, 204);
  assert.equal(door.mode, "locked-down");
  const refused = await ask("POST", "/locks/1/unlock");
  assert.deepEqual([refused.status, refused.body.code], [409, "fad001"]);
  server.quirks.lockdownStatus = 403;
  assert.equal((await ask("POST", "/locks/1/unlock")).status, 403);
  assert.equal(door.strike, "secured");
  assert.equal((await ask("POST", "/locks/1/cancel_lockdown")).status, 204);
  assert.equal((await ask("POST", "/locks/1/unlock")).status, 200);
  assert.equal(door.strike, "released");
});

test("a key without rights looks and changes nothing", async (t) => {
  const { ask, server } = await givenKisi(t);
  const poor = "KISI-LOGIN poor";
  assert.equal((await ask("GET", "/locks", undefined, poor)).status, 200);
  for (const [path, body] of [
    ["/members", { member: { email: "anna@hub.example" } }],
    ["/locks/1/unlock", {}],
    ["/locks/1/lock_down", {}],
  ] as const)
    assert.equal((await ask("POST", path, body, poor)).status, 403);
  assert.deepEqual(server.members(), []);
});

test("a link opens within its window, through the cloud alone, and its secret is told once", async (t) => {
  const { door, server, ask, pass } = await givenKisi(t);
  const window = { valid_from: "2031-03-04T12:00:00Z", valid_until: "2031-03-04T13:00:00Z" };
  const { secret, id } = (
    await ask("POST", "/group_links", { group_link: { name: "Guest", group_id: group, ...window } })
  ).body;
  assert.equal((await ask("GET", "/group_links")).body[0].secret, undefined);
  assert.equal(server.openLink(secret, 1), "unlocked");
  assert.equal(server.openLink(secret, 2), "refused");
  door.cutLine();
  assert.equal(server.openLink(secret, 1), "offline");
  door.restoreLine();
  assert.equal((await ask("POST", "/locks/1/unlock", undefined, `KISI-GROUP-LINK ${secret}`)).status, 200);
  assert.equal((await ask("GET", "/locks", undefined, `KISI-GROUP-LINK ${secret}`)).status, 401);
  await pass(3_600_000);
  assert.equal(server.openLink(secret, 1), "refused");
  const late = await ask("POST", "/locks/1/unlock", undefined, `KISI-GROUP-LINK ${secret}`);
  assert.deepEqual([late.status, late.body.code], [403, "f298ef"]);
  assert.equal((await ask("DELETE", `/group_links/${id}`)).status, 204);
  assert.deepEqual(server.links(), []);
});

test("the history knows who came, who was sent away, and that nobody knows who presses the exit button", async (t) => {
  const { door, pass, addMember, assign, history } = await givenKisi(t);
  const anna = await addMember("anna@hub.example");
  await assign(anna);
  await pass(2_000);
  door.usePhone(anna);
  await pass(1_000);
  door.usePhone(4);
  await pass(1_000);
  door.pressExit();
  door.pushLeaf();
  const { events } = await history();
  assert.deepEqual(
    events.map((one: Record<string, unknown>) => [one.type, one.actor_email, one.success, one.error_code]),
    [
      ["lock.opened", null, true, null],
      ["lock.unlock", null, true, null],
      ["lock.unlock", null, false, "fcd8ef"],
      ["lock.unlock", "anna@hub.example", true, null],
    ],
  );
  assert.deepEqual(
    events.map((one: Record<string, unknown>) => one.created_at),
    ["2031-03-04T12:00:04Z", "2031-03-04T12:00:04Z", "2031-03-04T12:00:03Z", "2031-03-04T12:00:02Z"],
  );
});

test("a set has what happened within its interval, its ends included, and what fits all that was asked", async (t) => {
  const { door, other, pass, history } = await givenKisi(t, {
    quirks: { eventSetsPerSecond: Number.POSITIVE_INFINITY },
  });
  for (let count = 0; count < 4; count++) {
    door.pressExit();
    await pass(1_000);
  }
  other.usePhone(4);
  const times = async (asked: object) =>
    (await history(asked)).events.map((one: { created_at: string }) => one.created_at.slice(17, 19));
  assert.deepEqual(await times({ interval: "2031-03-04T12:00:01Z/2031-03-04T12:00:02Z" }), ["02", "01"]);
  assert.deepEqual(await times({ interval: "2031-03-04T12:00:02Z/PT1S" }), ["03", "02"]);
  assert.deepEqual(await times({ event_object_id: 2 }), ["04"]);
  assert.deepEqual(await times({ event_success: false }), ["04"]);
  assert.deepEqual(await times({ event_object_id: 1, event_type: "lock.opened" }), []);
});

test("a set of events is in progress for a while, then read page by page; what comes later is not in it", async (t) => {
  const { door, ask, pass, history } = await givenKisi(t, { quirks: { eventSetMs: 3_000 } });
  for (let count = 0; count < 5; count++) {
    door.pressExit();
    await pass(1_000);
  }
  const { id, status, events } = await history();
  assert.deepEqual([status, events], ["in_progress", null]);
  door.pressExit();
  await pass(3_000);
  const first = (await ask("GET", `/event_sets/${id}?limit=3`)).body;
  assert.deepEqual([first.status, first.events.length, typeof first.cursor], ["finished", 3, "string"]);
  const second = (await ask("GET", `/event_sets/${id}?limit=3&cursor=${first.cursor}`)).body;
  assert.deepEqual([second.events.length, second.cursor], [2, null]);
  assert.equal((await ask("GET", `/event_sets/${id}?cursor=nonsense`)).status, 422);
  assert.equal((await ask("GET", "/event_sets/1")).status, 404);
});

test("one set of events a second; more than 90 days, or no dates at all, are refused", async (t) => {
  const { ask, pass, history } = await givenKisi(t);
  assert.equal((await history()).status, "finished");
  assert.equal((await history()).code, "ffffff");
  await pass(1_000);
  for (const interval of [
    "2031-01-01T00:00:00Z/P91D",
    "yesterday/today",
    "P1D",
    "2031-03-04T12:00:00Z/2031-03-03T12:00:00Z",
  ]) {
    assert.equal((await ask("POST", "/event_sets", { event_set: { interval } })).status, 422, interval);
    await pass(1_000);
  }
});

test("events arrive at the webhook, signed; held back, the other way round and twice, where told", async (t) => {
  const { door, pass, server } = await givenKisi(t);
  const heard = await givenListener(t);
  server.webhook = { url: heard.url, signatureKey: "shared" };
  door.pressExit();
  await server.courier.idle();
  const [first] = heard.deliveries;
  assert.equal(
    first?.headers["x-signature"],
    `sha256=${createHmac("sha256", "shared")
      .update(first?.body ?? "")
      .digest("hex")}`,
  );
  assert.equal(JSON.parse(first?.body ?? "").type, "lock.unlock");

  server.courier.hold();
  await pass(1_000);
  door.pushLeaf();
  door.closeLeaf();
  server.courier.release({ reversed: true, twice: true });
  await server.courier.idle();
  const later = heard.deliveries.slice(1).map(({ body }) => JSON.parse(body));
  assert.deepEqual(
    later.map(({ type }) => type),
    ["lock.closed", "lock.closed", "lock.opened", "lock.opened"],
  );
  assert.equal(later[0].uuid, later[1].uuid);

  server.courier.faults.rates = { ...server.courier.faults.rates, repeat: 1 };
  door.pushLeaf();
  await server.courier.idle();
  assert.equal(heard.deliveries.length, 7);
  server.courier.faults.rates = { ...server.courier.faults.rates, repeat: 0, lose: 1 };
  door.closeLeaf();
  await server.courier.idle();
  assert.equal(heard.deliveries.length, 7);
  assert.deepEqual([server.courier.delivered, server.courier.failed], [7, 0]);
});

test("what nobody takes is not brought again", async (t) => {
  const { door, server, pass } = await givenKisi(t);
  const heard = await givenListener(t, 500);
  server.webhook = { url: heard.url };
  door.pressExit();
  await server.courier.idle();
  server.webhook = { url: "http://127.0.0.1:1/" };
  door.pressExit();
  await server.courier.idle();
  await pass(3_600_000);
  assert.equal(heard.deliveries.length, 1);
  assert.deepEqual([server.courier.delivered, server.courier.failed], [0, 2]);
});

test("a line that breaks after the member was made leaves the member; one that breaks before leaves nothing", async (t) => {
  const { ask, server } = await givenKisi(t);
  const body = { member: { email: "anna@hub.example" } };
  server.trouble("cut", { method: "POST", path: /\/members$/ });
  await assert.rejects(ask("POST", "/members", body), TypeError);
  assert.deepEqual(server.members(), []);
  server.trouble("drop", { method: "POST" });
  await assert.rejects(ask("POST", "/members", body), TypeError);
  assert.equal((await ask("GET", "/members?query=anna%40hub.example")).body.length, 1);
  assert.equal((await ask("POST", "/members", body)).status, 422);
});

test("an answer that never comes, with and without the deed", async (t) => {
  const { url, server, door } = await givenKisi(t);
  for (const [trouble, strike] of [
    ["hang", "secured"],
    ["mute", "released"],
  ] as const) {
    server.trouble(trouble);
    const before = server.calls.length;
    const abort = new AbortController();
    const asked = fetch(`${url}/locks/1/unlock`, {
      method: "POST",
      headers: { authorization: `KISI-LOGIN ${key}` },
      signal: abort.signal,
    });
    await until("the request arrives", () => server.calls.length > before);
    assert.equal(door.strike, strike, trouble);
    abort.abort();
    await assert.rejects(asked, { name: "AbortError" }, "until then the line stood");
  }
});

test("a slow answer: the deed is done at once", async (t) => {
  const { ask, server, door, pass } = await givenKisi(t);
  server.trouble({ slowMs: 9_000 });
  const asked = ask("POST", "/locks/1/unlock");
  await until("the deed is done", () => door.strike === "released");
  assert.equal(await Promise.race([asked, turn("none yet")]), "none yet");
  await pass(9_000);
  assert.equal((await asked).status, 200);
});

test("an answer that is no JSON; refusals, as many as told and of what was meant", async (t) => {
  const { ask, server } = await givenKisi(t);
  server.trouble("garble");
  await assert.rejects(ask("GET", "/locks"), SyntaxError);
  server.refuse(503, { times: 2, method: "GET" });
  assert.equal((await ask("POST", "/members", { member: { email: "anna@hub.example" } })).status, 200);
  assert.equal((await ask("GET", "/locks")).status, 503);
  assert.deepEqual(Object.keys((await ask("GET", "/locks")).body), ["code", "error"]);
  assert.equal((await ask("GET", "/locks")).status, 200);
  server.refuse(500);
  assert.equal((await ask("POST", "/locks/1/unlock")).status, 500);
  server.settle();
  assert.equal((await ask("POST", "/locks/1/unlock")).status, 200);
});

test("verbs that turn out otherwise", async (t) => {
  const { ask, addMember, assign, server } = await givenKisi(t, {
    quirks: { verbs: { "delete-role-assignment": ["POST"], "update-role-assignment": [] } },
  });
  const id = await assign(await addMember("anna@hub.example"));
  assert.equal((await ask("DELETE", `/role_assignments/${id}`)).status, 404);
  assert.equal((await ask("PATCH", `/role_assignments/${id}`, {})).status, 404);
  assert.equal(server.assignments().length, 1);
  assert.equal((await ask("POST", `/role_assignments/${id}`)).status, 204);
  assert.equal((await ask("DELETE", `/members/${server.members()[0]?.id}`)).status, 204);
});

test("a body that is no JSON: 400; a path that is none: 404", async (t) => {
  const { ask, url } = await givenKisi(t);
  const headers = { authorization: `KISI-LOGIN ${key}` };
  assert.equal((await fetch(`${url}/members`, { method: "POST", body: "{", headers })).status, 400);
  for (const path of ["/", "/events", "/locks/1/open", "/members/1/2/3"])
    assert.equal((await ask("GET", path)).status, 404, path);
});

test("stopped it keeps its port and what it knows, and the doors what they keep", async (t) => {
  const { server, door, url, ask, pass, addMember, assign } = await givenKisi(t);
  const anna = await addMember("anna@hub.example");
  await assign(anna);
  await pass(2_000);
  await server.stop();
  await assert.rejects(ask("GET", "/members"), TypeError);
  assert.equal(door.usePhone(anna), true);
  assert.equal((await server.start()).url, url);
  assert.equal((await ask("GET", "/members")).body.length, 1);
  const { body } = await ask("POST", "/event_sets", { event_set: {} });
  assert.equal(body.events.length, 1, "and hears what happened meanwhile");
});
