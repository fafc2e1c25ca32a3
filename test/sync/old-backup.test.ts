/** The cloud comes back from a backup older than the events that the gateway still keeps. Simulated clock and disk, a cloud of a few lines. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { GatewayError } from "../../gateway/errors.ts";
import type { CloudLink } from "../../gateway/ports/cloud-link.ts";
import { startLoneSite } from "../support/lone-site.ts";
import { SimClock } from "../support/sim-clock.ts";
import { SimDisk } from "../support/sim-disk.ts";
import { aGrant, aSite, grantRow, noon, siteRow } from "../support/site-fixture.ts";
import { aDenial, smallLimits } from "../support/site-store.ts";

test("what was held counts on, and the epoch is left only when the revocations are told", async () => {
  const clock = new SimClock(noon);
  const cloud = new ForgetfulCloud(clock);
  const site = await startLoneSite({
    clock,
    disk: new SimDisk().mount(),
    link: cloud.link,
    limits: { ...smallLimits, keptBytes: 16 * 1024 },
    renewal: { isAsked: false, begin: async () => void cloud.asked.push("epoch") },
  });
  const { journal, records } = site.parts;
  const pass = async (seconds: number) => {
    for (let second = 0; second < seconds; second += 1) {
      for (let turn = 0; turn < 20; turn += 1) await nextTurn();
      clock.step(clock.monotonic() + 1_000);
    }
  };
  for (let event = 0; event < 400; event += 1) await journal.recordEvent(aDenial).durable;
  await pass(60);
  for (let snapshot = 0; snapshot < 3; snapshot += 1) {
    await journal.recordEvent(aDenial).durable;
    await site.cache.snapshot();
    await pass(5);
  }
  await assert.rejects(journal.eventsFrom(10, { maxEvents: 1, maxBytes: 10_000 }), /not kept any more/);
  assert.ok(records.isRevoked("gone"));

  cloud.restore(10);
  await pass(60);

  assert.deepEqual(cloud.asked, ["audit, and its answer was lost", "audit", "epoch"]);
  assert.ok(cloud.revoked.includes("gone"));
  assert.equal(records.suspect, false);
  assert.equal(records.rights(records.grant("grant-1")!).held, 5);
});

/** Takes every event, and after its restore wants an account of which it loses the first. */
class ForgetfulCloud {
  readonly asked: string[] = [];
  revoked: readonly string[] = [];
  readonly #clock: SimClock;
  #next = 1;
  #isRestored = false;

  constructor(clock: SimClock) {
    this.#clock = clock;
  }

  restore(next: number): void {
    this.#next = next;
    this.#isRestored = true;
  }

  readonly link: CloudLink = {
    poll: async ({ cursor }, signal) => {
      await this.#clock.sleep(1_000, signal);
      const feed = this.#isRestored ? "feed-2" : "feed-1";
      const isFresh = cursor.feed !== feed;
      const rows = [
        siteRow(aSite()),
        grantRow(aGrant("grant-1", { entriesAllowed: 5 })),
        grantRow(aGrant("gone", { revoked: !this.#isRestored })),
      ];
      return {
        page: { feed, to: 1, reset: isFresh, complete: true, rows: isFresh ? rows : [] },
        checksum: undefined,
        commands: [],
        serverTime: Math.floor(this.#clock.time),
        heldMs: 1_000,
        journalNext: this.#next,
        auditWanted: this.#isRestored && this.revoked.length === 0,
      };
    },
    push: async ({ first, lines }) => {
      if (first <= this.#next) this.#next = first + lines.length;
      return { outcome: "taken", next: this.#next };
    },
    audit: async ({ revoked }) => {
      if (this.asked.length === 0) {
        this.asked.push("audit, and its answer was lost");
        throw new GatewayError("cloud-unreachable", "the line broke");
      }
      this.asked.push("audit");
      this.revoked = revoked;
    },
    report: async () => undefined,
  };
}
