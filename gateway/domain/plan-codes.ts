/**
 * Keeps the codes inside one lock equal to the grants: from what should be there, what was done so far and what was read, the one thing
 * to do next. Pure; flows/keep-codes.ts does it, and writes it down before.
 *
 * Nothing is concluded from silence: a change counts only when it was read back, and a list that could not be read is no list. Nothing is
 * written that is there already, so a restart writes nothing.
 */
import { type CodeTrail, codeLabel, isOurLabel } from "./code-trail.ts";
import type { CredentialId } from "./credential.ts";
import type { GrantId } from "./grant.ts";
import type { Instant, Millis } from "./instant.ts";
import type { CodeConstraints, CodeHours, CodeRef, CodeWindow, MissingWhy, StoredCode } from "./lock-code.ts";
import { isSameHours } from "./week-hours.ts";

/** A code that shall open the lock during [from, until), which is one opening of its schedule where the lock does not keep the hours itself. */
export interface WantedCode {
  readonly grant: GrantId;
  readonly credential: CredentialId;
  /** Of its digits; see credential.ts. */
  readonly index: string;
  readonly from: Instant;
  readonly until: Instant;
  /** Within that, the hours that the lock keeps; absent: any. */
  readonly hours?: CodeHours;
  /** How long before it begins it is put there, where that is not the usual time. */
  readonly aheadMs?: Millis;
  /** Why this lock can never hold it. */
  readonly unfit?: Exclude<MissingWhy, "no-room" | "taken" | "late">;
}

/** The last list that could be read, and when it was asked for. */
export interface Reading {
  readonly at: Instant;
  readonly codes: readonly StoredCode[];
}

export interface CodesInLock {
  readonly constraints: CodeConstraints;
  readonly wanted: readonly WantedCode[];
  readonly trails: readonly CodeTrail[];
  readonly reading: Reading | undefined;
  /** Changes (see changeKey) that were tried in vain and wait for their next turn; others go on meanwhile. */
  readonly resting: ReadonlySet<string>;
  /** The true time lies between them. A code begins when it certainly has, and ends when it may have. */
  readonly now: { readonly earliest: Instant; readonly latest: Instant };
}

export type CodeStep =
  /** `isGlance`: nothing is known to be due; it is only seen whether all is as it was. */
  | { readonly do: "read"; readonly isGlance?: true }
  | {
      readonly do: "set";
      readonly code: WantedCode;
      /** The place to change or to fill; absent where the lock gives a new one. */
      readonly ref?: CodeRef;
      readonly window: CodeWindow | null;
    }
  | { readonly do: "clear"; readonly ref: CodeRef; readonly credential?: CredentialId };

/** A code that should be in the lock by now, or within a day, and cannot be put there. */
export interface MissingCode {
  readonly code: WantedCode;
  readonly why: MissingWhy;
}

export interface CodePlan {
  /** Not in the lock, as far as anybody knows, and wanted there now or within the hour. */
  readonly late: readonly WantedCode[];
  readonly step?: CodeStep;
  /** When to look again although nothing has changed, as `now.earliest` counts; absent: never. */
  readonly lookAt?: Instant;
  readonly missing: readonly MissingCode[];
}

export const codeTimes = {
  /** A lock that knows windows gets a code so long before it begins. */
  preloadMs: 72 * 3_600_000,
  settlesMs: 10 * 60_000,
  /** How long after a change the lock is read to see it, and read again while it does not show. */
  readBackMs: 15_000,
  readAgainMs: 60_000,
  /** What cannot be put there is told so long before it begins. */
  missingMs: 24 * 3_600_000,
  /** Nothing is changed by a list older than this. */
  freshMs: 5 * 60_000,
  lateMs: 3_600_000,
  /** How often a lock is looked at whose codes stand in the way, and at the longest one whose change does not show. */
  rereadMs: 30 * 60_000,
  /** One that was put there earlier is seen once more so long before it begins. */
  confirmMs: 2 * 3_600_000,
  /** A lock whose codes are all in order is read this often, and once after a start: what happens to them there tells nobody. */
  seenMs: 24 * 3_600_000,
  /** A maker may round the ends of a window. */
  roundingMs: 60_000,
  /**
   * The same where a maker's cloud keeps the codes (CodeConstraints.keptBy): it has no radio to spare, its places are never another's, and what it
   * has heard it lists.
   */
  cloud: { settlesMs: 60_000, readBackMs: 1_000, readAgainMs: 10_000, freshMs: 3_600_000, seenMs: 3_600_000 },
} as const;

/** What a maker's cloud keeps for a member is there as soon as it is booked, and so long before it begins at most. */
export const membersAheadMs: Millis = 366 * 24 * 3_600_000;

type Pace = keyof (typeof codeTimes)["cloud"];

function paceOf({ keptBy }: CodeConstraints, pace: Pace): Millis {
  return keptBy === "cloud" ? codeTimes.cloud[pace] : codeTimes[pace];
}

/** One step at a time: who stays or arrives next comes first, and before that who has left goes. */
export function planCodes(given: CodesInLock): CodePlan {
  const { wanted, now, constraints } = given;
  const { trails, reading } = settled(given);
  const preloadMs = constraints.windows === "range" ? codeTimes.preloadMs : 0;
  const putAt = ({ from, aheadMs }: WantedCode) => from - (aheadMs ?? preloadMs);
  const missing: MissingCode[] = [];
  const due: WantedCode[] = [];
  for (const code of [...wanted].sort((a, b) => a.from - b.from)) {
    if (now.latest >= code.until) continue;
    if (code.unfit) tell(missing, code, code.unfit, now);
    else if (putAt(code) <= now.earliest) due.push(code);
  }
  const edges = wanted.flatMap((code) => [
    putAt(code),
    code.from - codeTimes.confirmMs,
    code.until - (now.latest - now.earliest),
  ]);
  const lookAt = (...more: Instant[]) => {
    const ahead = [...edges, ...more].filter((at) => at > now.earliest);
    return ahead.length > 0 ? { lookAt: Math.min(...ahead) } : {};
  };

  const dueIds = new Set(due.map(({ credential }) => credential));
  const byCredential = new Map(trails.map((trail) => [trail.credential, trail]));
  const late = due.filter(
    (code) =>
      code.from - now.latest < codeTimes.lateMs &&
      !isHeld(byCredential.get(code.credential), code, windowOf(code, constraints)),
  );
  const isNamedByCloud = constraints.keptBy === "cloud" && constraints.keeps !== "accounts";
  const knownLabels = new Set<string | undefined>([...due, ...trails].map(({ credential }) => codeLabel(credential)));
  const isInOrder =
    !due.some((code) => isToConfirm(byCredential.get(code.credential), code, now.earliest)) &&
    due.every((code) => isHeld(byCredential.get(code.credential), code, windowOf(code, constraints))) &&
    !due.some((code) => isSeenChanged(byCredential.get(code.credential), code, windowOf(code, constraints), reading)) &&
    trails.every(({ credential, state }) => state === "absent" || dueIds.has(credential)) &&
    !(isNamedByCloud && reading?.codes.some(({ label }) => isOurLabel(label) && !knownLabels.has(label)));
  if (isInOrder) {
    // What an earlier life of this gateway left at a maker's cloud is seen once after a start; a battery is not asked for that.
    if (due.length === 0 && (reading || !isNamedByCloud)) return { missing, late, ...lookAt() };
    // A keypad that was changed, or a code deleted in the maker's app, tells nobody.
    const seenUntil = reading ? reading.at + paceOf(constraints, "seenMs") : Number.NEGATIVE_INFINITY;
    return seenUntil > now.earliest
      ? { missing, late, ...lookAt(seenUntil) }
      : { step: { do: "read", isGlance: true }, missing, late, ...lookAt() };
  }

  const lastChange = Math.max(...trails.filter(isOpen).map(({ at }) => at), Number.NEGATIVE_INFINITY);
  const isUnconfirmed = due.some(
    (code) =>
      isToConfirm(byCredential.get(code.credential), code, now.earliest) &&
      !(reading && reading.at >= code.from - codeTimes.confirmMs),
  );
  if (reading && lastChange < reading.at && isUnconfirmed) return { step: { do: "read" }, missing, late, ...lookAt() };
  if (!reading || lastChange >= reading.at) {
    // The lock is given a moment to do what it was told.
    const readAt = reading ? lastChange + paceOf(constraints, "readBackMs") : Number.NEGATIVE_INFINITY;
    const beside = reading && besides({ ...given, trails, reading }, due);
    if (beside) return { step: beside, missing, late, ...lookAt() };
    return readAt > now.earliest
      ? { missing, late, ...lookAt(readAt) }
      : { step: { do: "read" }, missing, late, ...lookAt() };
  }

  const view = viewOf({ ...given, trails, reading }, due);
  const told = missing.length;
  const step = firstClear(view) ?? firstSet(view, missing);
  const isInTheWay = missing.length > told;
  if (step && now.earliest - reading.at > paceOf(constraints, "freshMs"))
    return { step: { do: "read" }, missing, late, ...lookAt() };
  if (step) return { step, missing, late, ...lookAt() };
  // Something was taken and does not show yet: it is looked for until it counts as lost.
  const isOurs = (stored: StoredCode) => isOurLabel(stored.label) || trails.some((one) => isOf(one, stored));
  const isUnderWay = trails.some(isOpen) || reading.codes.some((stored) => stored.pending && isOurs(stored));
  if (!isUnderWay && !isInTheWay) return { missing, late, ...lookAt() };
  const sinceMs = reading.at - Math.max(...trails.map(({ sentAt }) => sentAt), Number.NEGATIVE_INFINITY);
  const pauseMs = isUnderWay
    ? Math.min(Math.max(paceOf(constraints, "readAgainMs"), sinceMs / 8), codeTimes.rereadMs)
    : codeTimes.rereadMs;
  const again = Math.ceil(reading.at + pauseMs);
  return again > now.earliest
    ? { missing, late, ...lookAt(again) }
    : { step: { do: "read" }, missing, late, ...lookAt() };
}

/**
 * What a reading shows that was not known: trails in a new state, and trails of codes that an earlier life of this gateway put there. A
 * change that was taken and does not show yet is no news before it had time to settle.
 */
export function newsIn({
  reading,
  trails,
  wanted,
  constraints,
  now,
}: CodesInLock & { readonly reading: Reading }): CodeTrail[] {
  const known = settled({ constraints, trails, reading, now });
  const { at } = reading;
  const codes = known.reading?.codes ?? [];
  const news = known.trails.flatMap((trail): CodeTrail[] => {
    if (isOpen(trail) && trail.at >= at) return [];
    const stored = storedOf(trail, codes);
    if (stored?.pending) return [];
    const isSettled = !isOpen(trail) || trail.state === "refused" || at - trail.sentAt >= settlesMs(constraints);
    const isAsSent = trail.change === "set" ? stored && isSame(stored, trail.index, trail.window) : !stored;
    if (!isAsSent && !isSettled) return [];
    const state = stored ? (trail.change === "clear" || isAsSent ? "present" : trail.state) : "absent";
    const ref = stored?.ref ?? trail.ref;
    const code = wanted.find(({ credential }) => credential === trail.credential);
    if (state === trail.state && ref === trail.ref && !(code && isToConfirm(trail, code, at))) return [];
    return [{ ...trail, ...(ref !== undefined && { ref }), state, at }];
  });
  const taken = new Set(known.trails.map(({ ref }) => ref));
  const adopted = wanted.flatMap((code): CodeTrail[] => {
    if (trails.some(({ credential }) => credential === code.credential)) return [];
    const window = windowOf(code, constraints);
    const stored =
      codes.find(({ label }) => label === codeLabel(code.credential)) ??
      codes.find((one) => isNameless(one, code.index) && !taken.has(one.ref) && isSame(one, code.index, window));
    if (!stored || stored.pending || !isSame(stored, code.index, window)) return [];
    taken.add(stored.ref);
    const { grant, credential, index } = code;
    return [{ grant, credential, change: "set", state: "present", at, sentAt: at, ref: stored.ref, index, window }];
  });
  return [...news, ...adopted];
}

/**
 * What is known of a lock, put together. A code without a name is found by its place; of one whose place nobody has heard, because the answer was
 * lost, by its value and window, where it stands at no other's place; or by a name, where the driver remembers whom it made it for. A place for an
 * account is that account's for ever, whatever it is called by now.
 */
function settled({
  trails,
  reading,
  constraints,
  now,
}: Pick<CodesInLock, "trails" | "reading" | "constraints" | "now">) {
  const before = trails.map((trail) => past(trail, now));
  if (!reading || reading.at > now.latest) return { trails: before, reading: undefined };
  if (constraints.keeps !== "accounts") return { trails: before, reading };
  const taken = new Set(before.map(({ ref }) => ref));
  const found = before.map((trail): CodeTrail => {
    // One that was changed, taken away by somebody, and set anew has the place of before yet.
    const isPlaced = trail.ref !== undefined && reading.codes.some(({ ref }) => ref === trail.ref);
    if (isPlaced || trail.change === "clear" || trail.state === "refused" || !isOpen(trail)) return trail;
    const stored =
      reading.codes.find(({ label, ref }) => label === codeLabel(trail.credential) && !taken.has(ref)) ??
      reading.codes.find(
        (one) => isNameless(one, trail.index) && !taken.has(one.ref) && isSame(one, trail.index, trail.window),
      );
    if (!stored) return trail;
    taken.add(stored.ref);
    return { ...trail, ref: stored.ref };
  });
  const byRef = new Map(found.map((trail) => [trail.ref, trail]));
  const codes = reading.codes.map((stored) => ({ ...stored, index: byRef.get(stored.ref)?.index ?? stored.index }));
  return { trails: found, reading: { ...reading, codes } };
}

function isNameless({ label, index }: StoredCode, wanted: string): boolean {
  return label === undefined && index === wanted;
}

/** A maker's cloud takes other changes before those under way were read back: nothing there is in another's way. */
function besides(given: CodesInLock & { readonly reading: Reading }, due: readonly WantedCode[]): CodeStep | undefined {
  const { constraints, trails, reading, now, resting } = given;
  if (constraints.keptBy !== "cloud" || now.earliest - reading.at > paceOf(constraints, "freshMs")) return undefined;
  const unread = trails.filter((trail) => isOpen(trail) && trail.at >= reading.at);
  const waiting = unread.flatMap(({ credential }) => [`set ${credential}`, `clear ${credential}`]);
  const view = viewOf({ ...given, resting: new Set([...resting, ...waiting]) }, due);
  return firstClear(view) ?? firstSet(view, []);
}

function viewOf(given: CodesInLock & { readonly reading: Reading }, due: readonly WantedCode[]): View {
  const { constraints, trails, reading, now, resting } = given;
  const dueIds = new Set(due.map(({ credential }) => credential));
  const byCredential = new Map(trails.map((trail) => [trail.credential, trail]));
  return { resting, constraints, trails, reading, now, due, dueIds, byCredential };
}

interface View {
  readonly constraints: CodeConstraints;
  readonly trails: readonly CodeTrail[];
  readonly resting: ReadonlySet<string>;
  readonly reading: Reading;
  readonly now: CodesInLock["now"];
  /** Those that should be in the lock now, in the order of their arrival. */
  readonly due: readonly WantedCode[];
  readonly dueIds: ReadonlySet<CredentialId>;
  readonly byCredential: ReadonlyMap<CredentialId, CodeTrail>;
}

/** What stands in the lock, is ours, and should not: not wanted (any more), or there twice. What is not ours is left alone. */
function firstClear(view: View): CodeStep | undefined {
  const { reading, trails, due, dueIds } = view;
  for (const stored of reading.codes) {
    const trail = trails.find((one) => isOf(one, stored));
    const adopted = due.find(({ credential }) => codeLabel(credential) === stored.label)?.credential;
    const credential = trail?.credential ?? adopted;
    if (!credential && !isOurLabel(stored.label)) continue;
    if (
      (stored.pending && view.constraints.keptBy !== "cloud") ||
      (trail?.change === "clear" && isSettling(trail, view))
    )
      continue;
    if (credential && dueIds.has(credential) && placeOf(credential, view)?.ref === stored.ref) continue;
    const step: CodeStep = { do: "clear", ref: stored.ref, ...(credential && { credential }) };
    if (view.resting.has(changeKey(step))) continue;
    return step;
  }
  return undefined;
}

function firstSet(view: View, missing: MissingCode[]): CodeStep | undefined {
  const { reading, constraints, due, now, byCredential, trails } = view;
  let room = constraints.capacity - reading.codes.length;
  let step: CodeStep | undefined;
  for (const code of due) {
    const trail = byCredential.get(code.credential);
    const window = windowOf(code, constraints);
    const stored = placeOf(code.credential, view);
    const isSent = trail?.change === "set" && isMeant(trail, code, window);
    if ((stored?.pending && constraints.keptBy !== "cloud") || (isSent && isSettling(trail, view))) {
      if (!stored) room -= 1;
      continue;
    }
    if (stored && isSent && isSame(stored, code.index, window)) continue;
    // The same digits are on their way for another, and do not show yet.
    const isAlone = constraints.keeps !== "accounts";
    if (
      isAlone &&
      trails.some((one) => one.credential !== code.credential && isSetUnderWay(one) && one.index === code.index)
    )
      continue;
    const twin = isAlone && reading.codes.find((other) => other.index === code.index && other.ref !== stored?.ref);
    if (twin) {
      // One of ours is on its way out, or about to change: nothing is written until it is gone.
      if (!isOurLabel(twin.label) && !trails.some((one) => isOf(one, twin))) tell(missing, code, "taken", now);
      continue;
    }
    if (view.resting.has(changeKey({ do: "set", code, window }))) {
      if (!stored) room -= 1;
      continue;
    }
    if (!stored && room <= 0) {
      // A guest who is in the house keeps the code; of those who are not, who arrives later waits.
      // Where more stand than it holds, that lets nobody in.
      const isFull = reading.codes.length > constraints.capacity;
      const comesLater = (other: WantedCode) => !isFull && other.from > Math.max(code.from, now.latest);
      const later = due.findLast((other) => comesLater(other) && placeOf(other.credential, view));
      const going = later && byCredential.get(later.credential);
      if (going?.change === "clear" && isSettling(going, view)) return step;
      if (later) step ??= { do: "clear", ref: placeOf(later.credential, view)!.ref, credential: later.credential };
      else tell(missing, code, "no-room", now);
      continue;
    }
    if (!stored) room -= 1;
    const ref = stored?.ref ?? freePlace(view);
    step ??= { do: "set", code, window, ...(ref !== undefined && { ref }) };
  }
  return step;
}

function tell(missing: MissingCode[], code: WantedCode, why: MissingCode["why"], now: CodesInLock["now"]): void {
  if (code.from - now.latest < codeTimes.missingMs) missing.push({ code, why });
}

/** Where a credential's code stands, by its trail or by its name. */
function placeOf(credential: CredentialId, { byCredential, reading }: View): StoredCode | undefined {
  const trail = byCredential.get(credential);
  return trail ? storedOf(trail, reading.codes) : reading.codes.find(({ label }) => label === codeLabel(credential));
}

/** By its place; by its name where the place is not known yet, or not any more. */
function storedOf(trail: CodeTrail, codes: readonly StoredCode[]): StoredCode | undefined {
  const named = codes.filter((stored) => isOf(trail, stored));
  return named.find(({ ref }) => ref === trail.ref) ?? named[0];
}

/** A place may hold another's code by now: where codes have names, the name decides. */
function isOf(trail: CodeTrail, { ref, label, index }: StoredCode): boolean {
  if (label !== undefined) return label === codeLabel(trail.credential);
  // Somebody has put another code where ours was seen.
  return ref === trail.ref && (isOpen(trail) || index === "masked" || index === trail.index);
}

/** The lowest place that is empty and not promised to a code under way; undefined where the lock gives places. */
function freePlace({ constraints: { places, capacity }, reading, trails }: View): CodeRef | undefined {
  if (places.kind === "given") return undefined;
  const taken = new Set([...reading.codes, ...trails.filter(({ state }) => state !== "absent")].map(({ ref }) => ref));
  for (let place = places.first; place < places.first + capacity; place += 1)
    if (!taken.has(String(place))) return String(place);
  return undefined;
}

/** What was stamped by a clock that was set back since happened long ago, as far as anybody can tell. */
function past(trail: CodeTrail, { latest }: CodesInLock["now"]): CodeTrail {
  return trail.at > latest || trail.sentAt > latest ? { ...trail, at: 0, sentAt: 0 } : trail;
}

/** By which a change is counted that is tried again. */
export function changeKey(step: Exclude<CodeStep, { do: "read" }>): string {
  return step.do === "set" ? `set ${step.code.credential}` : `clear ${step.credential ?? `at ${step.ref}`}`;
}

function isSetUnderWay(trail: CodeTrail): boolean {
  return trail.change === "set" && isOpen(trail);
}

/** A change whose effect was not read back. */
function isOpen({ state }: CodeTrail): boolean {
  return state !== "present" && state !== "absent";
}

function isSettling(trail: CodeTrail, { constraints, now }: View): boolean {
  return isOpen(trail) && trail.state !== "refused" && now.earliest - trail.sentAt < settlesMs(constraints);
}

function settlesMs(constraints: CodeConstraints): Millis {
  return constraints.settlesMs ?? paceOf(constraints, "settlesMs");
}

function isHeld(trail: CodeTrail | undefined, code: WantedCode, window: CodeWindow | null): boolean {
  return trail?.change === "set" && trail.state === "present" && isMeant(trail, code, window);
}

/** Somebody has given it other digits, another window or other hours since. */
function isSeenChanged(
  trail: CodeTrail | undefined,
  code: WantedCode,
  window: CodeWindow | null,
  reading: Reading | undefined,
): boolean {
  const stored = trail && reading && trail.at <= reading.at ? storedOf(trail, reading.codes) : undefined;
  return stored !== undefined && !stored.pending && !isSame(stored, code.index, window);
}

/** The last set was of these digits, for this window. */
function isMeant(trail: CodeTrail, code: WantedCode, window: CodeWindow | null): boolean {
  const isSameRange = trail.window?.from === window?.from && trail.window?.until === window?.until;
  return trail.index === code.index && isSameRange && isSameHours(trail.window?.hours, window?.hours);
}

function windowOf({ from, until, hours }: WantedCode, { windows }: CodeConstraints): CodeWindow | null {
  return windows === "range" ? { from, until, ...(hours && { hours }) } : null;
}

/** What the lock does not tell is not held against it. */
function isSame(stored: StoredCode, index: string, window: CodeWindow | null): boolean {
  if (stored.index !== "masked" && stored.index !== index) return false;
  if (stored.window === undefined) return true;
  if (stored.window === null || window === null) return stored.window === window;
  if (!isSameHours(stored.window.hours, window.hours)) return false;
  const off = (end: "from" | "until") => Math.abs(stored.window![end] - window[end]);
  return off("from") < codeTimes.roundingMs && off("until") < codeTimes.roundingMs;
}

/** Put there long before the arrival: seen again shortly before it. */
function isToConfirm(trail: CodeTrail | undefined, { from }: WantedCode, now: Instant): boolean {
  const since = from - codeTimes.confirmMs;
  return (
    trail?.state === "present" && trail.change === "set" && trail.at < since && now >= since && trail.sentAt < since
  );
}
