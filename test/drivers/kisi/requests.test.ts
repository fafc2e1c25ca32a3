/** What leaves for Kisi, and what its answers lead to; both written by hand after the maker's own description of its API. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { inspect } from "node:util";
import { kisi } from "../../../gateway/drivers/kisi/driver.ts";
import { optionsSchema } from "../../../gateway/drivers/kisi/options.ts";
import { GatewayError } from "../../../gateway/errors.ts";
import type { DeviceReport } from "../../../gateway/ports/device.ts";
import { givenContext } from "../../support/driver-context.ts";
import { until } from "../../support/until.ts";
import { givenPeer, type PeerAnswer, type PeerQuestion } from "../../support/web-peer.ts";

const never = new AbortController().signal;
const key = "5f2c7e-the-key-of-the-account";
const lock = {
  id: 2006,
  name: "Entrance door",
  configured: true,
  place_id: 46,
  online: true,
  open: false,
  unlocked: false,
  locked_down: false,
};
const noEvents = { status: 200, body: { id: 1, status: "finished", events: [], cursor: null } };

type Answers = Readonly<Record<string, PeerAnswer | ((question: PeerQuestion) => PeerAnswer)>>;

async function givenDoor(t: TestContext, answers: Answers = {}, options: object = {}) {
  const peer = await givenPeer(t, (question) => {
    const asked = `${question.method} ${question.path}`;
    const { [asked]: answer = asked === "GET /locks/2006" ? { status: 200, body: lock } : noEvents } = answers;
    return typeof answer === "function" ? answer(question) : answer;
  });
  const given = givenContext(t, { apiKey: key });
  const device = kisi.create("door", { lockId: 2006, url: peer.url, ...options }, given.context);
  t.after(() => device.stop());
  const reports: DeviceReport[] = [];
  device.subscribe(async (report) => {
    reports.push(report);
  });
  await device.start(never);
  return { ...given, ...peer, device, reports };
}

async function givenOnline(t: TestContext, answers: Answers = {}, options: object = {}) {
  const all = await givenDoor(t, answers, options);
  await until("it is online", () => all.device.status().link === "online");
  return all;
}

test("each request carries the key, and what a lock says is told", async (t) => {
  const { device, questions, reports } = await givenOnline(t);
  const status = questions.find(({ path }) => path === "/locks/2006");
  assert.equal(status?.headers.authorization, `KISI-LOGIN ${key}`);
  assert.deepEqual(reports, [
    { type: "presence", state: "online" },
    { type: "bolt", state: "secured" },
    { type: "door", state: "closed" },
  ]);
  assert.equal(device.codes, undefined, "it has no PINs to keep");
  assert.equal(device.lock?.hold, undefined);
  assert.equal(device.lock?.relocks, "by-itself");
});

for (const [what, answer, result, told] of [
  ["401", { status: 401, body: { code: "000001", error: "no" } }, "refused", "apiKey"],
  ["403", { status: 403, body: { code: "fcd8ef", error: "no" } }, "refused", "no access to this door"],
  ["404", { status: 404, body: { code: "fad10e", error: "no" } }, "refused", "lockId"],
  ["409", { status: 409, body: { code: "fad001", error: "no" } }, "refused", "locked down"],
  ["422", { status: 422, body: { errors: { lock: ["no"] } } }, "refused", "did not like"],
  [
    "429",
    { status: 429, headers: { "retry-after": "7" }, body: { code: "000002", error: "no" } },
    "refused",
    "too many",
  ],
  ["a controller without a line", { status: 503, body: { code: "fac001", error: "no" } }, "refused", "not connected"],
  ["503 of something else", { status: 503, body: "<html>sorry</html>" }, "unknown", "out of order"],
  ["a line that breaks", "cut", "unknown", "did not answer"],
] as const)
  test(`a release that is answered by ${what} is ${result}, and asked once`, async (t) => {
    const { device, asked, logged } = await givenOnline(t, { "POST /locks/2006/unlock": answer });
    assert.equal(await device.lock?.release(5_000, never), result);
    assert.equal(asked().filter((each) => each.includes("unlock")).length, 1);
    assert.ok(
      logged.some((line) => line.includes(told)),
      logged.join("\n"),
    );
  });

test("a release has no body, and is confirmed by a status that was asked for afterwards", async (t) => {
  let isReleased = false;
  const { device, questions } = await givenOnline(t, {
    "POST /locks/2006/unlock": () => {
      isReleased = true;
      return { status: 200, body: { message: "Unlocked!" } };
    },
    "GET /locks/2006": () => ({ status: 200, body: { ...lock, unlocked: isReleased } }),
  });
  assert.equal(await device.lock?.release(5_000, never), "confirmed");
  assert.equal(questions.find(({ path }) => path.endsWith("/unlock"))?.body, "");
  assert.equal(device.codes, undefined);
  assert.match(device.lock?.noCodes ?? "", /PINs are not possible/);
});

test("after a 429 nothing is read for as long as it says, and whoever stands at the door is tried all the same", async (t) => {
  let reads = 0;
  const { device, questions, clock } = await givenOnline(
    t,
    {
      "GET /locks/2006": () => {
        reads += 1;
        return reads === 2 ? { status: 429, headers: { "retry-after": "60" } } : { status: 200, body: lock };
      },
      "POST /locks/2006/unlock": { status: 409, body: { code: "fad001", error: "no" } },
    },
    { pollMs: 5_000, eventsMs: 15_000 },
  );
  await until("it was told", () => reads === 2);
  const toldAt = clock.monotonic();
  const before = questions.length;
  assert.equal(await device.lock?.release(5_000, never), "refused");
  assert.deepEqual(
    questions.slice(before).map(({ method }) => method),
    ["POST"],
  );
  await until("it is read again", () => reads === 3);
  assert.ok(clock.monotonic() - toldAt >= 55_000, `${clock.monotonic() - toldAt}`);
});

test("a 429 of the log silences the log alone: the door is read on", async (t) => {
  const { asked, logged } = await givenOnline(
    t,
    { "POST /event_sets": { status: 429, headers: { "retry-after": "600" } } },
    { pollMs: 5_000, eventsMs: 15_000 },
  );
  await until("it was told", () => logged.some((line) => line.includes("events-unread")));
  await until("the door is read on", () => asked().filter((each) => each === "GET /locks/2006").length >= 5);
  assert.equal(asked().filter((each) => each.includes("event_sets")).length, 1);
});

test("the log is asked for, waited for and fetched to its end; each opening is told once, the exit button and failures not", async (t) => {
  const event = (uuid: string, minute: number, overrides: object = {}) => ({
    uuid,
    type: "lock.unlock",
    actor_type: "GroupLink",
    actor_id: 5,
    actor_name: "Anna",
    object_type: "Lock",
    object_id: 2006,
    success: true,
    error_code: null,
    created_at: `2031-03-04T12:${String(minute).padStart(2, "0")}:00Z`,
    ...overrides,
  });
  let asked = 0;
  const { questions, reports, pass } = await givenOnline(
    t,
    {
      "POST /event_sets": () => {
        asked += 1;
        return asked === 1
          ? noEvents
          : { status: 200, body: { id: 9, status: "in_progress", events: null, cursor: null } };
      },
      "GET /event_sets/9?limit=200": {
        status: 200,
        body: {
          id: 9,
          status: "finished",
          cursor: "to be/continued",
          events: [event("a", 1), event("b", 2, { actor_type: null }), event("c", 3, { success: false })],
        },
      },
      "GET /event_sets/9?limit=200&cursor=to%20be%2Fcontinued": {
        status: 200,
        body: { id: 9, status: "finished", events: [event("d", 2, { object_id: 7 }), event("e", 4), { uuid: "?" }] },
      },
    },
    { eventsMs: 15_000, pollMs: 3_600_000 },
  );
  await until("two are told", () => reports.filter(({ type }) => type === "opened-at-lock").length === 2);
  await pass(40_000);
  assert.deepEqual(
    reports.filter(({ type }) => type === "opened-at-lock"),
    [
      { type: "opened-at-lock", by: "app" },
      { type: "opened-at-lock", by: "app" },
    ],
  );
  const { event_set } = JSON.parse(questions.find(({ method }) => method === "POST")?.body ?? "");
  assert.equal(event_set.event_type, "lock.unlock");
  assert.equal(event_set.event_object_id, 2006);
  assert.match(event_set.interval, /^2031-03-04T1[12]:\d\d:\d\dZ\/2031-03-04T12:\d\d:\d\dZ$/);
});

test("the key is in no line of the log, nor are people, whatever the service answers", async (t) => {
  const text = `${key} anna@hub.example`;
  const answers: PeerAnswer[] = [400, 401, 403, 404, 409, 422, 429, 500, 503].flatMap((status) => [
    { status, body: { code: text.slice(0, 32), error: text } },
    { status, body: `<html>${text}</html>` },
  ]);
  answers.push(
    "cut",
    { status: 200, body: `{"message": "${text}` },
    { status: 302, headers: { location: "http://127.0.0.1:9/" } },
  );
  let answer: PeerAnswer = { status: 200 };
  const { device, logged } = await givenOnline(t, { "POST /locks/2006/unlock": () => answer });
  const told: unknown[] = [];
  for (answer of answers) told.push(await device.lock?.release(5_000, never));
  const said = [...logged, inspect(told)].join("\n");
  assert.ok(said.includes("403"), "it was told at all");
  for (const secret of [key, "anna@"]) assert.ok(!said.includes(secret), said);
});

for (const [what, options, apiKey, named] of [
  ["no lockId", {}, key, "lockId"],
  ["an unknown key", { lockId: 1, colour: "red" }, key, "colour"],
  ["a key in plain text over the network", { lockId: 1, url: "http://kisi.example" }, key, "url"],
  ["a secret that is none", { lockId: 1 }, "two words", 'secret "apiKey" is none'],
] as const)
  test(`refuses ${what} by its name`, (t) => {
    const { context } = givenContext(t, { apiKey });
    assert.throws(
      () => kisi.create("door", options, context),
      (error) => error instanceof GatewayError && error.code === "config-invalid" && error.message.startsWith(named),
    );
  });

test("the README names every option, with what it is without being named", () => {
  const readme = readFileSync(new URL("../../../gateway/drivers/kisi/README.md", import.meta.url), "utf8");
  const { lockId: _, ...defaults } = optionsSchema.parse({ lockId: 1 });
  for (const [option, value] of Object.entries(defaults))
    assert.match(readme, new RegExp(`\\| \`${option}\` \\(\`?${String(value).replaceAll(".", "\\.")}\`?\\)`), option);
});
