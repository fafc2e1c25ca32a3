/**
 * The locks of one place, reached through its hub's socket as ring-client-api keeps it; in the child process. The library's own command returns
 * nothing and keeps what it cannot send for later; so here a command leaves at once on a socket that was just proven alive, or not at all.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Location } from "ring-client-api";
import { type Answer, type Facts, factsOf, isLock, type RingDocument, readDocument } from "./wire.ts";

export interface HubEvents {
  here(zid: string, facts: Facts): void;
  gone(zid: string, why: string): void;
  /** Only a new start helps. */
  broken(why: string): void;
}

interface KnownLock {
  document: RingDocument;
  asset: string;
  isHere: boolean;
}

const list = "DeviceInfoDocGetList";
const documents = "DeviceInfoDocType";
/** Sockets to Ring are renewed now and then; a shorter gap is no news. */
const graceMs = 3_000;
/** A line that says nothing may be dead. */
const proveEveryMs = 300_000;
const proofMs = 15_000;
/** Parts of a command's time: until the hub must have answered before it, until its effect is waited for, until the proof after it. */
const share = { before: 0.5, effect: 0.75, after: 0.95 };

export class RingHub {
  readonly #location: Location;
  readonly #wanted: ReadonlySet<string>;
  readonly #events: HubEvents;
  readonly #locks = new Map<string, KnownLock>();
  readonly #offline = new Set<string>();
  /** Lists asked for and got on this socket, by hub: the last one got answers the last one asked for when both counts are the same. */
  readonly #asked = new Map<string, number>();
  readonly #got = new Map<string, number>();
  /** Called with whatever comes of a lock. */
  readonly #watchers = new Set<(zid: string, news: RingDocument) => void>();
  readonly #listWatchers = new Set<() => void>();
  /** Another number for each time that a socket comes or goes. */
  #socket = 0;

  constructor(location: Location, wanted: ReadonlySet<string>, events: HubEvents) {
    this.#location = location;
    this.#wanted = wanted;
    this.#events = events;
  }

  open(): void {
    const location = this.#location;
    const send = location.sendMessage.bind(location);
    location.sendMessage = (message) => {
      if (message.msg === list) this.#asked.set(message.dst, (this.#asked.get(message.dst) ?? 0) + 1);
      return send(message);
    };
    location.onMessage.subscribe(({ msg, src, body }) => {
      if (msg === list && Array.isArray(body)) this.#listed(src, body);
    });
    location.onDataUpdate.subscribe(({ datatype, src, body }) => {
      if (datatype === documents && Array.isArray(body)) for (const each of body) this.#learn(src, each);
    });
    location.onSessionInfo.subscribe((sessions) => {
      if (!Array.isArray(sessions)) return;
      for (const { assetUuid, connectionStatus } of sessions) this.#turn(assetUuid, connectionStatus === "online");
    });
    location.onConnected.subscribe((isConnected) => {
      if (isConnected) this.#joined();
      else void this.#left();
    });
    location.getConnection().catch((error: Error) => this.#events.broken(`no way to its hub: ${error.message}`));
    void this.#keepProving();
  }

  knows(zid: string): boolean {
    return this.#locks.has(zid);
  }

  /** What the place has, for a person who looks for an id. */
  get found(): string[] {
    return [...this.#locks].map(([zid, { document }]) => `${zid} (${String(document.name)})`);
  }

  async move(zid: string, to: "released" | "secured", budgetMs: number): Promise<Answer> {
    const lock = this.#locks.get(zid);
    if (!lock?.isHere) return { result: "refused", why: "it cannot be reached" };
    const begun = pause(budgetMs * share.before, "late" as const);
    const effectOver = pause(budgetMs * share.effect, "late" as const);
    const proofOver = pause(budgetMs * share.after, "late" as const);
    if (!(await this.#proves(lock.asset, begun))) {
      this.#events.broken("its hub does not answer");
      return { result: "refused", why: "its hub does not answer" };
    }
    const socket = this.#socket;
    const shown = this.#shows(zid, to);
    try {
      if (!lock.isHere || !(await this.#isOpen())) return { result: "refused", why: "the line broke" };
      // Nothing but this turn's own steps lies between the look at the socket and the send.
      const sent = this.#location.sendMessage({
        msg: "DeviceInfoSet",
        datatype: "DeviceInfoSetType",
        dst: lock.asset,
        body: [{ zid, command: { v1: [{ commandType: to === "released" ? "lock.unlock" : "lock.lock", data: {} }] } }],
      });
      await sent;
      if ((await Promise.race([shown.seen, shown.jammed, effectOver])) === "seen") return { result: "confirmed" };
      // An answer to what was asked after the command, on the same socket, proves that the command arrived; and shows what became of it.
      const isProven = (await this.#proves(lock.asset, proofOver)) && socket === this.#socket;
      if ((await Promise.race([shown.seen, undefined])) === "seen") return { result: "confirmed" };
      return isProven ? { result: "accepted" } : { result: "unknown", why: "the line broke after the command" };
    } finally {
      shown.end();
    }
  }

  #shows(zid: string, to: "released" | "secured") {
    const { promise: seen, resolve } = Promise.withResolvers<"seen">();
    const { promise: jammed, resolve: onJam } = Promise.withResolvers<"jammed">();
    const watcher = (of: string, news: RingDocument) => {
      if (of !== zid) return;
      const { bolt } = factsOf(news);
      if (bolt === to) resolve("seen");
      if (bolt === "jammed") onJam("jammed");
    };
    this.#watchers.add(watcher);
    return { seen, jammed, end: () => this.#watchers.delete(watcher) };
  }

  /** The library waits for a socket and would send on the next one, however late. */
  async #isOpen(): Promise<boolean> {
    if (!this.#location.onConnected.value) return false;
    const socket = await this.#location.getConnection();
    return this.#location.onConnected.value && socket.readyState === WebSocket.OPEN;
  }

  /** Whether the hub answers, on the socket that is open now. */
  async #proves(asset: string, over: Promise<"late">): Promise<boolean> {
    if (!(await this.#isOpen())) return false;
    const socket = this.#socket;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    await this.#location.requestList(list, asset);
    const asked = this.#asked.get(asset) ?? 0;
    const watcher = () => {
      if (socket !== this.#socket) resolve(false);
      else if ((this.#got.get(asset) ?? 0) >= asked) resolve(true);
    };
    this.#listWatchers.add(watcher);
    void over.then(() => resolve(false));
    try {
      return await promise;
    } finally {
      this.#listWatchers.delete(watcher);
    }
  }

  async #keepProving(): Promise<void> {
    for (;;) {
      await pause(proveEveryMs, undefined, { ref: false });
      for (const asset of new Set([...this.#locks.values()].flatMap(({ isHere, asset }) => (isHere ? [asset] : []))))
        if (!(await this.#proves(asset, pause(proofMs, "late" as const)))) this.#events.broken("its hub fell silent");
    }
  }

  #joined(): void {
    this.#socket += 1;
    this.#asked.clear();
    this.#got.clear();
    this.#offline.clear();
  }

  async #left(): Promise<void> {
    this.#socket += 1;
    for (const watcher of this.#listWatchers) watcher();
    for (const lock of this.#locks.values()) lock.isHere = false;
    await pause(graceMs);
    for (const [zid, { isHere }] of this.#locks) if (!isHere) this.#events.gone(zid, "no line to Ring");
  }

  #turn(asset: string, isOnline: boolean): void {
    if (isOnline) {
      this.#offline.delete(asset);
      // The library asks one that comes back only where it saw it go.
      void this.#location.requestList(list, asset).catch(() => undefined);
      return;
    }
    this.#offline.add(asset);
    for (const [zid, lock] of this.#locks) {
      if (lock.asset !== asset) continue;
      lock.isHere = false;
      this.#events.gone(zid, "its hub is offline");
    }
  }

  #listed(asset: string, body: readonly unknown[]): void {
    this.#offline.delete(asset);
    for (const each of body) this.#learn(asset, each);
    const asked = this.#asked.get(asset) ?? 0;
    this.#got.set(asset, Math.min((this.#got.get(asset) ?? 0) + 1, asked));
    for (const watcher of this.#listWatchers) watcher();
  }

  #learn(asset: string, body: unknown): void {
    const news = readDocument(body);
    if (!news) return;
    const { zid } = news;
    const known = this.#locks.get(zid);
    if (!known && !isLock(news)) return;
    const lock = known ?? { document: {}, asset, isHere: false };
    lock.document = { ...lock.document, ...news };
    lock.asset = asset;
    lock.isHere = !this.#offline.has(asset);
    this.#locks.set(zid, lock);
    if (lock.isHere && this.#wanted.has(zid)) this.#events.here(zid, factsOf(lock.document));
    for (const watcher of this.#watchers) watcher(zid, news);
  }
}
