import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { inspect } from "node:util";
import { chainId } from "../../../gateway/drivers/common/token-chain.ts";
import { ring } from "../../../gateway/drivers/ring/driver.ts";
import { parseOptions } from "../../../gateway/drivers/ring/options.ts";
import { GatewayError } from "../../../gateway/errors.ts";
import { SecretString } from "../../../gateway/wire/secret.ts";
import { collect, firstToken, givenRingSite, intercomId, lockId } from "../../support/ring-site.ts";
import { until } from "../../support/until.ts";

const never = new AbortController().signal;
const noThing = {} as Parameters<typeof ring.create>[2];
const vaultName = chainId("ring", new SecretString(firstToken));
/** Ring's own token in what the library makes of it. */
const unwrapped = (wrapped: string) => JSON.parse(Buffer.from(wrapped, "base64").toString()).rt as string;

for (const [what, options, key] of [
  ["no kind", { device: lockId }, "kind"],
  ["a kind that is none", { kind: "camera", device: lockId }, "kind"],
  ["no device", { kind: "lock" }, "device"],
  ["an unknown key", { kind: "lock", device: lockId, colour: "red" }, "colour"],
  ["a poll of what tells by itself", { kind: "lock", device: lockId, pollMs: 60_000 }, "pollMs"],
  ["polls without a pause", { kind: "intercom", device: 1, pollMs: 10 }, "pollMs"],
  ["codes, which nobody can put into these locks", { kind: "lock", device: lockId, codesMax: 10 }, "codesMax"],
] as const)
  test(`refuses ${what} by its key`, () => {
    assert.throws(
      () => ring.create("front", options, { ...noThing, secret: () => new SecretString(firstToken) }),
      (error) => error instanceof GatewayError && error.code === "config-invalid" && error.message.startsWith(key),
    );
  });

test("the README names every option, with what it is without being named", () => {
  const readme = readFileSync(new URL("../../../gateway/drivers/ring/README.md", import.meta.url), "utf8");
  for (const kind of ["lock", "intercom"] as const) {
    const { kind: _, device: __, ...defaults } = parseOptions({ kind, device: lockId });
    for (const [key, value] of Object.entries(defaults))
      assert.match(readme, new RegExp(`\\| \`${key}\` \\(${value}\\)`), key);
  }
});

test("a token that is missing or is none is named, not shown", () => {
  for (const text of [undefined, "", "two words", "line\nbreak"])
    assert.throws(
      () =>
        ring.create(
          "front",
          { kind: "lock", device: lockId },
          { ...noThing, secret: () => (text === undefined ? undefined : new SecretString(text)) },
        ),
      (error) =>
        error instanceof GatewayError &&
        /"refreshToken".*ring-auth-cli/.test(error.message) &&
        (!text || !error.message.includes(text)),
    );
});

test("a lock and an intercom of one account share one process and one sign-in; the lock has no codes, the pulse no bolt", async (t) => {
  const { device, make, appear, server, intercom, lock, logged } = await givenRingSite(t);
  const gate = make({ kind: "intercom", device: intercomId, pollMs: 5_000 });
  const reports = collect(device);
  await Promise.all([device.start(never), gate.start(never)]);
  await appear();
  await until("the intercom is online", () => gate.status().link === "online");

  assert.equal(await gate.lock?.release(5_000, never), "accepted");
  assert.equal(intercom.pulses, 1);
  assert.deepEqual(gate.lock?.state(), { bolt: "unknown", basis: "assumed" });
  assert.equal(await gate.lock?.secure(never), "refused");
  assert.deepEqual([device.codes, gate.codes], [undefined, undefined]);
  assert.match(device.lock?.noCodes ?? "", /not possible/);
  assert.deepEqual([device.lock?.relocks, gate.lock?.relocks], ["when-told", "by-itself"]);
  assert.equal(make({ kind: "lock", device: lockId, autoLock: true }).lock?.relocks, "by-itself");

  lock.drainBattery(40);
  lock.openCover();
  lock.turnThumb("unlocked");
  await until("all of it is told", () => reports.length >= 6);
  assert.deepEqual(reports, [
    { type: "presence", state: "online" },
    { type: "bolt", state: "secured" },
    { type: "battery", percent: 100 },
    { type: "battery", percent: 40 },
    { type: "tamper", active: true },
    { type: "bolt", state: "released" },
  ]);
  assert.equal(server.calls.filter(({ kind }) => kind === "token").length, 1);
  assert.equal(server.calls.filter(({ kind }) => kind === "subscribe").length, 0, "nothing of the account is changed");
  const said = logged.join("\n");
  for (const secret of [firstToken, server.tokens.refreshToken ?? ""]) assert.ok(!said.includes(secret), said);
});

test("the token that Ring hands out is kept, and used at the next start; another one in the secrets is a new beginning", async (t) => {
  const { device, appear, server, vault, context, hub } = await givenRingSite(t);
  await device.start(never);
  await appear();
  const second = server.tokens.refreshToken;
  assert.ok(second && second !== firstToken);
  assert.deepEqual([...vault.kept.keys()], [vaultName]);
  assert.equal(unwrapped(vault.kept.get(vaultName)?.reveal() ?? ""), second);

  await device.stop();
  await until("its socket is gone", () => hub.listeners === 0);
  await device.start(never);
  await until("it is online again", () => device.status().link === "online");
  assert.equal(server.calls.filter(({ kind }) => kind === "token").length, 2);
  await device.stop();

  const byHand = server.tokens.refreshToken ?? "";
  vault.kept.set(vaultName, new SecretString("kept-and-dead"));
  const anew = ring.create(
    "front",
    { kind: "lock", device: lockId },
    { ...context, secret: () => new SecretString(byHand) },
  );
  t.after(() => anew.stop());
  await anew.start(never);
  await until("the new token works", () => anew.status().link === "online");
  assert.equal(
    unwrapped(vault.kept.get(chainId("ring", new SecretString(byHand)))?.reveal() ?? ""),
    server.tokens.refreshToken,
  );
});

test("on a disk that takes nothing the door works all the same, and the token is kept as soon as there is room", async (t) => {
  const { device, appear, server, vault, logged } = await givenRingSite(t);
  vault.isFull = true;
  await device.start(never);
  await appear();
  assert.equal(await device.lock?.release(5_000, never), "confirmed");
  assert.ok(logged.some((line) => line.includes("token-not-kept")));
  vault.isFull = false;
  await until("it is kept", () => vault.kept.size === 1);
  assert.equal(unwrapped(vault.kept.get(vaultName)?.reveal() ?? ""), server.tokens.refreshToken);
});

test("a token that Ring refuses is told to a person, in the log and in the status, and not tried over and over", async (t) => {
  const { device, server, logged } = await givenRingSite(t);
  server.tokens.revoke();
  await device.start(never);
  await until("it is told", () => device.status().attention !== undefined);
  await until("the process has ended", () => logged.some((line) => line.includes("child-ended")));
  assert.match(device.status().attention ?? "", /sign in again/);
  assert.ok(logged.some((line) => line.startsWith("error ring-sign-in-again") && line.includes("ring-auth-cli")));
  assert.ok(logged.some((line) => line.includes("againInMs: 3600000")));
  assert.equal(server.calls.filter(({ kind }) => kind === "token").length, 1);
  assert.equal(await device.lock?.release(5_000, never), "refused");
  assert.ok(!inspect(logged).includes(firstToken));
});

test("trouble at Ring is waited out with the token in hand", async (t) => {
  const { device, appear, server, logged } = await givenRingSite(t);
  server.fail({ answer: 429, of: "token", times: 1, retryAfterSeconds: 0 });
  await device.start(never);
  await appear();
  assert.equal(server.calls.filter(({ kind }) => kind === "token").length, 2);
  assert.equal(device.status().attention, undefined);
  assert.ok(logged.some((line) => line.includes("ring-has-trouble") && line.includes("status: 429")));
});

test("a service that says no to the tickets, at first or later, is asked again until it does not", async (t) => {
  const { device, appear, server, hub, logged } = await givenRingSite(t);
  server.fail({ answer: 400, of: "ticket", times: 1 });
  await device.start(never);
  await appear();
  assert.ok(logged.some((line) => line.includes("child-ended")));
  server.fail({ answer: 400, of: "ticket", times: 1 });
  hub.breakSockets();
  await until("that one was lost too", () => logged.filter((line) => line.includes("child-ended")).length >= 2);
  // The link still stands for a while from before; what is refused was not sent.
  let result: unknown = "refused";
  await until("it is back", async () => {
    result = await device.lock?.release(5_000, never);
    return result !== "refused";
  });
  assert.equal(result, "confirmed");
});

test("a command for a socket that broke is refused, and does not go out on the next one", async (t) => {
  const { device, appear, hub } = await givenRingSite(t);
  await device.start(never);
  await appear();
  const before = hub.joined;
  hub.breakSockets();
  assert.equal(await device.lock?.release(5_000, never), "refused");
  await until("there is another socket", () => hub.joined > before && hub.listeners > 0);
  let result: unknown = "refused";
  await until("it is back", async () => {
    result = await device.lock?.secure(never);
    return result !== "refused";
  });
  assert.equal(result, "confirmed");
  assert.deepEqual(
    hub.commands.map(({ command }) => command),
    ["lock.lock"],
  );
});

test("a process that breaks down while a lock is told leaves it unknown, and comes back by itself", async (t) => {
  const { device, appear, hub, clock } = await givenRingSite(t);
  await device.start(never);
  await appear();
  hub.loseCommands();
  const released = device.lock?.release(5_000, never);
  await until("the command has arrived", () => hub.commands.length === 1);
  clock.passDeadline();
  assert.equal(await released, "unknown");
  assert.deepEqual(device.lock?.state(), { bolt: "unknown", basis: "assumed" });
  hub.passCommands();
  await until("it says how it stands", () => device.lock?.state().bolt === "secured");
  assert.equal(await device.lock?.release(5_000, never), "confirmed");
  assert.equal(hub.commands.length, 2);
});

test("a hub that took an unlocking without showing it does not pass for a locked door when the line breaks", async (t) => {
  const { device, appear, hub } = await givenRingSite(t, { deadlineMs: 5_000 });
  await device.start(never);
  await appear();
  hub.loseCommands();
  assert.equal(await device.lock?.release(5_000, never), "accepted");
  assert.deepEqual(device.lock?.state(), { bolt: "unknown", basis: "assumed" });
  hub.passCommands();
  assert.equal(await device.lock?.secure(never), "confirmed");
  assert.deepEqual(device.lock?.state(), { bolt: "secured", basis: "reported" });
});

test("an id that the account does not have is told with those it has", { timeout: 300_000 }, async (t) => {
  const { make, hub, logged } = await givenRingSite(t);
  hub.comeBack();
  const other = make({ kind: "lock", device: "zid-of-nobody" });
  await other.start(never);
  await until("it is told", () => other.status().attention !== undefined);
  assert.match(other.status().attention ?? "", /no lock with the id zid-of-nobody/);
  assert.ok(logged.some((line) => line.includes(`${lockId} (Front door)`) && line.includes(String(intercomId))));
});
