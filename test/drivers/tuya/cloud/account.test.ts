/** What leaves for Tuya's cloud, and what may come back: one token for all, each request signed, once, in its turn and not for ever. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { GatewayError } from "../../../../gateway/errors.ts";
import { SecretString } from "../../../../gateway/wire/secret.ts";
import { fittingDigits, indexOf } from "../../../contract/code-store.ts";
import {
  type Asked,
  accessSecret,
  aTicket,
  deviceId,
  givenTuyaCloud,
  no,
  yes,
} from "../../../support/tuya-cloud-site.ts";
import { until } from "../../../support/until.ts";

const never = new AbortController().signal;
const hour = 3_600_000;
const isToken = ({ path }: { readonly path: string }) => path.startsWith("/v1.0/token");
const isListing = ({ path }: { readonly path: string }) => path.includes("/temp-passwords?");
const lists = (asked: Asked) => (isListing(asked) ? yes([]) : undefined);
const because = (code: string, of: RegExp) => (error: unknown) =>
  error instanceof GatewayError && error.code === code && of.test(error.message);

test("the first request is for a token; those that follow carry it, each with a signature of its own", async (t) => {
  const { codes, asked } = await givenTuyaCloud(t, lists);
  assert.deepEqual(await codes.list(indexOf, never), []);
  assert.deepEqual(
    asked.map(({ method, path, headers }) => [method, path, headers.access_token]),
    [
      ["GET", "/v1.0/token?grant_type=1", undefined],
      ["GET", `/v1.0/devices/${deviceId}/door-lock/temp-passwords?valid=true`, "token-1"],
    ],
  );
  for (const { headers } of asked) assert.equal(headers.sign_method, "HMAC-SHA256");
});

test("all who wait for a token share one, whichever lock of the project they are", async (t) => {
  const { codes, asked, aDevice } = await givenTuyaCloud(t, lists);
  const other = aDevice("bf02");
  await other.start(never);
  t.after(() => other.stop());

  await Promise.all([codes.list(indexOf, never), other.codes?.list(indexOf, never), codes.list(indexOf, never)]);

  assert.equal(asked.filter(isToken).length, 1);
  assert.equal(asked.filter(isListing).length, 3);
});

test("a token that ends while its request waits for its turn is not sent", async (t) => {
  const { codes, asked, skip, port, clock } = await givenTuyaCloud(t, lists);
  await codes.list(indexOf, never);
  const goodUntil = (port.calls[0]?.at ?? 0) + 2 * hour - 60_000;
  skip(goodUntil - 5_000 - clock.monotonic());
  await Promise.all(Array.from({ length: 35 }, () => codes.list(indexOf, never)));
  const late = asked.filter((_, nth) => (port.calls[nth]?.at ?? 0) > goodUntil + 10_000).filter(isListing);
  assert.ok(late.length > 5, "some had to wait for so long");
  assert.deepEqual([...new Set(late.map(({ headers }) => headers.access_token))], ["token-2"]);
});

test("nobody waits for a turn for ever: what was not sent within a minute is not sent at all", async (t) => {
  const { codes, port } = await givenTuyaCloud(t, lists);
  await codes.list(indexOf, never);
  const calls = port.calls.length;
  const many = Array.from({ length: 120 }, () =>
    codes.list(indexOf, never).then(
      () => "answered",
      (error: Error) => error.message,
    ),
  );
  const ends = await Promise.all(many);
  assert.ok(ends.some((end) => end === "answered"));
  assert.ok(ends.some((end) => end.includes("called off")));
  assert.ok(port.calls.length - calls < 120);
});

test("who leaves while the token is on its way does not take it from the others", async (t) => {
  const { codes, asked, port } = await givenTuyaCloud(t, lists);
  port.trouble({ slowMs: 3_000 }, { path: /token/ });
  const leaving = new AbortController();
  const left = codes.list(indexOf, leaving.signal);
  const stays = codes.list(indexOf, never);
  await until("the token is asked for", () => port.calls.length > 0);
  leaving.abort();
  await assert.rejects(left, because("device-unreachable", /called off/));
  assert.deepEqual(await stays, []);
  assert.equal(asked.filter(isToken).length, 1);
});

test("a token is fetched anew before it ends, and not earlier", async (t) => {
  const { codes, asked, skip } = await givenTuyaCloud(t, lists);
  await codes.list(indexOf, never);
  skip(hour);
  await codes.list(indexOf, never);
  assert.equal(asked.filter(isToken).length, 1);
  skip(hour - 30_000);
  await codes.list(indexOf, never);
  assert.equal(asked.filter(isToken).length, 2);
  assert.equal(asked.at(-1)?.headers.access_token, "token-2");
});

for (const code of [1010, "1011"])
  test(`a token that is refused (${code}) is thrown away, and the request sent once more with another`, async (t) => {
    const { codes, asked } = await givenTuyaCloud(t, (one) =>
      one.headers.access_token === "token-1" ? no(code, "token is expired") : lists(one),
    );
    assert.deepEqual(await codes.list(indexOf, never), []);
    assert.deepEqual(
      asked.map((one) => (isToken(one) ? "token" : one.headers.access_token)),
      ["token", "token-1", "token", "token-2"],
    );
  });

test("a token that is refused again is told, and no third is tried", async (t) => {
  const { codes, asked } = await givenTuyaCloud(t, (one) =>
    isListing(one) ? no(1010, "token is expired") : undefined,
  );
  await assert.rejects(codes.list(indexOf, never), because("device-refused", /1010 token is expired/));
  assert.equal(asked.filter(isListing).length, 2);
});

for (const [code, msg, advice] of [
  [
    28841002,
    "No permissions. Your subscription to cloud development plan has expired.",
    /trial.*extend it at iot\.tuya\.com/,
  ],
  [1106, "permission deny", /cloud\.deviceId/],
  [1013, "request time is invalid", /clock is wrong/],
  [4711, "something\nnew\u0007", /4711 something new$/],
] as const)
  test(`a no is told with its number, its words and what to do: ${code}`, async (t) => {
    const { codes } = await givenTuyaCloud(t, (one) => (isListing(one) ? no(code, msg) : undefined));
    await assert.rejects(codes.list(indexOf, never), (error: GatewayError) => {
      assert.match(error.message, new RegExp(`lock ${deviceId} could not be read: Tuya's cloud answered ${code}`));
      assert.match(error.message, advice);
      return because("device-refused", /./)(error);
    });
  });

test("a no to the token is told as it is: the wrong secret", async (t) => {
  const { codes, asked } = await givenTuyaCloud(t, (one) => (isToken(one) ? no(1004, "sign invalid") : undefined));
  await assert.rejects(codes.list(indexOf, never), because("device-refused", /1004 sign invalid.*"accessSecret"/));
  assert.ok(asked.every(isToken), "nothing else was asked");
});

for (const [what, trouble, of] of [
  ["nobody answers", "hang", /time-out/],
  ["the line breaks", "cut", /did not answer/],
  ["half of an answer", "garble", /did not answer|cannot be read/],
  ["a page of something between", { answer: { status: 502, html: "<h1>Bad gateway</h1>" } }, /HTTP status 502/],
  ["more than an answer can be", { answer: { status: 200, json: "x".repeat(2_000_000) } }, /cannot be read/],
  ["a list that is none", { answer: { status: 200, json: yes({ list: [] }) } }, /cannot be read/],
  [
    "a code that cannot be read",
    { answer: { status: 200, json: yes([{ id: 1 }, { name: "no id" }]) } },
    /cannot be read/,
  ],
] as const)
  test(`${what}: nothing is known, and that is told`, async (t) => {
    const { codes, port } = await givenTuyaCloud(t, lists);
    port.trouble(trouble, { path: /temp-passwords/ });
    await assert.rejects(codes.list(indexOf, never), (error: GatewayError) => {
      assert.match(error.message, of);
      return because("device-unreachable", /./)(error) || because("device-refused", /./)(error);
    });
    assert.deepEqual(await codes.list(indexOf, never), [], "and it goes on");
  });

test("no token in time: it was not sent, and nobody waits for ever", async (t) => {
  const { codes, port, asked } = await givenTuyaCloud(t, lists);
  port.trouble("hang", { path: /token/ });
  await assert.rejects(codes.list(indexOf, never), because("device-unreachable", /no token: time-out/));
  assert.equal(asked.filter(isListing).length, 0);
});

test("requests go a second apart, and after too many nothing is asked for a minute", async (t) => {
  let isTired = true;
  const { codes, port, skip } = await givenTuyaCloud(t, (one) =>
    isListing(one) && isTired ? no(1110, "concurrent request over limit") : lists(one),
  );
  await assert.rejects(codes.list(indexOf, never), because("device-refused", /1110/));
  const [token, list] = port.calls;
  assert.ok((list?.at ?? 0) - (token?.at ?? 0) >= 1_000);
  isTired = false;
  await assert.rejects(codes.list(indexOf, never), because("device-unreachable", /moment ago/));
  skip(60_000);
  assert.deepEqual(await codes.list(indexOf, never), []);
});

test("no secret, token or digit stands in an address, a log line or an error", async (t) => {
  const { codes, port, logged } = await givenTuyaCloud(t, (one) =>
    isToken(one) || one.path.endsWith("/password-ticket") ? undefined : no(1109, "param is illegal, please check it"),
  );
  const digits = fittingDigits(codes.constraints, 3);
  const code = { label: "Postern 7k3m9xw2hd", digits: new SecretString(digits), window: { from: 0, until: hour } };
  const told = [
    await codes.set(code, never),
    await codes.clear("1", never),
    await codes.list(indexOf, never).catch((error: unknown) => String(error)),
    ...port.calls.map(({ path }) => path),
    ...logged,
  ].join("\n");
  for (const secret of [digits, accessSecret, "token-1", "ABCDEFGH12345678"]) assert.ok(!told.includes(secret), told);
  assert.ok(told.includes("1109"), "it is told that something failed");
});

test("a device that does not run asks nobody", async (t) => {
  const { codes, device, port } = await givenTuyaCloud(t, () => aTicket);
  await device.stop();
  await assert.rejects(codes.list(indexOf, never), because("device-unreachable", /stopped/));
  assert.equal(await codes.clear("1", never), "refused");
  assert.deepEqual(port.calls, []);
});
