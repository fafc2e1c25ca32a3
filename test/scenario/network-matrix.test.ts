/** Every kind of bad line for an hour: the doors never wait for it, and once it is good again everything is exact, everywhere. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type HttpServer, listen } from "../../gateway/http/server.ts";
import { givenCloud, type TestCloud } from "../support/cloud.ts";
import { DistantSite } from "../support/distant-site.ts";
import type { LineShape } from "../support/shaped-line.ts";
import { SimClock } from "../support/sim-clock.ts";

interface Profile {
  readonly line: string;
  readonly shape: LineShape;
  /** Whether the hour's news passes it, be it late. */
  readonly carries: boolean;
}

const page = "<html><body>Please log in</body></html>";
const head = `Content-Type: text/html\r\nContent-Length: ${page.length}\r\nConnection: close\r\n\r\n${page}`;
const loginPage = `HTTP/1.1 200 OK\r\n${head}`;
const toTheLogin = `HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/login\r\n${head}`;

const profiles: readonly Profile[] = [
  { line: "loses portions", shape: { delayMs: 30, stalls: { chance: 0.1, ms: 3_000 }, resets: 0.05 }, carries: true },
  { line: "goes by satellite at 1 Mbit/s", shape: { delayMs: 500, bytesPerSecond: 125_000 }, carries: true },
  {
    line: "is 3G, in bursts",
    shape: { delayMs: 100, jitterMs: 200, burstMs: 700, bytesPerSecond: 20_000 },
    carries: true,
  },
  { line: "flaps", shape: { delayMs: 20, flaps: { upMs: 40_000, downMs: 25_000 } }, carries: true },
  { line: "resets within the answer", shape: { answerBytes: 1_500 }, carries: true },
  { line: "resets once the request was taken", shape: { answerBytes: 0 }, carries: false },
  { line: "is half open", shape: { isSilent: true }, carries: false },
  { line: "takes no connection", shape: { wayThere: "connect-hangs" }, carries: false },
  { line: "has no name service", shape: { wayThere: "name-fails" }, carries: false },
  { line: "has a name service that hangs", shape: { wayThere: "name-hangs" }, carries: false },
  { line: "ends at a login page", shape: { impostor: loginPage }, carries: false },
  { line: "leads to a login page", shape: { impostor: toTheLogin }, carries: false },
];

const minutes = 60;
const pressEveryMs = 2 * 60_000;
const entriesAllowed = 3;
const clock = new SimClock(Date.now());
let cloud: TestCloud;
let http: HttpServer;

before(async () => {
  cloud = await givenCloud({ clock });
  // An hour of a half-open line passes in seconds, and its connections with it.
  const limits = { connections: 10_000, headersMs: 60_000, requestMs: 300_000 };
  http = await listen(cloud.app.fetch, { host: "127.0.0.1", port: 0 }, limits);
});
after(async () => {
  await http.stop();
  await cloud.close();
});

for (const [number, { line, shape, carries }] of profiles.entries()) {
  test(`a line that ${line} keeps no door waiting for an hour, and afterwards nothing is lost or doubled`, async (t) => {
    const site = await DistantSite.start(t, `site-${number}`, { http, clock });
    const [guest, limited, leaving] = [
      await site.grant(null),
      await site.grant(entriesAllowed),
      await site.grant(null),
    ];
    await site.passUntil("all grants are here", () => site.isHere(leaving.version));

    await site.line.become(shape);
    let left = entriesAllowed;
    let revoked: { readonly version: number } | undefined;
    for (let minute = 0; minute < minutes; minute += 2) {
      const door = minute % 4 === 0 ? "west" : "east";
      if (minute === 20) revoked = await site.revoke(leaving);
      const knew = site.isRevokedHere(leaving);
      const [grant, expected] = [
        [guest, "granted"],
        [limited, left > 0 ? "granted" : "denied"],
        [leaving, knew ? "denied" : "granted"],
      ][minute % 3] as [typeof guest, string];
      const verdict = await site.press(door, grant.pin);
      // The news may come while somebody stands at the door.
      if (grant !== leaving || knew === site.isRevokedHere(leaving))
        assert.equal(verdict, expected, `minute ${minute}`);
      if (grant === limited && left > 0) left -= 1;
      await site.pass(pressEveryMs);
    }
    if (carries) {
      await site.passUntil("the revocation has come, over this line", () => site.isRevokedHere(leaving));
      const sent = (await site.eventsHere()).length;
      await site.passUntil(
        "the events have gone, over this line",
        async () => (await site.eventsInCloud()).length >= sent,
      );
    } else assert.ok(!site.isRevokedHere(leaving), "nothing can have come over this line");

    await site.line.become({});
    await site.passUntil("the gateway is online", () => site.gateway.site.sync.state === "online");
    await site.passUntil("the revocation is here", () => site.isHere(revoked!.version));
    await site.passUntil("the cloud knows that it is", () => site.isConfirmed(leaving));
    assert.equal(await site.press("west", leaving.pin), "denied");
    assert.equal(await site.press("east", limited.pin), "denied");
    assert.equal(await site.press("west", guest.pin), "granted");
    const newcomer = await site.grant(1);
    await site.passUntil("a new grant is here", () => site.isHere(newcomer.version));
    assert.equal(await site.press("east", newcomer.pin), "granted");
    assert.equal(await site.press("west", newcomer.pin), "denied");

    const here = await site.eventsHere();
    await site.passUntil("the cloud has every event", () => site.gateway.site.sync.queue === 0);
    assert.deepEqual(await site.eventsInCloud(), here);
    assert.deepEqual(
      here.map(({ seq }) => seq),
      here.map((_, index) => index + 1),
    );
    const admissions = here.filter((event) => event.type === "admitted" && event.grant === limited.id);
    assert.equal(admissions.length, entriesAllowed);
    assert.ok(!here.some(({ type }) => type === "relock-failed" || type === "checksum-mismatch"));
  });
}
