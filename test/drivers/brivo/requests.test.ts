/** What leaves for Brivo, and what its answers lead to; both written by hand after the maker's manual (copy of November 2025). */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { inspect } from "node:util";
import { brivo } from "../../../gateway/drivers/brivo/driver.ts";
import { GatewayError } from "../../../gateway/errors.ts";
import type { DeviceReport } from "../../../gateway/ports/device.ts";
import { SecretString } from "../../../gateway/wire/secret.ts";
import { indexOf } from "../../contract/code-store.ts";
import { givenContext } from "../../support/driver-context.ts";
import { until } from "../../support/until.ts";
import { givenPeer, type PeerAnswer, type PeerQuestion } from "../../support/web-peer.ts";

const never = new AbortController().signal;
const secrets = { apiKey: "the-api-key", clientSecret: "qwerty98765", password: "pass word+1" };
const door = 408_023_598;
const group = 76_336;
const label = "Postern 7k3m9xw2hd";

const token = (nth: number, life = 60) => ({
  access_token: `access-${nth}`,
  token_type: "bearer",
  refresh_token: `refresh-${nth}`,
  expires_in: life,
});
const connected = {
  accessPointName: "Front Door",
  accessPointScheduledState: "LOCK",
  accessPointInputState: "LOCK",
  statusUpdated: "2031-03-04T11:59:52Z",
  panelName: "Panel THB-XJ-YYBIR",
};
const user = {
  id: 442_211,
  externalId: label,
  firstName: label,
  lastName: "Access code",
  pin: "345678",
  effectiveFrom: "2031-03-04T14:00:00Z",
  effectiveTo: "2031-03-06T11:00:00Z",
  suspended: false,
  created: "2031-03-01T04:00:00Z",
};
const notFound = { status: 404, body: { code: 404, message: "User not found" } };
const noEvents = { status: 200, body: { data: [], pageSize: 100 } };
const code = {
  label,
  digits: new SecretString("345678"),
  window: { from: Date.UTC(2031, 2, 4, 14), until: Date.UTC(2031, 2, 6, 11) },
};

/** A device whose service answers what `answers` says of a request, by "METHOD /path"; tokens, status and events as usual elsewhere. */
async function givenDoor(
  t: TestContext,
  answers: Readonly<Record<string, PeerAnswer | ((question: PeerQuestion) => PeerAnswer)>> = {},
  options: object = {},
  more: Readonly<Record<string, string>> = secrets,
) {
  let tokens = 0;
  const peer = await givenPeer(t, (question) => {
    const { method, path } = question;
    const [bare = path] = path.split("?");
    const answer = answers[`${method} ${path}`] ?? answers[`${method} ${bare}`];
    if (answer !== undefined) return typeof answer === "function" ? answer(question) : answer;
    if (path === "/oauth/token") {
      tokens += 1;
      return { status: 200, body: token(tokens, 20) };
    }
    if (bare.startsWith("/v1/api/device-status/")) return { status: 200, body: connected };
    return bare === "/v1/api/events/access" ? noEvents : { status: 404, body: { code: 404, message: "nothing there" } };
  });
  const given = givenContext(t, more);
  const device = brivo.create(
    "door",
    {
      accessPointId: door,
      groupId: group,
      clientId: "ABC-123-456",
      username: "admin@example.com",
      authUrl: peer.url,
      apiUrl: `${peer.url}/v1/api`,
      ...options,
    },
    given.context,
  );
  t.after(() => device.stop());
  const changes = () =>
    peer
      .asked()
      .filter((asked) => !asked.startsWith("GET") && !asked.includes("/oauth/") && !asked.includes("/activate"));
  return { ...given, ...peer, device, changes };
}

async function givenOnline(
  t: TestContext,
  ...given: Parameters<typeof givenDoor> extends [unknown, ...infer Rest] ? Rest : never
) {
  const all = await givenDoor(t, ...given);
  await all.device.start(never);
  await until("it is online", () => all.device.status().link === "online");
  return all;
}

test("a token is asked for by the manual's own example, and each request carries it", async (t) => {
  const { questions } = await givenOnline(t);
  const [login, status] = questions;

  assert.equal(`${login?.method} ${login?.path}`, "POST /oauth/token");
  assert.equal(login?.headers.authorization, "Basic QUJDLTEyMy00NTY6cXdlcnR5OTg3NjU=");
  assert.equal(login?.headers["api-key"], "the-api-key");
  assert.equal(login?.headers["content-type"], "application/x-www-form-urlencoded");
  assert.equal(login?.body, "grant_type=password&username=admin%40example.com&password=pass+word%2B1");
  assert.equal(`${status?.method} ${status?.path}`, `GET /v1/api/device-status/${door}`);
  assert.equal(status?.headers.authorization, "bearer access-1");
  assert.equal(status?.headers["api-key"], "the-api-key");
});

test("one token for all who need it, refreshed before it ends, by the refresh token that came last", async (t) => {
  const { questions, device, pass } = await givenOnline(t, {}, { pollMs: 5_000 });
  await Promise.all([device.lock?.release(5_000, never), device.codes?.set(code, never)]);
  await pass(40_000);
  const logins = questions.filter(({ path }) => path === "/oauth/token").map(({ body }) => body);
  assert.deepEqual(logins.slice(0, 3), [
    "grant_type=password&username=admin%40example.com&password=pass+word%2B1",
    "grant_type=refresh_token&refresh_token=refresh-1",
    "grant_type=refresh_token&refresh_token=refresh-2",
  ]);
  assert.ok(logins.length <= 5, `${logins.length} tokens in forty seconds`);
});

test("many who need a token at once ask for one", async (t) => {
  const { device, asked } = await givenDoor(t);
  await device.start(never);
  await Promise.all([1, 2, 3, 4].map(() => device.lock?.release(5_000, never)));
  assert.equal(asked().filter((each) => each === "POST /oauth/token").length, 1);
});

test("a refresh token that is no longer good gives way to the password; without one nobody asks again for a minute", async (t) => {
  const refused = { status: 401, body: { error: "invalid_grant", error_description: "Bad credentials" } };
  const isRefresh = ({ body }: PeerQuestion) => body.startsWith("grant_type=refresh_token");
  const logins = {
    "POST /oauth/token": (asked: PeerQuestion) => (isRefresh(asked) ? refused : { status: 200, body: token(1) }),
  };
  const { asked, device, pass, logged } = await givenOnline(t, logins, { pollMs: 5_000 });
  await pass(60_000);
  assert.equal(device.status().link, "online");
  assert.deepEqual(logged, []);
  assert.ok(asked().filter((each) => each.includes("/oauth/")).length >= 3);

  const { username: _, ...threeLegged } = { username: "", refreshToken: "from-the-owner", ...secrets };
  const alone = await givenDoor(t, logins, { username: undefined, pollMs: 5_000 }, threeLegged);
  await alone.device.start(never);
  await until("it was told", () =>
    alone.logged.some((line) => line.includes('the secret "refreshToken" is no longer good')),
  );
  assert.equal(await alone.device.lock?.release(5_000, never), "refused");
  await alone.pass(30_000);
  assert.deepEqual(alone.asked(), ["POST /oauth/token"]);
  assert.equal(alone.questions[0]?.body, "grant_type=refresh_token&refresh_token=from-the-owner");
});

test("an answer 401 drops the token, and the request goes once more with a new one", async (t) => {
  const expired = {
    status: 401,
    body: { error: "invalid_token", error_description: "Access token expired: access-1" },
  };
  const pulse = ({ headers }: PeerQuestion) =>
    headers.authorization === "bearer access-1" ? expired : { status: 200 };
  const { asked, device } = await givenOnline(
    t,
    { [`POST /v1/api/access-points/${door}/activate`]: pulse },
    { liveStatus: false },
  );
  assert.equal(await device.lock?.release(5_000, never), "accepted");
  const tries = asked().filter((each) => each.includes("activate") || each.includes("oauth"));
  const activate = `POST /v1/api/access-points/${door}/activate`;
  assert.deepEqual(tries, ["POST /oauth/token", activate, "POST /oauth/token", activate]);
});

for (const [what, answer, result, told] of [
  ["200", { status: 200 }, "accepted", ""],
  ["403", { status: 403, body: { code: 403, message: "no" } }, "refused", "Control From Browser"],
  [
    "a page instead of JSON",
    { status: 403, body: "<h1>Developer Inactive</h1>" },
    "refused",
    'secret "apiKey" is wrong',
  ],
  ["404", { status: 404, body: { code: 404, message: "Unknown Access Point" } }, "refused", "accessPointId"],
  ["412", { status: 412, body: { code: 412, message: "not connected" } }, "refused", "panel is not connected"],
  ["429", { status: 429 }, "refused", "too many requests"],
  ["503", { status: 503, body: { code: 503, message: "later" } }, "unknown", "out of order"],
  ["596", { status: 596, body: "<h1>596 Service Not Found</h1>" }, "unknown", "region"],
  ["a line that breaks", "cut", "unknown", "did not answer"],
] as const)
  test(`a release that is answered by ${what} is ${result}, and asked once`, async (t) => {
    const { device, asked, logged } = await givenOnline(
      t,
      { [`POST /v1/api/access-points/${door}/activate`]: answer },
      { liveStatus: false },
    );
    assert.equal(await device.lock?.release(5_000, never), result);
    assert.equal(asked().filter((each) => each.includes("activate")).length, 1);
    assert.ok(logged.some((line) => line.includes(told)) || told === "", logged.join("\n"));
  });

test("a release has no body, and is confirmed by a status that was asked for afterwards", async (t) => {
  let isReleased = false;
  const { device, questions } = await givenOnline(t, {
    [`POST /v1/api/access-points/${door}/activate`]: () => {
      isReleased = true;
      return { status: 200 };
    },
    [`GET /v1/api/device-status/${door}`]: () => ({
      status: 200,
      body: { ...connected, ...(isReleased && { accessPointInputState: "UNLOCKED" }) },
    }),
  });
  assert.equal(await device.lock?.release(5_000, never), "confirmed");
  assert.deepEqual(device.lock?.state(), { bolt: "released", basis: "reported" });
  assert.equal(device.lock?.relocks, "by-itself");
  assert.equal(questions.find(({ path }) => path.endsWith("/activate"))?.body, "");
});

test("a status that was asked for and does not come delays no proof", async (t) => {
  let isReleased = false;
  let reads = 0;
  const { device } = await givenOnline(
    t,
    {
      [`POST /v1/api/access-points/${door}/activate`]: () => {
        isReleased = true;
        return { status: 200 };
      },
      [`GET /v1/api/device-status/${door}`]: () => {
        reads += 1;
        if (reads === 2) return "hang";
        return { status: 200, body: { ...connected, ...(isReleased && { accessPointInputState: "UNLOCK" }) } };
      },
    },
    { pollMs: 5_000 },
  );
  await until("the second read hangs", () => reads === 2);
  assert.equal(await device.lock?.release(5_000, never), "confirmed");
});

test("holding open is there by its option alone: until a time, and taken back", async (t) => {
  const hold = `/v1/api/schedules/change-state/${door}`;
  const { device, questions, clock } = await givenOnline(
    t,
    {
      [`POST ${hold}`]: {
        status: 200,
        body: { ...connected, accessPointScheduledState: "UNLOCK", accessPointInputState: "UNLOCK" },
      },
      [`DELETE ${hold}`]: { status: 412, body: { code: 412, message: "This door does not have a schedule override" } },
    },
    { override: "POST" },
  );
  const at = clock.wall();
  assert.equal(await device.lock?.hold?.(60_000, never), "confirmed");
  const asked = questions.find(({ method, path }) => method === "POST" && path === hold);
  assert.equal(asked?.headers["accept-version"], "2.0");
  const { endTime, ...body } = JSON.parse(asked?.body ?? "");
  assert.deepEqual(body, { behavior: "UNLOCK", endTimeMode: "UNTIL_TIME" });
  assert.match(endTime, /^2031-03-04T12:\d\d:\d\dZ$/);
  const lastsMs = Date.parse(endTime) - at;
  assert.ok(lastsMs >= 60_000 && lastsMs < 63_000, `${lastsMs}`);
  assert.match(String(await device.lock?.secure(never)), /^(accepted|confirmed)$/);

  const plain = await givenDoor(t);
  assert.equal(plain.device.lock?.hold, undefined);
});

test("a new code is looked for by its label, made, and put into the group", async (t) => {
  const made = { status: 200, body: user };
  const { device, questions, changes } = await givenOnline(t, {
    [`GET /v1/api/users/${encodeURIComponent(label)}/external`]: notFound,
    "POST /v1/api/users": made,
    [`PUT /v1/api/groups/${group}/users/442211`]: { status: 204 },
  });
  assert.equal(await device.codes?.set(code, never), "accepted");
  assert.deepEqual(changes(), ["POST /v1/api/users", `PUT /v1/api/groups/${group}/users/442211`]);
  const request = questions.find(({ method, path }) => method === "POST" && path === "/v1/api/users");
  assert.equal(request?.headers["content-type"], "application/json");
  assert.deepEqual(JSON.parse(request?.body ?? ""), {
    firstName: label,
    lastName: "Access code",
    externalId: label,
    pin: "345678",
    effectiveFrom: "2031-03-04T14:00:00Z",
    effectiveTo: "2031-03-06T11:00:00Z",
  });
});

test("a user who is there already, as after a crash half of the way, is changed and not made twice", async (t) => {
  const { device, changes, questions } = await givenOnline(t, {
    [`GET /v1/api/users/${encodeURIComponent(label)}/external`]: { status: 200, body: { ...user, suspended: true } },
    "PUT /v1/api/users/442211": { status: 200, body: { ...user, suspended: true } },
    "PUT /v1/api/users/442211/suspended": { status: 200, body: { id: 442_211, suspended: false } },
    [`PUT /v1/api/groups/${group}/users/442211`]: { status: 204 },
  });
  assert.equal(await device.codes?.set({ label, digits: new SecretString("456789") }, never), "accepted");
  assert.deepEqual(changes(), [
    "PUT /v1/api/users/442211",
    "PUT /v1/api/users/442211/suspended",
    `PUT /v1/api/groups/${group}/users/442211`,
  ]);
  const bodies = questions.filter(({ method }) => method === "PUT").map(({ body }) => body);
  const full = { firstName: label, lastName: "Access code", externalId: label, pin: "456789" };
  assert.deepEqual(JSON.parse(bodies[0] ?? ""), full, "PUT takes the dates away by leaving them out");
  assert.equal(bodies[1], '{"suspended":false}');
});

test("PATCH, where an account wants that, says null to take dates away", async (t) => {
  const { device, questions } = await givenOnline(
    t,
    {
      [`GET /v1/api/users/${encodeURIComponent(label)}/external`]: { status: 200, body: user },
      "PATCH /v1/api/users/442211": { status: 200, body: user },
      [`PUT /v1/api/groups/${group}/users/442211`]: { status: 204 },
    },
    { changeVerb: "PATCH" },
  );
  assert.equal(await device.codes?.set({ label, digits: code.digits }, never), "accepted");
  const { effectiveFrom, effectiveTo } = JSON.parse(questions.find(({ method }) => method === "PATCH")?.body ?? "");
  assert.deepEqual([effectiveFrom, effectiveTo], [null, null]);
});

test("a PIN that is taken is refused; one that the group does not take is undone", async (t) => {
  const taken = { status: 400, body: { code: 400, message: "PIN 345678 is in use" } };
  const first = await givenOnline(t, { "POST /v1/api/users": taken });
  assert.equal(await first.device.codes?.set(code, never), "refused");
  assert.deepEqual(first.changes(), ["POST /v1/api/users"]);

  const second = await givenOnline(t, {
    "POST /v1/api/users": { status: 200, body: user },
    [`PUT /v1/api/groups/${group}/users/442211`]: taken,
    "DELETE /v1/api/users/442211": { status: 204 },
  });
  assert.equal(await second.device.codes?.set(code, never), "refused");
  assert.equal(second.changes().at(-1), "DELETE /v1/api/users/442211");
});

test("lists the group's users with PINs, whoever made them, and once what was left over in no group", async (t) => {
  const foreign = { id: 7, firstName: "Peter", lastName: "Quill", pin: "5678", suspended: false };
  const stray = { ...user, id: 9, externalId: "Postern 0000000009", pin: "456789" };
  const inList = ({ pin: _, effectiveFrom: __, effectiveTo: ___, ...rest }: typeof user) => rest;
  const { device, questions, pass } = await givenOnline(t, {
    [`GET /v1/api/groups/${group}/users`]: {
      status: 200,
      body: { data: [inList(user), foreign, { id: 8, firstName: "Card", lastName: "Only" }], count: 3 },
    },
    "GET /v1/api/users": {
      status: 200,
      body: { data: [inList(stray), { id: 10, lastName: "Access codex" }], count: 2 },
    },
    "GET /v1/api/users/442211": { status: 200, body: user },
    "GET /v1/api/users/7": { status: 200, body: foreign },
    "GET /v1/api/users/8": { status: 200, body: { id: 8, firstName: "Card", lastName: "Only", suspended: false } },
    "GET /v1/api/users/9": { status: 200, body: stray },
  });
  const { window } = code;
  const listed = await device.codes?.list(indexOf, never);
  assert.deepEqual(listed, [
    { ref: "442211", label, index: indexOf("345678"), window },
    { ref: "7", label: "user 7", index: indexOf("5678"), window: null },
    { ref: "9", label: "Postern 0000000009", index: indexOf("456789"), window: { from: 0, until: 0 } },
  ]);
  const lists = questions
    .filter(({ path }) => path.includes("pageSize") && !path.includes("events"))
    .map(({ path }) => path);
  assert.deepEqual(lists, [
    `/v1/api/groups/${group}/users?offset=0&pageSize=100`,
    "/v1/api/users?filter=lastname__eq%3AAccess%20code%3Buser_status__eq%3Aunaffiliated&offset=0&pageSize=100",
  ]);
  await pass(1_000);
  await device.codes?.list(indexOf, never);
  for (const id of ["7", "442211"]) {
    const count = questions.filter(({ path }) => path === `/v1/api/users/${id}`).length;
    assert.equal(count, 1, "who was read, and not changed by the gateway since, is asked for seldom");
  }
});

test("clearing takes the user away, or only out of the group where another door has it, or suspends it", async (t) => {
  const inGroups = (...ids: number[]) => ({
    status: 200,
    body: { count: ids.length, data: ids.map((id) => ({ id, name: `group ${id}` })) },
  });
  const found = { "GET /v1/api/users/442211": { status: 200, body: user } } as const;
  for (const [options, groups, expected] of [
    [{}, inGroups(group), ["DELETE /v1/api/users/442211"]],
    [{}, inGroups(), ["DELETE /v1/api/users/442211"]],
    [{}, inGroups(group, 5), [`DELETE /v1/api/groups/${group}/users/442211`]],
    [{}, inGroups(5), []],
    [
      { removal: "suspend" },
      inGroups(group),
      ["PUT /v1/api/users/442211/suspended", `DELETE /v1/api/groups/${group}/users/442211`],
    ],
  ] as const) {
    const { device, changes } = await givenOnline(
      t,
      {
        ...found,
        "GET /v1/api/users/442211/groups": groups,
        "DELETE /v1/api/users/442211": { status: 204 },
        "PUT /v1/api/users/442211/suspended": { status: 200, body: { id: 442_211, suspended: true } },
        [`DELETE /v1/api/groups/${group}/users/442211`]: { status: 204 },
      },
      options,
    );
    assert.equal(await device.codes?.clear("442211", never), expected.length > 0 ? "accepted" : "confirmed");
    assert.deepEqual(changes(), expected);
  }
});

test("nobody else's user is changed or cleared, and none where a page stands before the service", async (t) => {
  const foreign = { id: 7, firstName: "Peter", lastName: "Quill", externalId: "Star Lord", pin: "5678" };
  const { device, changes } = await givenOnline(t, {
    "GET /v1/api/users/7": { status: 200, body: foreign },
    "GET /v1/api/users/7/groups": { status: 200, body: { count: 0, data: [] } },
    "GET /v1/api/users/8/groups": { status: 404, body: "<html>not found</html>" },
    [`GET /v1/api/users/${encodeURIComponent(label)}/external`]: { status: 404, body: "<html>not found</html>" },
  });
  assert.equal(await device.codes?.set({ ...code, ref: "7" }, never), "refused");
  assert.equal(await device.codes?.clear("7", never), "refused");
  assert.equal(await device.codes?.clear("8", never), "refused");
  assert.equal(await device.codes?.set(code, never), "refused");
  assert.deepEqual(changes(), []);
});

for (const [what, answers] of [
  [
    "a panel that is not connected",
    { [`GET /v1/api/device-status/${door}`]: { status: 200, body: { accessPointInputState: "UNKNOWN" } } },
  ],
  [
    "a page instead of the list",
    { [`GET /v1/api/groups/${group}/users`]: { status: 200, body: "<html>log in</html>" } },
  ],
  [
    "a list that ends before its count",
    { [`GET /v1/api/groups/${group}/users`]: { status: 200, body: { data: [], count: 1 } } },
  ],
  [
    "more users than can be read",
    { [`GET /v1/api/groups/${group}/users`]: { status: 200, body: { data: [{ id: 1 }], count: 1_001 } } },
  ],
  ["a line that breaks", { [`GET /v1/api/groups/${group}/users`]: "cut" }],
] as const)
  test(`${what} is no empty list`, async (t) => {
    const { device } = await givenDoor(t, answers);
    await device.start(never);
    await assert.rejects(
      async () => device.codes?.list(indexOf, never),
      (error) => error instanceof GatewayError && /^device-(unreachable|refused)$/.test(error.code),
    );
  });

test("a user who went between two pages makes no list, also where another came and there are as many", async (t) => {
  let pages = 0;
  let users = Array.from({ length: 130 }, (_, id) => ({ id, firstName: "Card" }));
  const { device } = await givenDoor(t, {
    [`GET /v1/api/groups/${group}/users`]: ({ path }) => {
      const offset = Number(new URL(path, "http://any").searchParams.get("offset"));
      const data = users.slice(offset, offset + 100);
      pages += 1;
      if (pages === 1) users = [...users.filter(({ id }) => id !== 50), { id: 130, firstName: "Card" }];
      return { status: 200, body: { data, count: users.length } };
    },
    "GET /v1/api/users": { status: 200, body: { data: [], count: 0 } },
  });
  await device.start(never);
  const list = async () => device.codes?.list(indexOf, never);
  await assert.rejects(list, /have changed while they were read/);
  assert.deepEqual(await list(), []);
  assert.equal(pages, 4);
});

test("a group with more than codesMax is read, and what stands there goes; nobody new is added", async (t) => {
  const others = [1, 2, 3].map((id) => ({ id, firstName: "Peter", lastName: "Quill", pin: `567${id}` }));
  const { device, changes } = await givenOnline(
    t,
    {
      [`GET /v1/api/groups/${group}/users`]: { status: 200, body: { data: [user, ...others], count: 4 } },
      "GET /v1/api/users": { status: 200, body: { data: [], count: 0 } },
      "GET /v1/api/users/442211": { status: 200, body: user },
      ...Object.fromEntries(others.map((one) => [`GET /v1/api/users/${one.id}`, { status: 200, body: one }])),
      "GET /v1/api/users/442211/groups": { status: 200, body: { count: 1, data: [{ id: group }] } },
      "DELETE /v1/api/users/442211": { status: 204 },
    },
    { codesMax: 2 },
  );
  assert.equal((await device.codes?.list(indexOf, never))?.length, 4);
  assert.equal(await device.codes?.set({ ...code, label: "Postern 0000000009" }, never), "refused");
  assert.equal(await device.codes?.clear("442211", never), "accepted");
  assert.deepEqual(changes(), ["DELETE /v1/api/users/442211"]);
});

test("two doors with one group: the second keeps no codes, and says why, until the first one stops", async (t) => {
  const { device, url, context } = await givenOnline(t);
  const other = brivo.create(
    "other",
    {
      ...{ accessPointId: 2, groupId: group, clientId: "ABC-123-456", username: "admin@example.com" },
      ...{ authUrl: url, apiUrl: `${url}/v1/api` },
    },
    context,
  );
  t.after(() => other.stop());
  await other.start(never);
  await assert.rejects(async () => other.codes?.list(indexOf, never), /groupId 76336 is another door's/);
  await device.stop();
  await assert.rejects(async () => other.codes?.list(indexOf, never), /group 76336 could not be read/);
});

const event = (uuid: string, minute: number, overrides: object = {}) => ({
  uuid,
  securityAction: { securityActionId: 2004, action: "Access", exception: false },
  actor: { id: 7, name: "Peter" },
  eventObject: { id: door, name: "Door 1", deviceType: { id: 1, name: "Door" } },
  occurred: `2031-03-04T12:${String(minute).padStart(2, "0")}:39.724Z`,
  eventData: { actionAllowed: false },
  ...overrides,
});

test("who opened is told once: our code by its ref, others by what they held; not what we did, what failed, nor another door", async (t) => {
  let events: object[] = [];
  const { device, questions, pass } = await givenOnline(
    t,
    {
      "GET /v1/api/events/access": () => ({ status: 200, body: { data: events, pageSize: 100 } }),
      [`GET /v1/api/groups/${group}/users`]: { status: 200, body: { data: [{ id: 442_211 }], count: 1 } },
      "GET /v1/api/users/442211": { status: 200, body: user },
      "GET /v1/api/users": { status: 200, body: { data: [], count: 0 } },
      [`POST /v1/api/access-points/${door}/activate`]: { status: 200 },
    },
    { pollMs: 5_000 },
  );
  const reports: DeviceReport[] = [];
  device.subscribe(async (report) => {
    if (report.type === "opened-at-lock") reports.push(report);
  });
  await device.codes?.list(indexOf, never);
  await until("events were read", () => questions.some(({ path }) => path.includes("/events/")));
  assert.match(
    questions.find(({ path }) => path.includes("/events/"))?.path ?? "",
    /^\/v1\/api\/events\/access\?pageSize=100&filter=object__eq%3A408023598%3Boccurred__gt%3A2031-03-04T1[12]%3A00%3A00Z$/,
  );
  assert.equal(await device.lock?.release(5_000, never), "accepted");
  const pulse = { securityAction: { securityActionId: 5064, action: "Administrator Pulse Output", exception: false } };
  events = [
    event("g", 5, { eventObject: { id: 1, name: "Door 2" } }),
    event("f", 4, { securityAction: { securityActionId: 5, action: "Failed", exception: true } }),
    event("e", 4, { actor: undefined }),
    event("d", 3, { eventData: { credentialType: "Mobile Pass" } }),
    event("c", 3),
    event("b", 2, { actor: { id: 442_211, name: label } }),
    event("a", 1, pulse),
    { uuid: "not an event" },
  ];
  await until("three are told", () => reports.length === 3);
  await pass(15_000);
  assert.deepEqual(reports, [
    { type: "opened-at-lock", by: "code", code: "442211" },
    { type: "opened-at-lock", by: "card" },
    { type: "opened-at-lock", by: "app" },
  ]);
});

test("no secret, PIN or token is in any line of the log, nor in an error, whatever the service answers", async (t) => {
  const text = "access-1 refresh-1 the-api-key qwerty98765 345678";
  const answers: PeerAnswer[] = [400, 401, 403, 404, 409, 412, 415, 417, 429, 500, 503, 596].flatMap((status) => [
    { status, body: { code: status, message: text, error: "invalid_token", error_description: text } },
    { status, body: `<html>${text}</html>` },
  ]);
  answers.push(
    "cut",
    { status: 200, body: `{"data": "${text}` },
    { status: 302, headers: { location: "http://127.0.0.1:9/" } },
  );
  let answer: PeerAnswer = { status: 200 };
  let isHostile = false;
  const hostile = (usual: PeerAnswer) => () => (isHostile ? answer : usual);
  const { device, logged } = await givenOnline(t, {
    "POST /oauth/token": (question) =>
      isHostile && question.body.length % 2 === 0 ? answer : { status: 200, body: token(1) },
    [`GET /v1/api/device-status/${door}`]: hostile({ status: 200, body: connected }),
    [`GET /v1/api/users/${encodeURIComponent(label)}/external`]: hostile(notFound),
    "POST /v1/api/users": () => answer,
    [`POST /v1/api/access-points/${door}/activate`]: () => answer,
  });
  const told: unknown[] = [];
  for (answer of answers) {
    told.push(await device.codes?.set(code, never), await device.lock?.release(5_000, never));
    isHostile = true;
    told.push(await device.codes?.list(indexOf, never).catch((error: unknown) => error));
    isHostile = false;
  }
  const said = [...logged, inspect(told, { depth: 12, showHidden: true })].join("\n");
  assert.ok(said.includes("403"), "it was told at all");
  for (const secret of ["access-1", "refresh-1", "the-api-key", "qwerty98765", "345678", "pass word"])
    assert.ok(!said.includes(secret), said);
});
