/** Records are lost: the gateway tells what it still can, begins a new epoch by itself, and no entry comes back. Real cloud, simulated disk. */
import assert from "node:assert/strict";
import { after, before, type TestContext, test } from "node:test";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { noPeers } from "../../gateway/ports/peer-link.ts";
import { type RunningSite, startSite } from "../../gateway/site.ts";
import { segmentFile } from "../../gateway/storage/journal-segment.ts";
import { enrol } from "../../gateway/sync/enrol.ts";
import { type Fetch, HttpCloudLink } from "../../gateway/sync/http-cloud-link.ts";
import { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { givenCloud, HandClock, type TestCloud } from "../support/cloud.ts";
import { SimDisk } from "../support/sim-disk.ts";
import { aDenial, aloneOnTheMachine } from "../support/site-store.ts";
import { until } from "../support/until.ts";

const clock = new HandClock();
let cloud: TestCloud;
let sites = 0;
before(async () => {
  cloud = await givenCloud({ clock });
});
after(() => cloud.close());

interface CloudEvent {
  readonly epoch: number;
  readonly seq: number;
  readonly type: string;
  readonly endedEpoch?: number;
}

test("an event that was never told is lost: what stands before it is told, the rest is a new epoch's", async (t) => {
  const gate = await aGate(t);
  const site = await gate.boot();
  await gate.isTold();
  const told = site.parts.journal.durableSeq;
  gate.broken = /journal$/;
  for (let i = 0; i < 4; i += 1) await site.parts.journal.recordEvent(aDenial).durable;
  gate.powerCut();
  gate.damage(segmentFile(1), `"seq":${told + 2},`);
  gate.broken = undefined;

  await gate.boot();
  await gate.hasLeft(1);
  await gate.boot();
  await gate.isTold();

  const events = await gate.eventsInCloud();
  const old = events.filter(({ epoch }) => epoch === 1).map(({ seq }) => seq);
  assert.deepEqual(
    old,
    Array.from({ length: told + 1 }, (_, i) => i + 1),
  );
  assert.deepEqual(
    events.filter(({ epoch }) => epoch === 2).map(({ seq, type, endedEpoch }) => [seq, type, endedEpoch]),
    [[1, "boot", 1]],
  );
  assert.equal((await gate.inCloud()).forkAt, null);
  assert.ok(gate.disk.paths.includes("/data/damaged/epoch-1/journal/000001.jsonl"));
});

test("the end of the journal is gone, as when an older image of the card is put back: nothing goes out under its numbers", async (t) => {
  const gate = await aGate(t);
  const site = await gate.boot();
  await gate.isTold();
  const image = gate.image();
  await site.parts.journal.recordEvent(aDenial).durable;
  await site.parts.journal.recordEvent(aDenial).durable;
  await gate.isTold();
  const before = await gate.eventsInCloud();
  gate.powerCut();
  gate.disk = image;

  const again = await gate.boot();
  await gate.hasLeft(1);
  assert.equal(again.parts.records.suspect, true);
  await gate.boot();
  await gate.isTold();

  const events = await gate.eventsInCloud();
  assert.deepEqual(
    events.filter(({ epoch }) => epoch === 1),
    before,
  );
  assert.equal((await gate.inCloud()).forkAt, null);
});

test("an older image of the card is put back, and the start itself takes the number of the one event that is missing", async (t) => {
  const gate = await aGate(t);
  const site = await gate.boot();
  const grant = await gate.grant(3);
  const held = ({ parts: { records } }: RunningSite) => {
    const known = records.grant(grant);
    return known && records.rights(known).held;
  };
  await until("its entries are here", () => held(site) === 3);
  await gate.isTold();
  const image = gate.image();
  await site.parts.journal.recordEvent(admission(grant)).durable;
  await gate.isTold();
  gate.powerCut();
  gate.disk = image;

  const again = await gate.boot();
  await gate.passing("it notices that it told another story before", () => again.parts.records.suspect);
  assert.equal(held(again), 0);
  await gate.hasLeft(1);
});

test("an untold event is damaged where no start reads it, because the snapshots hold what it did", async (t) => {
  const gate = await aGate(t);
  const site = await gate.boot();
  await gate.isTold();
  const told = site.parts.journal.durableSeq;
  gate.broken = /journal$/;
  while (!gate.disk.paths.includes(`/data/${segmentFile(4)}`)) await site.parts.journal.recordEvent(aDenial).durable;
  await site.cache.snapshot();
  await site.cache.snapshot();
  gate.powerCut();
  gate.damage(segmentFile(1), `"seq":${told + 2},`);
  gate.broken = undefined;

  const again = await gate.boot();
  assert.equal(again.parts.records.suspect, false);
  await gate.hasLeft(1);
  await gate.boot();
  await gate.isTold();

  assert.equal((await gate.eventsInCloud()).filter(({ epoch }) => epoch === 1).length, told + 1);
});

test("the answer about the new epoch is lost: it is asked for again, also after a start", async (t) => {
  const gate = await aGate(t);
  await gate.boot();
  await gate.isTold();
  gate.powerCut();
  gate.damage(segmentFile(1), '"seq":1,');
  gate.deaf = /epoch$/;

  await gate.boot();
  await until("it was asked", () => gate.asked.some((path) => /epoch$/.test(path)));
  gate.powerCut();
  const lost = gate.asked.filter((path) => /epoch$/.test(path)).length;
  gate.deaf = undefined;
  await gate.boot();
  await gate.hasLeft(1);
  assert.equal(gate.epoch, 1 + lost + 1);
  await gate.boot();
  await gate.isTold();
});

test("entries of a grant whose row was lost do not come back with the set, neither in this epoch nor in the next", async (t) => {
  const gate = await aGate(t);
  const site = await gate.boot();
  const grant = await gate.grant(3);
  const heldAt = ({ parts: { records } }: RunningSite) => {
    const known = records.grant(grant);
    return known && records.rights(known).held;
  };
  await until("its entries are here", () => heldAt(site) === 3);
  await site.parts.journal.recordEvent(admission(grant)).durable;
  gate.powerCut();
  gate.damage(segmentFile(1), `"id":"${grant}"`);
  gate.broken = /epoch$/;

  const again = await gate.boot();
  assert.equal(again.parts.records.grant(grant), undefined);
  await until("the set has come", () => again.parts.records.grant(grant) !== undefined);
  assert.equal(heldAt(again), 0);
  assert.equal(again.parts.records.suspect, true);
  gate.broken = undefined;
  await gate.hasLeft(1);
  const anew = await gate.boot();
  await until("the set has come", () => anew.parts.records.grant(grant) !== undefined);
  assert.equal(heldAt(anew), 0);
  assert.equal(anew.parts.records.suspect, false);
});

function admission(grant: string) {
  return {
    type: "admitted",
    accessPoint: "front-door",
    grant,
    credential: "c",
    via: "pin",
    left: 2,
    revision: 1,
  } as const;
}

/** The gateway of a site of its own; its process may end and come back. */
async function aGate(t: TestContext) {
  sites += 1;
  const id = `site-${sites}`;
  const api = `/api/sites/${id}`;
  await cloud.ask("POST", "/api/sites", { id, name: "Demo", zone: "UTC" });
  const { body: made } = await cloud.ask("POST", `${api}/gateways`, { name: "gate" });
  let life = { alive: false };
  let site: RunningSite | undefined;
  let isAsked = false;

  const gate = {
    disk: new SimDisk(),
    epoch: 0,
    asked: [] as string[],
    /** Requests to these paths do not arrive; answers from these do not. */
    broken: undefined as RegExp | undefined,
    deaf: undefined as RegExp | undefined,

    async boot(): Promise<RunningSite> {
      const mine = { alive: true };
      life = mine;
      const over: Fetch = async (url, init) => {
        const path = new URL(url).pathname;
        if (!mine.alive) return new Promise(() => undefined);
        gate.asked.push(path);
        if (gate.broken?.test(path)) throw new TypeError("fetch failed");
        const answer = await cloud.app.request(url, init);
        if (gate.deaf?.test(path)) throw new TypeError("fetch failed");
        return mine.alive ? answer : new Promise(() => undefined);
      };
      const { gateway, siteKey } = enrolled;
      const identity = { gateway, privateKey };
      site = await startSite({
        gateway,
        epoch: gate.epoch,
        version: "1.2.3",
        folder: "/data",
        accessPoints: [{ id: "front-door", name: "Front", lock: "box", readers: ["box"], holdMs: 500 }],
        devices: [],
        seal: new CredentialSeal(id, Buffer.from(siteKey, "base64url")),
        link: new HttpCloudLink("http://cloud", { ...identity, epoch: gate.epoch }, clock, over),
        peers: noPeers,
        systemClockWithinMs: 1_000,
        clock,
        disk: gate.disk.mount(),
        logger: silentLogger,
        random: () => 0.5,
        onFailed: (error) => {
          throw error;
        },
        renewal: {
          isAsked,
          async begin(signal) {
            isAsked = true;
            const next = await new HttpCloudLink("http://cloud", identity, clock, over).newEpoch(signal);
            [gate.epoch, isAsked] = [next, false];
          },
        },
        limits: { segmentBytes: 8192, ballastBytes: 1024 },
        processes: aloneOnTheMachine,
      });
      return site;
    },

    powerCut(): void {
      life.alive = false;
      gate.disk.kill();
      site = undefined;
    },

    /** The new epoch is there; the process ends. */
    async hasLeft(epoch: number): Promise<void> {
      await gate.passing("it has left its epoch", () => gate.epoch > epoch);
      gate.powerCut();
    },

    async isTold(): Promise<void> {
      await gate.passing("all is told", () => site?.sync.state === "online" && site.sync.queue === 0);
    },

    /** Waits, and lets pauses pass. */
    passing(what: string, condition: () => boolean): Promise<void> {
      return until(what, () => {
        if (condition()) return true;
        clock.advance(500);
        return false;
      });
    },

    image(): SimDisk {
      const copy = new SimDisk();
      for (const path of gate.disk.paths) copy.replace(path, gate.disk.contents(path));
      return copy;
    },

    /** One bit of the line that holds these words. */
    damage(file: string, words: string): void {
      const bytes = gate.disk.contents(`/data/${file}`).slice();
      const at = Buffer.from(bytes).indexOf(words);
      assert.ok(at > 0, `${words} is not in ${file}`);
      bytes[at] = bytes[at]! ^ 4;
      gate.disk.replace(`/data/${file}`, bytes);
    },

    async grant(entriesAllowed: number): Promise<string> {
      await until("the access point is known", async () => {
        const { body } = await cloud.ask("GET", `${api}/access-points`);
        return body.items.length > 0;
      });
      const now = clock.wall();
      const { body } = await cloud.ask("POST", `${api}/grants`, {
        kind: "temporary",
        holder: { name: "Pat Holder" },
        accessPoints: ["front-door"],
        from: new Date(now - 60_000).toISOString(),
        until: new Date(now + 3_600_000).toISOString(),
        entriesAllowed,
        credentials: [{ kind: "pin" }],
      });
      return body.id;
    },

    async eventsInCloud(): Promise<CloudEvent[]> {
      const { body } = await cloud.ask("GET", `${api}/events?limit=100`);
      const items: { readonly epoch: number; readonly event: CloudEvent }[] = body.items;
      return items
        .map(({ epoch, event }) => ({ ...event, epoch }))
        .toSorted((a, b) => a.epoch - b.epoch || a.seq - b.seq);
    },

    async inCloud() {
      const { body } = await cloud.ask("GET", `${api}/gateways`);
      return body.items[0];
    },
  };
  const { enrolled, privateKey } = await enrol("http://cloud", new SecretString(made.code), "1", async (url, init) =>
    cloud.app.request(url, init),
  );
  gate.epoch = enrolled.epoch;
  t.after(() => gate.powerCut());
  return gate;
}
