/** How the simulated Brivo behaves on a real port: who gets in when, how long a token lives, what goes wrong. Its words: test/wire/brivo-golden.test.ts. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { BrivoServer, type BrivoServerOptions } from "../../../firmware-sim/links/brivo.ts";
import { SimCloudDoor } from "../../../firmware-sim/sim-cloud-door.ts";
import { givenListener } from "../../support/event-listener.ts";
import { SimClock } from "../../support/sim-clock.ts";
import { until } from "../../support/until.ts";

const noon = Date.UTC(2031, 2, 4, 12);
const hour = 3_600_000;
const group = 16_632;
const login = { clientId: "client", clientSecret: "secret", admin: { username: "admin", password: "pass word" } };
const apiKey = "the-developers-key";
const guest = { firstName: "Peter", lastName: "Quill", externalId: "booking-12", pin: "567891" };

async function givenBrivo(t: TestContext, options: Partial<BrivoServerOptions> = {}) {
  const clock = new SimClock(noon);
  const door = new SimCloudDoor({ id: 1, name: "Entrance", clock });
  const other = new SimCloudDoor({ id: 2, name: "Archive", clock });
  const groups = [
    { id: group, name: "Members", doors: [1] },
    { id: 16_633, name: "Cleaners", doors: [1, 2] },
  ];
  const server = new BrivoServer({ doors: [door, other], groups, ...login, apiKey, clock, ...options });
  const { authUrl, apiUrl } = await server.start();
  t.after(() => server.stop());
  const signal = () => AbortSignal.any([t.signal, AbortSignal.timeout(20_000)]);
  const askToken = async (form: Record<string, string>) => {
    const response = await fetch(`${authUrl}/oauth/token`, {
      method: "POST",
      headers: { authorization: `Basic ${btoa("client:secret")}`, "api-key": apiKey },
      body: new URLSearchParams(form),
      signal: signal(),
    });
    return { status: response.status, body: (await response.json()) as Record<string, string> };
  };
  const byPassword = () => askToken({ grant_type: "password", ...login.admin });
  let token = (await byPassword()).body.access_token;
  const logIn = async () => {
    token = (await byPassword()).body.access_token;
  };
  const ask = async (method: string, path: string, body?: unknown, more: Record<string, string> = {}) => {
    const response = await fetch(apiUrl + path, {
      method,
      headers: { authorization: `bearer ${token}`, "api-key": apiKey, "content-type": "application/json", ...more },
      signal: signal(),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const said = await response.text();
    return { status: response.status, body: said.startsWith("{") ? JSON.parse(said) : said };
  };
  const pass = async (ms: number) => {
    const end = clock.monotonic() + ms;
    while (clock.step(end)) await turn();
    await turn();
  };
  const addGuest = async (more: object = {}): Promise<number> => {
    const { id } = (await ask("POST", "/users", { ...guest, ...more })).body;
    await ask("PUT", `/groups/${group}/users/${id}`);
    return id;
  };
  return { clock, door, other, server, apiUrl, ask, askToken, byPassword, logIn, pass, addGuest };
}

const longLived = { quirks: { tokenLifeS: 1_000_000 } };

test("a PIN opens the doors of the group, from when the panel knows and between its dates", async (t) => {
  const { door, other, pass, addGuest } = await givenBrivo(t, longLived);
  await addGuest({ effectiveFrom: "2031-03-04T13:00:00Z", effectiveTo: "2031-03-04T15:00:00+01:00" });
  await pass(1_999);
  assert.deepEqual(door.rights(), []);
  await pass(1);
  assert.equal(door.enterPin(guest.pin), false);
  await pass(hour);
  assert.equal(door.enterPin(guest.pin), true);
  assert.equal(other.enterPin(guest.pin), false);
  await pass(hour);
  assert.equal(door.enterPin(guest.pin), false);
});

for (const [how, take] of [
  ["out of the group", (id: number) => ["DELETE", `/groups/${group}/users/${id}`]],
  ["suspended", (id: number) => ["PUT", `/users/${id}/suspended`, { suspended: true }]],
  ["deleted", (id: number) => ["DELETE", `/users/${id}`]],
  ["without a PIN", (id: number) => ["PUT", `/users/${id}`, { firstName: "Peter", lastName: "Quill" }]],
] as const)
  test(`a user who is ${how} gets in until the panel has heard of it`, async (t) => {
    const { door, ask, pass, addGuest } = await givenBrivo(t, longLived);
    const id = await addGuest();
    await pass(2_000);
    door.cutLine();
    const [method, path, body] = take(id);
    assert.ok((await ask(String(method), String(path), body)).status < 300);
    await pass(24 * hour);
    assert.equal(door.enterPin(guest.pin), true);
    door.restoreLine();
    await pass(2_000);
    assert.equal(door.enterPin(guest.pin), false);
  });

test("who comes back from being suspended has PIN and groups as before", async (t) => {
  const { door, ask, pass, addGuest } = await givenBrivo(t);
  const id = await addGuest();
  await ask("PUT", `/users/${id}/suspended`, { suspended: true });
  await ask("PUT", `/users/${id}/suspended`, { suspended: false });
  await pass(2_000);
  assert.equal(door.enterPin(guest.pin), true);
});

test("an update in place drops what it does not name; a patch does not", async (t) => {
  const { ask, addGuest } = await givenBrivo(t);
  const id = await addGuest({ effectiveTo: "2031-03-04T13:00:00Z" });
  const patched = (await ask("PATCH", `/users/${id}`, { firstName: "Petra" })).body;
  assert.deepEqual([patched.firstName, patched.pin, patched.effectiveTo], ["Petra", guest.pin, "2031-03-04T13:00:00Z"]);
  const replaced = (await ask("PUT", `/users/${id}`, guest)).body;
  assert.deepEqual([replaced.pin, replaced.effectiveTo], [guest.pin, undefined]);
  assert.equal((await ask("PUT", `/users/${id}`, { pin: guest.pin })).status, 400);
});

for (const [what, wish] of [
  ["a PIN of three digits", { pin: "123" }],
  ["a PIN with a letter", { pin: "12a4" }],
  ["a PIN as a number", { pin: 1_234 }],
  ["a PIN of somebody else", { pin: guest.pin }],
  ["an external id of somebody else", { externalId: guest.externalId }],
  ["a date without a zone", { effectiveFrom: "2031-03-04T13:00:00" }],
  ["dates upside down", { effectiveFrom: "2031-03-04T13:00:00Z", effectiveTo: "2031-03-04T13:00:00Z" }],
  ["an e-mail that is none", { emails: ["peter@hub.example"] }],
  ["no last name", { lastName: "" }],
] as const)
  test(`a user with ${what} is refused, and the answer does not say why`, async (t) => {
    const { ask, addGuest, server } = await givenBrivo(t);
    await addGuest();
    const refused = await ask("POST", "/users", { firstName: "Anna", lastName: "Other", ...wish });
    assert.deepEqual(refused, { status: 400, body: { code: 400, message: "Invalid criteria provided" } });
    assert.equal(server.users().length, 1);
  });

test("the account says how long PINs are", async (t) => {
  const { ask, server } = await givenBrivo(t);
  server.quirks.pinDigits = { min: 4, max: 4 };
  assert.equal((await ask("POST", "/users", guest)).status, 400);
  assert.equal((await ask("POST", "/users", { ...guest, pin: "5678" })).status, 200);
});

test("an access token lives a minute, a refresh token an hour, and neither outlives being revoked", async (t) => {
  const { ask, askToken, byPassword, logIn, pass, server } = await givenBrivo(t);
  const refresh = (await byPassword()).body.refresh_token!;
  await pass(59_999);
  assert.equal((await ask("GET", "/users")).status, 200);
  await pass(1);
  const late = await ask("GET", "/users");
  assert.deepEqual([late.status, late.body.error], [401, "invalid_token"]);
  assert.match(late.body.error_description, /^Access token expired: [\da-f]{64}$/, "the service repeats it");

  const again = () => askToken({ grant_type: "refresh_token", refresh_token: refresh });
  assert.equal((await again()).status, 200);
  assert.equal((await again()).body.refresh_token, refresh);
  await logIn();
  server.expireTokens();
  assert.equal((await ask("GET", "/users")).status, 401);
  await logIn();
  assert.equal((await ask("GET", "/users")).status, 200);
  server.revokeRefreshTokens();
  const revoked = await again();
  assert.deepEqual([revoked.status, revoked.body.error], [400, "invalid_grant"]);
  const next = (await byPassword()).body.refresh_token!;
  await pass(hour);
  assert.equal((await askToken({ grant_type: "refresh_token", refresh_token: next })).status, 400);
});

test("where refresh tokens rotate, each is good for once", async (t) => {
  const { askToken, byPassword } = await givenBrivo(t, { quirks: { refreshRotates: true } });
  const refresh_token = (await byPassword()).body.refresh_token!;
  const first = await askToken({ grant_type: "refresh_token", refresh_token });
  assert.notEqual(first.body.refresh_token, refresh_token);
  assert.equal((await askToken({ grant_type: "refresh_token", refresh_token })).status, 400);
  assert.equal((await askToken({ grant_type: "refresh_token", refresh_token: first.body.refresh_token! })).status, 200);
});

test("another grant than these two is not known", async (t) => {
  const { askToken } = await givenBrivo(t);
  assert.equal((await askToken({ grant_type: "client_credentials" })).status, 400);
});

test("a door is pulsed for the time set at the panel; 412 when the panel is away, 403 when it is not allowed", async (t) => {
  const { door, ask, pass, server } = await givenBrivo(t, longLived);
  assert.deepEqual(await ask("POST", "/access-points/1/activate"), { status: 200, body: "" });
  assert.equal(door.strike, "released");
  await pass(5_000);
  assert.equal(door.strike, "secured");
  door.cutLine();
  assert.equal((await ask("POST", "/access-points/1/activate")).status, 412);
  const away = (await ask("GET", "/device-status/1")).body;
  assert.deepEqual([away.accessPointState, away.statusUpdated], ["UNKNOWN", undefined]);
  door.restoreLine();
  server.quirks.notActivated = [1];
  assert.equal((await ask("POST", "/access-points/1/activate")).status, 403);
  assert.equal((await ask("GET", "/access-points/1")).body.activationEnabled, false);
  server.quirks.notActivated = [];
  door.setMode("locked-down");
  assert.equal((await ask("POST", "/access-points/1/activate")).status, 403);
  assert.equal(door.strike, "secured");
});

test("held open until a time, the panel ends it by itself; cancelled it ends at once; a lockdown stands above it", async (t) => {
  const { door, ask, pass } = await givenBrivo(t, longLived);
  const version = { "accept-version": "2.0" };
  const path = "/schedules/change-state/1";
  const untilOne = { behavior: "UNLOCK", endTimeMode: "UNTIL_TIME", endTime: "2031-03-04T13:00:00Z" };
  assert.equal((await ask("POST", path, untilOne)).status, 400, "without the version");
  assert.equal((await ask("POST", path, untilOne, version)).status, 200);
  door.cutLine();
  assert.equal((await ask("DELETE", path)).status, 417);
  await pass(hour - 1);
  assert.equal(door.pushLeaf(), true);
  door.closeLeaf();
  await pass(1);
  assert.equal(door.pushLeaf(), false);
  assert.equal((await ask("POST", path, { behavior: "UNLOCK", endTimeMode: "INDEFINITE" }, version)).status, 417);
  door.restoreLine();
  assert.equal((await ask("DELETE", path)).status, 412);
  assert.equal((await ask("POST", path, { behavior: "UNLOCK", endTimeMode: "INDEFINITE" }, version)).status, 200);
  assert.equal(door.mode, "held-open");
  assert.equal((await ask("DELETE", path)).body.accessPointScheduledState, "LOCK");
  assert.equal(door.mode, "controlled");
  door.setMode("locked-down");
  await ask("POST", path, { behavior: "UNLOCK", endTimeMode: "INDEFINITE" }, version);
  assert.equal(door.strike, "secured");
  for (const wrong of [
    { ...untilOne, endTime: "2031-03-04T12:00:00Z" },
    { ...untilOne, behavior: "OPEN" },
    { ...untilOne, endTimeMode: "FOREVER" },
  ])
    assert.equal((await ask("POST", path, wrong, version)).status, 400);
  assert.equal(
    (await ask("POST", path, { ...untilOne, endTimeMode: "UNTIL_NEXT_SCHEDULE_CHANGE" }, version)).status,
    412,
  );
});

test("users and groups come in pages and by filters; a user is in sixteen groups at most", async (t) => {
  const groups = Array.from({ length: 17 }, (_, index) => ({ id: index + 1, name: `Group ${index + 1}`, doors: [] }));
  const { ask, server } = await givenBrivo(t, { groups });
  for (let count = 0; count < 25; count++) {
    const { id } = (await ask("POST", "/users", { firstName: `Person ${count}`, lastName: count < 3 ? "Few" : "Many" }))
      .body;
    if (count === 0) for (const one of groups) await ask("PUT", `/groups/${one.id}/users/${id}`);
    if (count === 1) await ask("PUT", `/users/${id}/suspended`, { suspended: true });
  }
  const first = server.users()[0]!;
  assert.equal((await ask("GET", `/users/${first.id}/groups`)).body.count, 16);
  assert.equal((await ask("PUT", `/groups/17/users/${first.id}`)).status, 400);
  assert.equal((await ask("PUT", `/groups/1/users/${first.id}`)).status, 204, "where it is already");
  const { data, count } = (await ask("GET", "/users?offset=20&pageSize=20")).body;
  assert.deepEqual([data.length, count], [5, 25]);
  assert.equal((await ask("GET", "/users")).body.data.length, 20);
  for (const [filter, found] of [
    ["lastname__eq:few", 3],
    ["lastname__eq:few;firstname__eq:1", 1],
    [`id__ne:${first.id}`, 24],
    ["user_status__eq:suspended", 1],
    ["user_status__eq:unaffiliated", 23],
    ["user_status__eq:active", 0],
  ] as const)
    assert.equal((await ask("GET", `/users?filter=${filter}`)).body.count, found, filter);
  for (const query of [
    "pageSize=101",
    "pageSize=0",
    "offset=-1",
    "filter=lastname__gt:a",
    "filter=emails__eq:a",
    "filter=a",
  ])
    assert.equal((await ask("GET", `/users?${query}`)).status, 400, query);
});

test("the history knows who came and who was sent away; only the exception says which, and pages overlap by an instant", async (t) => {
  const { door, ask, pass, addGuest } = await givenBrivo(t, longLived);
  const id = await addGuest({ effectiveTo: "2031-03-04T12:10:00Z" });
  await pass(2_000);
  door.enterPin(guest.pin);
  await pass(600_000);
  door.enterPin(guest.pin);
  door.enterPin("0000");
  await pass(1_000);
  door.pressExit();
  door.pushLeaf();
  await pass(30_000);
  const { data } = (await ask("GET", "/events/access")).body;
  const told = (events: readonly { securityAction: Fields; actor?: Fields; occurred: string; eventData: Fields }[]) =>
    events.map(({ securityAction, actor, occurred }) => [actor?.id, securityAction.exception, occurred.slice(11)]);
  assert.deepEqual(told(data), [
    [undefined, true, "12:10:33.000Z"],
    [undefined, false, "12:10:03.000Z"],
    [undefined, true, "12:10:02.000Z"],
    [id, true, "12:10:02.000Z"],
    [id, false, "12:00:02.000Z"],
  ]);
  assert.ok(data.every(({ eventData }: { eventData: Fields }) => eventData.actionAllowed === false));
  const page = (await ask("GET", "/events/access?pageSize=3")).body;
  const next = (await ask("GET", `/events/access?pageSize=3&offset=${page.data[2].occurred}`)).body;
  assert.deepEqual(told(next.data), told(data.slice(2)), "where it began");
  assert.equal((await ask("GET", "/events/access?filter=event_type__eq:exception")).body.data.length, 3);
  assert.equal((await ask("GET", "/events/access?filter=object__eq:2")).body.data.length, 0);
  assert.equal((await ask("GET", "/events/access?filter=object__eq:1;site__eq:7833522")).status, 400);
});

test("the history is asked day by day, and its dates are cut off to the hour", async (t) => {
  const { door, ask, pass } = await givenBrivo(t, longLived);
  door.pressExit();
  await pass(12 * hour + 1_800_000);
  door.pressExit();
  const found = async (filter: string) =>
    (await ask("GET", `/events/access?filter=${filter}`)).body.data?.map((one: { occurred: string }) =>
      one.occurred.slice(8, 16),
    );
  assert.deepEqual(await found(""), ["05T00:30"], "today since midnight");
  assert.deepEqual(await found("occurred__gt:2031-03-04T12:45:00Z"), ["05T00:30", "04T12:00"]);
  assert.deepEqual(await found("occurred__gt:2031-03-04T12:00:00Z;occurred__lt:2031-03-05T00:45:00Z"), ["04T12:00"]);
  assert.deepEqual(await found("occurred__lt:2031-03-05T01:00:00Z"), ["05T00:30", "04T12:00"]);
  assert.equal(await found("occurred__gt:2031-03-04T00:00:00Z"), undefined, "more than a day");
  assert.equal(await found("occurred__gt:yesterday"), undefined);
  assert.equal((await ask("GET", "/events/access?offset=later")).status, 400);
});

test("who subscribed hears what fits all criteria; twice and the other way round, where told", async (t) => {
  const { door, other, ask, server, addGuest, pass } = await givenBrivo(t, longLived);
  const heard = await givenListener(t);
  const id = await addGuest();
  await pass(2_000);
  const criteria = [
    { criteriaType: "ACCESS-POINT", criteriaOperationType: "EQ", criteriaValue: 1 },
    { criteriaType: "USER", criteriaOperationType: "NE", criteriaValue: id + 1 },
    { criteriaType: "AUDIT", criteriaOperationType: "EQ", criteriaValue: 0 },
  ];
  const wish = { name: "Doors", url: heard.url, errorEmail: "john@hub.example", criteria };
  const subscription = (await ask("POST", "/event-subscriptions", wish)).body.id;
  await ask("POST", "/event-subscriptions", {
    ...wish,
    criteria: [{ criteriaType: "AUDIT", criteriaOperationType: "EQ", criteriaValue: 1 }],
  });
  server.courier.hold();
  door.enterPin(guest.pin);
  other.enterPin(guest.pin);
  await ask("POST", "/access-points/1/activate");
  server.courier.release({ reversed: true, twice: true });
  await server.courier.idle();
  const told = heard.deliveries.map(({ body }) => JSON.parse(body));
  assert.deepEqual(
    told.map(({ securityAction, actor }) => [securityAction.action, actor.id === id]),
    [
      ["Administrator Pulse Output", false],
      ["Administrator Pulse Output", false],
      ["Access by User", true],
      ["Access by User", true],
    ],
  );
  assert.equal(told[0].uuid, told[1].uuid);
  assert.equal((await ask("DELETE", `/event-subscriptions/${subscription}`)).status, 204);
  door.pressExit();
  await server.courier.idle();
  assert.equal(heard.deliveries.length, 4);
  assert.equal(server.subscriptions().length, 1);
});

test("who cannot be told is told by e-mail that something could not be told", async (t) => {
  const { door, ask, server } = await givenBrivo(t);
  const heard = await givenListener(t, 503);
  await ask("POST", "/event-subscriptions", { name: "Doors", url: heard.url, errorEmail: "john@hub.example" });
  door.pressExit();
  await server.courier.idle();
  assert.deepEqual([heard.deliveries.length, server.courier.failed], [1, 1]);
  assert.deepEqual(server.errorMails, ["john@hub.example"]);
});

for (const [what, wish] of [
  ["an address that is none", { url: "hook" }],
  ["a criterion that is none", { criteria: [{ criteriaType: "DOOR", criteriaOperationType: "EQ", criteriaValue: 1 }] }],
  [
    "a door of somebody else",
    { criteria: [{ criteriaType: "ACCESS-POINT", criteriaOperationType: "EQ", criteriaValue: 9 }] },
  ],
] as const)
  test(`a subscription with ${what} is refused`, async (t) => {
    const { ask, server } = await givenBrivo(t);
    const usual = { name: "Doors", url: "http://127.0.0.1:9/hook" };
    assert.equal((await ask("POST", "/event-subscriptions", { ...usual, ...wish })).status, 400);
    assert.deepEqual(server.subscriptions(), []);
  });

test("what is troubled at the login is troubled there alone", async (t) => {
  const { ask, byPassword, server } = await givenBrivo(t);
  server.refuse(503, { path: /^\/oauth\/token/ });
  assert.equal((await byPassword()).status, 503);
  assert.equal((await ask("GET", "/users")).status, 200);
  server.settle();
  assert.equal((await byPassword()).status, 200);
});

test("a line that breaks after the user was made leaves the user, to be found by the external id", async (t) => {
  const { ask, server } = await givenBrivo(t);
  server.trouble("drop", { method: "POST", path: /\/users$/ });
  await assert.rejects(ask("POST", "/users", guest), TypeError);
  assert.equal((await ask("GET", "/users/booking-12/external")).body.pin, guest.pin);
  assert.equal((await ask("POST", "/users", guest)).status, 400);
  assert.equal(server.users().length, 1);
});

test("an answer that never comes, one that is late, one that is no JSON, and too many requests", async (t) => {
  const { ask, apiUrl, server, pass } = await givenBrivo(t, longLived);
  server.trouble("hang", { method: "POST" });
  const abort = new AbortController();
  const before = server.calls.length;
  const asked = fetch(`${apiUrl}/users`, { method: "POST", body: JSON.stringify(guest), signal: abort.signal });
  await until("the request arrives", () => server.calls.length > before);
  abort.abort();
  await assert.rejects(asked, { name: "AbortError" });
  assert.deepEqual(server.users(), []);

  server.trouble({ slowMs: 20_000 });
  const late = ask("POST", "/users", guest);
  await until("the deed is done", () => server.users().length === 1);
  await pass(20_000);
  assert.equal((await late).status, 200);
  server.trouble("garble");
  await assert.rejects(ask("GET", "/users"), SyntaxError);
  server.refuse(429, { times: 1 });
  assert.deepEqual(await ask("GET", "/users"), { status: 429, body: "<h1>Developer Over Qps</h1>" });
  server.refuse(503, { times: 1 });
  assert.equal((await ask("GET", "/users")).body.code, 503);
  assert.equal((await ask("GET", "/users")).status, 200);
});

test("verbs that turn out otherwise", async (t) => {
  const { ask, addGuest } = await givenBrivo(t, { quirks: { verbs: { "patch-user": [], "suspend-user": ["POST"] } } });
  const id = await addGuest();
  assert.equal((await ask("PATCH", `/users/${id}`, {})).status, 596);
  assert.equal((await ask("PUT", `/users/${id}/suspended`, { suspended: true })).status, 596);
  assert.equal((await ask("POST", `/users/${id}/suspended`, { suspended: true })).status, 200);
  assert.equal((await ask("PUT", `/users/${id}`, guest)).status, 200);
});

test("stopped it keeps its port, its users and its tokens, and the doors what they keep", async (t) => {
  const { server, door, ask, pass, addGuest, apiUrl } = await givenBrivo(t, longLived);
  await addGuest();
  await pass(2_000);
  await server.stop();
  await assert.rejects(ask("GET", "/users"), TypeError);
  assert.equal(door.enterPin(guest.pin), true);
  assert.equal((await server.start()).apiUrl, apiUrl);
  assert.equal((await ask("GET", "/users")).body.count, 1);
  assert.equal((await ask("GET", "/events/access")).body.data.length, 1, "and it hears what happened meanwhile");
});

type Fields = Readonly<Record<string, unknown>>;
