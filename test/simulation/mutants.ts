/**
 * Planted bugs: each is one edit of the real code, and the simulation must catch it within its seeds. What a mutant edits must be
 * there exactly once, so a mutant that no longer applies is noticed too.
 */
import type { FaultProfile } from "./fault-profile.ts";

export interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Seeds in which it must be caught, counted from the first. */
  readonly seeds: number;
  /** Only those seeds count: what shows it is rare elsewhere. */
  readonly profile: FaultProfile["name"] | undefined;
}

const usual = 60;

function mutant(
  name: string,
  file: string,
  find: string,
  replace: string,
  profile?: FaultProfile["name"],
  seeds = usual,
): Mutant {
  return { name, file, find, replace, seeds, profile };
}

export const mutants: readonly Mutant[] = [
  // The door.
  mutant(
    "open before the record is on the disk",
    "gateway/flows/present-credential.ts",
    "await admitted.durable;",
    "admitted.durable.catch(() => undefined);",
  ),
  mutant(
    "no second look after the record is on the disk",
    "gateway/flows/present-credential.ts",
    "if (objection || site.stopping.aborted)",
    "if (site.stopping.aborted)",
  ),
  mutant(
    "time passes between a decision and its record",
    "gateway/flows/present-credential.ts",
    "  return admit(site, request, accessPoint, decision, press);",
    "  await Promise.resolve();\n  return admit(site, request, accessPoint, decision, press);",
  ),
  mutant(
    "on a full disk the door opens without a record",
    "gateway/flows/present-credential.ts",
    '    if (error instanceof GatewayError && error.code === "storage-full")\n',
    '    if (error instanceof GatewayError && error.code === "storage-full") await releaseStrike(site, accessPoint);\n    if (error instanceof GatewayError && error.code === "storage-full")\n',
    "full",
  ),
  mutant(
    "a bolt that stays out is told to nobody",
    "gateway/flows/release-strike.ts",
    "    const securing = lock.secure(site.stopping);\n",
    "    const securing = undefined;\n",
  ),

  // Rights.
  mutant(
    "the gateway counts by itself, whatever was placed here",
    "gateway/domain/site-records.ts",
    "held: Math.min(held(rights), allowed - admitted)",
    "held: allowed - admitted",
  ),
  mutant(
    "what is placed is added up instead of compared",
    "gateway/domain/rights.ts",
    "granted: Math.max(a.granted, b.granted)",
    "granted: a.granted + b.granted",
  ),
  mutant(
    "what neighbours sent is added up instead of compared",
    "gateway/domain/rights.ts",
    "Math.max(merged[holder] ?? 0, count)",
    "(merged[holder] ?? 0) + count",
    "lending",
  ),
  mutant(
    "the ledger goes with the cached row",
    "gateway/domain/rights-ledger.ts",
    "const before = this.#entries.get(grant.id);",
    'const before = this.#entries.get("");',
  ),
  mutant(
    "an order is answered with nothing, whatever is held",
    "gateway/flows/answer-orders.ts",
    "Math.min(order.n, Math.max(0, held(rights)))",
    "0",
    "lending",
  ),
  mutant(
    "an order is answered beyond what is held",
    "gateway/flows/answer-orders.ts",
    "Math.min(order.n, Math.max(0, held(rights)))",
    "order.n",
    "lending",
  ),
  mutant(
    "nobody hears that an entry was wanted",
    "cloud-sync/store/ingest.ts",
    'event.reason === "HELD_AT_OTHER_GATE" &&',
    'event.reason === "BLACKLISTED" &&',
    "lending",
  ),
  mutant(
    "the cloud places entries without having them back",
    "cloud-sync/domain/settle-rights.ts",
    "if (free < 1) return account;",
    "",
  ),
  mutant(
    "the cloud forgets what was returned when it counts what is out",
    "cloud-sync/domain/settle-rights.ts",
    "sum + granted - returned, 0)",
    "sum + granted - 2 * returned, 0)",
    "lending",
  ),
  mutant(
    "a new card takes the old one's entries for its own",
    "cloud-sync/poll.ts",
    "renderRows(page.rows, holderId(row.id, row.epoch))",
    "renderRows(page.rows, holderId(row.id, 1))",
    "restores",
  ),
  mutant(
    "a neighbour gives before it is written down",
    "gateway/flows/give-entry.ts",
    "  await site.journal.flushed();\n",
    "",
    "lending",
  ),
  mutant(
    "a neighbour gives what it does not hold",
    "gateway/flows/give-entry.ts",
    "!site.stopping.aborted && held(site.records.registers(grant)) >= 1",
    "!site.stopping.aborted",
    "lending",
  ),
  mutant(
    "a transfer whose answer was lost is told to nobody",
    "cloud-sync/domain/settle-rights.ts",
    "...(incoming.length > 0 && { incoming: Object.fromEntries(incoming) }),",
    "",
    "lending",
  ),

  // The cloud that lost history.
  mutant(
    "a restored cloud places entries before it has heard its gateways",
    "cloud-sync/store/feed.ts",
    "      auditSince: now,\n",
    "",
    "restores",
  ),
  mutant(
    "epochs are given again after a loss",
    "cloud-sync/store/feed.ts",
    "      epochFloor: Math.floor((now - firstEpochAt) / 1000),\n",
    "",
    "restores",
  ),
  mutant(
    "revocations do not come back from gateways",
    "cloud-sync/store/audit.ts",
    "  await revokeAgain(tx, siteId, part, now);\n",
    "",
    "restores",
  ),
  mutant(
    "a gateway does not notice that the cloud lost its events",
    "gateway/sync/sync-loop.ts",
    "    this.#rewind(reply, askedAt);\n",
    "",
    "restores",
  ),

  // The feed.
  mutant(
    "a revocation is forgotten with its row",
    "gateway/domain/site-records.ts",
    "return this.#revoked.has(id);",
    "return id === undefined;",
    "restores",
  ),
  mutant(
    "a page is confirmed before it is on the disk",
    "gateway/flows/reconcile-site.ts",
    'await Promise.all(written.map(({ durable }) => durable));\n    // Vouches for the page before the cloud hears that it was taken in: damaged, it must not pass for a write that never ended.\n    await site.journal.record({ kind: "tick", at, syncedAt: null }).durable;\n',
    'for (const { durable } of written) durable.catch(() => undefined);\n    site.journal.record({ kind: "tick", at, syncedAt: null }).durable.catch(() => undefined);\n',
  ),
  mutant(
    "the cursor is written before what it stands for",
    "gateway/flows/reconcile-site.ts",
    "const written = portions(page, cursor).map((portion) =>",
    'site.journal.record({ kind: "page", page: { ...page, rows: [] }, at });\n    const written = portions(page, cursor).map((portion) =>',
  ),
  mutant(
    "a row that is replaced stays in the sum",
    "gateway/domain/feed-set.ts",
    "this.#sum = (this.#sum - BigInt(",
    "this.#sum = (this.#sum - 0n * BigInt(",
  ),
  mutant(
    "records count as fresh by the machine's own clock",
    "gateway/time-keeper.ts",
    "if (this.#syncedAt !== undefined) return this.#clock.monotonic() - this.#syncedAt;",
    "if (this.#syncedAt !== undefined) return Math.min(this.#clock.monotonic() - this.#syncedAt, Math.max(0, this.#clock.wall() - (this.#remembered().syncedAt ?? 0)));",
    "clocks",
  ),
  mutant(
    "time may go back after a restart",
    "gateway/domain/clock-interval.ts",
    "if (!fix) return { earliest: highWater, latest: Number.POSITIVE_INFINITY };",
    "if (!fix) return { earliest: 0, latest: Number.POSITIVE_INFINITY };",
    "clocks",
  ),
  mutant(
    "a fresh look at the clock replaces what was known",
    "gateway/time-keeper.ts",
    "this.#fix = combine(this.#fix, fix);",
    "this.#fix = fix;",
    "clocks",
  ),
  mutant(
    "the time an answer was under way is not counted",
    "gateway/domain/clock-interval.ts",
    "latest: serverTime + Math.max(0, underWayMs)",
    "latest: serverTime",
    "clocks",
  ),

  // Old and new versions.
  mutant(
    "an event that nobody can read blocks those behind it",
    "cloud-sync/store/ingest.ts",
    "  await insertEvents(tx, push, events, now);\n",
    '  if (events.some(({ why }) => why !== undefined)) return { outcome: "refused", why: "an event cannot be read" };\n  await insertEvents(tx, push, events, now);\n',
  ),
  mutant(
    "a row of an unknown kind is left out of the set",
    "gateway/wire/feed.ts",
    '  return { ...facts, kind: "unreadable", of: row.kind };',
    '  return { ...facts, kind: "gone", of: row.kind };',
  ),
  mutant("a restriction nobody knows is passed over", "gateway/domain/decide.ts", " && !isUnreadable(grant);", ";"),

  // Commands.
  mutant(
    "a command is carried out however old it is",
    "gateway/flows/remote-command.ts",
    "return ageOf(site, arrived) > Math.min(arrived.command.ttlMs, lifeMaxMs);",
    "return ageOf(site, arrived) + lifeMaxMs < 0;",
    "mixed",
    240,
  ),
  mutant(
    "a command is carried out before its number is on the disk",
    "gateway/flows/remote-command.ts",
    "    await taken.durable;\n",
    "    taken.durable.catch(() => undefined);\n",
  ),

  // Staff.
  mutant(
    "staff opens before the record is on the disk",
    "gateway/flows/staff-command.ts",
    "    await taken.durable;\n",
    "    taken.durable.catch(() => undefined);\n",
  ),
  mutant(
    "whoever left while the order was written down opens all the same",
    "gateway/flows/staff-command.ts",
    " || !isStillStaff(site, command.staff);",
    ";",
    "torn",
  ),
  mutant(
    "staff is let in by records however old they are",
    "gateway/domain/staff.ts",
    "sinceSyncMs <= maxAgeMs ?",
    "sinceSyncMs <= maxAgeMs + Number.MAX_VALUE ?",
    "clocks",
  ),
  mutant(
    "a session outlives the password it was opened with",
    "gateway/http/staff-sessions.ts",
    "      member.password !== kept.password ||\n",
    "",
  ),
  mutant(
    "who looks for a door opens it",
    "gateway/flows/door-action.ts",
    'return action === "unlock" ? releaseStrike(site, accessPoint) : identify(site, accessPoint);',
    "return action ? releaseStrike(site, accessPoint) : identify(site, accessPoint);",
  ),
  mutant(
    "a lockdown holds nobody who orders",
    "gateway/flows/door-action.ts",
    'return action === "unlock" && site.records.site?.lockdown === true;',
    'return action === "identify" && site.records.site?.lockdown === true;',
  ),
  mutant(
    "what staff did is told once more with each repeat",
    "cloud-sync/store/ingest.ts",
    "  await noteStaff(tx, push, events, now);\n",
    "  await noteStaff(tx, push, lines.map((bytes, index) => toNewEvent(bytes, head.first + index)), now);\n",
  ),

  // Guards at the gates.
  mutant(
    "a guard's word that is sent again counts again",
    "gateway/flows/present-credential.ts",
    "return scan?.nonce === undefined ? undefined : records.visits.withNonce(scan.nonce);",
    "return scan?.nonce === undefined ? records.visits.withNonce('') : undefined;",
  ),
  mutant(
    "a guard's word opens however late it comes",
    "gateway/flows/guard-scan.ts",
    "const at = site.clock.monotonic() - (word.ageMs ?? 0);",
    "const at = site.clock.monotonic();",
  ),
  mutant(
    "who is barred comes in on a pass",
    "gateway/domain/decide.ts",
    'return view.isBlacklisted(candidate) ? "BLACKLISTED" : undefined;',
    'return view.isBlacklisted(candidate) && candidate.grant.kind !== "visitor" ? "BLACKLISTED" : undefined;',
  ),
  mutant(
    "who is barred by a document comes in without a pass",
    "gateway/flows/walk-in.ts",
    "if (document !== undefined && site.records.isDocumentBlacklisted(document)) {",
    "if (document === '' && site.records.isDocumentBlacklisted(document)) {",
    undefined,
    240,
  ),
  mutant(
    "a walk-in's word that is sent again opens again",
    "gateway/flows/staff-command.ts",
    "return scan?.nonce === undefined ? undefined : records.visits.withNonce(scan.nonce);",
    "return scan?.nonce === undefined ? records.visits.withNonce('') : undefined;",
  ),
  mutant(
    "a walk-in's word opens however late it comes",
    "gateway/flows/staff-command.ts",
    "const askedAt = site.clock.monotonic() - (command.ageMs ?? 0);",
    "const askedAt = site.clock.monotonic();",
  ),

  // The journal.
  mutant(
    "events are told before they are on the disk",
    "gateway/storage/file-journal.ts",
    "    const room = bytes + headerBytes;\n    if (this.#buffer.length",
    `    const early = this.#durable;
    this.#durable = after;
    for (const line of lines) if (!("record" in line)) this.#recent.add(line);
    lines = early === after ? lines : [];
    for (const listener of this.#listeners) listener();
    const room = bytes + headerBytes;
    if (this.#buffer.length`,
  ),
  mutant(
    "a damaged line is believed",
    "gateway/wire/journal-line.ts",
    'if (bytes.length <= crcLength || bytes.toString("latin1", start.length) !== crcTail(start)) return undefined;',
    "if (bytes.length <= crcLength) return undefined;",
    "torn",
  ),
  mutant(
    "a torn tail is left standing",
    "gateway/storage/journal-recovery.ts",
    "  const cuts = read.flatMap(",
    "  const cuts = read.slice(read.length).flatMap(",
    "torn",
  ),
  mutant(
    "a repeated event counts again",
    "cloud-sync/store/ingest.ts",
    "await applyEffects(tx, push, events, now);",
    "await applyEffects(tx, push, lines.map((bytes, index) => toNewEvent(bytes, head.first + index)), now);",
  ),
  mutant(
    "a restart lifts a lockout",
    "gateway/domain/wrong-attempts.ts",
    "      for (const [accessPoint, lockout] of attempts.lockouts) attempts.lockouts.set(accessPoint, older(lockout, ms));\n",
    "      attempts.lockouts.clear();\n",
    "torn",
  ),
  mutant(
    "a snapshot leaves out what the journal's old segments knew",
    "gateway/domain/site-records.ts",
    "const revoked = [...this.#revoked];",
    "const revoked: string[] = [];",
  ),
  mutant(
    "a snapshot leaves out a grant's entries",
    "gateway/domain/rights-ledger.ts",
    "of entries.entries())",
    "of entries.slice(1).entries())",
  ),
  mutant(
    "a snapshot leaves out lockouts",
    "gateway/domain/site-records.ts",
    "[this.#attempts.dump(now), this.#codes.dump(), this.#visits.dump(), this.#doors.dump()]",
    "[this.#codes.dump(), this.#visits.dump(), this.#doors.dump()]",
  ),
  mutant(
    "a snapshot is published before its lines are on the disk",
    "gateway/storage/json-grant-cache.ts",
    "adapter.durable = () => journal.flushed();",
    "adapter.durable = async () => undefined;",
  ),
];
