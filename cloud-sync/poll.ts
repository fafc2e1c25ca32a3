/** A gateway's poll: takes its acknowledgement, waits while there is nothing new, answers with rows and commands. */
import type { Cursor } from "../gateway/domain/feed.ts";
import type { Instant, Millis } from "../gateway/domain/instant.ts";
import { holderId } from "../gateway/domain/rights.ts";
import type { WirePollReply } from "../gateway/wire/feed.ts";
import { headStatement } from "../gateway/wire/gateway-api.ts";
import { protocolVersion } from "../gateway/wire/version.ts";
import { HttpProblem } from "../web/problem.ts";
import type { CloudParts } from "./cloud-parts.ts";
import type { Witness } from "./domain/witness.ts";
import { isSigned } from "./gateway-key.ts";
import { type HandedCommand, handOut, noteMissed } from "./store/commands.ts";
import { feedPage, noteRollback, type PageRequest, renderRows, type StoredPage } from "./store/feed.ts";
import { acknowledge, type GatewayRow, noteResetting, readGateway, witnessOf } from "./store/gateways.ts";

export interface PollQuery {
  readonly feed: string;
  readonly cursor: number;
  readonly waitMs: Millis;
  readonly lastCommand: number;
  /** How far the gateway's journal goes, where it says so; see domain/witness.ts. */
  readonly epoch?: number | undefined;
  readonly boot?: number | undefined;
  readonly beat?: number | undefined;
  readonly seq?: number | undefined;
  readonly head?: string | undefined;
  readonly headSignature?: string | undefined;
}

export const pollHeldMaxMs: Millis = 25_000;
const pageRows = 1_000;
/** A card whose poll was ended by another's waits so long, so that two with one identity do not chase each other. */
const endedRetryMs: Millis = 5_000;
const rollbackEveryMs: Millis = 60 * 60_000;

export class Polls {
  readonly #parts: CloudParts;
  /** Pages being read: gateways woken together, at the same cursor, share one. */
  readonly #reading = new Map<string, Promise<StoredPage | undefined>>();

  /** The poll of each gateway that this process answers; a newer one ends it. */
  readonly #newest = new Map<string, AbortController>();

  /** When a gateway last knew more of a site's feed than the store. */
  readonly #rolledBackAt = new Map<string, number>();

  constructor(parts: CloudParts) {
    this.#parts = parts;
  }

  /** The reply as JSON, at once when the same gateway polls again. `gone` fires when the caller has hung up. */
  async answer(asking: GatewayRow, query: PollQuery, gone: AbortSignal): Promise<string> {
    const ended = new AbortController();
    this.#newest.get(asking.id)?.abort();
    this.#newest.set(asking.id, ended);
    try {
      return await this.#answer(asking, query, gone, ended.signal);
    } finally {
      if (this.#newest.get(asking.id) === ended) this.#newest.delete(asking.id);
    }
  }

  async #answer(asking: GatewayRow, query: PollQuery, gone: AbortSignal, ended: AbortSignal): Promise<string> {
    const { store, clock, logger, stopping } = this.#parts;
    const askedAt = clock.monotonic();
    const cursor = { feed: query.feed, version: query.cursor };
    const target = { site: asking.siteId, gateway: asking.id };
    const acknowledged = { cursor, lastCommand: query.lastCommand, word: this.#word(asking, query) };
    const known = await acknowledge(store.db, asking, acknowledged, clock.wall());
    let row = known ?? (await this.#inService(asking));
    if (row.cutSeq !== null && asking.cutSeq === null)
      logger.error("journal-cut", { site: row.siteId, gateway: row.id, from: row.cutSeq });
    if (row.issuedCommand > query.lastCommand) await noteMissed(store.db, target, query.lastCommand, clock.wall());

    for (;;) {
      const wake = store.wakes.next(row.siteId);
      try {
        const page = await this.#page(
          { site: row.siteId, cursor, resettingFrom: row.resettingFrom, limit: pageRows },
          wake.count,
        );
        if (page.feed === cursor.feed && cursor.version > page.ver && (await this.#noteRollback(row, cursor))) continue;
        // One instant for the age of commands, the server's time and how long the poll was held: what comes after it is on the way.
        const now = clock.wall();
        const heldMs = clock.monotonic() - askedAt;
        const commands =
          row.issuedCommand > query.lastCommand ? await handOut(store.db, target, query.lastCommand, now) : [];
        const leftMs = Math.min(query.waitMs, pollHeldMaxMs) - heldMs;
        const isNews =
          isAuditWanted(row, page) || page.reset || !page.complete || page.to !== query.cursor || commands.length > 0;
        const signal = AbortSignal.any([stopping, gone, ended]);
        if (isNews || leftMs < 1 || signal.aborted) {
          if (page.reset) await noteResetting(store.db, row, page.ver);
          return this.#render(row, page, commands, { now, heldMs, ended: ended.aborted });
        }
        await this.#wait(wake.woken, leftMs, signal);
      } finally {
        wake.cancel();
      }
      row = await this.#inService(row);
    }
  }

  /** undefined: it says nothing, or it is not its word. */
  #word(row: GatewayRow, { epoch, boot, beat, seq, head, headSignature: signature }: PollQuery): Witness | undefined {
    const isWhole = boot !== undefined && beat !== undefined && seq !== undefined && head !== undefined;
    if (!isWhole || signature === undefined || epoch !== row.epoch || row.publicKey === null) return undefined;
    const known = witnessOf(row);
    const isItsOwn =
      (known?.signature === signature && known.seq === seq && known.head === head) ||
      isSigned(row.publicKey, headStatement(row.id, epoch, seq, head), signature);
    return isItsOwn ? { boot, beat, seq, head, signature } : undefined;
  }

  /** false: not so soon after the last time; a gateway that only says so must not keep the site in audits. It gets the whole set. */
  async #noteRollback(row: GatewayRow, cursor: Cursor): Promise<boolean> {
    const { store, clock, logger } = this.#parts;
    const last = this.#rolledBackAt.get(row.siteId);
    if (last !== undefined && clock.monotonic() - last < rollbackEveryMs) return false;
    this.#rolledBackAt.set(row.siteId, clock.monotonic());
    const begun = await store.transaction((tx) => noteRollback(tx, row.siteId, cursor, clock.wall()));
    if (begun)
      logger.error("store-rolled-back", { site: row.siteId, gateway: row.id, consequence: "new feed, and an audit" });
    return true;
  }

  async #wait(woken: Promise<void>, ms: Millis, signal: AbortSignal): Promise<void> {
    const done = new AbortController();
    const slept = this.#parts.clock.sleep(ms, AbortSignal.any([done.signal, signal])).catch(() => undefined);
    await Promise.race([woken, slept]);
    done.abort();
    await slept;
  }

  /** It may have been revoked while it waited: then it learns nothing more. */
  async #inService(row: GatewayRow): Promise<GatewayRow> {
    const now = await readGateway(this.#parts.store.db, row.id);
    if (!now || now.revokedAt !== null) throw gatewayRevoked();
    // What is placed in the new epoch is not for the card of the old one.
    if (now.epoch !== row.epoch) throw gatewayFenced();
    return now;
  }

  async #page(request: PageRequest, wakeCount: number): Promise<StoredPage> {
    const { site, cursor, resettingFrom } = request;
    const key = JSON.stringify([site, cursor.feed, cursor.version, resettingFrom, wakeCount]);
    const reading = this.#reading.get(key) ?? feedPage(this.#parts.store.db, request);
    this.#reading.set(key, reading);
    try {
      const page = await reading;
      if (!page) throw new HttpProblem(404, "not-found", `There is no site ${site}.`);
      return page;
    } finally {
      this.#reading.delete(key);
    }
  }

  #render(
    row: GatewayRow,
    page: StoredPage,
    commands: readonly HandedCommand[],
    { now, heldMs, ended }: { readonly now: Instant; readonly heldMs: Millis; readonly ended: boolean },
  ): string {
    const facts = {
      proto: protocolVersion,
      feed: page.feed,
      to: page.to,
      reset: page.reset,
      complete: page.complete,
      ...(page.checksum && { checksum: page.checksum }),
      commands,
      journalNext: row.next,
      ...(isAuditWanted(row, page) && { auditWanted: true }),
      serverTime: now,
      heldMs,
      ...(ended && { retryAfterMs: endedRetryMs }),
    } satisfies Omit<WirePollReply, "rows">;
    return `${JSON.stringify(facts).slice(0, -1)},"rows":${renderRows(page.rows, holderId(row.id, row.epoch))}}`;
  }
}

function isAuditWanted(row: GatewayRow, page: StoredPage): boolean {
  return page.audit && row.auditedFeed !== page.feed;
}

export function gatewayFenced(): HttpProblem {
  return new HttpProblem(403, "gateway-fenced", "Another card has taken this gateway's place; switch this one off.");
}

export function gatewayRevoked(): HttpProblem {
  return new HttpProblem(403, "gateway-revoked", "This gateway was revoked; enrol it anew.");
}
