/** Plants secrets in every way a caller could and looks for them in what was written. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { GatewayError } from "../gateway/errors.ts";
import { pinoLogger } from "../gateway/pino-logger.ts";
import type { LogFields } from "../gateway/ports/logger.ts";
import { SecretString } from "../gateway/wire/secret.ts";

function written(isTTY = false) {
  const lines: string[] = [];
  return { lines, isTTY, write: (text: string) => lines.push(text) };
}

test("a line is an event name with fields, its level and an ISO time", () => {
  const target = written();
  const logger = pinoLogger("info", target);

  logger.child({ part: "broker" }).info("strike-released", { accessPoint: "front", holdMs: 5000, late: undefined });

  assert.equal(target.lines.length, 1);
  const { time, ...line } = JSON.parse(target.lines[0]!);
  assert.deepEqual(line, {
    level: "info",
    part: "broker",
    event: "strike-released",
    accessPoint: "front",
    holdMs: 5000,
  });
  assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

test("levels below the threshold are not written, and the threshold can be moved while it runs", () => {
  const target = written();
  const logger = pinoLogger("warn", target);
  const child = logger.child({ part: "sync" });

  child.info("not-written");
  child.warn("written");
  logger.setLevel("debug");
  child.debug("written-too");

  assert.deepEqual(
    target.lines.map((line) => JSON.parse(line).event),
    ["written", "written-too"],
  );
});

test("fields cannot pass for the line's own members", () => {
  const target = written();
  pinoLogger("info", target).error("real", { event: "forged", level: "debug", time: "never" });
  const line = JSON.parse(target.lines[0]!);
  assert.equal(line.event, "real");
  assert.equal(line.level, "error");
  assert.equal((target.lines[0]!.match(/"event":/g) ?? []).length, 1);
});

/** As from a caller whose types were wrong. */
const untyped = (fields: object) => fields as LogFields;
const canary = "canary-4711";

for (const isTTY of [false, true]) {
  test(`no planted secret is written, ${isTTY ? "to a terminal" : "as JSON"}`, () => {
    const target = written(isTTY);
    const logger = pinoLogger("debug", target);
    const names = ["pin", "PIN", "password", "adminToken", "token", "key", "siteKey", "site_key", "clientSecret"];
    for (const name of [...names, "authorization", "Authorization", "x-api-key", "value", "pinIndexValue", "cookie"]) {
      logger.info("by-name", { [name]: canary });
      logger.child({ [name]: canary }).warn("by-child");
    }
    logger.info("wrapped", untyped({ holder: new SecretString(canary) }));
    logger.info(
      "nested",
      untyped({ body: { pin: canary, deep: [canary] }, list: [canary], bytes: Buffer.from(canary) }),
    );
    const answer = Object.assign(new Error("refused"), {
      request: { headers: { authorization: canary } },
      pin: canary,
    });
    logger.error("with-properties", { error: answer });
    logger.error("with-detail", {
      error: new GatewayError("cloud-refused", "refused", { token: canary, status: 401 }),
    });
    logger.error("with-odd-detail", { error: Object.assign(new Error("odd"), { detail: { inner: { pin: canary } } }) });
    logger.error("with-cause", { error: new Error("outer", { cause: answer }) });
    logger.error("with-odd-cause", { error: new Error("outer", { cause: { pin: canary } }) });

    assert.ok(target.lines.length > 30);
    assert.doesNotMatch(target.lines.join(""), new RegExp(`${canary}|${Buffer.from(canary).join(",")}`));
  });
}

test("an error shows name, code, message, detail and its causes, and a ring of causes ends", () => {
  const target = written();
  const cause: Error = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
  cause.cause = cause;

  pinoLogger("info", target).warn("poll-failed", {
    error: new GatewayError("cloud-unreachable", "no answer", { afterMs: 5000 }, { cause }),
  });

  const { error } = JSON.parse(target.lines[0]!);
  assert.deepEqual(
    { ...error, cause: undefined },
    {
      name: "GatewayError",
      code: "cloud-unreachable",
      message: "no answer",
      detail: { afterMs: 5000 },
      cause: undefined,
    },
  );
  assert.equal(error.cause.code, "ECONNREFUSED");
  assert.ok(target.lines[0]!.length < 2000);
});

test("to a terminal a line is short and whole", () => {
  const target = written(true);
  pinoLogger("info", target).warn("device-offline", { device: "box-1", error: new Error("gone\nfor good") });
  assert.match(
    target.lines[0]!,
    /^\d\d:\d\d:\d\d .*warn .* device-offline {2}device=box-1 {2}error="gone\\nfor good"\n$/,
  );
});
