/**
 * The PINs of one door at Brivo: a user for each code, whose membership of the door's group lets it open, and whose dates bound its PIN. The
 * cloud takes changes at once, and the panel hears of them when it is connected: "accepted" is the best that a change can be.
 */
import type { Millis, Monotonic } from "../../domain/instant.ts";
import type { CodeConstraints, CodeRef, StoredCode } from "../../domain/lock-code.ts";
import { GatewayError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { CodeStore, CodeToSet, CommandResult } from "../../ports/device.ts";
import { resultOf, type WebAnswer } from "../common/web-answer.ts";
import type { AskOptions, Question } from "./account.ts";
import { bodyOf, unread } from "./answer.ts";
import type { Options } from "./options.ts";
import {
  changeUser,
  createUser,
  deleteUser,
  groupsOf,
  join,
  leave,
  readAll,
  strayUsers,
  suspendUser,
  userById,
  userByLabel,
  usersOfGroup,
} from "./users.ts";
import { type BrivoUser, readIds, readPage, readUser } from "./wire.ts";

/** A panel that is connected has heard of a change by then. */
const panelHearsMs: Millis = 10_000;
/** What was read of a user is believed so long, where the gateway has changed nothing of it since: each of them costs a request. */
const believedMs: Millis = 55 * 60_000;
const labelMax = 20;

export interface CodesOptions {
  readonly group: number;
  readonly options: Options;
  readonly ask: (question: Question, options: Omit<AskOptions, "deadlineMs">) => Promise<WebAnswer>;
  readonly clock: Clock;
  /** Aborted when the device stops; undefined while it does not run. */
  readonly stopped: () => AbortSignal | undefined;
  /** Whether the panel is connected now, as far as anybody can tell. Rejects when nobody knows. */
  readonly isConnected: (signal: AbortSignal) => Promise<boolean>;
}

interface Known {
  readonly code: StoredCode | undefined;
  readonly isOurs: boolean;
  readonly readAt: Monotonic;
}

export class BrivoCodes implements CodeStore {
  readonly constraints: CodeConstraints;
  readonly place: string;
  readonly #group: number;
  readonly #with: CodesOptions;
  /** Those of the last list that the gateway has made; nobody else's is ever changed. */
  #ours = new Map<CodeRef, StoredCode>();
  readonly #known = new Map<CodeRef, Known>();
  /** Changes that were taken; a cleared one with what stood there before. */
  readonly #changed = new Map<CodeRef, { readonly at: Monotonic; readonly cleared?: StoredCode }>();
  #count = 0;
  /** A user in no group may be left over: from before the start, or by a change that did not come to its end. */
  #mayBeStray = true;

  constructor(given: CodesOptions) {
    const { pinDigitsMin: shortest, pinDigitsMax, codesMax } = given.options;
    this.#group = given.group;
    this.#with = given;
    this.place = `group ${given.group} at ${given.options.apiUrl}`;
    this.constraints = {
      keptBy: "cloud",
      lengths: Array.from({ length: pinDigitsMax - shortest + 1 }, (_, more) => shortest + more),
      digits: "0123456789",
      forbiddenPrefixes: [],
      capacity: codesMax,
      places: { kind: "given" },
      windows: "range",
      hours: { native: "none", openingsPerWeekMax: given.options.openingsPerWeekMax },
    };
  }

  /** Rejects while the panel is not connected: what it holds then is not what the cloud tells. */
  async list(indexOf: (digits: string) => string, signal: AbortSignal): Promise<readonly StoredCode[]> {
    const { clock, isConnected } = this.#with;
    const askedAt = clock.monotonic();
    if (!(await isConnected(this.#signal(signal))))
      throw new GatewayError("device-unreachable", "the door's panel is not connected: nobody knows what it holds");
    const read = (path: string, what: string) => readAll(path, what, (question) => this.#ask(question, signal));
    const members = readIds(await read(usersOfGroup(this.#group), `the users of group ${this.#group}`));
    const strays = this.#mayBeStray ? await read(strayUsers, "the users without a group") : [];
    if (!members) throw new GatewayError("device-refused", "a user of the group is told in a way that cannot be read");
    const codes: StoredCode[] = [];
    const ours = new Map<CodeRef, StoredCode>();
    for (const id of members) {
      const code = await this.#read(String(id), indexOf, askedAt, signal, ours);
      if (code) codes.push(code);
    }
    for (const ref of strayRefs(strays)) {
      const code = ours.has(ref) ? undefined : await this.#readStray(ref, indexOf, signal);
      if (!code) continue;
      ours.set(ref, code);
      codes.push(code);
    }
    for (const ref of this.#known.keys()) if (!members.includes(Number(ref))) this.#known.delete(ref);
    this.#mayBeStray = codes.some(({ ref }) => ours.has(ref) && !members.includes(Number(ref)));
    this.#ours = ours;
    this.#count = codes.length;
    return [...codes, ...this.#leaving(ours, askedAt)].map((code) => this.#asHeard(code, askedAt));
  }

  async set(code: CodeToSet, signal: AbortSignal): Promise<CommandResult> {
    if (!this.#isAllowed(code) || signal.aborted) return "refused";
    if (code.ref !== undefined)
      return (await this.#isOurs(code.ref, signal)) ? this.#change(code.ref, code, signal) : "refused";
    if (this.#count >= this.constraints.capacity) return "refused";
    // A change before may have come half of the way, or another door of the account may have that user already.
    const found = await this.#ask(userByLabel(code.label), signal);
    if (isAbsent(found)) return this.#create(code, signal);
    const user = found.kind === "answered" && found.status === 200 ? readUser(found.body) : undefined;
    return user?.label === code.label ? this.#change(String(user.id), code, signal) : "refused";
  }

  async clear(ref: CodeRef, signal: AbortSignal): Promise<CommandResult> {
    const groups = await this.#ask(groupsOf(ref), signal);
    if (isAbsent(groups)) return "confirmed";
    const ids =
      groups.kind === "answered" && groups.status === 200 ? readIds(readPage(groups.body)?.data ?? [{}]) : undefined;
    if (!ids || !(await this.#isOurs(ref, signal))) return "refused";
    const isMember = ids.includes(this.#group);
    // The same person's code at another door.
    const isElsewhere = ids.some((id) => id !== this.#group);
    if (isElsewhere) return isMember ? this.#remove(ref, [leave(this.#group, ref)], signal) : "confirmed";
    if (this.#with.options.removal === "delete") return this.#remove(ref, [deleteUser(ref)], signal);
    return this.#remove(ref, [suspendUser(ref, true), ...(isMember ? [leave(this.#group, ref)] : [])], signal);
  }

  /** The code of the user that an event names; undefined when it is none of the gateway's. */
  refOf(user: number): CodeRef | undefined {
    return this.#ours.has(String(user)) ? String(user) : undefined;
  }

  forget(): void {
    this.#ours = new Map();
    this.#known.clear();
    this.#changed.clear();
    this.#count = 0;
    this.#mayBeStray = true;
  }

  async #create(code: CodeToSet, signal: AbortSignal): Promise<CommandResult> {
    const created = await this.#ask(createUser(code), signal);
    const result = resultOf(created);
    if (result === "refused") return "refused";
    this.#mayBeStray = true;
    const user = created.kind === "answered" ? readUser(created.body) : undefined;
    if (result === "unknown" || !user) return "unknown";
    const ref = String(user.id);
    const joined = await this.#ask(join(this.#group, ref), signal);
    if (resultOf(joined) !== "accepted") return this.#undo(ref, joined, signal);
    this.#count += 1;
    this.#changed.set(ref, { at: this.#with.clock.monotonic() });
    return "accepted";
  }

  /** A user whom the group certainly did not take is of no use, and has the PIN. */
  async #undo(ref: CodeRef, joined: WebAnswer, signal: AbortSignal): Promise<CommandResult> {
    if (joined.kind !== "answered" || resultOf(joined) !== "refused") return "unknown";
    const deleted = await this.#ask(deleteUser(ref), signal);
    return resultOf(deleted) === "accepted" || isAbsent(deleted) ? "refused" : "unknown";
  }

  async #change(ref: CodeRef, code: CodeToSet, signal: AbortSignal): Promise<CommandResult> {
    this.#known.delete(ref);
    const changed = await this.#ask(changeUser(ref, code, this.#with.options.changeVerb), signal);
    const result = resultOf(changed);
    if (result !== "accepted") return result;
    this.#changed.set(ref, { at: this.#with.clock.monotonic() });
    const user = changed.kind === "answered" ? readUser(changed.body) : undefined;
    const more = [...(user?.isSuspended === false ? [] : [suspendUser(ref, false)]), join(this.#group, ref)];
    for (const question of more)
      if (resultOf(await this.#ask(question, signal)) !== "accepted") {
        this.#mayBeStray = true;
        return "unknown";
      }
    return "accepted";
  }

  async #remove(ref: CodeRef, questions: readonly Question[], signal: AbortSignal): Promise<CommandResult> {
    let isBegun = false;
    this.#known.delete(ref);
    for (const question of questions) {
      const answer = await this.#ask(question, signal);
      if (isAbsent(answer) && !isBegun) return "confirmed";
      const result = resultOf(answer);
      if (result !== "accepted") return isBegun ? "unknown" : result;
      isBegun = true;
    }
    const cleared = this.#ours.get(ref);
    this.#changed.set(ref, { at: this.#with.clock.monotonic(), ...(cleared && { cleared }) });
    return "accepted";
  }

  /** undefined for one without a PIN, or that is gone meanwhile. */
  async #read(
    ref: CodeRef,
    indexOf: (digits: string) => string,
    now: Monotonic,
    signal: AbortSignal,
    ours: Map<CodeRef, StoredCode>,
  ): Promise<StoredCode | undefined> {
    let known = this.#known.get(ref);
    if (!known || now - known.readAt >= believedMs) {
      const user = await this.#user(ref, signal);
      if (!user) return undefined;
      const code = toStored(user, indexOf);
      known = { code, isOurs: user.label !== undefined && code !== undefined, readAt: now };
      this.#known.set(ref, known);
    }
    if (known.isOurs && known.code) ours.set(ref, known.code);
    return known.code;
  }

  /** In no group, so it never opens, whatever its dates say. */
  async #readStray(
    ref: CodeRef,
    indexOf: (digits: string) => string,
    signal: AbortSignal,
  ): Promise<StoredCode | undefined> {
    const user = await this.#user(ref, signal);
    const code = user && !user.isSuspended && user.label !== undefined ? toStored(user, indexOf) : undefined;
    return code && { ...code, window: never };
  }

  async #user(ref: CodeRef, signal: AbortSignal): Promise<BrivoUser | undefined> {
    const answer = await this.#ask(userById(ref), signal);
    if (isAbsent(answer)) return undefined;
    const user = readUser(bodyOf(answer, `user ${ref} of Brivo`));
    if (!user || String(user.id) !== ref) throw unread(answer, `user ${ref} of Brivo`);
    return user;
  }

  /** False also where nobody knows. */
  async #isOurs(ref: CodeRef, signal: AbortSignal): Promise<boolean> {
    if (this.#ours.has(ref)) return true;
    const user = await this.#user(ref, signal).catch(() => undefined);
    return user?.label !== undefined;
  }

  /** Cleared, and perhaps not heard of by the panel: it may open to them yet. */
  #leaving(ours: ReadonlyMap<CodeRef, StoredCode>, now: Monotonic): StoredCode[] {
    for (const [ref, { at }] of this.#changed) if (now - at >= panelHearsMs) this.#changed.delete(ref);
    return [...this.#changed].flatMap(([ref, { cleared }]) => (cleared && !ours.has(ref) ? [cleared] : []));
  }

  #asHeard(code: StoredCode, now: Monotonic): StoredCode {
    const change = this.#changed.get(code.ref);
    return change && now - change.at < panelHearsMs ? { ...code, pending: true } : code;
  }

  #isAllowed({ label, digits, window }: CodeToSet): boolean {
    const text = digits.reveal();
    const isWindow = !window || (window.from < window.until && !window.hours);
    const isPin = /^\d*$/.test(text) && this.constraints.lengths.includes(text.length);
    return isPin && label.length > 0 && label.length <= labelMax && isWindow;
  }

  #signal(signal: AbortSignal): AbortSignal {
    const stopped = this.#with.stopped();
    return stopped ? AbortSignal.any([signal, stopped]) : AbortSignal.abort();
  }

  #ask(question: Question, signal: AbortSignal): Promise<WebAnswer> {
    return this.#with.ask(question, { kind: "other", signal: this.#signal(signal) });
  }
}

const never = { from: 0, until: 0 } as const;

function toStored({ id, label, pin, window, isSuspended }: BrivoUser, indexOf: (digits: string) => string) {
  // One of ours without a PIN was changed by somebody; it has no digits, which is what no index says.
  if (pin === undefined && label === undefined) return undefined;
  return {
    ref: String(id),
    label: label ?? `user ${id}`,
    index: pin === undefined ? "" : indexOf(pin),
    window: isSuspended ? never : window,
  };
}

function strayRefs(strays: readonly unknown[]): readonly CodeRef[] {
  return strays.flatMap((stray) => {
    const user = readUser(stray);
    return user?.label !== undefined && !user.isSuspended ? [String(user.id)] : [];
  });
}

/** By the service's own word, and not that of something before it. */
function isAbsent(answer: WebAnswer): boolean {
  if (answer.kind !== "answered" || answer.status !== 404) return false;
  return (answer.body as { code?: unknown } | null | undefined)?.code === 404;
}
