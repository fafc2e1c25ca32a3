/** An address that an owner has typed in leads nowhere but to the internet at large, and what comes from there is bounded. */
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { fetchPublic } from "../../cloud-sync/sources/fetch-public.ts";
import { isPublicAddress } from "../../cloud-sync/sources/public-address.ts";

let server: Server;
let origin: string;
let asked: string[] = [];

before(async () => {
  server = createServer((request, response) => {
    asked.push(request.url ?? "");
    const [, what = "", to = ""] = /^\/(\w+)\/?(.*)$/.exec(request.url ?? "") ?? [];
    if (what === "to") response.writeHead(302, { location: decodeURIComponent(to) }).end();
    else if (what === "loop") response.writeHead(307, { location: `/loop/${Number(to) + 1}` }).end();
    else if (what === "half")
      response.writeHead(200, { "content-length": "100" }).write("half", () => response.destroy());
    else if (what === "big") response.writeHead(200).end("x".repeat(2_000_000));
    else response.writeHead(200, { etag: '"1"' }).end("here");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => new Promise((resolve) => server.close(resolve)));

const ask = (address: string, origins: readonly string[] = [origin]) => {
  asked = [];
  const signal = new AbortController().signal;
  return fetchPublic(new URL(address), { headers: {}, bytesMax: 1024 * 1024, origins, signal });
};
const to = (address: string) => `${origin}/to/${encodeURIComponent(address)}`;

test("an origin that is named is asked, wherever it is, and what it answers comes whole", async () => {
  const { status, body, headers } = await ask(`${origin}/here`);
  assert.deepEqual([status, body, headers.etag], [200, "here", '"1"']);
  assert.equal((await ask(to("/here"))).body, "here");
});

describe("never asked", () => {
  for (const [what, address] of [
    ["without https", "http://example.org/calendar"],
    ["this machine by number", "https://127.0.0.1/calendar"],
    ["this machine by another number", "https://2130706433/calendar"],
    ["this machine in hexadecimal", "https://0x7f.1/calendar"],
    ["this machine in IPv6", "https://[::1]/calendar"],
    ["this machine in IPv6 that holds IPv4", "https://[::ffff:127.0.0.1]/calendar"],
    ["this machine by name", "https://localhost/calendar"],
    ["the network around it", "https://192.168.1.1/calendar"],
    ["a cloud's own data", "https://169.254.169.254/latest/meta-data"],
    ["with a name and a password", "https://name:password@example.org/"],
    ["a file", "file:///etc/passwd"],
  ] as const)
    for (const [how, first] of [
      ["", address],
      [" after a redirect", undefined],
    ] as const)
      test(what + how, async () => {
        await assert.rejects(ask(first ?? to(address)), (error: Error) => {
          assert.match(error.message, /^its address is of a private network$|without https$|name and a password/);
          return true;
        });
        assert.equal(asked.length, first ? 0 : 1);
      });

  test("this machine's open port by its name, though it answers", async () => {
    await assert.rejects(ask(`https://localhost:${new URL(origin).port}/here`), /private network/);
    await assert.rejects(ask(`${origin}/here`, []), /without https/);
    assert.deepEqual(asked, []);
  });
});

for (const [what, path, why] of [
  ["leads on and on", "/loop/1", /more than 3 times/],
  ["breaks off", "/half", /no answer|not whole/],
  ["does not end", "/big", /more than 1 MB/],
] as const)
  test(`an answer that ${what} is none`, async () => {
    await assert.rejects(ask(origin + path), why);
    assert.ok(asked.length <= 4);
  });

test("one that does not answer is waited for until the signal", async () => {
  const quiet = createServer(() => undefined);
  await new Promise<void>((resolve) => quiet.listen(0, "127.0.0.1", resolve));
  const here = `http://127.0.0.1:${(quiet.address() as AddressInfo).port}`;
  const late = new AbortController();
  const asking = fetchPublic(new URL(here), { headers: {}, bytesMax: 1, origins: [here], signal: late.signal });
  quiet.once("request", () => late.abort());
  await assert.rejects(asking, { name: "AbortError" });
  quiet.closeAllConnections();
  await new Promise((resolve) => quiet.close(resolve));
});

describe("addresses of the internet at large", () => {
  for (const [address, isPublic] of [
    ["1.1.1.1", true],
    ["203.0.114.1", true],
    ["2606:4700::1111", true],
    ["0.0.0.0", false],
    ["10.1.2.3", false],
    ["100.64.0.1", false],
    ["172.31.255.255", false],
    ["198.19.0.1", false],
    ["224.0.0.1", false],
    ["255.255.255.255", false],
    ["::", false],
    ["fe80::1", false],
    ["fd00::1", false],
    ["::ffff:8.8.8.8", false],
    ["64:ff9b::7f00:1", false],
    ["2002:7f00:1::", false],
    ["2001:0:7f00::1", false],
    ["2001:db8::1", false],
    ["example.org", false],
  ] as const)
    test(`${address}: ${isPublic ? "yes" : "no"}`, () => {
      assert.equal(isPublicAddress(address), isPublic);
    });
});
