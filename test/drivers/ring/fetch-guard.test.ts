/** What stands between the library and the network: what leaves, how often, and what the library is told. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FetchGuard } from "../../../gateway/drivers/ring/fetch-guard.ts";

const door = "https://api.ring.com/commands/v1/devices/4711/device_rpc";
const places = "https://api.ring.com/devices/v1/locations";
const sign = "https://oauth.ring.com/oauth/token";
const never = new AbortController().signal;

/** A network that answers what it is told, one after the other; the last for ever. */
function givenGuard(...answers: (number | Error | "nothing" | Response)[]) {
  const left: string[] = [];
  const refused: number[] = [];
  const trouble: number[] = [];
  const guard = new FetchGuard(
    async (input, init) => {
      left.push(String(input));
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer instanceof Error) throw answer;
      if (answer instanceof Response) return answer;
      if (typeof answer === "number") return new Response(null, { status: answer });
      return new Promise((_, reject) => init?.signal?.addEventListener("abort", () => reject(init.signal?.reason)));
    },
    { tokenRefused: (status) => refused.push(status), trouble: (status) => trouble.push(status) },
  );
  return { guard, left, refused, trouble };
}

/** As the library does: again after each answer that is none, as often as it likes. */
async function insist({ fetch }: FetchGuard, times = 5): Promise<number[]> {
  const heard: number[] = [];
  for (let i = 0; i < times; i += 1)
    heard.push((await fetch(door, { method: "PUT" }).catch(() => ({ status: 0 }))).status);
  return heard;
}

for (const [answer, result, sent] of [
  [204, { kind: "answered", status: 204, body: undefined }, 1],
  [504, { kind: "answered", status: 504, body: undefined }, 1],
  [404, { kind: "answered", status: 404, body: undefined }, 1],
  // Nothing has moved by a 401, and the library has a new token by then; but not for ever.
  [401, { kind: "answered", status: 401, body: undefined }, 2],
  [
    Object.assign(new TypeError("fetch failed"), { cause: { code: "UND_ERR_SOCKET" } }),
    { kind: "unanswered", why: "UND_ERR_SOCKET" },
    1,
  ],
  [
    Object.assign(new TypeError("fetch failed"), { cause: { code: "ECONNREFUSED" } }),
    { kind: "unsent", why: "ECONNREFUSED" },
    1,
  ],
] as const)
  test(`a pulse leaves once, however often the library repeats it: ${result.kind === "answered" ? answer : result.why}`, async () => {
    const { guard, left } = givenGuard(answer);
    assert.deepEqual(await guard.pulse("4711", () => insist(guard), never), result);
    await insist(guard);
    assert.equal(left.length, sent);
  });

test("two intercoms are pressed at once, each gets its own answer; one is not pressed twice at once", async () => {
  const left: string[] = [];
  const guard = new FetchGuard(
    async (input) => {
      left.push(String(input));
      return new Response(null, { status: String(input).includes("/1/") ? 204 : 400 });
    },
    { tokenRefused: () => undefined, trouble: () => undefined },
  );
  const press = (id: string) =>
    guard.pulse(
      id,
      () => Promise.resolve().then(() => guard.fetch(`https://api.ring.com/commands/v1/devices/${id}/device_rpc`)),
      never,
    );
  assert.deepEqual(
    (await Promise.all([press("1"), press("2"), press("1")])).map((answer) =>
      answer.kind === "answered" ? answer.status : answer.why,
    ),
    [204, 400, "another pulse is under way"],
  );
  assert.equal(left.length, 2);
});

test("what the library repeats of an earlier pulse does not leave in the name of a newer one", async () => {
  const { guard, left } = givenGuard(404, 204);
  const again = Promise.withResolvers<void>();
  let repeats: Promise<number[]> | undefined;
  const first = guard.pulse(
    "4711",
    async () => {
      await insist(guard, 1);
      // Some seconds later, in the library's own time.
      repeats = again.promise.then(() => insist(guard, 2));
    },
    never,
  );
  assert.deepEqual(await first, { kind: "answered", status: 404, body: undefined });

  let leftByThen: number | undefined;
  const newer = guard.pulse(
    "4711",
    async () => {
      again.resolve();
      await repeats;
      leftByThen = left.length;
      await insist(guard, 1);
    },
    never,
  );
  assert.deepEqual(await newer, { kind: "answered", status: 204, body: undefined });
  assert.deepEqual(await repeats, [410, 410]);
  assert.deepEqual([leftByThen, left.length], [1, 2]);
});

test("a pulse that nobody asked for does not leave", async () => {
  const { guard, left } = givenGuard(204);
  assert.deepEqual(await insist(guard, 1), [410]);
  assert.deepEqual(left, []);
});

test("a pulse whose time is over is unanswered when it was out, else unsent; and it does not leave later", async () => {
  const { guard, left } = givenGuard("nothing");
  const over = new AbortController();
  const answer = guard.pulse("4711", () => insist(guard), over.signal);
  await Promise.resolve().then(() => undefined);
  while (left.length === 0) await new Promise((resolve) => setImmediate(resolve));
  over.abort();
  assert.deepEqual(await answer, { kind: "unanswered", why: "its time was over" });

  const late = new AbortController();
  const pressed = Promise.withResolvers<void>();
  const second = guard.pulse("4711", () => pressed.promise.then(() => insist(guard)), late.signal);
  late.abort();
  assert.deepEqual(await second, { kind: "unsent", why: "its time was over" });
  pressed.resolve();
  await insist(guard);
  assert.equal(left.length, 1);
});

test("nobody but Ring is asked, and nothing of the account is changed", async () => {
  const { guard, left } = givenGuard(200);
  const google = guard.fetch("https://android.clients.google.com/checkin", { method: "POST" });
  const settled = await Promise.race([google.then(() => "answered"), Promise.resolve("waits")]);
  assert.equal(settled, "waits");
  const subscribed = await guard.fetch("https://api.ring.com/clients_api/doorbots/7/subscribe", { method: "POST" });
  assert.equal(subscribed.status, 204);
  assert.equal((await guard.fetch(places)).status, 200);
  assert.deepEqual(left, [places]);
});

test("nothing is asked before the newest token is kept", async () => {
  const { guard, left } = givenGuard(200);
  const kept = Promise.withResolvers<void>();
  guard.hold(kept.promise);
  const asked = guard.fetch(places);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(left, []);
  kept.resolve();
  await asked;
  assert.deepEqual(left, [places]);
});

test("a token that is refused is told; trouble at Ring is not taken for it, and the library keeps its token", async () => {
  const busy = new Response(null, { status: 429, headers: { "retry-after": "0" } });
  const { guard, refused, trouble } = givenGuard(busy, 401);
  // What has no status the library takes for a line that broke.
  await assert.rejects(guard.fetch(sign, { method: "POST" }), /429/);
  assert.deepEqual([refused, trouble], [[], [429]]);
  assert.equal((await guard.fetch(sign, { method: "POST" })).status, 401);
  assert.deepEqual([refused, trouble], [[401], [429]]);
});

test("closed, it lets nothing out, and waits for a token that is on its way", async () => {
  const answer = Promise.withResolvers<Response>();
  const left: string[] = [];
  const guard = new FetchGuard(
    async (input) => {
      left.push(String(input));
      return answer.promise;
    },
    { tokenRefused: () => undefined, trouble: () => undefined },
  );
  const signing = guard.fetch(sign, { method: "POST" });
  while (left.length === 0) await new Promise((resolve) => setImmediate(resolve));
  let isClosed = false;
  const closed = guard.close().then(() => {
    isClosed = true;
  });
  void guard.fetch(places);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isClosed, false);
  answer.resolve(new Response("{}"));
  await Promise.all([signing, closed]);
  assert.deepEqual(left, [sign]);
});
