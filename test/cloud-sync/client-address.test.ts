/** Who asks, seen through proxies: what is believed, what is counted together, and what the records name. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { cloudApp } from "../../cloud-sync/app.ts";
import { clientBehind, proxyList } from "../../cloud-sync/client-address.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { cheapPasswords, givenCloud, HandClock, type TestCloud } from "../support/cloud.ts";

describe("the caller behind the proxies", () => {
  const ours = proxyList(["10.0.0.0/8", "fd00::/8", "192.0.2.1"]);
  for (const [what, peer, forwardedFor, expected] of [
    ["nothing was forwarded", "198.51.100.7", undefined, "198.51.100.7"],
    ["a stranger says it is a proxy", "198.51.100.7", "203.0.113.9", "198.51.100.7"],
    ["one of ours", "10.0.0.2", "203.0.113.9", "203.0.113.9"],
    ["what the caller wrote itself is not read", "10.0.0.2", "1.2.3.4, 203.0.113.9", "203.0.113.9"],
    ["two of ours in a row", "10.0.0.2", "1.2.3.4,203.0.113.9 , 192.0.2.1", "203.0.113.9"],
    ["all are ours: a machine of ours asks", "10.0.0.2", "10.0.0.5, 10.0.0.4", "10.0.0.5"],
    ["ours names nobody", "10.0.0.2", undefined, "10.0.0.2"],
    ["ours names no address", "10.0.0.2", "203.0.113.9, unknown", "10.0.0.2"],
    ["an empty header", "10.0.0.2", "", "10.0.0.2"],
    ["an IPv4 socket inside IPv6", "::ffff:10.0.0.2", "::ffff:203.0.113.9", "203.0.113.9"],
    ["the same in hexadecimal", "10.0.0.2", "::ffff:cb00:7109", "203.0.113.9"],
    ["IPv6 in another spelling", "fd00:0:0::2", "2001:DB8:0::7", "2001:db8::7"],
    ["with the network card's name", "fe80::1%eth0", undefined, "fe80::1"],
    ["with a port", "10.0.0.2", "203.0.113.9:4711", "203.0.113.9"],
    ["IPv6 with a port", "10.0.0.2", "[2001:db8::7]:4711", "2001:db8::7"],
    ["by no socket", "in-process", "203.0.113.9", "in-process"],
  ] as const)
    test(what, () => assert.equal(clientBehind(peer, forwardedFor, ours), expected));
});

describe("a service behind a proxy", () => {
  const proxy = "10.0.0.2";
  const warned: string[] = [];
  let cloud: TestCloud;
  let app: TestCloud["app"];

  const from = (peer: string, forwardedFor?: string) => ({
    ask: async (path: string, body: object) =>
      app.request(
        path,
        {
          method: "POST",
          headers: {
            "content-type": "application/json",
            ...(forwardedFor !== undefined && { "x-forwarded-for": forwardedFor }),
          },
          body: JSON.stringify(body),
        },
        { incoming: { socket: { remoteAddress: peer } } },
      ),
    async signIn() {
      return (await this.ask("/auth/sign-in", { name: "nobody", password: "a wrong one" })).status;
    },
    async challenge() {
      return (await this.ask("/auth/passkey/options", {})).status;
    },
  });
  /** Until the first refusal. */
  const exhaust = async (one: (tries: number) => Promise<number>) => {
    for (let tries = 0; tries < 100; tries += 1) if ((await one(tries)) === 429) return;
    assert.fail("nothing was refused");
  };

  before(async () => {
    cloud = await givenCloud({ clock: new HandClock() });
    app = cloudApp({
      ...cloud.parts,
      passwordCost: cheapPasswords,
      trustedProxies: [proxy],
      logger: { ...silentLogger, warn: (event) => warned.push(event) },
    });
  });
  after(() => cloud.close());

  test("who guesses passwords there shuts nobody else out", async () => {
    await exhaust(() => from(proxy, "203.0.113.9").signIn());
    assert.equal(await from(proxy, "203.0.113.10").signIn(), 401);
  });

  test("nor gets another turn by naming somebody else in the header", async () => {
    assert.equal(await from(proxy, "198.51.100.1, 203.0.113.9").signIn(), 429);
  });

  test("the addresses of one IPv6 network are one caller, another network's are not", async () => {
    await exhaust((host) => from(proxy, `2001:db8:1:1::${host.toString(16)}`).signIn());
    assert.equal(await from(proxy, "2001:db8:1:2::1").signIn(), 401);
  });

  test("challenges have a measure of their own: to ask for many shuts no sign-in", async () => {
    const caller = from(proxy, "203.0.113.50");
    await exhaust(() => caller.challenge());
    assert.equal(await caller.signIn(), 401);
    assert.equal(await from(proxy, "203.0.113.51").challenge(), 200);
  });

  test("the records name the caller, not the proxy", async () => {
    const { body } = await cloud.ask("GET", "/api/security-events");
    const addresses = body.items.map(({ address }: { address: string }) => address);
    assert.ok(addresses.includes("203.0.113.9"), addresses.join());
    assert.ok(!addresses.includes(proxy));
  });

  test("a proxy that nobody named is told of, once", async () => {
    await from("10.9.9.9", "203.0.113.9").signIn();
    await from("10.9.9.9", "203.0.113.9").signIn();
    assert.equal(warned.filter((event) => event === "proxy-not-trusted").length, 1);
  });
});
