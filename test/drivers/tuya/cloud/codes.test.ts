/** The temporary passwords of a Tuya lock, as its cloud lists and takes them: what it says, byte by byte, and what is made of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readPasswords } from "../../../../gateway/drivers/tuya/cloud/passwords.ts";
import { SecretString } from "../../../../gateway/wire/secret.ts";
import { indexOf } from "../../../contract/code-store.ts";
import {
  type Asked,
  aTicket,
  deviceId,
  givenTuyaCloud,
  givenTuyaCloudLock,
  no,
  yes,
} from "../../../support/tuya-cloud-site.ts";
import { until } from "../../../support/until.ts";

const never = new AbortController().signal;
const from = 1_700_000_000;
const until_ = from + 86_400;
const path = `/v1.0/devices/${deviceId}/door-lock`;
const window = { from: from * 1_000, until: until_ * 1_000 };
const label = "Postern 7k3m9xw2hd";
const aCode = { label, digits: new SecretString("123456"), window };
const aPassword = { id: 1_202_237_313, name: label, effective_time: from, invalid_time: until_, phase: 2 };
const shut = { from: 0, until: 0 };
const isChange = ({ method, path }: Asked) => method !== "GET" && !path.endsWith("/password-ticket");
/** Tickets for whoever asks, and `answer` to every change. */
const takes = (answer: object) => (asked: Asked) =>
  asked.path.endsWith("/password-ticket") ? aTicket : isChange(asked) ? answer : undefined;
const sent = (asked: readonly Asked[]) =>
  asked.filter(isChange).map(({ method, path, body }) => [method, path, ...(body === "" ? [] : [JSON.parse(body)])]);

const anyHour = { effective_time: 0, invalid_time: 1440, working_day: 127 };
const aMorning = { effective_time: 480, invalid_time: 720, working_day: 3 };
const morningHours = { days: [1, 7], from: 480, until: 720 };
for (const [what, told, code] of [
  ["a Wi-Fi lock has it", { phase: 2 }, {}],
  ["a Wi-Fi lock is not told yet", { phase: 1 }, { pending: true }],
  ["a Wi-Fi lock has yet to lose it", { phase: 3 }, { window: shut }],
  ["it is on its way out of a lock", { phase: 3, delivery_status: "ONGOING" }, { pending: true }],
  ["it could not be taken out of a lock", { phase: 3, delivery_status: "FAILED" }, { window: shut }],
  ["a Wi-Fi lock has lost it", { phase: 0 }, undefined],
  ["a Bluetooth lock could not be told", { phase: 7 }, { window: shut }],
  ["a Zigbee lock says that it has it", { phase: 2, delivery_status: 2 }, {}],
  ["a Zigbee lock has not said anything", { phase: 2, delivery_status: 1 }, { pending: true }],
  ["a Zigbee lock failed", { phase: 5, delivery_status: 3 }, { window: shut }],
  ["a Zigbee lock knows these digits", { phase: 1, delivery_status: 4 }, { window: shut }],
  ["a Zigbee lock is full", { phase: 1, delivery_status: 5 }, { window: shut }],
  ["a Zigbee lock has frozen it", { phase: 3, delivery_status: 2 }, { window: shut }],
  ["a Zigbee lock has lost it", { phase: 4, delivery_status: 2 }, undefined],
  ["delivery by word: done", { phase: undefined, delivery_status: "SUCCESS" }, {}],
  ["delivery by word: on its way", { phase: undefined, delivery_status: "ONGOING" }, { pending: true }],
  ["delivery by word: failed", { phase: undefined, delivery_status: "FAILED" }, { window: shut }],
  ["a phase nobody knows", { phase: 9 }, { pending: true }],
  ["nothing is said of its delivery", { phase: null }, { pending: true }],
  ["good once", { type: 1 }, { window: undefined }],
  ["on Mondays, nobody knows when", { schedule_list: [{ working_day: 2 }] }, { window: undefined }],
  ["on Monday and Sunday mornings", { schedule_list: [aMorning] }, { window: { ...window, hours: morningHours } }],
  ["at any hour of each day", { schedule_list: [anyHour] }, { window }],
  ["at two times", { schedule_list: [aMorning, aMorning] }, { window: undefined }],
  ["from the beginning", { effective_time: 0 }, { window: { ...window, from: 0 } }],
  ["without an end", { invalid_time: 0 }, { window: undefined }],
  ["without a name", { name: null }, { label: undefined }],
] as const)
  test(`listed: ${what}`, () => {
    const listed = readPasswords([{ ...aPassword, ...told }]);
    const expected = code && { ref: "1202237313", label, index: "masked", window, ...code };
    assert.deepEqual(
      listed?.map(({ failed, ...one }) => one),
      expected ? [JSON.parse(JSON.stringify(expected))] : [],
    );
    assert.equal(listed?.[0]?.failed !== undefined, /fail|could not|full|these digits/.test(what));
  });

test("a number too long to be read exactly spoils the list: another's place would be taken for it", () => {
  assert.equal(readPasswords(JSON.parse('[{"id": 9223372036854775807, "phase": 2}]')), undefined);
});

test("a new one: a ticket, then the golden body; the cloud's yes is no more than accepted", async (t) => {
  const { codes, asked } = await givenTuyaCloud(t, takes(yes({ id: 1_202_237_313 })));
  assert.equal(await codes.set(aCode, never), "accepted");
  assert.deepEqual(
    asked.map(({ method, path }) => `${method} ${path}`),
    [
      "GET /v1.0/token?grant_type=1",
      `GET ${path}/temp-passwords?valid=false`,
      `POST ${path}/password-ticket`,
      `POST ${path}/temp-password`,
    ],
  );
  assert.equal(asked[2]?.body, "");
  assert.equal(
    asked[3]?.body,
    `{"name":"${label}","password":"97F35DE67291DC57541C085ED26C79C7","password_type":"ticket",` +
      '"ticket_id":"9wxxoLM","effective_time":1700000000,"invalid_time":1700086400,"type":0}',
  );
});

test("a change is made in its place, with a ticket of its own", async (t) => {
  const { codes, asked } = await givenTuyaCloud(t, takes(yes(true)));
  assert.equal(await codes.set({ ...aCode, ref: "77" }, never), "accepted");
  const [change] = sent(asked);
  assert.deepEqual(change?.slice(0, 2), ["PUT", `${path}/temp-passwords/77/modify-password`]);
  assert.equal(asked.filter((one) => one.path.endsWith("/password-ticket")).length, 1);
});

test("one whose time is over, and that is wanted again, is changed: the lock has its digits still", async (t) => {
  const { codes, lock, clock, skip } = await givenTuyaCloudLock(t);
  const hour = 3_600_000;
  const now = clock.wall();
  assert.equal(await codes.set({ ...aCode, window: { from: now, until: now + hour } }, never), "accepted");
  await until("the lock has it", () => lock.passwords.list().size === 1);
  skip(2 * hour);
  assert.deepEqual(await codes.list(indexOf, never), []);
  assert.equal(lock.enterPassword("123456"), false);

  assert.equal(await codes.set({ ...aCode, window: { from: now, until: now + 24 * hour } }, never), "accepted");
  await until("it opens again", () => lock.enterPassword("123456"));
  assert.equal(lock.passwords.list().size, 1);
});

for (const [what, standing] of [
  ["is on its way out", { phase: 3 }],
  ["never reached the lock", { phase: 7 }],
  ["is another's", { name: "Postern 7k3m9xw2he" }],
] as const)
  test(`a new one where one of the history ${what} is a new one`, async (t) => {
    const { codes, asked } = await givenTuyaCloud(t, (one) =>
      one.path.endsWith("?valid=false") ? yes([{ ...aPassword, ...standing }]) : takes(yes({ id: 1 }))(one),
    );
    assert.equal(await codes.set(aCode, never), "accepted");
    assert.deepEqual(sent(asked)[0]?.slice(0, 2), ["POST", `${path}/temp-password`]);
  });

for (const [what, days, span, entry] of [
  [
    "Monday, Tuesday and Friday, as the maker's example has them",
    [1, 2, 5],
    [480, 750],
    '{"effective_time":480,"invalid_time":750,"working_day":38}',
  ],
  ["Sunday, all of it", [7], [0, 1_440], '{"effective_time":0,"invalid_time":1440,"working_day":1}'],
] as const)
  test(`weekly hours in the golden body: ${what}`, async (t) => {
    const timeZone = "Europe/Madrid";
    const { codes, asked } = await givenTuyaCloud(t, takes(yes({ id: 1 })), { timeZone });
    const hours = { days, from: span[0], until: span[1] };
    assert.equal(await codes.set({ ...aCode, window: { ...aCode.window, hours } }, never), "accepted");
    assert.ok(asked.at(-1)?.body.endsWith(`"type":0,"time_zone":"Europe/Madrid","schedule_list":[${entry}]}`));
    assert.equal(await codes.set({ ...aCode, ref: "77" }, never), "accepted");
    assert.ok(asked.at(-1)?.body.endsWith('"type":0,"time_zone":"Europe/Madrid","schedule_list":[]}'), "taken away");
  });

test("without a zone no hours are sent", async (t) => {
  const { codes, asked } = await givenTuyaCloud(t, takes(yes({ id: 1 })));
  const hours = { days: [1], from: 0, until: 60 } as const;
  assert.equal(codes.constraints.hours?.native, "none");
  assert.equal(await codes.set({ ...aCode, window: { ...aCode.window, hours } }, never), "refused");
  assert.deepEqual(sent(asked), []);
});

test("a window between seconds never opens outside of it", async (t) => {
  const { codes, asked } = await givenTuyaCloud(t, takes(yes({ id: 1 })));
  await codes.set({ ...aCode, window: { from: from * 1_000 + 1, until: until_ * 1_000 + 999 } }, never);
  const [[, , body] = []] = sent(asked);
  assert.deepEqual([body.effective_time, body.invalid_time], [from + 1, until_]);
});

for (const [what, answer, result] of [
  ["a no", no(1109, "param is illegal"), "refused"],
  ["a yes that is none", yes(false), "refused"],
  ["the maker's own network is down", no(500, "system error, please contact the admin"), "unknown"],
  ["a lock that is offline at the cloud", no(2001, "device is offline"), "refused"],
] as const)
  test(`a change: ${what} is ${result}, told in the log, and not tried again`, async (t) => {
    const { codes, asked, logged } = await givenTuyaCloud(t, takes(answer));
    assert.equal(await codes.set(aCode, never), result);
    assert.equal(sent(asked).length, 1);
    assert.match(logged.join("\n"), /warn code-not-taken .*Postern 7k3m9xw2hd/s);
  });

test("no ticket: nothing was sent to the lock, so it is refused", async (t) => {
  const { codes, asked, port, logged } = await givenTuyaCloud(t, takes(yes({ id: 1 })));
  port.trouble("mute", { path: /password-ticket/ });
  assert.equal(await codes.set(aCode, never), "refused");
  assert.deepEqual(sent(asked), []);
  assert.match(logged.join("\n"), /no ticket/);
});

test("a ticket of another secret: no wrong digits are sent", async (t) => {
  const ticket = yes({
    ticket_id: "a",
    ticket_key: "E83B47EAC20802CB1561ED9CB7BE84D5A4D843E14732E13BB73432D136DB61E2",
  });
  const { codes, asked, logged } = await givenTuyaCloud(t, (one) =>
    one.path.endsWith("/password-ticket") ? ticket : undefined,
  );
  assert.equal(await codes.set(aCode, never), "refused");
  assert.deepEqual(sent(asked), []);
  assert.match(logged.join("\n"), /ticket-not-deciphered/);
});

test("a creation that is never answered is unknown, heard once, and found again by its name", async (t) => {
  const stored: object[] = [];
  const { codes, asked, port } = await givenTuyaCloud(t, (one) => {
    if (one.path.includes("/temp-passwords?")) return yes(stored);
    if (isChange(one)) stored.push({ ...aPassword, name: JSON.parse(one.body).name, phase: 1 });
    return takes(yes({ id: 1 }))(one);
  });
  port.trouble("mute", { path: /temp-password$/ });

  assert.equal(await codes.set(aCode, never), "unknown");

  assert.equal(sent(asked).length, 1);
  assert.deepEqual(await codes.list(indexOf, never), [
    { ref: "1202237313", index: "masked", label, window, pending: true },
  ]);
});

test("nothing is sent for what the lock does not take", async (t) => {
  const { codes, port } = await givenTuyaCloud(t, takes(yes({ id: 1 })));
  const { window: _none, ...always } = aCode;
  for (const odd of [
    always,
    { ...aCode, window: { ...window, from: window.until } },
    { ...aCode, window: { ...window, from: 0 } },
    { ...aCode, window: { ...window, until: 1e13 } },
    { ...aCode, digits: new SecretString("1234567") },
    { ...aCode, digits: new SecretString("12345a") },
    { ...aCode, label: "" },
    { ...aCode, label: "x".repeat(21) },
  ])
    assert.equal(await codes.set(odd, never), "refused");
  assert.deepEqual(port.calls, []);
});

test("a Wi-Fi lock's passwords have seven digits, a board's as many as its profile says", async (t) => {
  const { codes, aDevice } = await givenTuyaCloud(t, takes(yes({ id: 1 })));
  assert.deepEqual(codes.constraints.lengths, [6]);
  assert.equal(codes.constraints.windows, "range");
  assert.ok((codes.constraints.settlesMs ?? 0) >= 25_000);
  const board = { unlock: { by: "write", dp: 1, value: true }, relocks: "by-itself", codes: { length: 8 } };
  for (const [profile, length] of [
    ["residential-wifi", 7],
    [board, 8],
  ] as const)
    assert.deepEqual(aDevice("bf02", { profile }).codes?.constraints.lengths, [length]);
});

test("a lock without a cloud keeps no codes", async (t) => {
  const { aDevice } = await givenTuyaCloud(t, takes(yes({ id: 1 })));
  assert.equal(aDevice("bf02", { cloud: undefined }).codes, undefined);
});

test("no more are sent than the lock holds, whoever made them; a change needs no room", async (t) => {
  const full = yes([aPassword, { ...aPassword, id: 2, name: "cleaner" }]);
  const { codes, asked } = await givenTuyaCloud(
    t,
    (one) => (one.path.endsWith("/temp-passwords?valid=true") ? full : takes(yes(true))(one)),
    { codesMax: 3 },
  );
  await codes.list(indexOf, never);
  assert.equal(await codes.set(aCode, never), "accepted");
  assert.equal(await codes.set(aCode, never), "refused");
  assert.equal(await codes.set({ ...aCode, ref: "2" }, never), "accepted");
  assert.equal(sent(asked).length, 2);
});

for (const [what, listed, result] of [
  ["is not listed any more: confirmed", [], "confirmed"],
  ["still stands there: refused", [aPassword], "refused"],
  ["cannot be read: refused", "nothing", "refused"],
] as const)
  test(`an end that is refused, of one that ${what}`, async (t) => {
    const { codes, asked } = await givenTuyaCloud(t, (one) =>
      one.path.includes("/temp-passwords?") ? yes(listed) : takes(no(1000, "data not exist"))(one),
    );
    assert.equal(await codes.clear("1202237313", never), result);
    assert.deepEqual(sent(asked), [["DELETE", `${path}/temp-passwords/1202237313`]]);
  });

test("a place that is no number stays within its path", async (t) => {
  const { codes, port } = await givenTuyaCloud(t, takes(yes(true)));
  await codes.clear("../x?y=1", never);
  assert.equal(port.calls[1]?.path, `${path}/temp-passwords/..%2Fx%3Fy%3D1`);
});

test("a password that did not reach the lock is told once, and again when it failed anew", async (t) => {
  let status = 3;
  const { codes, logged } = await givenTuyaCloud(t, (one) =>
    one.path.includes("/temp-passwords?") ? yes([{ ...aPassword, delivery_status: status }]) : undefined,
  );
  const told = () => logged.filter((line) => line.includes("code-not-delivered")).length;
  for (const [next, count] of [
    [3, 1],
    [3, 1],
    [2, 1],
    [5, 2],
  ] as const) {
    status = next;
    await codes.list(indexOf, never);
    assert.equal(told(), count);
  }
  assert.match(logged.at(-1) ?? "", /the lock is full: see cloud\.codesMax/);
  assert.ok(!logged.join("\n").includes(label), "whoever it belongs to is not named");
});

test("whoever waits for an answer when the device stops is told that nobody knows", async (t) => {
  const { codes, device, port } = await givenTuyaCloud(t, takes(yes({ id: 1 })));
  port.trouble("mute", { path: /temp-password$/ });
  const set = codes.set(aCode, never);
  await until("it is asked", () => port.calls.some(({ path }) => path.endsWith("/temp-password")));
  await device.stop();
  assert.equal(await set, "unknown");
});
