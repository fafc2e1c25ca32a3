/** A gateway with locks that keep codes of their own, on simulated clock and disk; guests come and go by pages of the feed. */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { EntryEvent } from "../../gateway/domain/entry-event.ts";
import type { FeedRow } from "../../gateway/domain/feed.ts";
import type { Grant } from "../../gateway/domain/grant.ts";
import { recentEvents } from "../../gateway/http/recent-events.ts";
import type { Device } from "../../gateway/ports/device.ts";
import type { RunningSite } from "../../gateway/site.ts";
import { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import type { CodeLock } from "./code-lock.ts";
import { startLoneSite } from "./lone-site.ts";
import { SimClock } from "./sim-clock.ts";
import { SimDisk } from "./sim-disk.ts";
import { aDay, aGrant, aPage, aSite, goneRow, grantRow, integrationRow, noon, siteRow } from "./site-fixture.ts";

const seal = new CredentialSeal("site-1", new Uint8Array(32).fill(5));
const turnsEach = 12;

export interface Guest {
  readonly id: string;
  /** Or the address of a member's account. */
  readonly pin: string;
  readonly from: number;
  readonly until: number;
  /** Lock ids; all where not given. */
  readonly locks?: readonly string[];
  readonly change?: Partial<Grant>;
}

export class CodeSite<Lock extends { readonly device: Device } = CodeLock> {
  readonly clock: SimClock;
  readonly locks: readonly Lock[];
  #disk = new SimDisk();
  #running: RunningSite | undefined;
  #version = 0;

  private constructor(clock: SimClock, locks: readonly Lock[]) {
    this.clock = clock;
    this.locks = locks;
  }

  static async start<Lock extends { readonly device: Device } = CodeLock>(
    build: (clock: SimClock) => readonly Lock[] | Promise<readonly Lock[]>,
    begin = noon,
  ): Promise<CodeSite<Lock>> {
    const clock = new SimClock(begin);
    const site = new CodeSite(clock, await build(clock));
    await site.#start();
    await site.hear(siteRow(aSite()));
    return site;
  }

  get running(): RunningSite {
    if (!this.#running) throw new Error("the gateway is off");
    return this.#running;
  }

  async #start(): Promise<void> {
    this.#running = await startLoneSite({
      clock: this.clock,
      disk: this.#disk.mount(),
      seal,
      devices: this.locks.map(({ device }) => device),
      // Each might as well be of a maker's account.
      drivers: new Map(this.locks.map(({ device }) => [device.id, "kisi"])),
      accessPoints: this.locks.map(({ device: { id } }) => ({ id, name: id, lock: id, readers: [], holdMs: 5_000 })),
    });
  }

  /** Each write takes so long, 0 ms again in the end; what is written meanwhile is awaited while time passes. */
  slowDisk(ms: number): void {
    this.#disk.pause = async ({ name }) => {
      if (name === "write") await this.clock.sleep(ms);
    };
    if (ms === 0) this.#disk.pause = undefined;
  }

  async restart(): Promise<void> {
    await this.running.stop();
    await this.#start();
  }

  /** The process is gone between two operations; what it awaits never comes. */
  async killAndStart(): Promise<void> {
    this.#disk.kill();
    this.#disk = this.#disk.copy();
    await this.#start();
  }

  async pass(ms: number): Promise<void> {
    const end = this.clock.monotonic() + ms;
    do for (let turn = 0; turn < turnsEach; turn += 1) await nextTurn();
    while (this.clock.step(end));
  }

  async hear(...rows: readonly FeedRow[]): Promise<void> {
    this.#version += 1;
    const page = aPage(rows, { to: this.#version, reset: this.#version === 1 });
    const { journal, news } = this.running.parts;
    await journal.record({ kind: "page", page, at: Math.floor(this.clock.time) }).durable;
    news.tell();
  }

  /** A new guest, or the same with other dates. */
  async book({ id, pin, from, until, locks, change }: Guest): Promise<void> {
    const kind = pin.includes("@") ? "provider" : "pin";
    const credential = {
      id: credentialOf(id),
      kind,
      index: seal.index(kind, pin),
      sealed: seal.seal(credentialOf(id), pin),
      revoked: false,
    } as const;
    const grant = aGrant(id, {
      kind: kind === "pin" ? "stay" : "member",
      accessPoints: locks ?? this.locks.map(({ device }) => device.id),
      validity: { from, until },
      credentials: [credential],
      ...change,
    });
    await this.hear(grantRow(grant, this.#version + 1));
  }

  /** Its wall clock is that of another zone from now on. */
  async moveTo(zone: string): Promise<void> {
    await this.hear(siteRow(aSite({ zone }), this.#version + 1));
  }

  async cancel(id: string): Promise<void> {
    await this.hear(goneRow("grant", id, this.#version + 1, [id]));
  }

  /** Its locks' account at their maker is switched at the cloud, or given another key. */
  async switchAccount(enabled: boolean, sealed = ""): Promise<void> {
    const integration = { gateway: "gateway-1", provider: "kisi", sealed, enabled };
    await this.hear(integrationRow(integration, this.#version + 1));
  }

  async events<Type extends EntryEvent["type"]>(...types: readonly Type[]): Promise<(EntryEvent & { type: Type })[]> {
    await this.running.parts.journal.flushed();
    const events = (await recentEvents(this.running.parts.journal, 100_000)).reverse();
    return events.filter((event): event is EntryEvent & { type: Type } => types.includes(event.type as Type));
  }

  async stop(): Promise<void> {
    await this.running.stop();
  }
}

/** Ends in ten letters as the cloud's ids do. */
export function credentialOf(guest: string): string {
  return `cred-${guest
    .replaceAll(/[^0-9a-z]/g, "0")
    .slice(0, 9)
    .padStart(9, "0")}1`;
}

export const hour = 3_600_000;
export const minute = 60_000;
export { aDay, noon };
