/** A site's store on any disk, as the storage tests need it. */
import type { EventBody } from "../../gateway/domain/entry-event.ts";
import type { FeedPage, FeedRow } from "../../gateway/domain/feed.ts";
import type { Clock } from "../../gateway/ports/clock.ts";
import type { Disk } from "../../gateway/ports/disk.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import type { ProcessTable } from "../../gateway/storage/data-folder.ts";
import { openSiteStore, type SiteStore, type SiteStoreOptions } from "../../gateway/storage/open-site-store.ts";

/** Stands still until told. */
export class StillClock implements Clock {
  now = 1_000_000;
  wall = () => 1_900_000_000_000 + this.now;
  monotonic = () => this.now;
  sleep = (_ms: number, signal?: AbortSignal) =>
    new Promise<void>((_resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
}

/** Where nobody else runs: a lock that is found belongs to a process that is gone. */
export const aloneOnTheMachine: ProcessTable = {
  self: { pid: 1, bootId: "boot", began: "0" },
  isRunning: () => false,
};

/** Segments of a few lines, so that a short test sees several. */
export const smallLimits = {
  segmentBytes: 8192,
  ballastBytes: 16_384,
  keptBytes: 65_536,
  keptMs: 1000,
  snapshotAfterBytes: 65_536,
};

export function aStore(disk: Disk, folder: string, options: Partial<SiteStoreOptions> = {}): Promise<SiteStore> {
  const clock = options.clock ?? new StillClock();
  return openSiteStore({
    folder,
    disk,
    clock,
    logger: silentLogger,
    gateway: "g1",
    epoch: 1,
    accessPoints: ["front-door"],
    version: "test",
    time: () => ({ at: clock.wall(), trust: "synced" }),
    onFailed: () => undefined,
    nextTurn: () => Promise.resolve(),
    limits: smallLimits,
    processes: aloneOnTheMachine,
    ...options,
  });
}

export const aDenial: EventBody = {
  type: "denied",
  accessPoint: "front-door",
  reason: "QR_EXPIRED",
  via: "pass",
  revision: 1,
};

export function anAdmission(grant: string, left: number): EventBody {
  return {
    type: "admitted",
    accessPoint: "front-door",
    grant,
    credential: `${grant}-pin`,
    via: "pass",
    left,
    revision: 1,
  };
}

export function aGrantRow(id: string, granted: number, ver = 1): FeedRow {
  return {
    kind: "grant",
    id,
    ver,
    sum: Buffer.from(id).toString("hex").padEnd(32, "0").slice(0, 32),
    granted,
    body: {
      id,
      site: "s1",
      kind: "visitor",
      holder: { id: `person-${id}`, name: "Ana Müller" },
      createdBy: "u1",
      accessPoints: ["front-door"],
      validity: { from: 0, until: 4_000_000_000_000 },
      entriesAllowed: granted,
      limitMode: "strict",
      homeGateway: "g1",
      credentials: [{ id: `${id}-pin`, kind: "pass", index: id.padEnd(43, "x"), revoked: false }],
      revoked: false,
      about: {},
    },
  };
}

export function aPage(rows: readonly FeedRow[], to = 1): FeedPage {
  return { feed: "f1", to, reset: to === 1, complete: true, rows };
}
