/** How the simulated Ring service answers on a real port: the messages of the golden file, and what it does where things go wrong. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { givenRingHouse, place, ringAccount, zid } from "../../support/ring-house.ts";
import { until } from "../../support/until.ts";

interface GoldenCall {
  readonly method: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly request?: unknown;
  readonly status: number;
  readonly reply?: unknown;
  /** Named in the reply, with values of their own. */
  readonly secrets?: readonly string[];
}
type CallName = "refresh" | "session" | "device" | "devices" | "locations" | "ticket" | "subscribe" | "unlockDoor";
type Message = Record<"channel" | "msg", unknown>;
type Golden = Readonly<Record<CallName, GoldenCall>> & {
  readonly hub: Readonly<Record<"list" | "listed" | "lock" | "unlock" | "unlocked" | "gone" | "reconnect", Message>>;
};
const golden: Golden = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../wire/golden/ring-messages.json"), "utf8"),
);
type Body = Readonly<Record<string, unknown>>;

async function givenService(t: TestContext, options: Parameters<typeof givenRingHouse>[1] = {}) {
  const house = await givenRingHouse(t, options);
  const before = getCACertificates("default");
  setDefaultCACertificates([...before, house.ca]);
  t.after(() => setDefaultCACertificates(before));
  let access = "";
  const send = async ({ method, path, headers, request }: Partial<GoldenCall>, signal?: AbortSignal) => {
    const response = await fetch(`${house.url}${path}`, {
      method: method ?? "GET",
      headers: {
        "content-type": "application/json",
        hardware_id: "hardware-1",
        ...(access !== "" && { authorization: `Bearer ${access}` }),
        ...headers,
      },
      signal: signal ?? AbortSignal.any([t.signal, AbortSignal.timeout(20_000)]),
      ...(request !== undefined && { body: JSON.stringify(request) }),
    });
    const said = await response.text();
    return { status: response.status, headers: response.headers, said };
  };
  const ask = async (call: Partial<GoldenCall>) => {
    const { said, ...answer } = await send(call);
    return { ...answer, body: (said === "" ? undefined : JSON.parse(said)) as Body | undefined };
  };
  /** As the golden call, by a refresh token of one's own. */
  const signIn = async (refreshToken = "refresh-1", headers: Record<string, string> = {}) => {
    const request = { ...(golden.refresh.request as Body), refresh_token: refreshToken };
    const answer = await ask({ ...golden.refresh, headers: { ...golden.refresh.headers, ...headers }, request });
    access = String(answer.body?.access_token ?? access);
    return answer;
  };
  return { ...house, send, ask, signIn };
}

/** A plain client of the hub's socket; what it hears is kept in order. */
async function openSocket(t: TestContext, { ask }: Pick<Awaited<ReturnType<typeof givenService>>, "ask">) {
  const { body } = await ask(golden.ticket);
  const url = `wss://${body?.host}/ws?authcode=${body?.ticket}&ack=false`;
  const socket = new WebSocket(url);
  const heard: Message[] = [];
  socket.addEventListener("message", ({ data }) => heard.push(JSON.parse(String(data))));
  await once(socket, "open");
  t.after(() => socket.close());
  const say = (message: Message) => socket.send(JSON.stringify(message));
  const next = async (what: string, count: number): Promise<Message> => {
    await until(what, () => heard.length >= count);
    return heard[count - 1]!;
  };
  return { url, socket, heard, say, next };
}

/** What comes of an attempt to open a socket. */
async function outcome(url: string): Promise<string> {
  const socket = new WebSocket(url);
  const came = await new Promise<string>((resolve) => {
    for (const name of ["open", "error"]) socket.addEventListener(name, () => resolve(name), { once: true });
  });
  socket.close();
  return came;
}

for (const name of ["session", "device", "devices", "locations", "ticket", "subscribe", "unlockDoor"] as const)
  test(`the golden call "${name}" is answered as written, and only to whoever is signed in`, async (t) => {
    const { ask, signIn } = await givenService(t);
    const call = golden[name];
    assert.equal((await ask(call)).status, 401);
    await signIn();
    const { status, body } = await ask(call);
    assert.equal(status, call.status);
    if (call.reply === undefined) assert.equal(body, undefined);
    else assert.partialDeepStrictEqual(body, call.reply);
    for (const secret of call.secrets ?? []) assert.match(String(body?.[secret]), /^.{8,}$/);
  });

test("a refresh token serves once; the access token it brings lasts an hour", async (t) => {
  const { ask, signIn, clock, server } = await givenService(t);
  const { status, body } = await signIn();
  assert.equal(status, 200);
  assert.partialDeepStrictEqual(body, golden.refresh.reply);
  for (const secret of golden.refresh.secrets ?? []) assert.match(String(body?.[secret]), /^.{8,}$/);
  assert.equal(body?.refresh_token, server.tokens.refreshToken);
  assert.equal((await ask(golden.locations)).status, 200);
  assert.equal((await signIn()).status, 401, "used before");
  assert.equal((await ask(golden.locations)).status, 200, "which harms nobody else");
  clock.step(3_600_000);
  assert.equal((await ask(golden.locations)).status, 401);
  assert.equal((await signIn(String(body?.refresh_token))).status, 200);
  assert.equal((await ask(golden.locations)).status, 200);
  server.tokens.revoke();
  assert.equal((await ask(golden.locations)).status, 401);
  assert.equal((await signIn(String(body?.refresh_token))).status, 401);
});

test("an account with a second factor wants its code, of whoever signs in by hand, too", async (t) => {
  const { ask, signIn, server } = await givenService(t);
  server.tokens.askSecondFactor(true);
  const asked = await signIn();
  assert.equal(asked.status, 412);
  assert.equal(asked.body?.tsv_state, "sms");
  assert.equal((await signIn("refresh-1", { "2fa-code": "000000" })).status, 400);
  assert.equal((await signIn("refresh-1", { "2fa-code": ringAccount.code })).status, 200);

  const { email: username, password } = ringAccount;
  const byHand = { client_id: "ring_official_android", scope: "client", grant_type: "password", username, password };
  const sent = { ...golden.refresh, request: byHand, headers: { "2fa-code": ringAccount.code } };
  assert.equal((await ask(sent)).status, 200);
  assert.equal((await ask({ ...sent, request: { ...byHand, password: "guessed" } })).status, 401);
});

test("the hub's socket lists, takes a command, and tells what came of it", async (t) => {
  const { ask, signIn, hub, pass } = await givenService(t);
  await signIn();
  const { say, next, url } = await openSocket(t, { ask });
  say(golden.hub.list);
  const list = await next("the list has come", 1);
  assert.partialDeepStrictEqual(list, golden.hub.listed);
  const { body } = list.msg as { readonly body: readonly { readonly general: { readonly v2: Body } }[] };
  assert.partialDeepStrictEqual(
    body.find(({ general }) => general.v2.zid === zid),
    golden.hub.lock,
  );
  say(golden.hub.unlock);
  await until("the command has come", () => hub.commands.length === 1);
  assert.partialDeepStrictEqual(hub.commands[0], { zid, command: "lock.unlock" });
  await pass(2_000);
  assert.partialDeepStrictEqual(await next("the new state has come", 2), golden.hub.unlocked);
  hub.tellToReconnect();
  assert.partialDeepStrictEqual(await next("it was told to go", 3), golden.hub.reconnect);

  assert.equal(await outcome(url), "error", "a ticket serves once");
});

test("a hub without a line says so, and does nothing; what happened meanwhile is listed afterwards", async (t) => {
  const { ask, signIn, hub, lock, pass } = await givenService(t);
  await signIn();
  const { say, next, heard } = await openSocket(t, { ask });
  hub.lose();
  assert.partialDeepStrictEqual(await next("it is gone", 1), golden.hub.gone);
  assert.partialDeepStrictEqual((await ask(golden.ticket)).body, { assets: [{ status: "offline" }] });
  lock.turnThumb("unlocked");
  say(golden.hub.list);
  say(golden.hub.unlock);
  await until("both have come", () => hub.messages === 2);
  await pass(5_000);
  hub.comeBack();
  await next("it is back", 2);
  say(golden.hub.list);
  await next("the list has come", 3);
  assert.match(JSON.stringify(heard[2]), /"locked":"unlocked"/);
  assert.deepEqual(hub.commands, [], "and what was said to it is lost");
});

test("a command may be lost, and a state come late", async (t) => {
  const { ask, signIn, hub, lock, pass, server } = await givenService(t);
  await signIn();
  const { say, next, heard } = await openSocket(t, { ask });
  hub.loseCommands(1);
  say(golden.hub.unlock);
  await until("the command has come", () => hub.commands.length === 1);
  await pass(10_000);
  assert.equal(lock.bolt, "out");
  server.delivery.reportMs = 30_000;
  say(golden.hub.unlock);
  await until("the second has come", () => hub.commands.length === 2);
  await pass(2_000);
  assert.equal(lock.bolt, "back");
  assert.deepEqual(heard, []);
  await pass(30_000);
  assert.partialDeepStrictEqual(await next("it has come at last", 1), golden.hub.unlocked);
});

test("what the service does instead of its work: refuse, answer nonsense, never answer, name a hub that is not there", async (t) => {
  const { ask, send, signIn, server, intercom } = await givenService(t);
  await signIn();
  server.fail({ answer: 429, retryAfterSeconds: 7, of: "unlock", times: 1 });
  assert.equal((await ask(golden.locations)).status, 200);
  const refused = await ask(golden.unlockDoor);
  assert.deepEqual([refused.status, refused.headers.get("retry-after")], [429, "7"]);
  server.fail({ answer: "malformed", times: 1 });
  const { said } = await send(golden.unlockDoor);
  assert.throws(() => JSON.parse(said), SyntaxError);
  const patience = new AbortController();
  server.fail({ answer: "nothing", of: "unlock", times: 1 });
  const hanging = send(golden.unlockDoor, patience.signal);
  await until("it has been asked", () => server.calls.filter(({ kind }) => kind === "unlock").length === 3);
  patience.abort();
  await assert.rejects(hanging, { name: "AbortError" });
  assert.equal(intercom.pulses, 0);
  server.obey();
  assert.equal((await ask(golden.unlockDoor)).status, 200);

  server.misdirect(true);
  const { body } = await ask(golden.ticket);
  assert.equal(await outcome(`wss://${body?.host}/ws?authcode=${body?.ticket}`), "error");
});

test("an intercom without Wi-Fi is answered for by a number", async (t) => {
  const { ask, signIn, intercom } = await givenService(t);
  await signIn();
  intercom.loseWifi();
  const { body } = await ask(golden.devices);
  assert.partialDeepStrictEqual(body, { other: [{ alerts: { connection: "offline" } }] });
  const refused = await ask(golden.unlockDoor);
  assert.deepEqual([refused.status, refused.body], [404, { errors: [7019] }]);
  assert.equal(intercom.pulses, 0);
});

test("a forgotten session has to be begun anew", async (t) => {
  const { ask, signIn, server } = await givenService(t);
  await signIn();
  server.forgetSessions();
  const refused = await ask(golden.devices);
  assert.equal(refused.status, 404);
  assert.match(String(refused.body?.error), /hardware-1/);
  assert.equal((await ask(golden.session)).status, 200);
  assert.equal((await ask(golden.devices)).status, 200);
});

test("no place, no ticket; a lost answer was carried out", async (t) => {
  const { ask, send, signIn, faults, intercom } = await givenService(t);
  await signIn();
  const elsewhere = golden.ticket.path.replace(place, "place-2");
  assert.equal((await ask({ ...golden.ticket, path: elsewhere })).status, 404);
  faults.rates = { ...faults.rates, noReply: 1 };
  const patience = new AbortController();
  const lost = send(golden.unlockDoor, patience.signal);
  await until("it has pressed the button", () => intercom.pulses === 1);
  patience.abort();
  await assert.rejects(lost, { name: "AbortError" });
});

test("the service goes and comes back at the same address; tokens and locks are as they were, sockets are not", async (t) => {
  const { ask, signIn, server, hub, lock, url } = await givenService(t);
  await signIn();
  const { socket } = await openSocket(t, { ask });
  const closed = once(socket, "close");
  await server.stop();
  await closed;
  await assert.rejects(ask(golden.locations));
  lock.turnThumb("unlocked");
  assert.equal((await server.start()).url, url);
  assert.equal((await ask(golden.locations)).status, 200);
  assert.equal(hub.listeners, 0);
  const { say, next } = await openSocket(t, { ask });
  say(golden.hub.list);
  assert.match(JSON.stringify(await next("the list has come", 1)), /"locked":"unlocked"/);
});
