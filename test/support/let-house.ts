/**
 * A site whose doors are let, as its gateway has it: the feed's rows in the gateway's own records, `decide()` at the doors it decides, and
 * locks that keep codes by themselves, told and read back as a gateway does. Its line and each lock may be cut off.
 */
import { type Circumstances, decide } from "../../gateway/domain/decide.ts";
import type { FeedPage } from "../../gateway/domain/feed.ts";
import type { Grant, Validity } from "../../gateway/domain/grant.ts";
import { SiteRecords } from "../../gateway/domain/site-records.ts";
import type { Clock } from "../../gateway/ports/clock.ts";
import type { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import { toFeedRow } from "../../gateway/wire/feed.ts";
import type { TestGateway } from "./cloud.ts";

/** Both ends by the lock's own clock. */
interface KeptCode {
  readonly credential: string;
  readonly index: string;
  readonly window: Validity;
}

interface KeepingLock {
  isOnline: boolean;
  /** By grant. */
  readonly codes: Map<string, KeptCode>;
}

const codes = {
  lengths: [6],
  digits: "123456789",
  forbiddenPrefixes: ["12"],
  capacity: 100,
  places: { kind: "given" },
  windows: "range",
};

export class LetHouse {
  readonly gateway: TestGateway;
  readonly #clock: Clock;
  readonly #seal: CredentialSeal;
  readonly #records: SiteRecords;
  readonly #locks: ReadonlyMap<string, KeepingLock>;
  readonly #grants = new Map<string, Grant>();
  isOnline = true;

  private constructor(
    gateway: TestGateway,
    { clock, seal, deciding, keeping }: { clock: Clock; seal: CredentialSeal; deciding: string[]; keeping: string[] },
  ) {
    this.gateway = gateway;
    this.#clock = clock;
    this.#seal = seal;
    this.#records = new SiteRecords(gateway.id, [...deciding, ...keeping]);
    this.#locks = new Map(keeping.map((door) => [door, { isOnline: true, codes: new Map() }]));
  }

  /** `deciding`: doors with a keypad that asks the gateway · `keeping`: doors whose lock keeps its codes. */
  static async build(
    gateway: TestGateway,
    parts: { clock: Clock; seal: CredentialSeal; deciding: string[]; keeping: string[] },
  ): Promise<LetHouse> {
    const house = new LetHouse(gateway, parts);
    await gateway.report([
      ...parts.deciding.map((id) => ({ id, lock: `lock-${id}`, reads: true, kinds: ["pin"] })),
      ...parts.keeping.map((id) => ({ id, lock: `lock-${id}`, reads: false, codes })),
    ]);
    return house;
  }

  lock(door: string): KeepingLock {
    const lock = this.#locks.get(door);
    if (!lock) throw new Error(`no lock at ${door}`);
    return lock;
  }

  /** What a gateway does as soon as it hears of news: takes them, sets its locks right, tells what came of it. */
  async work(): Promise<void> {
    if (!this.isOnline) return;
    const first = this.gateway.lines.length + 1;
    await this.#catchUp();
    for (const door of this.#locks.keys()) this.#setRight(door);
    if (this.gateway.lines.length < first) return;
    const { status, text } = await this.gateway.push(first);
    if (status !== 200) throw new Error(`the journal was not taken: ${status} ${text}`);
    await this.gateway.poll();
  }

  opens(door: string, digits: string): boolean {
    const now = this.#clock.wall();
    const index = this.#seal.index("pin", digits);
    const lock = this.#locks.get(door);
    if (lock) return [...lock.codes.values()].some((code) => code.index === index && isWithin(code.window, now));
    const circumstances: Circumstances = { time: { earliest: now, latest: now }, sinceSyncMs: 0, lockedOutMs: 0 };
    const request = { accessPoint: door, presented: { kind: "pin", index } } as const;
    return decide(request, this.#records, circumstances).outcome === "granted";
  }

  async #catchUp(): Promise<void> {
    const { gateway } = this;
    for (;;) {
      const { body, status } = await gateway.poll();
      if (status !== 200) throw new Error(`the poll was answered ${status}`);
      const { feed, to, reset, complete } = body;
      const rows = body.rows.map(toFeedRow);
      const page: FeedPage = { feed, to, reset, complete, rows };
      const hasNews = rows.length > 0 || gateway.cursor.feed !== feed || gateway.cursor.version !== to;
      if (hasNews) this.#records.apply({ kind: "page", page, at: this.#clock.wall() }, this.#clock.monotonic(), 1);
      if (reset) this.#grants.clear();
      for (const row of rows) {
        if (row.kind === "grant") this.#grants.set(row.id, row.body);
        else if (row.kind === "gone") this.#grants.delete(row.id);
      }
      gateway.cursor = { feed, version: to };
      if (!complete) continue;
      if (hasNews) await gateway.poll();
      return;
    }
  }

  #setRight(door: string): void {
    const lock = this.lock(door);
    if (!lock.isOnline) return;
    const now = this.#clock.wall();
    const wanted = new Map(
      [...this.#grants.values()]
        .filter((grant) => grant.accessPoints.includes(door) && !grant.revoked && now < grant.validity.until)
        .flatMap(({ id, validity, credentials }) => {
          const pin = credentials.find(({ kind, revoked }) => kind === "pin" && !revoked);
          return pin?.index === undefined
            ? []
            : [[id, { credential: pin.id, index: pin.index, window: validity }] as const];
        }),
    );
    for (const [grant, code] of lock.codes) {
      if (wanted.has(grant)) continue;
      lock.codes.delete(grant);
      this.#told(door, grant, code, "clear");
    }
    for (const [grant, code] of wanted) {
      const there = lock.codes.get(grant);
      const isThere =
        there?.index === code.index &&
        there.window.from === code.window.from &&
        there.window.until === code.window.until;
      if (isThere) continue;
      lock.codes.set(grant, code);
      this.#told(door, grant, code, "set");
    }
  }

  #told(door: string, grant: string, { credential, index, window }: KeptCode, change: "set" | "clear"): void {
    const facts = { accessPoint: door, device: `lock-${door}`, grant, credential };
    const state = change === "set" ? "present" : "absent";
    this.gateway.record(
      { type: "code-sent", change, window, ...facts },
      { type: "code-answered", result: "accepted", ...facts },
      { type: "code-read", change, state, index, ref: grant, window, ...facts },
    );
  }
}

function isWithin({ from, until }: Validity, now: number): boolean {
  return from <= now && now < until;
}
