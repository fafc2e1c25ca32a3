/** How the simulated Shelly answers, on a real port: the frames of the maker's pages, its digest with curl as a stranger, and its faults. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { type FaultRates, Faults } from "../../../firmware-sim/faults.ts";
import { ShellyServer } from "../../../firmware-sim/links/shelly.ts";
import { SimRelay } from "../../../firmware-sim/sim-relay.ts";
import { systemClock } from "../../../gateway/system-clock.ts";
import { find, missing } from "../../support/needs.ts";
import { SimClock } from "../../support/sim-clock.ts";
import { until } from "../../support/until.ts";

const realm = "shellyplus1-a8032abe54dc";

interface Answer {
  readonly id: number;
  readonly result: Readonly<Record<string, unknown>>;
  readonly error: { readonly code: number; readonly message: string };
}

async function givenShelly(t: TestContext, options: { password?: string; rates?: Partial<FaultRates> } = {}) {
  const clock = new SimClock(Date.UTC(2031, 2, 4, 12));
  const relay = new SimRelay({ id: realm, clock });
  const { password, rates } = options;
  const faults = new Faults(rates);
  const server = new ShellyServer({ relay, clock, faults, ...(password !== undefined && { password }) });
  const { host, port } = await server.start();
  t.after(() => server.stop());
  const url = `http://${host}:${port}`;
  const ask = async (frame: object, headers: Record<string, string> = {}) => {
    const signal = AbortSignal.any([t.signal, AbortSignal.timeout(60_000)]);
    const response = await fetch(`${url}/rpc`, { method: "POST", body: JSON.stringify(frame), headers, signal });
    return { status: response.status, headers: response.headers, body: (await response.json()) as Answer };
  };
  const pass = (ms: number) => {
    const end = clock.monotonic() + ms;
    while (clock.step(end));
  };
  return { clock, relay, faults, server, url, ask, pass };
}

test("a pulse: was_on, then the status shows the output and its timer in seconds", async (t) => {
  const { relay, ask, server, clock } = await givenShelly(t);
  const set = await ask({
    id: 7,
    src: "postern",
    method: "Switch.Set",
    params: { id: 0, on: true, toggle_after: 2.5 },
  });
  assert.deepEqual(set.body, { id: 7, src: realm, dst: "postern", result: { was_on: false } });
  const { body } = await ask({ id: 8, method: "Switch.GetStatus", params: { id: 0 } });
  assert.equal(body.result.output, true);
  assert.equal(body.result.timer_duration, 2.5);
  assert.equal(body.result.timer_started_at, clock.wall() / 1_000);
  assert.equal(relay.output, true);
  assert.equal(server.commands, 1);
});

test("the method in the address is answered without a frame, by GET and by POST", async (t) => {
  const { url, relay } = await givenShelly(t);
  relay.setContact(true);
  const set = await fetch(`${url}/rpc/Switch.Set?id=0&on=true&toggle_after=5`);
  assert.deepEqual(await set.json(), { was_on: false });
  const input = await fetch(`${url}/rpc/Input.GetStatus`, { method: "POST", body: '{"id":0}' });
  assert.deepEqual(await input.json(), { id: 0, state: true });
  const unknown = await fetch(`${url}/rpc/Switch.Melt?id=0`);
  assert.equal(unknown.status, 404);
});

for (const [what, method, params, code] of [
  ["a switch it does not have", "Switch.GetStatus", { id: 7 }, -105],
  ["no switch named", "Switch.GetStatus", {}, -103],
  ["neither on nor off", "Switch.Set", { id: 0 }, -103],
  ["a timer of no time", "Switch.Set", { id: 0, on: true, toggle_after: 0 }, -103],
  ["an unknown method", "Switch.Melt", { id: 0 }, 404],
] as const)
  test(`${what}: error ${code}, and nothing moves`, async (t) => {
    const { ask, relay } = await givenShelly(t);
    const { status, body } = await ask({ id: 1, method, params });
    assert.equal(status, 200);
    assert.equal(body.error.code, code);
    assert.equal(relay.output, false);
  });

test("too hot to switch on it says so, in the answer and in the status", async (t) => {
  const { ask, relay } = await givenShelly(t);
  relay.overheat();
  const set = await ask({ id: 1, method: "Switch.Set", params: { id: 0, on: true } });
  assert.equal(set.body.error.code, -109);
  const { body } = await ask({ id: 2, method: "Switch.GetStatus", params: { id: 0 } });
  assert.deepEqual(body.result.errors, ["overtemp"]);
});

test("with a password curl gets in with the right one and not with another", { skip: missing("curl") }, async (t) => {
  const { url, server } = await givenShelly(t, { password: "s3cret" });
  const curl = (secret: string) =>
    promisify(execFile)(find("curl")!, [
      ...["--silent", "--max-time", "20", "--digest", "--user", `admin:${secret}`],
      ...["--data", '{"id":1,"method":"Switch.Set","params":{"id":0,"on":true,"toggle_after":5}}', `${url}/rpc`],
    ]);
  assert.deepEqual(JSON.parse((await curl("s3cret")).stdout).result, { was_on: false });
  assert.equal(JSON.parse((await curl("wrong")).stdout).error.code, 401);
  assert.equal(server.commands, 1, "what was not admitted is no command");
});

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const nonceOf = (headers: Headers) => headers.get("www-authenticate")?.match(/nonce="([^"]+)"/)?.[1] ?? "";
/** Written down from RFC 7616, apart from the server's own. */
const header = (nonce: string, nc: string, secret = "s3cret") => {
  const ha1 = sha256(`admin:${realm}:${secret}`);
  const response = sha256(`${ha1}:${nonce}:${nc}:0a4f113b:auth:${sha256("POST:/rpc")}`);
  return {
    authorization: `Digest username="admin", realm="${realm}", nonce="${nonce}", uri="/rpc", algorithm=SHA-256, qop=auth, nc=${nc}, cnonce="0a4f113b", response="${response}"`,
  };
};
const status = { id: 1, method: "Switch.GetStatus", params: { id: 0 } };

test("a nonce counts from 1, every use one more, and is stale when it is forgotten", async (t) => {
  const { ask, server } = await givenShelly(t, { password: "s3cret" });
  const nonce = nonceOf((await ask(status)).headers);
  assert.match(nonce, /=$/, "padding stays part of it");
  assert.equal((await ask(status, header(nonce, "00000002"))).status, 401, "does not begin with 1");
  assert.equal((await ask(status, header(nonce, "00000001"))).status, 200);
  assert.equal((await ask(status, header(nonce, "00000001"))).status, 401, "was used");
  assert.equal((await ask(status, header(nonce, "00000002"))).status, 200);

  server.forgetNonces();
  const stale = await ask(status, header(nonce, "00000003"));
  assert.equal(stale.status, 401);
  assert.match(stale.headers.get("www-authenticate") ?? "", /stale=true/);
  assert.equal((await ask(status, header(nonceOf(stale.headers), "00000001"))).status, 200);
  assert.doesNotMatch((await ask(status, header(nonce, "1", "wrong"))).headers.get("www-authenticate") ?? "", /stale/);
});

test("an auth object in the frame admits as well, and GetDeviceInfo needs none", async (t) => {
  const { ask } = await givenShelly(t, { password: "s3cret" });
  assert.equal((await ask({ id: 1, method: "Shelly.GetDeviceInfo" })).body.result.id, realm);
  const challenge = JSON.parse((await ask(status)).body.error.message);
  const ha1 = sha256(`admin:${realm}:s3cret`);
  const response = sha256(`${ha1}:${challenge.nonce}:1:77:auth:${sha256("dummy_method:dummy_uri")}`);
  const auth = { realm, username: "admin", nonce: challenge.nonce, cnonce: 77, response, algorithm: "SHA-256" };
  assert.equal((await ask({ ...status, auth })).body.result.output, false);
});

test("after many wrong answers nobody is heard for ten minutes, and then again", async (t) => {
  const { ask, pass } = await givenShelly(t, { password: "s3cret" });
  const nonce = nonceOf((await ask(status)).headers);
  for (let tries = 0; tries < 20; tries += 1) await ask(status, header(nonce, "00000001", "wrong"));
  assert.equal((await ask(status, header(nonce, "00000001"))).status, 429);
  pass(10 * 60_000);
  assert.equal((await ask(status, header(nonce, "00000001"))).status, 200);
});

test("a command whose answer is lost was carried out; one that is lost on the way was not", async (t) => {
  const { url, relay, faults, server } = await givenShelly(t, { rates: { noReply: 1 } });
  const set = (on: boolean, signal: AbortSignal) => fetch(`${url}/rpc/Switch.Set?id=0&on=${on}`, { signal });
  const gone = new AbortController();
  const unanswered = assert.rejects(set(true, gone.signal));
  await until("it is on", () => relay.output);
  gone.abort();
  await unanswered;
  assert.equal((await fetch(`${url}/rpc/Switch.GetStatus?id=0`)).status, 200, "only commands go unanswered");

  faults.rates = { ...faults.rates, noReply: 0, lose: 1 };
  await assert.rejects(set(false, AbortSignal.timeout(50)));
  assert.equal(relay.output, true);
  assert.equal(server.commands, 1);
});

test("a late answer comes after its time; a line that breaks leaves the command carried out", async (t) => {
  const { url, relay, faults, clock, pass } = await givenShelly(t, { rates: { lateReplyMs: 4_000 } });
  const late = fetch(`${url}/rpc/Switch.Set?id=0&on=true`);
  await until("the answer waits", () => clock.nextAt !== undefined);
  pass(4_000);
  assert.deepEqual(await (await late).json(), { was_on: false });

  faults.rates = { ...faults.rates, disconnect: 1 };
  await assert.rejects(fetch(`${url}/rpc/Switch.Set?id=0&on=false`));
  assert.equal(relay.output, false);
});

test("a garbled answer differs from the true one in one place", async (t) => {
  const { url, faults } = await givenShelly(t);
  const read = async () => (await fetch(`${url}/rpc/Switch.GetStatus?id=0`)).text();
  const clean = await read();
  faults.rates = { ...faults.rates, garble: 1 };
  const garbled = await read();
  assert.equal([...garbled].filter((letter, at) => letter !== clean[at]).length, 1);
});

test("without power nobody is there, and with it the same port answers, switched off", async (t) => {
  const { url, relay } = await givenShelly(t);
  relay.set(true);
  relay.cutPower();
  await assert.rejects(fetch(`${url}/shelly`));
  relay.restorePower();
  const output = async () =>
    ((await (await fetch(`${url}/rpc/Switch.GetStatus?id=0`)).json()) as Answer["result"]).output;
  await until("it answers", () =>
    output().then(
      (on) => on === false,
      () => false,
    ),
  );
});

test("it can be stopped and started, also without power, and keeps its port", async (t) => {
  const { relay, server, url } = await givenShelly(t);
  await server.stop();
  await assert.rejects(fetch(`${url}/shelly`));
  relay.cutPower();
  const at = await server.start();
  assert.equal(`http://${at.host}:${at.port}`, url);
  await assert.rejects(fetch(`${url}/shelly`));
});

test("the system's clock drives it as well", async (t) => {
  const relay = new SimRelay({ id: realm, clock: systemClock });
  const server = new ShellyServer({ relay, clock: systemClock, faults: new Faults() });
  t.after(() => server.stop());
  const { host, port } = await server.start();
  await fetch(`http://${host}:${port}/rpc/Switch.Set?id=0&on=true&toggle_after=0.01`);
  await until("the pulse is over", () => !relay.output);
});
