/**
 * Checks the stored history of all gateways against itself, from a backup, so that it is of one moment and an auditor needs no service:
 * the chain of every journal, and the promises that admissions stay within limits, that what was revoked did not open, that the counts
 * are those of the events, that a command ran once and in time, and the chains of the audit trail.
 */
import { type ReadEvent, readEvent } from "../read-event.ts";
import { readBackup } from "../store/backup-file.ts";
import { checkAudit } from "./audit-check.ts";
import type { Finding } from "./finding.ts";
import { JournalCheck } from "./journal-check.ts";
import { type CutFacts, commandKey, epochKey, inSite, type Ledger, readLedger } from "./ledger.ts";

/** A gateway's clock and the service's may differ that much. */
const clocksApartMs = 5_000;

/** What no table tells, so that nobody takes silence for proof. */
export const cannotBeTold = [
  "whether an older epoch's journal ends where its gateway ended it: only the present epoch has a signed head",
  "whether something opened between a revocation and the grant's last change: only the last change's version is kept, and none once the grant has left the feed",
  "whether a limit was exceeded that was lowered afterwards, below the entries already placed",
  "what a gateway has written and never sent",
  "what stood in events that the retention rules have taken, nor whether an older epoch's were those that its gateway sent",
  "whether somebody who could write the whole database wrote the audit trail anew: compare it with an entry's `chain` that was noted elsewhere",
];

export interface Verified {
  readonly events: number;
  readonly gateways: number;
  readonly grants: number;
  /** Entries of the audit trail. */
  readonly audited: number;
}

/** Rejects with a BackupError when the file itself is not to be believed. */
export async function verifyBackup(path: string, tell: (finding: Finding) => void): Promise<Verified> {
  const ledger = await readLedger(path);
  for (const { site, id, epoch, forkSeq, cutSeq } of ledger.gateways.values()) {
    const alarm = (seq: number | null, what: string) =>
      seq !== null && tell({ kind: "alarm", site, gateway: id, epoch, seq, what });
    alarm(
      forkSeq,
      "two different events arrived under this number: two gateways with one identity, or a restored card",
    );
    alarm(cutSeq, "and what followed was gone from its journal after the gateway had vouched for it");
  }
  const events = await checkJournals(path, ledger, tell);
  checkGrants(ledger, tell);
  const audit = await checkAudit(path, tell);
  checkCuts(ledger, audit.cuts, tell);
  return { events, gateways: ledger.gateways.size, grants: ledger.grants.size, audited: audit.entries };
}

async function checkJournals(path: string, ledger: Ledger, tell: (finding: Finding) => void): Promise<number> {
  const unreadable = new UnreadableBytes(path);
  const seen = new Set<string>();
  let current: { readonly name: string; readonly check: JournalCheck } | undefined;
  let events = 0;
  let isEvents = false;
  try {
    for await (const entry of readBackup(path)) {
      if (entry.kind === "table") isEvents = entry.table.table === "event";
      if (entry.kind !== "row" || !isEvents) continue;
      const { site_id: site, gateway_id: gateway, epoch, seq, body, hash, type, grant_id } = JSON.parse(entry.json);
      events += 1;
      const facts = ledger.gateways.get(gateway);
      if (!facts) {
        tell({ kind: "gap", site, gateway, epoch, seq, what: "is of a gateway that is not known" });
        continue;
      }
      const name = epochKey(gateway, epoch);
      if (current?.name !== name) {
        current?.check.end();
        current = { name, check: new JournalCheck(facts, epoch, ledger.cuts.get(name), tell) };
        seen.add(name);
      }
      const bytes = body === null ? await unreadable.of(gateway, epoch, seq) : Buffer.from(body);
      current.check.take(seq, bytes, hash);
      // What could not be read when it arrived had no effect.
      const read = bytes && type !== "unreadable" ? readEvent(bytes, seq).event : undefined;
      if (!read) continue;
      const place = { site, gateway, epoch, seq };
      const itsGrant = "grant" in read ? (read.grant ?? null) : null;
      if (read.type !== type || itsGrant !== grant_id)
        tell({ kind: "altered", ...place, what: "its columns are not what its text says" });
      checkEvent(place, read, ledger, tell);
    }
  } finally {
    await unreadable.close();
  }
  current?.check.end();
  for (const gateway of ledger.gateways.values())
    if (gateway.next > 1 && !seen.has(epochKey(gateway.id, gateway.epoch)))
      new JournalCheck(gateway, gateway.epoch, ledger.cuts.get(epochKey(gateway.id, gateway.epoch)), tell).end();
  return events;
}

/** What retention has cut stands in the audit trail with the chain value it was cut at: nobody else may have cut. */
function checkCuts(
  { cuts }: Ledger,
  told: ReadonlyMap<string, Pick<CutFacts, "next" | "chain">>,
  tell: (finding: Finding) => void,
): void {
  for (const { site, gateway, epoch, next, chain } of cuts.values()) {
    const entry = told.get(epochKey(gateway, epoch));
    if (entry?.next !== next || entry.chain !== chain)
      tell({
        kind: "gap",
        site,
        gateway,
        epoch,
        seq: next,
        what: "and all before it were cut without an entry of the audit trail",
      });
  }
}

type Place = Required<Pick<Finding, "site" | "gateway" | "epoch" | "seq">>;

function checkEvent(place: Place, event: ReadEvent, ledger: Ledger, tell: (finding: Finding) => void): void {
  if (event.type === "admitted") {
    const grant = ledger.grants.get(inSite(place.site, event.grant));
    if (grant) {
      grant.used += 1;
      if (event.left !== null) grant.usedOfLimit += 1;
    }
    const revoked =
      ledger.revoked.get(inSite(place.site, event.grant)) ?? ledger.revoked.get(inSite(place.site, event.credential));
    if (revoked && "revision" in event && Number(event.revision) >= revoked.ver && event.at > revoked.writtenAt)
      tell({
        kind: "revoked",
        ...place,
        grant: event.grant,
        what: `admitted on revision ${event.revision}, in which it was revoked (since ${revoked.ver})`,
      });
  }
  if (event.type === "void") {
    const grant = ledger.grants.get(inSite(place.site, event.grant));
    if (grant) {
      grant.used -= 1;
      grant.usedOfLimit -= 1;
    }
  }
  if (event.type === "command-taken" || event.type === "host-answered")
    checkCommand(place, event.command, event.at, ledger, tell);
}

function checkCommand(place: Place, id: number, at: number, ledger: Ledger, tell: (finding: Finding) => void): void {
  const command = ledger.commands.get(commandKey(place.gateway, id));
  const found = (what: string) => tell({ kind: "command", ...place, what: `command ${id} ${what}` });
  if (!command) {
    // A service that lost history has lost commands too.
    if (!ledger.sites.get(place.site)?.lostHistory) found("was taken and never issued");
    return;
  }
  if (command.taken !== undefined) found(`was taken before, by ${command.taken}`);
  command.taken = `event ${place.seq} of epoch ${place.epoch}`;
  const lateMs = at - (command.createdAt + command.ttlMs);
  if (lateMs > clocksApartMs) found(`was taken ${lateMs} ms after its life had ended`);
}

function checkGrants({ grants }: Ledger, tell: (finding: Finding) => void): void {
  for (const { site, id, limit, placed, used, usedOfLimit, entriesUsed } of grants.values()) {
    if (used !== entriesUsed)
      tell({ kind: "count", site, grant: id, what: `counts ${entriesUsed} entries, the events give ${used}` });
    const most = limit === null ? Number.POSITIVE_INFINITY : Math.max(limit, placed);
    if (usedOfLimit > most)
      tell({ kind: "limit", site, grant: id, what: `was admitted ${usedOfLimit} times, its limit is ${limit}` });
  }
}

/** The bytes of events that are not text stand in a table of their own, in the same order as the events. */
class UnreadableBytes {
  readonly #path: string;
  #rows: AsyncGenerator<Parked> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** undefined: they are not there. */
  async of(gateway: string, epoch: number, seq: number): Promise<Uint8Array | undefined> {
    this.#rows ??= parkedIn(this.#path);
    for (;;) {
      const { value, done } = await this.#rows.next();
      if (done) {
        // The next one asked for may stand before those that were passed in search of this one.
        this.#rows = undefined;
        return undefined;
      }
      if (value.gateway === gateway && value.epoch === epoch && value.seq === seq) return value.raw;
    }
  }

  async close(): Promise<void> {
    await this.#rows?.return(undefined);
  }
}

interface Parked {
  readonly gateway: string;
  readonly epoch: number;
  readonly seq: number;
  readonly raw: Uint8Array;
}

async function* parkedIn(path: string): AsyncGenerator<Parked> {
  let isParked = false;
  for await (const entry of readBackup(path)) {
    if (entry.kind === "table") isParked = entry.table.table === "event_parked";
    if (entry.kind !== "row" || !isParked) continue;
    const { gateway_id: gateway, epoch, seq, raw } = JSON.parse(entry.json);
    // As PostgreSQL writes bytes: \x and two digits each.
    yield { gateway, epoch, seq, raw: Buffer.from(raw.slice(2), "hex") };
  }
}
