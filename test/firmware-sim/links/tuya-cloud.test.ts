/** How the simulated Tuya cloud answers on a real port, to a plain client written from the maker's description, and what reaches the lock. */
import assert from "node:assert/strict";
import { createCipheriv, createDecipheriv, createHash, createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { TuyaCloudServer, type TuyaCloudServerOptions } from "../../../firmware-sim/links/tuya-cloud.ts";
import { readPassword, ticketKey, tuyaSignature } from "../../../firmware-sim/links/tuya-cloud-cipher.ts";
import { SimTuyaLock, type SimTuyaLockOptions } from "../../../firmware-sim/sim-tuya-lock.ts";
import { SimClock } from "../../support/sim-clock.ts";
import { until } from "../../support/until.ts";

const golden = JSON.parse(readFileSync(join(import.meta.dirname, "../../wire/golden/tuya-cloud.json"), "utf8"));
const { clientId, secret, answers } = golden;
const noon = Date.UTC(2031, 2, 4, 12);
const device = "vdevo1";
const locks = `/v1.0/devices/${device}/door-lock`;
const smart = `/v1.0/smart-lock/devices/${device}`;
const hour = 3_600_000;

type Fields = Readonly<Record<string, unknown>>;
interface Said<Result = Fields> {
  readonly success: boolean;
  readonly code?: number;
  /** Of a success. */
  readonly result: Result;
}
interface Logs {
  readonly total: number;
  readonly logs: readonly { readonly update_time: number; readonly status: { readonly value: string } }[];
}

async function givenCloud(
  t: TestContext,
  options: Partial<TuyaCloudServerOptions> & { readonly lockOptions?: Partial<SimTuyaLockOptions> } = {},
) {
  const clock = new SimClock(noon);
  const lock = new SimTuyaLock({ family: "bluetooth", clock, ...options.lockOptions });
  const server = new TuyaCloudServer({ locks: { [device]: lock }, project: { clientId, secret }, clock, ...options });
  const { url } = await server.start();
  t.after(() => server.stop());
  let access = "";
  /** Signed as the maker describes it. */
  const send = async (method: string, path: string, body?: object, more: Record<string, string> = {}) => {
    const sent = body === undefined ? "" : JSON.stringify(body);
    const at = String(Math.floor(clock.wall()));
    const [address = "", query = ""] = path.split("?");
    const inOrder = query === "" ? address : `${address}?${query.split("&").sort().join("&")}`;
    const content = createHash("sha256").update(sent).digest("hex");
    const token = address.startsWith("/v1.0/token") ? "" : access;
    const sign = createHmac("sha256", secret)
      .update(`${clientId}${token}${at}${method}\n${content}\n\n${inOrder}`)
      .digest("hex")
      .toUpperCase();
    return fetch(`${url}${path}`, {
      method,
      headers: {
        client_id: clientId,
        ...(token !== "" && { access_token: token }),
        ...{ t: at, sign, sign_method: "HMAC-SHA256", "content-type": "application/json" },
        ...more,
      },
      signal: AbortSignal.any([t.signal, AbortSignal.timeout(20_000)]),
      ...(sent !== "" && { body: sent }),
    });
  };
  const ask = async <Result = Fields>(method: string, path: string, body?: object, more?: Record<string, string>) =>
    (await (await send(method, path, body, more)).json()) as Said<Result>;
  const signIn = async () => {
    const said = await ask("GET", "/v1.0/token?grant_type=1");
    access = said.success ? String(said.result.access_token) : access;
    return said;
  };
  const ticket = async () => (await ask("POST", `${locks}/password-ticket`)).result;
  /** Body of a password that holds for an hour from now. */
  const wish = async (digits: string, more: object = {}) => {
    const { ticket_id, ticket_key } = await ticket();
    const opener = createDecipheriv("aes-256-ecb", secret, null);
    const key = Buffer.concat([opener.update(String(ticket_key), "hex"), opener.final()]);
    const cipher = createCipheriv("aes-128-ecb", key, null);
    const password = Buffer.concat([cipher.update(digits), cipher.final()]).toString("hex");
    const now = Math.floor(clock.wall() / 1_000);
    const window = { effective_time: now, invalid_time: now + 3_600 };
    return { name: "Anna", password, password_type: "ticket", ticket_id, ...window, ...more };
  };
  const create = async (digits: string, more: object = {}) =>
    ask("POST", `${locks}/temp-password`, await wish(digits, more));
  const listed = async (valid = "") => (await ask<readonly Fields[]>("GET", `${locks}/temp-passwords${valid}`)).result;
  const pass = async (ms: number) => {
    const end = clock.monotonic() + ms;
    while (clock.step(end)) await turn();
    await turn();
  };
  return { clock, lock, server, send, ask, signIn, ticket, wish, create, listed, pass };
}

for (const { name, sign, ...request } of golden.signatures)
  test(`golden signature: ${name}`, () => assert.equal(tuyaSignature({ clientId, ...request }, secret), sign));

test("golden ticket: its key, and digits under it", () => {
  const { originalKey, ticketKey: handedOut, passwords } = golden.ticket;
  assert.equal(ticketKey(originalKey, secret), handedOut);
  for (const { digits, hex } of passwords) {
    assert.equal(readPassword(hex, originalKey), digits);
    assert.equal(readPassword(hex.toLowerCase(), originalKey), digits);
    assert.equal(readPassword(hex, "another key 1234"), undefined);
  }
  assert.equal(readPassword("97F3", originalKey), undefined);
});

test("a token lives two hours, is given again while it lives, and is renewed by its refresh token", async (t) => {
  const { ask, signIn, clock, listed, server } = await givenCloud(t);
  const first = await signIn();
  assert.partialDeepStrictEqual(first, answers.token);
  assert.deepEqual(await listed(), []);
  clock.step(hour);
  const again = await signIn();
  assert.deepEqual([again.result.access_token, again.result.expire_time], [first.result.access_token, 3_600]);
  clock.step(3 * hour);
  assert.partialDeepStrictEqual(await ask("GET", `${locks}/temp-passwords`), answers.tokenExpired);
  const renewed = await ask("GET", `/v1.0/token/${first.result.refresh_token}`);
  assert.partialDeepStrictEqual(renewed, answers.token);
  assert.notEqual(renewed.result.access_token, first.result.access_token);
  assert.partialDeepStrictEqual(await ask("GET", `${locks}/temp-passwords`), answers.tokenExpired, "the old one");
  assert.equal((await ask("GET", `/v1.0/token/${first.result.refresh_token}`)).success, false, "it serves once");
  await signIn();
  assert.deepEqual(await listed(), []);
  server.expireToken();
  assert.partialDeepStrictEqual(await ask("GET", `${locks}/temp-passwords`), answers.tokenExpired);
});

test("who signs wrongly, or by a wrong clock, or asks for another's device, is told so with HTTP 200", async (t) => {
  const { ask, send, signIn, clock } = await givenCloud(t);
  await signIn();
  const list = `${locks}/temp-passwords`;
  assert.equal((await send("GET", list, undefined, { sign: "00" })).status, 200);
  assert.partialDeepStrictEqual(await ask("GET", list, undefined, { sign: "00" }), answers.signInvalid);
  assert.partialDeepStrictEqual(await ask("GET", list, undefined, { nonce: "unsigned" }), answers.signInvalid);
  assert.equal((await ask("GET", list, undefined, { client_id: "another" })).code, 1005);
  const late = String(clock.wall() - 301_000);
  assert.partialDeepStrictEqual(await ask("GET", list, undefined, { t: late }), answers.timeInvalid);
  assert.partialDeepStrictEqual(await ask("GET", list.replace(device, "vdevo2")), answers.permissionDeny);
  assert.equal((await ask("GET", "/v1.0/devices/vdevo1/elsewhere")).code, 1108);
  const query = "?start_time=0&end_time=1930392000&page_size=20&page_no=1";
  assert.equal((await ask("GET", `${locks}/open-logs${query}`)).success, true, "a query in any order");
});

test("a created password is under way, then on the lock, and opens it within its window only", async (t) => {
  const { create, listed, ask, lock, pass, clock, signIn } = await givenCloud(t);
  await signIn();
  const { result } = await create("345678", { effective_time: noon / 1_000, invalid_time: noon / 1_000 + 3_600 });
  assert.ok(Number.isInteger(result.id));
  const [pending = {}] = await listed();
  assert.partialDeepStrictEqual(pending, { ...answers.password, id: result.id });
  assert.partialDeepStrictEqual(pending, { delivery_status: "ONGOING", operate: "ADD", phase: 1 });
  assert.equal("password" in pending, false, "digits are never told");
  assert.equal(lock.enterPassword("345678"), false);

  await pass(3_000);
  assert.partialDeepStrictEqual((await ask("GET", `${locks}/temp-password/${result.id}`)).result, {
    delivery_status: "SUCCESS",
    phase: 2,
  });
  assert.equal(lock.enterPassword("345679"), false);
  assert.equal(lock.enterPassword("345678"), true);
  assert.equal(lock.view().bolt, "released");
  const at = clock.wall();
  const query = `?page_no=1&page_size=20&start_time=${noon / 1_000}&end_time=${at}`;
  const { total, logs } = (await ask<Logs>("GET", `${locks}/open-logs${query}`)).result;
  assert.equal(total, 1);
  assert.partialDeepStrictEqual(logs, [answers.log]);
  assert.partialDeepStrictEqual(logs, [{ update_time: at, status: { value: String(result.id) } }]);

  await pass(hour);
  assert.equal(lock.enterPassword("345678"), false, "its window is over");
  await signIn();
  assert.deepEqual([(await listed()).length, (await listed("?valid=true")).length], [1, 0]);
});

test("a password is changed in place; a deleted one goes when the lock has heard of it", async (t) => {
  const { create, listed, wish, ask, lock, pass, signIn } = await givenCloud(t);
  await signIn();
  const { id } = (await create("345678")).result;
  await pass(3_000);
  const changed = await wish("345678", { name: "Anna, longer", invalid_time: noon / 1_000 + 7_200 });
  assert.partialDeepStrictEqual(
    await ask("PUT", `${locks}/temp-passwords/${id}/modify-password`, changed),
    answers.done,
  );
  assert.partialDeepStrictEqual(await listed(), [{ id, operate: "MODIFY", delivery_status: "ONGOING" }]);
  await pass(3_000);
  await pass(hour);
  assert.equal(lock.enterPassword("345678"), true);
  assert.equal(lock.passwords.list().size, 1);

  assert.partialDeepStrictEqual(await ask("DELETE", `${locks}/temp-passwords/${id}`), answers.done);
  assert.partialDeepStrictEqual(await listed(), [{ id, operate: "DELETE", phase: 3 }]);
  assert.equal(lock.enterPassword("345678"), true, "until then it opens");
  await pass(3_000);
  assert.equal(lock.enterPassword("345678"), false);
  assert.deepEqual(await listed(), []);
  assert.partialDeepStrictEqual((await listed("?valid=false"))[0], { id, phase: 0 });
  assert.equal((await ask("DELETE", `${locks}/temp-passwords/${id}`)).code, 1109);
  await create("345678");
  await create("456789");
  await pass(3_000);
  assert.partialDeepStrictEqual(await ask("POST", `${locks}/temp-passwords/rest-password`), answers.done);
  await pass(3_000);
  assert.equal(lock.passwords.list().size, 0);
});

test("single use, and hours of the week in their own zone", async (t) => {
  const { create, lock, pass, signIn } = await givenCloud(t);
  await signIn();
  await create("111222", { type: 1 });
  const tuesdays = { effective_time: 13 * 60, invalid_time: 14 * 60, working_day: 4 };
  const days = { invalid_time: noon / 1_000 + 14 * 86_400, time_zone: "Europe/Madrid", schedule_list: [tuesdays] };
  await create("333444", days);
  await pass(3_000);
  assert.equal(lock.enterPassword("111222"), true);
  assert.equal(lock.enterPassword("111222"), false);
  assert.equal(lock.enterPassword("333444"), true, "noon of that Tuesday is 13:00 there");
  await pass(hour);
  assert.equal(lock.enterPassword("333444"), false);
  await pass(23 * hour);
  assert.equal(lock.enterPassword("333444"), false, "a Wednesday");
  await pass(6 * 24 * hour);
  assert.equal(lock.enterPassword("333444"), true);
});

test("what is not as it must be is refused at once: ticket, length, window, hours", async (t) => {
  const { create, wish, ask, signIn, server, pass } = await givenCloud(t);
  await signIn();
  assert.equal((await create("1234567")).code, 1109, "a Bluetooth lock takes six");
  assert.equal((await create("345678", { invalid_time: noon / 1_000 })).code, 1109);
  assert.equal((await create("345678", { effective_time: noon })).code, 1109, "milliseconds");
  assert.equal((await create("345678", { name: "" })).code, 1109);
  assert.equal((await create("345678", { schedule_list: [{}] })).code, 1109);
  const unzoned = [{ effective_time: 0, invalid_time: 60, working_day: 1 }];
  assert.equal((await create("345678", { time_zone: "nowhere", schedule_list: unzoned })).code, 1109);
  const used = await wish("345678");
  assert.equal((await ask("POST", `${locks}/temp-password`, used)).success, true);
  assert.equal((await ask("POST", `${locks}/temp-password`, used)).code, 1109, "a ticket serves once");
  const old = await wish("456789");
  await pass(300_000);
  assert.equal((await ask("POST", `${locks}/temp-password`, old)).code, 1109, "and for five minutes");
  const forgotten = await wish("456789");
  server.expireTickets();
  assert.equal((await ask("POST", `${locks}/temp-password`, forgotten)).code, 1109);
});

test("a Wi-Fi lock takes seven digits; its delivery may be told by numbers, or by the phase alone", async (t) => {
  const { create, listed, pass, lock, server, signIn } = await givenCloud(t, {
    lockOptions: { family: "residential" },
    quirks: { deliveryStatus: "number" },
  });
  await signIn();
  assert.equal((await create("345678")).code, 1109);
  await create("3456789");
  assert.partialDeepStrictEqual(await listed(), [{ delivery_status: 1, phase: 1 }]);
  await pass(3_000);
  assert.partialDeepStrictEqual(await listed(), [{ delivery_status: 2, phase: 2 }]);
  assert.equal(lock.enterPassword("3456789"), true);
  server.quirks.deliveryStatus = "absent";
  assert.equal((await listed())[0]?.delivery_status, undefined);
});

test("a lock that cannot be reached is tried three times; a full one and a double say why", async (t) => {
  const { create, listed, pass, lock, server, signIn } = await givenCloud(t, { lockOptions: { passwordsMax: 1 } });
  await signIn();
  server.lock(device).cutLine();
  await create("345678");
  await pass(18_999);
  assert.partialDeepStrictEqual(await listed(), [{ delivery_status: "ONGOING" }]);
  await pass(1);
  assert.partialDeepStrictEqual(await listed(), [{ delivery_status: "FAILED", phase: 7 }]);
  server.lock(device).restoreLine();
  await create("456789");
  await pass(3_000);
  assert.equal(lock.enterPassword("456789"), true);
  server.quirks.deliveryStatus = "number";
  await create("456789");
  await create("567891");
  await pass(3_000);
  const statuses = (await listed()).map((one) => one.delivery_status);
  assert.deepEqual(statuses, [3, 2, 4, 5]);
});

test("never delivered, and delivered only in the cloud's words", async (t) => {
  const { create, listed, pass, lock, server, signIn } = await givenCloud(t);
  await signIn();
  server.delivery.never = 1;
  await create("345678");
  await pass(hour / 2);
  server.delivery.never = 0;
  server.delivery.pretend = 1;
  await create("456789");
  await pass(3_000);
  assert.partialDeepStrictEqual(await listed(), [{ delivery_status: "ONGOING" }, { delivery_status: "SUCCESS" }]);
  assert.equal(lock.passwords.list().size, 0);
});

test("it opens and locks from afar under a ticket, where the lock can and is there", async (t) => {
  const { ask, ticket, pass, lock, server, signIn } = await givenCloud(t);
  await signIn();
  const operate = async (open: boolean) =>
    ask("POST", `${smart}/password-free/door-operate`, { ticket_id: (await ticket()).ticket_id, open });
  assert.partialDeepStrictEqual(await operate(true), answers.done);
  assert.equal(lock.view().bolt, "secured", "accepted is not done");
  await pass(500);
  assert.equal(lock.view().bolt, "released");
  await operate(false);
  await pass(500);
  assert.equal(lock.view().bolt, "secured");
  const { ticket_id } = (await ask("POST", `${smart}/password-ticket`)).result;
  assert.partialDeepStrictEqual(await ask("POST", `${locks}/password-free/open-door`, { ticket_id }), answers.done);
  await pass(500);
  assert.equal(lock.view().bolt, "released");
  assert.equal((await ask("POST", `${locks}/password-free/open-door`, { ticket_id })).code, 1109);
  assert.equal(server.lock(device).commands, 3);
  server.lock(device).cutLine();
  assert.partialDeepStrictEqual(await operate(true), answers.deviceOffline);
  assert.equal(server.lock(device).commands, 3);
});

test("a residential lock opens from afar only while somebody has rung", async (t) => {
  const { ask, ticket, pass, lock, signIn } = await givenCloud(t, { lockOptions: { family: "residential" } });
  await signIn();
  const open = async () => ask("POST", `${locks}/password-free/open-door`, { ticket_id: (await ticket()).ticket_id });
  assert.partialDeepStrictEqual(await open(), answers.done);
  await pass(1_000);
  assert.equal(lock.view().bolt, "secured");
  lock.ring();
  await open();
  await pass(500);
  assert.equal(lock.view().bolt, "released");
});

test("an opening without a line is told when there is one again", async (t) => {
  const { ask, create, pass, lock, server, clock, signIn } = await givenCloud(t);
  await signIn();
  await create("345678");
  await pass(3_000);
  server.lock(device).cutLine();
  lock.enterPassword("345678");
  const at = clock.wall();
  const logs = async () =>
    (await ask<Logs>("GET", `${locks}/open-logs?page_no=1&page_size=1&start_time=0&end_time=${clock.wall()}`)).result;
  assert.equal((await logs()).total, 0);
  await pass(60_000);
  server.lock(device).restoreLine();
  lock.useCode("card", 7);
  assert.equal((await logs()).total, 2);
  assert.partialDeepStrictEqual((await logs()).logs, [{ status: { code: "unlock_card", value: "7" } }]);
  assert.equal(server.lock(device).openings()[0]?.at, at);
  assert.equal((await ask("GET", `${locks}/open-logs?page_no=1`)).code, 1109);
});

test("refusals and troubles: a trial that is over, a signature refused, no answer, a slow one, a broken service", async (t) => {
  const { ask, send, signIn, create, server, pass, listed } = await givenCloud(t);
  server.refuse("trialExpired");
  assert.partialDeepStrictEqual(await ask("GET", "/v1.0/token?grant_type=1"), answers.trialExpired);
  server.settle();
  await signIn();
  server.refuse("signInvalid", { times: 1 });
  assert.partialDeepStrictEqual(await ask("GET", `${locks}/temp-passwords`), answers.signInvalid);
  server.trouble({ answer: { status: 503, html: "<h1>busy</h1>" } });
  assert.equal((await send("GET", `${locks}/temp-passwords`)).status, 503);
  server.trouble("mute", { method: "POST", path: /temp-password$/ });
  void create("345678").catch(() => undefined);
  await until("it was carried out unanswered", async () => (await listed()).length === 1);
  server.trouble({ slowMs: 60_000 });
  const before = server.calls.length;
  const slow = ask("GET", `${locks}/temp-passwords`);
  await until("its answer waits", () => server.calls.length > before);
  await pass(60_000);
  assert.equal((await slow).success, true);
});
