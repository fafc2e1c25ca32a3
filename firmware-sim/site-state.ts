/** What the control page and its API show: the boxes, the cable, and what gateway and cloud say of themselves when they can be asked. */
import { z } from "zod";
import type { Clock } from "../gateway/ports/clock.ts";
import { answerText } from "./answer-text.ts";
import type { BookedStays, StaysView } from "./booked-stays.ts";
import type { Make, PlayedLock, PlayedView } from "./played-lock.ts";
import type { CloudAccess, RemoteUnlock, RemoteUnlocks } from "./remote-unlocks.ts";
import type { TimeMachine, TimeView } from "./time-machine.ts";

/** A code to try. `note`: where it works. */
export interface Hint {
  readonly label: string;
  readonly pin: string;
  readonly note: string;
}

/** Where people sign in at the cloud, and as whom. */
export interface SignIn {
  readonly url: string;
  readonly people: readonly { readonly label: string; readonly userName: string; readonly password: string }[];
}

export interface LockState extends PlayedView {
  readonly id: string;
  readonly name: string;
  /** Absent: it is a lockbox of ours. */
  readonly make?: Make;
  /** It and the gateway reach each other. */
  readonly connected: boolean;
  /** The last time it was unlocked from afar, null: never; absent: there is no cloud to ask that of. */
  readonly unlock?: RemoteUnlock | null;
}

/** What the gateway's status page says, as far as it is shown here. */
export interface GatewayState {
  /** False: it does not answer; the rest is what it said last. */
  readonly reachable: boolean;
  readonly sync: string;
  readonly lastSyncAgoMs: number | null;
  /** Events the cloud does not have yet. */
  readonly queue: number;
  readonly durableSeq: number;
  readonly lockdown: boolean;
  /** How far it believes its clock: "synced", "holdover", "unset". */
  readonly clock: string;
  readonly accessPoints: readonly {
    readonly id: string;
    readonly name: string;
    /** The device that holds it. */
    readonly lock: string;
    readonly lockedOutMs: number;
  }[];
  readonly devices: readonly { readonly id: string; readonly link: string }[];
}

/** An event as the gateway wrote it down. Fields that its type does not have are absent. */
export type DecidedEvent = z.infer<typeof decidedEvent>;

/** An event as the cloud has received it. */
export type ReceivedEvent = z.infer<typeof receivedEvent>;

export interface SiteState {
  readonly boxes: readonly LockState[];
  /** Of other makers. */
  readonly locks: readonly LockState[];
  /** null: there is no cable of ours to pull. */
  readonly internet: { readonly on: boolean } | null;
  /** null: there is no cloud to ask. */
  readonly cloud: {
    readonly running: boolean;
    /** Not stopped on purpose: where it does not run, it is on its way back. */
    readonly wanted: boolean;
    readonly reachable: boolean;
    /** Whether this program can stop and start it. */
    readonly controlled: boolean;
  } | null;
  /** null: it has not answered yet. */
  readonly gateway: GatewayState | null;
  /** Its status page. */
  readonly gatewayUrl: string;
  /** Whether this program can kill the gateway. */
  readonly gatewayControlled: boolean;
  /** Newest first, at most 50. */
  readonly decided: readonly DecidedEvent[];
  /** Newest first, at most 50. */
  readonly received: readonly ReceivedEvent[];
  readonly hints: readonly Hint[];
  /** null: nobody is known. */
  readonly signIn: SignIn | null;
  /** null: nothing is let here. */
  readonly stays: StaysView | null;
  /** null: it is the machine's. */
  readonly time: TimeView | null;
}

/** The other programs of the site, as whoever started them can end and start them. */
export interface SiteProcesses {
  cloudRunning(): boolean;
  /** Started and not stopped by stopCloud(): whoever started it brings it back when it ends by itself. */
  cloudWanted(): boolean;
  stopCloud(): Promise<void>;
  startCloud(): Promise<void>;
  /** Kills the gateway without warning and starts it again. */
  killGateway(): Promise<void>;
}

export interface SiteStateOptions {
  readonly boxes: readonly PlayedLock[];
  readonly locks: readonly PlayedLock[];
  readonly gatewayUrl: string;
  readonly cloud?: CloudAccess | undefined;
  readonly unlocks?: RemoteUnlocks | undefined;
  readonly internet?: { readonly on: boolean } | undefined;
  readonly processes?: SiteProcesses | undefined;
  readonly hints: readonly Hint[];
  readonly signIn?: SignIn | undefined;
  readonly stays?: BookedStays | undefined;
  readonly time?: TimeMachine | undefined;
  readonly clock: Clock;
}

const askMs = 2_000;
const everyMs = 1_000;
const eventsShown = 50;

const statusShape = z.object({
  site: z.object({ lockdown: z.boolean() }).nullable(),
  sync: z.object({ state: z.string(), lastSyncAgoMs: z.number().nullable(), queue: z.number() }),
  journal: z.object({ durableSeq: z.number() }),
  clock: z.object({ trust: z.string() }),
  accessPoints: z.array(z.object({ id: z.string(), name: z.string(), lock: z.string(), lockedOutMs: z.number() })),
  devices: z.array(z.object({ id: z.string(), link: z.string() })),
});

const decidedEvent = z.object({
  seq: z.number(),
  at: z.number(),
  type: z.string(),
  accessPoint: z.string().optional(),
  device: z.string().optional(),
  grant: z.string().optional(),
  action: z.string().optional(),
  reason: z.string().optional(),
  result: z.string().optional(),
  state: z.string().optional(),
  why: z.string().optional(),
  of: z.number().optional(),
  command: z.number().optional(),
  by: z.string().optional(),
  change: z.string().optional(),
  left: z.number().nullable().optional(),
  percent: z.number().optional(),
  active: z.boolean().optional(),
  lockedOutMs: z.number().optional(),
});
const decidedShape = z.object({ events: z.array(decidedEvent) });

const receivedEvent = z.object({
  seq: z.number(),
  at: z.string(),
  receivedAt: z.string(),
  type: z.string(),
  accessPoint: z.string().nullable(),
  grant: z.string().nullable(),
  reason: z.string().nullable(),
});
const receivedShape = z.object({ items: z.array(receivedEvent) });

/** Keeps the state up to date while it runs. Whoever is away is shown as away; nothing here throws for it. */
export class SiteStateWatch {
  readonly #options: SiteStateOptions;
  readonly #listeners = new Set<() => void>();
  #gateway: GatewayState | null = null;
  #decided: readonly DecidedEvent[] = [];
  #cloudReachable = false;
  #received: readonly ReceivedEvent[] = [];
  #wake = new AbortController();
  #told = "";

  constructor(options: SiteStateOptions) {
    this.#options = options;
  }

  state(): SiteState {
    const { boxes, locks, internet, cloud, processes, hints } = this.#options;
    return {
      boxes: boxes.map((box) => this.#lockState(box)),
      locks: locks.map((lock) => this.#lockState(lock)),
      internet: internet ? { on: internet.on } : null,
      cloud: cloud
        ? {
            running: processes?.cloudRunning() ?? this.#cloudReachable,
            wanted: processes?.cloudWanted() ?? this.#cloudReachable,
            reachable: this.#cloudReachable,
            controlled: processes !== undefined,
          }
        : null,
      gateway: this.#gateway,
      gatewayUrl: this.#options.gatewayUrl,
      gatewayControlled: processes !== undefined,
      decided: this.#decided,
      received: this.#received,
      hints,
      signIn: this.#options.signIn ?? null,
      stays: this.#options.stays?.view() ?? null,
      time: this.#options.time?.view() ?? null,
    };
  }

  /** The access point that a lock holds, as far as the gateway has told. */
  accessPointOf(lock: string): string | undefined {
    return this.#gateway?.accessPoints.find((accessPoint) => accessPoint.lock === lock)?.id;
  }

  /** Called after the state has changed. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Asks gateway and cloud now rather than at the next turn. */
  refresh(): void {
    this.#wake.abort();
  }

  /** Until the signal fires. */
  async run(signal: AbortSignal): Promise<void> {
    const { boxes, locks, stays, clock } = this.#options;
    const ends = [...boxes, ...locks].map((lock) => lock.onChange(() => this.#tell()));
    while (!signal.aborted) {
      this.#wake = new AbortController();
      const until = AbortSignal.any([signal, this.#wake.signal]);
      await Promise.all([this.#askGateway(signal), this.#askCloud(signal), stays?.lookNowAndThen(signal)]);
      this.#tell();
      await clock.sleep(everyMs, until).catch(() => undefined);
    }
    for (const end of ends) end();
  }

  #lockState(lock: PlayedLock): LockState {
    const { unlocks } = this.#options;
    const { id, name, make } = lock;
    const isOnline =
      this.#gateway?.reachable && this.#gateway.devices.some((one) => one.id === id && one.link === "online");
    return {
      ...{ id, name, connected: isOnline ?? false },
      ...(make && { make }),
      ...(unlocks && { unlock: unlocks.of(this.accessPointOf(id) ?? "") }),
      ...lock.view(),
    };
  }

  async #askGateway(signal: AbortSignal): Promise<void> {
    const { gatewayUrl } = this.#options;
    const [status, events] = await Promise.all([
      ask(`${gatewayUrl}/api/status`, {}, statusShape, signal),
      ask(`${gatewayUrl}/api/events?limit=${eventsShown}`, {}, decidedShape, signal),
    ]);
    if (events) {
      this.#decided = events.events.slice(0, eventsShown);
      this.#options.unlocks?.hear(this.#decided);
    }
    if (status)
      this.#gateway = {
        reachable: true,
        sync: status.sync.state,
        lastSyncAgoMs: status.sync.lastSyncAgoMs,
        queue: status.sync.queue,
        durableSeq: status.journal.durableSeq,
        lockdown: status.site?.lockdown ?? false,
        clock: status.clock.trust,
        accessPoints: status.accessPoints,
        devices: status.devices,
      };
    else if (this.#gateway) this.#gateway = { ...this.#gateway, reachable: false };
  }

  async #askCloud(signal: AbortSignal): Promise<void> {
    const { cloud } = this.#options;
    if (!cloud) return;
    const url = `${cloud.url}/api/sites/${encodeURIComponent(cloud.site)}/events?limit=${eventsShown}`;
    const page = await ask(url, { authorization: `Bearer ${cloud.adminToken}` }, receivedShape, signal);
    this.#cloudReachable = page !== undefined;
    if (page) this.#received = page.items.slice(0, eventsShown);
  }

  #tell(): void {
    const text = JSON.stringify(this.state());
    if (text === this.#told) return;
    this.#told = text;
    for (const listener of this.#listeners) listener();
  }
}

/** undefined when there was no answer in time, or not the one expected. */
async function ask<T>(
  url: string,
  headers: Record<string, string>,
  shape: z.ZodType<T>,
  signal: AbortSignal,
): Promise<T | undefined> {
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.any([signal, AbortSignal.timeout(askMs)]) });
    if (!response.ok) {
      await response.body?.cancel();
      return undefined;
    }
    const read = shape.safeParse(JSON.parse(await answerText(response)));
    return read.success ? read.data : undefined;
  } catch {
    return undefined;
  }
}
