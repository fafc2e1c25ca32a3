/** When the cloud is asked: what the loops do as it comes back, against a real cloud on a clock that moves when told. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { noPeers } from "../../gateway/ports/peer-link.ts";
import { type RunningSite, startSite } from "../../gateway/site.ts";
import { enrol } from "../../gateway/sync/enrol.ts";
import { type Fetch, HttpCloudLink } from "../../gateway/sync/http-cloud-link.ts";
import { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { givenCloud, HandClock, type TestCloud } from "../support/cloud.ts";
import { SimDisk } from "../support/sim-disk.ts";
import { aloneOnTheMachine } from "../support/site-store.ts";
import { until } from "../support/until.ts";

/** A gateway, its cloud, and the line between them. */
interface Line {
  readonly clock: HandClock;
  readonly cloud: TestCloud;
  readonly site: RunningSite;
  /** Requests to these paths get no answer. */
  broken: RegExp | undefined;
  /** Paths asked so far, the unanswered included. */
  readonly asked: string[];
  reportArrived(): Promise<boolean>;
}

const everything = /./;

/** `jitter`: taken one after the other, the last for ever. */
async function givenLine(t: TestContext, broken: RegExp | undefined, jitter: readonly number[]): Promise<Line> {
  const clock = new HandClock();
  const cloud = await givenCloud({ clock });
  await cloud.ask("POST", "/api/sites", { id: "demo", name: "Demo", zone: "UTC" });
  const { body } = await cloud.ask("POST", "/api/sites/demo/gateways", { name: "gate" });
  const line: { broken: RegExp | undefined; readonly asked: string[] } = { broken: undefined, asked: [] };
  const fetch: Fetch = async (url, init) => {
    const path = new URL(url).pathname;
    line.asked.push(path);
    if (line.broken?.test(path)) throw new TypeError("fetch failed");
    return cloud.app.request(url, init);
  };
  const { enrolled, privateKey } = await enrol("http://cloud", new SecretString(body.code), "1", fetch);
  line.broken = broken;
  const left = [...jitter];
  const site = await startSite({
    gateway: enrolled.gateway,
    epoch: enrolled.epoch,
    version: "1.2.3",
    folder: "/data",
    accessPoints: [],
    devices: [],
    seal: new CredentialSeal("demo", Buffer.from(enrolled.siteKey, "base64url")),
    link: new HttpCloudLink("http://cloud", { gateway: enrolled.gateway, privateKey }, clock, fetch),
    peers: noPeers,
    systemClockWithinMs: undefined,
    clock,
    disk: new SimDisk().mount(),
    logger: silentLogger,
    random: () => (left.length > 1 ? left.shift()! : left[0]!),
    onFailed: (error) => {
      throw error;
    },
    processes: aloneOnTheMachine,
  });
  t.after(async () => {
    await site.stop();
    await cloud.close();
  });
  return Object.assign(line, {
    clock,
    cloud,
    site,
    async reportArrived() {
      const { body } = await cloud.ask("GET", "/api/sites/demo/gateways");
      return body.items[0].version === "1.2.3" && body.items[0].reportedAt !== null;
    },
  });
}

const timesAsked = ({ asked }: Line, path: RegExp) => asked.filter((one) => path.test(one)).length;

test("the first to reach the cloud again wakes those that still wait", async (t) => {
  const line = await givenLine(t, everything, [0.2, 0.9]);
  await until("poll and report have failed", () => timesAsked(line, /time$/) === 2);
  await until("both wait", () => line.clock.sleepers >= 2);

  line.broken = undefined;
  line.clock.advance(500);

  await until("it is online", () => line.site.sync.state === "online");
  await until("its events are in the cloud", () => line.site.sync.queue === 0);
  await until("its report is in the cloud", () => line.reportArrived());
});

test("a cloud that answers polls and takes no events is not asked to take them at every answer", async (t) => {
  const line = await givenLine(t, /journal$/, [0.9]);
  await until("it is online", () => line.site.sync.state === "online");

  for (let change = 0; change < 8; change += 1) {
    const polls = timesAsked(line, /feed$/);
    await line.cloud.ask("PATCH", "/api/sites/demo", { name: `Demo ${change}` });
    await until("the change was fetched", () => timesAsked(line, /feed$/) > polls);
  }

  const pushes = timesAsked(line, /journal$/);
  assert.ok(pushes >= 1 && pushes <= 3, `${pushes} pushes`);
});
