/**
 * One site at work: its records, its journal, its devices and its line to the cloud. What needs sockets of its own (broker, LAN
 * pages) stands around it in gateway.ts, so that a simulation runs this very code on a clock, a disk and a network of its own.
 */
import type { AccessPoint } from "./domain/access-point.ts";
import type { Millis } from "./domain/instant.ts";
import { Questions } from "./domain/questions.ts";
import { holderId } from "./domain/rights.ts";
import type { SiteRecords } from "./domain/site-records.ts";
import { answerOrders } from "./flows/answer-orders.ts";
import { describeDoor } from "./flows/describe-door.ts";
import { keepHolds } from "./flows/hold-open.ts";
import { InTurn } from "./flows/in-turn.ts";
import { keepCodes } from "./flows/keep-codes.ts";
import { News } from "./flows/news.ts";
import { reconcileSite } from "./flows/reconcile-site.ts";
import { resumeRelock } from "./flows/release-strike.ts";
import type { SiteParts } from "./flows/site-parts.ts";
import { startDevice } from "./flows/start-device.ts";
import { watchDevice } from "./flows/watch-device.ts";
import type { Clock } from "./ports/clock.ts";
import type { CloudLink } from "./ports/cloud-link.ts";
import type { Device } from "./ports/device.ts";
import type { Disk } from "./ports/disk.ts";
import type { GrantCache } from "./ports/grant-cache.ts";
import type { Logger } from "./ports/logger.ts";
import type { PeerLink } from "./ports/peer-link.ts";
import type { ProcessTable } from "./storage/data-folder.ts";
import { openSiteStore, type StoreLimits } from "./storage/open-site-store.ts";
import { type EpochRenewal, SyncLoop } from "./sync/sync-loop.ts";
import { TimeKeeper } from "./time-keeper.ts";
import type { CredentialSeal } from "./wire/credential-seal.ts";
import { questionLifeMs } from "./wire/gateway-api.ts";

export interface SiteOptions {
  readonly gateway: string;
  readonly epoch: number;
  readonly version: string;
  /** The data folder: journal, snapshots, lock file. */
  readonly folder: string;
  readonly accessPoints: readonly AccessPoint[];
  readonly devices: readonly Device[];
  /** By device, for people; a device without one is reported without. */
  readonly drivers?: ReadonlyMap<string, string>;
  /** Told of the records before anything is started. */
  readonly recordsRead?: (records: SiteRecords) => void;
  readonly seal: CredentialSeal;
  readonly link: CloudLink;
  /** The other gateways of the site. */
  readonly peers: PeerLink;
  /** The system's clock is right within this; undefined: nobody vouches for it, wait for the cloud. */
  readonly systemClockWithinMs: Millis | undefined;
  /** Asked again while the clock is unset: a time service may set the system's clock after the start. Same answer as above. */
  readonly vouchAgain?: () => Promise<Millis | undefined>;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly logger: Logger;
  /** [0, 1), for jitter. */
  readonly random: () => number;
  /** The disk failed: nothing is admitted any more; the process should end and come back from its journal. */
  readonly onFailed: (error: Error) => void;
  /** How a new epoch begins when records were lost; without it the site admits nobody any more then. */
  readonly renewal?: EpochRenewal;
  /** One turn of the event loop; the journal yields by it between group commits. */
  readonly nextTurn?: () => Promise<void>;
  /** Sizes of segments and snapshots other than the usual. */
  readonly limits?: Partial<StoreLimits>;
  /** Who else may own the data folder; the machine's processes where not given. */
  readonly processes?: ProcessTable;
}

export interface RunningSite {
  readonly parts: SiteParts;
  readonly cache: GrantCache;
  readonly sync: SyncLoop;
  /** Stops devices, sync and journal in this order, snapshot included. */
  stop(): Promise<void>;
}

const tickEveryMs: Millis = 5 * 60_000;
const waitingPerAccessPoint = 16;
const startPatienceMs: Millis = 2_000;

/** Rejects as openSiteStore does; nothing is left open then. A device that cannot start is tried again. */
export async function startSite(options: SiteOptions): Promise<RunningSite> {
  const { clock, logger, devices } = options;
  const time = new TimeKeeper(clock);
  const store = await openSiteStore({
    ...options,
    accessPoints: options.accessPoints.map(({ id }) => id),
    time: () => ({ at: Math.round(time.interval().earliest), trust: time.trust() }),
    loaded: (records) => {
      time.remember(() => records);
      options.recordsRead?.(records);
      if (options.systemClockWithinMs !== undefined) time.believeSystem(options.systemClockWithinMs);
    },
  });
  const { journal, cache } = store;
  const stopping = new AbortController();
  const parts: SiteParts = {
    records: cache.records,
    journal,
    seal: options.seal,
    clock,
    time,
    accessPoints: new Map(options.accessPoints.map((point) => [point.id, point])),
    devices: new Map(devices.map((device) => [device.id, device])),
    drivers: options.drivers ?? new Map(),
    releases: new Map(),
    heldUntil: new Map(),
    attentions: new Map(),
    news: new News(),
    lineBack: new News(),
    holder: holderId(options.gateway, options.epoch),
    peers: options.peers,
    receivedAt: new Map(),
    scannedAt: new Map(),
    questions: new Questions(questionLifeMs),
    answers: new Map(),
    inTurn: new InTurn(waitingPerAccessPoint),
    logger,
    stopping: stopping.signal,
  };
  const sync = new SyncLoop({
    link: options.link,
    records: cache.records,
    journal,
    epoch: options.epoch,
    clock,
    logger: logger.child({ part: "sync" }),
    random: options.random,
    reconcile: (reply, askedAt, answeredAt) => reconcileSite(parts, time, reply, askedAt, answeredAt),
    onOnline: () => {
      void tick();
      parts.lineBack.tell();
    },
    renewal: options.renewal,
    report: () => ({
      version: options.version,
      ...(options.peers.address !== undefined && { lan: options.peers.address }),
      accessPoints: options.accessPoints.map((point) => describeDoor(point, parts.devices)),
      devices: devices.map((device) => {
        const { link, battery, firmware, attention = parts.attentions.get(device.id) } = device.status();
        const driver = options.drivers?.get(device.id);
        return {
          id: device.id,
          link,
          ...(battery !== undefined && { battery }),
          ...(firmware !== undefined && { firmware }),
          ...(driver !== undefined && { driver }),
          ...(attention !== undefined && { attention: plain(attention) }),
        };
      }),
    }),
  });

  for (const device of devices) watchDevice(parts, device);
  await startDevices();
  for (const accessPoint of options.accessPoints) resumeRelock(parts, accessPoint, store.recordsWereLost);
  answerOrders(parts);
  sync.start(stopping.signal);
  const ticking = keepTime();
  const holding = keepHolds(parts);
  const keeping = keepCodes(parts);

  async function keepTime(): Promise<void> {
    while (!stopping.signal.aborted) {
      await clock.sleep(tickEveryMs, stopping.signal).catch(() => undefined);
      // Once more at the stop: a start without a line counts the records' age from here.
      await tick();
    }
  }

  /** Writes down how late it is and how fresh the records are. */
  async function tick(): Promise<void> {
    if (journal.state === "failed") return;
    try {
      if (time.trust() === "unset") {
        const withinMs = await options.vouchAgain?.();
        if (withinMs !== undefined) time.believeSystem(withinMs);
      }
      const at = Math.round(time.interval().earliest);
      const borneOut = time.isBorneOut;
      await journal.record({ kind: "tick", at, syncedAt: time.syncedAtWall(), ...(borneOut && { borneOut }) }).durable;
      if (store.dueForSnapshot && !stopping.signal.aborted) await cache.snapshot();
    } catch (error) {
      logger.error("tick-failed", { error: error as Error });
    }
  }

  /** Waits a little for all of them, because the broker turns away whose driver does not listen yet. */
  async function startDevices(): Promise<void> {
    const enough = new AbortController();
    const started = Promise.all(devices.map((device) => startDevice(parts, device))).finally(() => enough.abort());
    const patience = clock.sleep(startPatienceMs, enough.signal).catch(() => undefined);
    await Promise.race([started, patience]);
  }

  /** One that does not stop keeps neither the others nor the journal open. */
  async function stopDevices(): Promise<void> {
    const stopped = await Promise.allSettled(devices.map(async (device) => device.stop()));
    for (const [index, one] of stopped.entries())
      if (one.status === "rejected")
        logger.error("device-stop-failed", { device: devices[index]!.id, error: one.reason });
  }

  return {
    parts,
    cache,
    sync,
    stop: async () => {
      stopping.abort();
      await stopDevices();
      await parts.inTurn.idle();
      await Promise.all([sync.stopped(), ticking, holding, keeping]);
      await store.close();
    },
  };
}

/** As a report may say it: a text that it may not say would have the whole of it refused. */
function plain(text: string): string {
  return text
    .replace(/\p{Cc}/gu, " ")
    .slice(0, 500)
    .toWellFormed();
}
