/** Somebody guesses PINs at the keypads of a site: how many tries they have, and what they are told. Simulated clock and disk, the rest is real. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CredentialKind } from "../../gateway/domain/credential.ts";
import type { EntryEvent } from "../../gateway/domain/entry-event.ts";
import { Metrics } from "../../gateway/http/metrics.ts";
import { recentEvents } from "../../gateway/http/recent-events.ts";
import { gatewayStatus } from "../../gateway/http/status.ts";
import type { Device, ReportListener } from "../../gateway/ports/device.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { noPeers } from "../../gateway/ports/peer-link.ts";
import { type RunningSite, startSite } from "../../gateway/site.ts";
import { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { noCloud } from "../bench/bench-site.ts";
import { SimClock } from "../support/sim-clock.ts";
import { SimDisk } from "../support/sim-disk.ts";
import { aCredential, aGrant, aPage, aSite, grantRow, noon, siteRow } from "../support/site-fixture.ts";
import { aloneOnTheMachine } from "../support/site-store.ts";
import { until } from "../support/until.ts";

const seal = new CredentialSeal("site-1", new Uint8Array(32));
const keypads = Array.from({ length: 12 }, (_, n) => `keypad-${n}`);

test("given forty wrong PINs over the site's keypads, then the next locks its keypad out, and it is told once, over a kill", async () => {
  const disk = new SimDisk();
  const first = await aSiteOfKeypads(disk);
  for (let n = 0; n < 40; n += 1) await first.enter(keypads[n % 10]!, "999999");
  assert.deepEqual(await first.events("pin-guessing"), []);
  assert.match(await first.metrics(), /^postern_wrong_pins_budget_spent 0$/m);

  await first.enter("keypad-10", "999999");
  await first.enter("keypad-11", "999998");

  assert.equal(first.site.parts.records.lockedOutMs("keypad-10", first.clock.monotonic()), 60_000);
  assert.match(await first.metrics(), /^postern_wrong_pins_last_day 42$/m);
  assert.match(await first.metrics(), /^postern_wrong_pins_budget_spent 1$/m);
  const [told, ...more] = await first.events("pin-guessing");
  assert.partialDeepStrictEqual(told, { wrongPins: 41, keypads: 11 });
  assert.deepEqual(more, []);

  disk.kill();
  const second = await aSiteOfKeypads(disk);
  await second.enter("keypad-10", "471199");
  await second.enter("keypad-10", "guest-pass", "pass");
  assert.deepEqual(second.released, ["keypad-10"], "a right PIN waits with the keypad, a pass does not");
  await second.wait(60_000);
  await second.enter("keypad-10", "999997");
  assert.equal(second.site.parts.records.lockedOutMs("keypad-10", second.clock.monotonic()), 480_000);
  assert.equal((await second.events("pin-guessing")).length, 1);
  await second.site.stop();
});

/** One grant for all of the keypads, by PIN and pass. */
const known = aPage([
  siteRow(aSite()),
  grantRow(
    aGrant("guest", {
      kind: "stay",
      accessPoints: keypads,
      credentials: [
        aCredential(seal.index("pin", "471199"), { id: "pin" }),
        aCredential(seal.index("pass", "guest-pass"), { id: "pass", kind: "pass" }),
      ],
    }),
  ),
]);

async function aSiteOfKeypads(disk: SimDisk) {
  const clock = new SimClock(noon);
  const released: string[] = [];
  const listeners = new Map<string, ReportListener>();
  const devices = keypads.map(
    (id): Device => ({
      id,
      start: async () => undefined,
      stop: async () => undefined,
      status: () => ({ link: "online", since: 0 }),
      subscribe: (listener) => {
        listeners.set(id, listener);
        return () => undefined;
      },
      lock: {
        release: async () => {
          released.push(id);
          return "confirmed";
        },
        secure: async () => "confirmed",
        state: () => ({ bolt: "secured", basis: "reported" }),
      },
    }),
  );
  const site = await startSite({
    gateway: "gateway-1",
    epoch: 1,
    version: "test",
    folder: "/data",
    accessPoints: keypads.map((id) => ({ id, name: id, lock: id, readers: [id], holdMs: 1_000 })),
    devices,
    seal,
    link: noCloud,
    peers: noPeers,
    systemClockWithinMs: 1_000,
    clock,
    disk: disk.mount(),
    logger: silentLogger,
    random: () => 0.5,
    onFailed: (error) => {
      throw error;
    },
    processes: aloneOnTheMachine,
  });
  await site.parts.journal.record({ kind: "page", page: known, at: noon }).durable;
  let seq = Math.max(0, ...(await presses(site)));
  return {
    site,
    clock,
    released,
    /** Resolves when the press has been answered and all of it is on the disk. */
    async enter(keypad: string, value: string, kind: CredentialKind = "pin"): Promise<void> {
      const origin = { device: keypad, boot: 1, seq: ++seq };
      const pressedAt = clock.monotonic();
      await listeners.get(keypad)!({
        type: "credential-presented",
        kind,
        value: new SecretString(value),
        pressedAt,
        origin,
      });
      await until(
        "the press is answered",
        () => !site.parts.records.unfinished().some(({ kind }) => kind !== "command"),
      );
      await site.parts.journal.flushed();
    },
    wait: async (ms: number) => {
      for (const end = clock.monotonic() + ms; clock.step(end); ) await new Promise((resolve) => setImmediate(resolve));
    },
    events: async (type: EntryEvent["type"]) =>
      (await recentEvents(site.parts.journal, 1_000)).filter((event) => event.type === type),
    async metrics(): Promise<string> {
      const status = await gatewayStatus({
        site: site.parts,
        name: "gateway",
        version: "test",
        machine: "machine",
        hosts: [],
        startedAt: 0,
        drivers: new Map(),
        sync: () => ({ state: "offline", queue: 0 }),
        broker: () => ({}),
        freeBytes: async () => 1,
        peerReached: () => undefined,
      });
      return new Metrics().text(status, {});
    },
  };
}

/** Numbers of the presses written down so far. */
async function presses(site: RunningSite): Promise<number[]> {
  return (await recentEvents(site.parts.journal, 1_000)).flatMap((event) =>
    "press" in event && event.press ? [event.press.seq] : [],
  );
}
