import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { z } from "zod";
import { mqttLockbox } from "../../gateway/drivers/mqtt-lockbox/driver.ts";
import type { DeviceReport } from "../../gateway/ports/device.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { lockboxCommandSchema, lockboxUplinks } from "../../gateway/wire/lockbox.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { givenBroker, passwordOf } from "../support/mqtt-broker.ts";
import { missing } from "../support/needs.ts";
import { until } from "../support/until.ts";

const readme = readFileSync(new URL("../../gateway/drivers/mqtt-lockbox/README.md", import.meta.url), "utf8");
const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"))].map((match) => match[1] ?? "");

test("the README's schemas are those of the wire", () => {
  const schemas = [...Object.values(lockboxUplinks), lockboxCommandSchema];
  assert.deepEqual(
    blocks("json").map((text) => JSON.parse(text)),
    schemas.map((schema) => {
      const { $schema, ...rest } = z.toJSONSchema(schema, { io: "input" });
      return rest;
    }),
  );
});

test("the README's commands play a box: a press arrives, a release is checked and answered, and its bolt comes back when its time is over", {
  skip: missing("mosquitto_pub", "openssl"),
}, async (t) => {
  const site = await givenBroker(t);
  site.deafen();
  const key = Buffer.from(`${"d1".repeat(31)}fb`, "hex").toString("base64url");
  const device = mqttLockbox.create(
    "box-1",
    {},
    {
      clock: systemClock,
      logger: silentLogger,
      mqtt: site.broker.link("box-1"),
      secret: () => new SecretString(key),
    },
  );
  const reports: DeviceReport[] = [];
  let pressAgeMs = Number.POSITIVE_INFINITY;
  device.subscribe(async (report) => {
    if (report.type === "credential-presented") pressAgeMs = systemClock.monotonic() - report.pressedAt;
    reports.push(report);
  });
  await device.start(new AbortController().signal);
  const env = {
    PATH: process.env.PATH,
    PORT: `${site.plainPort}`,
    PASSWORD: passwordOf("box-1"),
    KEY: key,
    PIN: "471199",
  };
  const [both = "", hears = "", says = ""] = blocks("sh");
  const bash = (script: string) => {
    const shell = spawn("bash", ["-c", script], { env, detached: true, stdio: ["ignore", "pipe", "inherit"] });
    t.after(() => shell.exitCode === null && process.kill(-shell.pid!, "SIGKILL"));
    return shell;
  };
  t.after(() => device.stop());

  const box = bash(both + hears);
  let shown = "";
  box.stdout.on("data", (bytes) => {
    shown += bytes;
  });
  await until("mosquitto_sub has logged in", () => site.broker.stats().sessions === 1);
  bash(both + says);
  await until("the press arrives", () => reports.some(({ type }) => type === "credential-presented"));
  const never = new AbortController().signal;
  const bolts = () => reports.flatMap((report) => (report.type === "bolt" ? [report.state] : []));
  const result = await device.lock?.release(30_000, never);

  assert.equal(result, "confirmed");
  await device.reader?.feedback("granted", never);
  // Answered after the feedback: what that said of the bolt is known by then.
  assert.equal(await device.locator?.identify(never), "accepted");
  assert.deepEqual(bolts(), ["secured", "released"]);
  assert.equal(await device.lock?.secure(never), "confirmed");
  // Long enough that its answer, made by a shell, comes before the end.
  assert.equal(await device.lock?.release(4_000, never), "confirmed");
  await until("it locks by itself", () => bolts().length === 5);
  assert.deepEqual(bolts(), ["secured", "released", "secured", "released", "secured"]);
  assert.match(shown, /"action":"release"/);
  assert.doesNotMatch(shown, /forged/);
  assert.equal(device.status().link, "online");
  const press = reports.find((report) => report.type === "credential-presented");
  assert.ok(press?.type === "credential-presented" && press.value.reveal() === "471199");
  assert.ok(pressAgeMs < 5_000, `${pressAgeMs} ms old when it came`);
  process.kill(-box.pid!, "SIGKILL");
  await until("the last will arrives", () => device.status().link === "offline");
});
