/** The refresh token of a three-legged login, which may be good once: whatever becomes of the gateway, nobody has to log in anew. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { brivo } from "../../../gateway/drivers/brivo/driver.ts";
import { givenContext } from "../../support/driver-context.ts";
import { MemoryVault } from "../../support/memory-vault.ts";
import { until } from "../../support/until.ts";
import { givenPeer } from "../../support/web-peer.ts";

const never = new AbortController().signal;
const first = "from-the-owner";
const connected = {
  accessPointScheduledState: "LOCK",
  accessPointInputState: "LOCK",
  statusUpdated: "2031-03-04T11:59:52Z",
  panelName: "Panel THB-XJ-YYBIR",
};

/** A service that takes each refresh token once, and a gateway's disk. `boot` is one life of the gateway. */
async function givenAccount(t: TestContext, { lifeS = 10_000, rotates = true } = {}) {
  let good = first;
  let count = 0;
  const peer = await givenPeer(t, ({ path, body }) => {
    if (path !== "/oauth/token")
      return { status: 200, body: path.includes("device-status") ? connected : { data: [], pageSize: 100 } };
    if (new URLSearchParams(body).get("refresh_token") !== good)
      return { status: 400, body: { error: "invalid_grant", error_description: "Invalid refresh token" } };
    count += 1;
    if (rotates) good = `refresh-${count}`;
    return { status: 200, body: { access_token: `access-${count}`, refresh_token: good, expires_in: lifeS } };
  });
  const vault = new MemoryVault();
  const boot = async (refreshToken = first) => {
    const given = givenContext(t, { apiKey: "key", clientSecret: "secret", refreshToken });
    const options = {
      accessPointId: 1,
      clientId: "ABC",
      authUrl: peer.url,
      apiUrl: `${peer.url}/v1/api`,
      pollMs: 5_000,
    };
    // What one life of the gateway knows the next does not, but for the disk.
    const disk = { load: vault.load.bind(vault), save: vault.save.bind(vault) };
    const device = brivo.create("door", options, { ...given.context, vault: disk });
    t.after(() => device.stop());
    await device.start(never);
    return { ...given, device, isOnline: () => until("it is online", () => device.status().link === "online") };
  };
  const refreshes = () =>
    peer.questions.flatMap(({ path, body }) =>
      path === "/oauth/token" ? [new URLSearchParams(body).get("refresh_token")] : [],
    );
  return { ...peer, vault, boot, refreshes, revoke: (token: string) => (good = token) };
}

test("a token that came in place of the one of the secrets is what the next life begins with; another one in the secrets is a new beginning", async (t) => {
  const { boot, refreshes, vault, revoke } = await givenAccount(t);
  await (await boot()).isOnline();
  // Nothing of the life before is stopped or asked.
  await (await boot()).isOnline();
  await (await boot()).isOnline();
  assert.deepEqual(refreshes(), [first, "refresh-1", "refresh-2"]);
  assert.deepEqual(
    [...vault.kept.values()].map((token) => token.reveal()),
    ["refresh-3"],
  );

  revoke("by-hand");
  await (await boot("by-hand")).isOnline();
  assert.equal(refreshes().at(-1), "by-hand");
});

test("nothing is asked with a new one, nor does the device stop, before it is on the disk", async (t) => {
  const { boot, asked, vault } = await givenAccount(t);
  const disk = Promise.withResolvers<void>();
  vault.slow = disk.promise;
  const { device, isOnline, pass } = await boot();
  await until("the token has come", () => asked().length > 0);
  await pass(8_000);
  assert.deepEqual(asked(), ["POST /oauth/token"]);
  let isStopped = false;
  const stopped = device.stop().then(() => {
    isStopped = true;
  });
  await pass(8_000);
  assert.ok(!isStopped);
  disk.resolve();
  await stopped;
  assert.equal(vault.kept.size, 1);

  await device.start(never);
  await isOnline();
  assert.equal(asked().filter((each) => each === "POST /oauth/token").length, 1);
});

test("on a disk that takes nothing the door works all the same, and the token is kept as soon as there is room", async (t) => {
  const { boot, vault } = await givenAccount(t);
  vault.isFull = true;
  const { isOnline, logged } = await boot();
  await isOnline();
  assert.ok(logged.some((line) => line.includes("token-not-kept")));
  vault.isFull = false;
  await until("it is kept", () => vault.kept.size === 1);
  assert.ok(logged.every((line) => !line.includes("refresh-1") && !line.includes(first)));
});

test("with a disk that cannot be read nothing is asked: the token of the secrets may have been used long ago", async (t) => {
  const { boot, vault, asked } = await givenAccount(t);
  vault.isUnreadable = true;
  const { device, isOnline } = await boot();
  assert.equal(await device.lock?.release(5_000, never), "refused");
  assert.deepEqual(asked(), []);
  vault.isUnreadable = false;
  await isOnline();
});

test("one that stays the same is not written down", async (t) => {
  const { boot, refreshes, vault } = await givenAccount(t, { rotates: false, lifeS: 20 });
  const { isOnline } = await boot();
  await isOnline();
  await until("it was used again", () => refreshes().length > 2);
  assert.equal(vault.kept.size, 0);
});
