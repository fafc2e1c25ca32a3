/** Members of a hub at a door of Kisi: what leaves for the service, by the maker's own description, and what its answers lead to. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { kisi } from "../../../gateway/drivers/kisi/driver.ts";
import { GatewayError } from "../../../gateway/errors.ts";
import type { CodeStore } from "../../../gateway/ports/device.ts";
import { SecretString } from "../../../gateway/wire/secret.ts";
import { indexOf } from "../../contract/code-store.ts";
import { givenContext } from "../../support/driver-context.ts";
import { givenKisiSite, type KisiSiteOptions } from "../../support/kisi-site.ts";
import { until } from "../../support/until.ts";
import { givenPeer, type PeerAnswer, type PeerQuestion } from "../../support/web-peer.ts";

const never = new AbortController().signal;
const ada = "ada@hub.example";
const window = { from: Date.UTC(2031, 2, 4, 14), until: Date.UTC(2031, 2, 6, 11) };
const lock = { id: 2006, online: true, open: false, unlocked: false, locked_down: false };
const role = (id: number, email: string | null, more: object = {}) => ({
  ...{ id, group_id: 77, user: { id: 9_000 + id, email }, valid_from: null, valid_until: null },
  ...more,
});
const listed = (...roles: object[]): PeerAnswer => ({
  status: 200,
  headers: { "x-collection-range": `${roles.length === 0 ? "*" : `0-${roles.length - 1}`}/${roles.length}` },
  body: roles,
});

const codeFor = (email: string, more: object = {}) => ({
  ...{ label: "Postern 7k3m9xw2hd", digits: new SecretString(email), holder: "Ada L.", window },
  ...more,
});

type Answers = Readonly<Record<string, PeerAnswer | ((question: PeerQuestion) => PeerAnswer)>>;

/** By method and path without its query; the log is empty. */
async function givenDoor(t: TestContext, answers: Answers, options: object = {}) {
  const peer = await givenPeer(t, (question) => {
    const asked = `${question.method} ${question.path.replace(/\?.*/, "")}`;
    const { [asked]: answer = asked === "GET /locks/2006" ? { status: 200, body: lock } : noEvents } = answers;
    return typeof answer === "function" ? answer(question) : answer;
  });
  const given = givenContext(t, { apiKey: "5f2c7e-the-key-of-the-account" });
  const device = kisi.create("door", { lockId: 2006, groupId: 77, url: peer.url, ...options }, given.context);
  t.after(() => device.stop());
  await device.start(never);
  await until("it is online", () => device.status().link === "online");
  const asked = () =>
    peer.questions
      .filter(({ path }) => /^\/(members|role_assignments)/.test(path))
      .map(({ method, path, body }) => [`${method} ${path}`, ...(body ? [JSON.parse(body)] : [])]);
  return { ...given, ...peer, device, codes: device.codes as CodeStore, asked };
}

const noEvents = { status: 200, body: { id: 1, status: "finished", events: [], cursor: null } };

test("a member who is known is given a role in the group for the time of the booking", async (t) => {
  // Free text finds others, too, and people write addresses in many ways.
  const found = [
    { id: 1, user: { id: 11, email: "not.ada@hub.example" } },
    { id: 2, user: { id: 12, email: "Ada@Hub.example" } },
  ];
  const { codes, asked } = await givenDoor(t, {
    "GET /members": { status: 200, body: found },
    "POST /role_assignments": { status: 200, body: { id: 900 } },
  });
  assert.equal(await codes.set(codeFor(ada), never), "accepted");
  const dates = { valid_from: "2031-03-04T14:00:00Z", valid_until: "2031-03-06T11:00:00Z" };
  assert.deepEqual(asked(), [
    ["GET /members?query=ada%40hub.example&limit=100"],
    ["POST /role_assignments", { role_assignment: { user_id: 12, role_id: "group_basic", group_id: 77, ...dates } }],
  ]);
});

test("one who is no member yet is made one, by name and address; who was quicker is found", async (t) => {
  let looks = 0;
  const { codes, asked } = await givenDoor(t, {
    "GET /members": () => {
      looks += 1;
      return { status: 200, body: looks === 3 ? [{ id: 2, user: { id: 12, email: ada } }] : [] };
    },
    "POST /members": () =>
      looks === 1
        ? { status: 200, body: { id: 2, user: { id: 13, email: ada } } }
        : { status: 422, body: { errors: { email: ["has already been taken"] } } },
    "POST /role_assignments": { status: 200, body: { id: 900 } },
  });
  for (const _ of [1, 2]) assert.equal(await codes.set(codeFor(ada), never), "accepted");
  const told = asked();
  assert.deepEqual(told[1], ["POST /members", { member: { name: "Ada L.", email: ada } }]);
  const users = told.flatMap(([, body]) => (body?.role_assignment ? [body.role_assignment.user_id] : []));
  assert.deepEqual(users, [13, 12]);
});

for (const [what, answers] of [
  ["members cannot be read", { "GET /members": { status: 503, body: {} } }],
  ["members are told in another way", { "GET /members": { status: 200, body: [{ id: 2 }] } }],
  ["no member may be made", { "GET /members": { status: 200, body: [] }, "POST /members": { status: 403, body: {} } }],
  ["nobody answers", { "GET /members": { status: 200, body: [] }, "POST /members": { status: 500, body: "?" } }],
] as const satisfies readonly (readonly [string, Answers])[])
  test(`${what}: refused, and nobody is let in`, async (t) => {
    const { codes, asked } = await givenDoor(t, answers);
    assert.equal(await codes.set(codeFor(ada), never), "refused");
    assert.ok(asked().every(([line]) => !String(line).startsWith("POST /role_assignments")));
  });

test("what is no address is refused, and asked of nobody", async (t) => {
  const { codes, asked } = await givenDoor(t, {});
  for (const text of ["", "ada", "ada@@", "482915", "a\u0000@b.example"])
    assert.equal(await codes.set(codeFor(text), never), "refused", text);
  assert.deepEqual(asked(), []);
});

for (const [verb, options] of [
  ["PATCH", {}],
  ["PUT", { changeVerb: "PUT" }],
] as const)
  test(`a booking that moves moves its role, by ${verb}`, async (t) => {
    const path = "/role_assignments/900";
    const { codes, asked } = await givenDoor(t, { [`${verb} ${path}`]: { status: 204 } }, options);
    assert.equal(await codes.set(codeFor(ada, { ref: "900" }), never), "accepted");
    const dates = { valid_from: "2031-03-04T14:00:00Z", valid_until: "2031-03-06T11:00:00Z" };
    assert.deepEqual(asked(), [[`${verb} ${path}`, { role_assignment: dates }]]);
  });

for (const [what, answer, result] of [
  ["is taken away", { status: 204 }, "accepted"],
  ["was taken away before", { status: 404, body: { code: "ffffff", error: "Not found." } }, "confirmed"],
  ["is asked of something else than Kisi", { status: 404, body: "<html>404</html>" }, "refused"],
  ["may not be taken away", { status: 403, body: { code: "fcd8ef", error: "no" } }, "refused"],
  ["meets a service out of order", { status: 503, body: "" }, "unknown"],
] as const)
  test(`a role that ${what}: ${result}`, async (t) => {
    const { codes } = await givenDoor(t, { "DELETE /role_assignments/900": answer });
    assert.equal(await codes.clear("900", never), result);
  });

test("lists whoever may open by the group, with the window, and tells no address", async (t) => {
  const dates = { valid_from: "2031-03-04T15:00:00+01:00", valid_until: "2031-03-06T11:00:00.000Z" };
  const { codes } = await givenDoor(t, {
    "GET /role_assignments": listed(
      role(1, "ADA@hub.example", dates),
      role(2, null),
      { ...role(3, "ben@hub.example"), group_id: null, applies_to_type: "Group", applies_to_id: 77 },
      { ...role(4, "eve@hub.example"), group_id: 78 },
      role(5, ada, { valid_until: dates.valid_until }),
    ),
  });
  assert.deepEqual(await codes.list(indexOf, never), [
    { ref: "1", index: indexOf(ada), window },
    { ref: "2", index: "", window: null },
    { ref: "3", index: indexOf("ben@hub.example"), window: null },
    { ref: "5", index: indexOf(ada), window: { from: 0, until: window.until } },
  ]);
});

const whole = { status: 200, body: [role(1, ada), role(2, ada)] };
for (const [what, answer] of [
  ["does not say how long it is", whole],
  ["is longer than what was told of it", { ...whole, headers: { "x-collection-range": "0-0/1" } }],
  ["is another page than was asked for", { ...whole, headers: { "x-collection-range": "1-2/3" } }],
  ["never ends", { ...whole, headers: { "x-collection-range": "0-1/4" } }],
  ["tells one twice", listed(role(1, ada), role(1, ada))],
  ["is longer than can be read", { ...whole, headers: { "x-collection-range": "0-1/4001" } }],
  ["does not say what a role opens", listed(role(1, ada), role(2, ada, { group_id: null }))],
  ["says it in half", listed(role(2, ada, { group_id: null, applies_to_type: "Group", applies_to_id: null }))],
  ["does not say whose a role is", listed({ id: 1, group_id: 77 })],
  ["has a date that is none", listed(role(1, ada, { valid_from: "soon" }))],
  ["is an error", { status: 403, body: { code: "fcd8ef", error: `${ada} may not` } }],
] as const satisfies readonly (readonly [string, PeerAnswer])[])
  test(`a list that ${what} is no list`, async (t) => {
    const { codes } = await givenDoor(t, { "GET /role_assignments": answer });
    await assert.rejects(
      codes.list(indexOf, never),
      (error) => error instanceof GatewayError && error.code === "device-refused" && !error.message.includes("ada"),
    );
  });

test("a role that went between two pages makes no list, also where another came and there are as many", async (t) => {
  let pages = 0;
  let roles = Array.from({ length: 150 }, (_, nth) => role(nth, ada));
  const { codes } = await givenDoor(t, {
    "GET /role_assignments": ({ path }) => {
      const offset = Number(new URL(path, "http://any").searchParams.get("offset"));
      const page = roles.slice(offset, offset + 100);
      pages += 1;
      if (pages === 1) roles = [...roles.filter(({ id }) => id !== 50), role(150, ada)];
      const range = `${offset}-${offset + page.length - 1}/${roles.length}`;
      return { status: 200, headers: { "x-collection-range": range }, body: page };
    },
  });
  await assert.rejects(codes.list(indexOf, never), /have changed while they were read/);
  assert.equal((await codes.list(indexOf, never)).length, 150);
});

test("a group with more than codesMax is read, and what stands there goes; nobody new is let in", async (t) => {
  const { codes, asked } = await givenDoor(
    t,
    {
      "GET /role_assignments": listed(...[1, 2, 3, 4, 5].map((id) => role(id, ada))),
      "DELETE /role_assignments/3": { status: 204 },
    },
    { codesMax: 4 },
  );
  assert.equal((await codes.list(indexOf, never)).length, 5);
  assert.equal(await codes.set(codeFor(ada), never), "refused");
  assert.equal(await codes.clear("3", never), "accepted");
  assert.ok(asked().every(([line]) => !String(line).startsWith("POST ")));
});

test("a role that was given is known by its number, whatever Kisi makes of its dates and address", async (t) => {
  const { codes } = await givenDoor(t, {
    "GET /members": { status: 200, body: [{ id: 2, user: { id: 12, email: ada } }] },
    "POST /role_assignments": { status: 200, body: { id: 900 } },
    "GET /role_assignments": listed(role(1, ada), role(900, "ada+1@hub.example")),
  });
  const code = codeFor(ada);
  assert.equal(await codes.set(code, never), "accepted");
  const labels = (await codes.list(indexOf, never)).map(({ ref, label }) => [ref, label]);
  assert.deepEqual(labels, [
    ["1", undefined],
    ["900", code.label],
  ]);
});

async function givenRunningSite(t: TestContext, options: KisiSiteOptions = {}) {
  const site = await givenKisiSite(t, { ...options, options: { groupId: 77, ...options.options } });
  await site.web.start();
  for (const each of site.devices) await each.start(never);
  await until("all are online", () => site.devices.every((each) => each.status().link === "online"));
  return { ...site, codes: site.device.codes as CodeStore };
}

test("a list of several pages is read to its end", async (t) => {
  const { codes, web } = await givenRunningSite(t);
  for (let nth = 0; nth < 230; nth += 1) web.giveByHand(`member.${nth}@hub.example`, 77);
  const all = await codes.list(indexOf, never);
  assert.equal(new Set(all.map(({ index }) => index)).size, 230);
  const pages = web.calls.filter(({ path }) => path.startsWith("/role_assignments"));
  assert.equal(pages.length, 3);
});

test("two bookings of one member are two roles, and either goes without the other", async (t) => {
  const { codes, web, door, pass } = await givenRunningSite(t);
  const now = web.assignments().length;
  assert.equal(now, 0);
  for (const _ of [1, 2]) assert.equal(await codes.set(codeFor(ada, { window: undefined }), never), "accepted");
  await pass(3_000);
  const [first, second, ...others] = await codes.list(indexOf, never);
  assert.ok(first && second);
  assert.deepEqual(others, []);
  assert.equal(web.members().length, 1);
  const user = web.userId(ada) ?? 0;
  assert.equal(await codes.clear(first.ref, never), "accepted");
  await pass(3_000);
  assert.ok(door.usePhone(user));
  assert.equal(await codes.clear(second.ref, never), "accepted");
  await pass(3_000);
  assert.ok(!door.usePhone(user));
  assert.equal(web.members().length, 1, "the member stays");
});

test("a group that two doors name is kept by one of them, until that one stops", async (t) => {
  const { codes, devices } = await givenRunningSite(t, { others: 1 });
  const [first, second] = devices;
  assert.deepEqual(await codes.list(indexOf, never), []);
  assert.ok(first && second?.codes);
  await assert.rejects(second.codes.list(indexOf, never), /another door's/);
  assert.equal(await second.codes.set(codeFor(ada), never), "refused");
  await first.stop();
  assert.deepEqual(await second.codes.list(indexOf, never), []);
});
