/** How the simulated Nuki Web answers on a real port: the maker's paths, with nuki-web-api as a stranger, and what it does with what it accepted. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { type FaultRates, Faults } from "../../../firmware-sim/faults.ts";
import type { NukiDelivery } from "../../../firmware-sim/links/nuki-cloud-lock.ts";
import { NukiWebServer } from "../../../firmware-sim/links/nuki-web.ts";
import { nukiAction, nukiState, SimNuki } from "../../../firmware-sim/sim-nuki.ts";
import { SimClock } from "../../support/sim-clock.ts";
import { until } from "../../support/until.ts";

const token = "t0ken-of-the-account";
const noon = Date.UTC(2031, 2, 4, 12);
const frontDoor = 18_144_801_511;
const backDoor = 18_144_801_512;

interface Auth {
  readonly id: string;
  readonly authId?: number;
  readonly name: string;
  readonly code: number;
  readonly operationId?: string;
  readonly allowedUntilDate?: string;
  readonly lockCount: number;
}

async function givenAccount(
  t: TestContext,
  options: { rates?: Partial<FaultRates>; delivery?: Partial<NukiDelivery>; codesMax?: number } = {},
) {
  const clock = new SimClock(noon);
  const codesMax = options.codesMax ?? 200;
  const lock = new SimNuki({ id: frontDoor, name: "Front door", clock, codesMax });
  const other = new SimNuki({ id: backDoor, name: "Back door", clock });
  const faults = new Faults(options.rates);
  const { delivery = {} } = options;
  const server = new NukiWebServer({ locks: [lock, other], token, clock, faults, delivery });
  const { url } = await server.start();
  t.after(() => server.stop());
  const ask = async (method: string, path: string, body?: unknown, bearer = token) => {
    const response = await fetch(`${url}${path}`, {
      method,
      // Of its own: one that an earlier test left open would be taken up where the next server has the same port.
      headers: { authorization: `Bearer ${bearer}`, "content-type": "application/json", connection: "close" },
      signal: AbortSignal.any([t.signal, AbortSignal.timeout(60_000)]),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const said = await response.text();
    return { status: response.status, body: said === "" ? undefined : JSON.parse(said) };
  };
  const pass = async (ms: number) => {
    const end = clock.monotonic() + ms;
    while (clock.step(end)) await turn();
    await turn();
  };
  const state = async () => (await ask("GET", `/smartlock/${frontDoor}`)).body.state.state as number;
  const codes = async (): Promise<readonly Auth[]> => (await ask("GET", `${auths}?types=13`)).body;
  const create = (code: number, more: object = {}) => ask("PUT", auths, { name: "Guest", type: 13, code, ...more });
  return { clock, lock, other, faults, server, url, ask, pass, state, codes, create };
}

const auths = `/smartlock/${frontDoor}/auth`;
const action = `/smartlock/${frontDoor}/action`;

interface NukiWebApi {
  getSmartlocks(): Promise<readonly { readonly smartlockId: number }[]>;
  getSmartlock(id: number): Promise<{ readonly state: { readonly state: number } }>;
  setAction(id: number, action: number): Promise<true>;
  getSmartlockAuth(id: number): Promise<readonly { readonly type: number }[]>;
  getSmartlockLogs(id: number, query: { readonly limit: number }): Promise<readonly { readonly action: number }[]>;
}

test("the maker's own kind of client reads, acts and reads again", async (t) => {
  const { url, pass, server, create } = await givenAccount(t);
  const Nuki: new (token: string, options: { url: string }) => NukiWebApi = createRequire(import.meta.url)(
    "nuki-web-api",
  );
  const client = new Nuki(token, { url });
  assert.deepEqual(
    (await client.getSmartlocks()).map(({ smartlockId }) => smartlockId),
    [frontDoor, backDoor],
  );
  assert.equal(await client.setAction(frontDoor, nukiAction.unlock), true);
  assert.equal((await client.getSmartlock(frontDoor)).state.state, nukiState.locked, "accepted is not done");
  await pass(500);
  assert.equal((await client.getSmartlock(frontDoor)).state.state, nukiState.unlocking);
  await pass(1_500);
  assert.equal((await client.getSmartlock(frontDoor)).state.state, nukiState.unlocked);
  assert.equal((await client.getSmartlockLogs(frontDoor, { limit: 5 }))[0]?.action, nukiAction.unlock);
  await create(345_678);
  assert.deepEqual(
    (await client.getSmartlockAuth(frontDoor)).map(({ type }) => type),
    [0, 13],
  );
  assert.equal(server.actions, 1);
  const stranger = new Nuki("another", { url });
  await assert.rejects(stranger.setAction(frontDoor, nukiAction.unlock), { statusCode: 401 });
  assert.equal(server.actions, 1, "who is not admitted has commanded nothing");
});

test("a created code is pending, then on the lock, with the number that the lock gave it", async (t) => {
  const { codes, create, lock, pass } = await givenAccount(t);
  const window = { allowedFromDate: "2031-03-04T12:00:00.000Z", allowedUntilDate: "2031-03-04T13:00:00.000Z" };
  assert.deepEqual(await create(345_678, window), { status: 204, body: undefined });
  const [pending] = await codes();
  assert.ok(pending?.operationId);
  assert.equal(pending.authId, undefined);
  assert.equal(lock.enterCode("345678"), false);

  await pass(2_000);
  const [created] = await codes();
  assert.equal(created?.operationId, undefined);
  assert.equal(created?.authId, 1);
  assert.equal(created?.id, pending.id);
  assert.equal(created?.allowedUntilDate, window.allowedUntilDate);
  assert.equal(lock.enterCode("345678"), true);
  await pass(3_600_000);
  assert.equal(lock.enterCode("345678"), false, "its window is over");
  assert.equal((await codes()).length, 1, "and it still stands there");
});

test("a changed code keeps its id; null takes a restriction away; a deleted one is gone", async (t) => {
  const { codes, create, ask, lock, pass } = await givenAccount(t);
  await create(345_678, { allowedUntilDate: "2031-03-04T13:00:00.000Z" });
  await pass(2_000);
  const { id } = (await codes())[0]!;
  assert.equal((await ask("POST", `${auths}/${id}`, { allowedUntilDate: null })).status, 204);
  await pass(2_000);
  assert.equal((await codes())[0]?.allowedUntilDate, undefined);
  assert.deepEqual(lock.keypad?.codes()[0]?.allowed, {});
  assert.equal((await ask("POST", `${auths}/${id}`, { enabled: false })).status, 204);
  await pass(2_000);
  assert.equal(lock.enterCode("345678"), false);
  assert.equal((await ask("DELETE", `${auths}/${id}`)).status, 204);
  assert.ok((await codes())[0]?.operationId, "until then it is under way");
  await pass(2_000);
  assert.deepEqual(await codes(), []);
  assert.deepEqual(lock.keypad?.codes(), []);
  assert.equal((await ask("DELETE", `${auths}/${id}`)).status, 404);
});

for (const [what, body, status] of [
  ["no body", undefined, 400],
  ["no type", { name: "Guest", code: 345_678 }, 400],
  ["no name", { type: 13, code: 345_678 }, 400],
  ["a name of 33 characters", { name: "x".repeat(33), type: 13, code: 345_678 }, 400],
  ["a code that begins with 12", { name: "Guest", type: 13, code: 123_456 }, 400],
  ["a code with a zero", { name: "Guest", type: 13, code: 345_670 }, 400],
  ["a code as text", { name: "Guest", type: 13, code: "345678" }, 400],
  ["a date that is none", { name: "Guest", type: 13, code: 345_678, allowedFromDate: "tomorrow" }, 400],
  [
    "a date with an offset",
    { name: "Guest", type: 13, code: 345_678, allowedFromDate: "2031-03-04T12:00:00+01:00" },
    400,
  ],
  ["a day too many", { name: "Guest", type: 13, code: 345_678, allowedWeekDays: 128 }, 400],
  [
    "a window that ends before it begins",
    {
      name: "Guest",
      type: 13,
      code: 345_678,
      allowedFromDate: "2031-03-04T12:00:00.000Z",
      allowedUntilDate: "2031-03-04T11:00:00.000Z",
    },
    422,
  ],
] as const)
  test(`a code with ${what} is refused with ${status}`, async (t) => {
    const { ask, codes } = await givenAccount(t);
    assert.equal((await ask("PUT", auths, body)).status, status);
    assert.deepEqual(await codes(), []);
  });

test("the same code again: 409; a second change at once: 423; a full list: 422; without a keypad: 400", async (t) => {
  const { create, ask, codes, lock, pass } = await givenAccount(t, { codesMax: 2 });
  assert.equal((await create(345_678)).status, 204);
  assert.equal((await create(345_679)).status, 423);
  await pass(2_000);
  assert.equal((await create(345_678)).status, 409);
  assert.equal((await create(345_679)).status, 204);
  await pass(2_000);
  const { id } = (await codes()).find(({ code }) => code === 345_679)!;
  assert.equal((await ask("POST", `${auths}/${id}`, { code: 345_678 })).status, 409);
  assert.equal((await ask("POST", `${auths}/${id}`, { code: 345_679, name: "Other" })).status, 204, "its own code");
  await pass(2_000);
  assert.equal((await create(345_687)).status, 422);
  lock.removeKeypad();
  const refused = await create(345_687);
  assert.equal(refused.status, 400);
  assert.match(refused.body.detailMessage, /type 13 not valid/);
});

test("two actions at once: 423; an action that is none: 400; a lock of somebody else: 404", async (t) => {
  const { ask, server } = await givenAccount(t);
  assert.equal((await ask("POST", action, { action: 1 })).status, 204);
  assert.equal((await ask("POST", action, { action: 2 })).status, 423);
  assert.equal((await ask("POST", action, { action: 9 })).status, 400);
  assert.equal((await ask("POST", `/smartlock/${backDoor}/action/lock`)).status, 204);
  assert.equal((await ask("POST", "/smartlock/1/action", { action: 1 })).status, 404);
  assert.equal((await ask("GET", "/opener")).status, 404);
  assert.equal(server.actions, 5);
});

test("with a cut line the lock goes by its list, the state is the last that was heard, and a change waits", async (t) => {
  const { lock, server, ask, state, codes, create, pass } = await givenAccount(t);
  await create(345_678);
  await pass(2_000);
  server.cutLine(frontDoor);
  assert.equal((await ask("GET", `/smartlock/${frontDoor}`)).body.serverState, 4);
  assert.equal(lock.enterCode("345678"), true);
  await pass(2_000);
  assert.equal(await state(), nukiState.locked);
  assert.deepEqual((await ask("GET", `/smartlock/${frontDoor}/log`)).body, []);
  assert.equal((await ask("POST", action, { action: 2 })).status, 204);
  assert.equal((await create(345_679)).status, 204);
  await pass(60_000);
  assert.equal(lock.bolt, "back", "an action does not wait");
  assert.equal(lock.keypad?.codes().length, 1);

  server.restoreLine(frontDoor);
  await pass(0);
  assert.equal(await state(), nukiState.unlocked);
  assert.equal((await ask("GET", `/smartlock/${frontDoor}`)).body.serverState, 0);
  const [line] = (await ask("GET", `/smartlock/${frontDoor}/log`)).body;
  assert.equal(line.authId, (await codes())[0]?.id, "the log names the code as the list does");
  assert.equal(line.date, "2031-03-04T12:00:03.500Z", "and the time is the lock's");
  assert.equal(lock.keypad?.codes().length, 2);
});

test("a change that waited too long for its lock is dropped, and the list shows what was", async (t) => {
  const { lock, server, ask, codes, create, pass } = await givenAccount(t);
  await create(345_678);
  await pass(2_000);
  const { id } = (await codes())[0]!;
  lock.cutPower();
  await ask("POST", `${auths}/${id}`, { code: 456_789 });
  assert.equal((await codes())[0]?.code, 456_789);
  await pass(602_000);
  assert.equal((await codes())[0]?.code, 345_678);
  assert.equal((await codes())[0]?.operationId, undefined);
  await create(345_679);
  await pass(602_000);
  assert.equal((await codes()).length, 1);
  server.delivery.drop = 1;
  lock.restorePower();
  await create(345_679);
  await pass(2_000);
  assert.equal((await codes()).length, 1, "nor one that was lost on its way");
});

test("a code that was made beside the lock shows after a change or a day; made with the same digits it is not taken", async (t) => {
  const { lock, create, codes, pass } = await givenAccount(t);
  lock.keypad?.add({ name: "Owner", code: 345_678, enabled: true, allowed: {} });
  assert.deepEqual(await codes(), []);
  assert.equal((await create(345_678)).status, 204);
  await pass(2_000);
  assert.deepEqual(
    (await codes()).map(({ name }) => name),
    ["Owner"],
  );
  lock.keypad?.remove(1);
  assert.equal((await codes()).length, 1);
  await pass(86_400_000);
  assert.deepEqual(await codes(), []);
});

test("a list that is read from the lock meanwhile leaves alone what is under way", async (t) => {
  const { server, create, ask, codes, pass } = await givenAccount(t);
  await create(345_678);
  server.refreshList(frontDoor);
  assert.equal((await codes()).length, 1);
  await pass(2_000);
  const { id } = (await codes())[0]!;
  await ask("POST", `${auths}/${id}`, { code: 456_789 });
  server.refreshList(frontDoor);
  assert.equal((await codes())[0]?.code, 456_789);
  await pass(2_000);
  assert.deepEqual(
    (await codes()).map(({ code, operationId }) => [code, operationId]),
    [[456_789, undefined]],
  );
});

test("nothing goes on waiting for a lock that has come back", async (t) => {
  const { server, clock, create, pass } = await givenAccount(t, { delivery: { patienceMs: 600_000 } });
  server.cutLine(frontDoor);
  await create(345_678);
  await pass(10_000);
  server.restoreLine(frontDoor);
  await pass(0);
  assert.equal(clock.nextAt, 86_400_000, "only the daily reading is to come");
});

test("a frozen list shows what it showed, and thawed what is", async (t) => {
  const { server, create, codes, lock, pass } = await givenAccount(t);
  server.freezeList(frontDoor);
  await create(345_678);
  await pass(2_000);
  assert.deepEqual(await codes(), []);
  assert.equal(lock.enterCode("345678"), true);
  server.thawList(frontDoor);
  assert.equal((await codes()).length, 1);
});

test("a doubled code stands in the list twice; deleting the one leaves the other", async (t) => {
  const { create, codes, ask, lock, pass } = await givenAccount(t, { delivery: { duplicate: 1 } });
  await create(345_678);
  await pass(2_000);
  const [real, ghost] = await codes();
  assert.equal(real?.code, ghost?.code);
  assert.notEqual(real?.id, ghost?.id);
  await ask("DELETE", `${auths}/${real?.id}`);
  await pass(2_000);
  assert.equal(lock.enterCode("345678"), false);
  assert.deepEqual(
    (await codes()).map(({ id }) => id),
    [ghost?.id],
  );
  await ask("DELETE", `${auths}/${ghost?.id}`);
  await pass(2_000);
  assert.deepEqual(await codes(), []);
});

test("several locks and several codes in one request", async (t) => {
  const { ask, lock, other, pass } = await givenAccount(t);
  const wish = { name: "Guest", type: 13, code: 345_678, smartlockIds: [frontDoor, backDoor] };
  assert.equal((await ask("PUT", "/smartlock/auth", wish)).status, 204);
  await pass(2_000);
  assert.equal(other.enterCode("345678"), true);
  const { body: all } = await ask("GET", "/smartlock/auth?types=13");
  const ids = all.map(({ id }: Auth) => id);
  assert.equal(ids.length, 2);
  assert.equal(
    (
      await ask(
        "POST",
        "/smartlock/auth",
        ids.map((id: string) => ({ id, name: "Visitor" })),
      )
    ).status,
    204,
  );
  await pass(2_000);
  assert.equal(lock.keypad?.codes()[0]?.name, "Visitor");
  assert.equal((await ask("DELETE", "/smartlock/auth", [...ids, "nothing"])).status, 404);
  assert.equal((await ask("DELETE", "/smartlock/auth", ids)).status, 204);
  await pass(2_000);
  assert.deepEqual(
    [lock, other].map(({ keypad }) => keypad?.codes().length),
    [0, 0],
  );
});

test("the log: newest first, by date, code and action, and onward from a line", async (t) => {
  const { ask, lock, pass } = await givenAccount(t);
  for (const to of ["unlocked", "locked", "unlocked"] as const) {
    lock.turnKnob(to);
    await pass(60_000);
  }
  const log = async (query: string) =>
    (await ask("GET", `/smartlock/${frontDoor}/log?${query}`)).body.map(
      ({ action, date }: Auth & { action: number; date: string }) => [action, date.slice(11, 16)],
    );
  assert.deepEqual(await log(""), [
    [1, "12:02"],
    [2, "12:01"],
    [1, "12:00"],
  ]);
  assert.deepEqual(await log("limit=1"), [[1, "12:02"]]);
  assert.deepEqual(await log("action=2"), [[2, "12:01"]]);
  assert.deepEqual(await log("fromDate=2031-03-04T12:01:00.000Z&toDate=2031-03-04T12:01:30.000Z"), [[2, "12:01"]]);
  const [newest] = (await ask("GET", `/smartlock/${frontDoor}/log`)).body;
  assert.deepEqual(await log(`id=${newest.id}`), [
    [2, "12:01"],
    [1, "12:00"],
  ]);
  assert.equal((await ask("GET", `/smartlock/${frontDoor}/log?fromDate=2031-03-04T12:00:00+00:00`)).status, 400);
});

test("refused as told, for as many requests as told", async (t) => {
  const { server, ask, lock, pass } = await givenAccount(t);
  server.refuse(429, 2);
  assert.equal((await ask("POST", action, { action: 1 })).status, 429);
  assert.equal((await ask("GET", "/smartlock")).status, 429);
  assert.equal((await ask("GET", "/smartlock")).status, 200);
  server.refuse(402, 1, "changes");
  assert.equal((await ask("GET", "/smartlock")).status, 200);
  assert.equal((await ask("PUT", auths, { name: "Guest", type: 13, code: 345_678 })).status, 402);
  assert.equal((await ask("DELETE", `${auths}/nothing`)).status, 404, "one was told");
  server.refuse(503);
  assert.equal((await ask("POST", action, { action: 1 })).status, 503);
  server.obey();
  assert.equal((await ask("GET", "/smartlock")).status, 200);
  await pass(10_000);
  assert.equal(lock.bolt, "out");
});

test("an action that is carried out and never answered", async (t) => {
  const { url, server, lock, pass } = await givenAccount(t, { rates: { noReply: 1 } });
  const abort = new AbortController();
  const headers = { authorization: `Bearer ${token}` };
  const asked = fetch(`${url}${action}`, { method: "POST", body: '{"action":1}', headers, signal: abort.signal });
  await until("the action arrives", () => server.actions === 1);
  await pass(5_000);
  assert.equal(lock.bolt, "back");
  abort.abort();
  await assert.rejects(asked, { name: "AbortError" }, "until then the line stood");
});

test("an answer that comes late: the request is done, and whoever waits gets it", async (t) => {
  const { ask, server, lock, pass } = await givenAccount(t, { rates: { lateReplyMs: 15_000 } });
  const answer = ask("POST", action, { action: 1 });
  await until("the action arrives", () => server.actions === 1);
  await pass(14_999);
  assert.equal(lock.bolt, "back");
  const early = await Promise.race([answer, turn("none yet")]);
  assert.equal(early, "none yet");
  await pass(1);
  assert.equal((await answer).status, 204);
});

test("a request that is lost is neither heard nor answered", async (t) => {
  const { faults, server, url, lock, pass } = await givenAccount(t, { rates: { lose: 1 } });
  const abort = new AbortController();
  const headers = { authorization: `Bearer ${token}` };
  const asked = fetch(`${url}${action}`, { method: "POST", body: '{"action":1}', headers, signal: abort.signal });
  await until("the request arrives", () => server.calls.length === 1);
  await pass(60_000);
  abort.abort();
  await assert.rejects(asked, { name: "AbortError" });
  faults.rates = { ...faults.rates, lose: 0 };
  await pass(60_000);
  assert.equal(server.actions, 0);
  assert.equal(lock.bolt, "out");
});

test("garbled are answers alone: what was asked for is what happens", async (t) => {
  const { create, lock, pass, url } = await givenAccount(t, { rates: { garble: 1 } });
  assert.equal((await create(345_678)).status, 204);
  await pass(2_000);
  assert.equal(lock.enterCode("345678"), true);
  const headers = { authorization: `Bearer ${token}` };
  const texts = await Promise.all([0, 1].map(async () => (await fetch(`${url}/smartlock`, { headers })).text()));
  assert.notEqual(texts[0], texts[1]);
});

test("a line that breaks after the request was carried out", async (t) => {
  const { ask, lock, pass } = await givenAccount(t, { rates: { disconnect: 1 } });
  await assert.rejects(ask("POST", action, { action: 1 }), TypeError);
  await pass(5_000);
  assert.equal(lock.bolt, "back");
});

test("the cloud shows a state as late as it hears of it", async (t) => {
  const { lock, state, pass } = await givenAccount(t, { delivery: { reportMs: 5_000 } });
  lock.turnKnob("unlocked");
  await pass(4_999);
  assert.equal(await state(), nukiState.locked);
  await pass(1);
  assert.equal(await state(), nukiState.unlocked);
});

test("stopped it keeps its port, and what the locks know", async (t) => {
  const { server, create, codes, url, lock, pass } = await givenAccount(t);
  await create(345_678);
  await pass(2_000);
  await server.stop();
  await assert.rejects(codes(), TypeError);
  assert.equal(lock.enterCode("345678"), true);
  assert.equal((await server.start()).url, url);
  assert.equal((await codes())[0]?.lockCount, 1);
});
