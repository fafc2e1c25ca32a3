/**
 * Who may open one door at Kisi, and when: a role in the door's group for each code, whose value is the e-mail address of a member. The service
 * takes changes at once; nothing tells when the door's controller has heard of them.
 */
import type { DeviceId } from "../../domain/access-point.ts";
import type { CodeConstraints, CodeRef, StoredCode } from "../../domain/lock-code.ts";
import { GatewayError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { CodeStore, CodeToSet, CommandResult } from "../../ports/device.ts";
import { resultOf, type WebAnswer } from "../common/web-answer.ts";
import type { Question } from "./account.ts";
import { describe, isAbsent } from "./answer.ts";
import {
  type Assignment,
  asAccount,
  assign,
  assignmentsOf,
  changeAssignment,
  createMember,
  isInGroup,
  membersLike,
  readAssignments,
  readMadeRole,
  readMadeUser,
  readUserOf,
  toStored,
  totalOf,
  unassign,
} from "./members.ts";
import type { Options } from "./options.ts";

const labelMax = 20;
/** A longer list is not read. */
const listMax = 4_000;
/** No address is longer. */
const addressMax = 254;

export interface KisiCodesOptions {
  readonly device: DeviceId;
  readonly group: number;
  readonly options: Options;
  /** Never rejects; settles when the signal fires. */
  readonly ask: (question: Question, signal: AbortSignal) => Promise<WebAnswer>;
  readonly clock: Clock;
  /** Aborted when the device stops; undefined while it does not run. */
  readonly stopped: () => AbortSignal | undefined;
  /** Whether the door's controller is connected now. Rejects when nobody knows. */
  readonly isConnected: (signal: AbortSignal) => Promise<boolean>;
}

export class KisiCodes implements CodeStore {
  readonly constraints: CodeConstraints;
  readonly place: string;
  readonly #with: KisiCodesOptions;
  /** What each role was given for, as long as the gateway runs: found by it whatever the service makes of its dates and address. */
  readonly #given = new Map<CodeRef, string>();
  #count = 0;

  constructor(given: KisiCodesOptions) {
    this.#with = given;
    this.place = `group ${given.group} at ${given.options.url}`;
    this.constraints = {
      keeps: "accounts",
      keptBy: "cloud",
      ...{ lengths: [], digits: "", forbiddenPrefixes: [] },
      capacity: given.options.codesMax,
      places: { kind: "given" },
      windows: "range",
    };
  }

  /** Rejects while the controller is not connected: what it goes by then is not what the service tells. */
  async list(indexOf: (account: string) => string, signal: AbortSignal): Promise<readonly StoredCode[]> {
    const { group, isConnected } = this.#with;
    if (!this.#isHolder())
      throw new GatewayError("device-refused", `groupId ${group} is another door's, too: each needs one of its own`);
    if (!(await isConnected(this.#signal(signal))))
      throw new GatewayError(
        "device-unreachable",
        "the door's controller is not connected: nobody knows what it holds",
      );
    const codes = (await this.#readAll(signal)).map((one) => {
      const code = toStored(one, indexOf);
      if (!code) throw unreadable(`whose role assignment ${one.id} is`);
      const label = this.#given.get(code.ref);
      return { ...code, ...(label !== undefined && { label }) };
    });
    this.#count = codes.length;
    return codes;
  }

  async set(code: CodeToSet, signal: AbortSignal): Promise<CommandResult> {
    const { group, options } = this.#with;
    if (!isAllowed(code) || signal.aborted || !this.#isHolder()) return "refused";
    if (code.ref !== undefined)
      return resultOf(await this.#ask(changeAssignment(code.ref, code.window, options.changeVerb), signal));
    if (this.#count >= this.constraints.capacity) return "refused";
    const user = await this.#userOf(code, signal);
    // Whatever became of the member, the door opens to nobody new.
    if (user === undefined) return "refused";
    const answer = await this.#ask(assign(user, group, code.window), signal);
    const result = resultOf(answer);
    if (result !== "accepted") return result;
    this.#count += 1;
    const ref = answer.kind === "answered" ? readMadeRole(answer.body) : undefined;
    if (ref !== undefined) this.#given.set(ref, code.label);
    const [eldest] = this.#given.keys();
    if (this.#given.size > listMax && eldest !== undefined) this.#given.delete(eldest);
    return result;
  }

  async clear(ref: CodeRef, signal: AbortSignal): Promise<CommandResult> {
    if (!this.#isHolder()) return "refused";
    const answer = await this.#ask(unassign(ref), signal);
    return isAbsent(answer) ? "confirmed" : resultOf(answer);
  }

  /** The member of that address, made where there is none. They are never taken away: a person may be a member for other reasons. */
  async #userOf({ digits, holder }: CodeToSet, signal: AbortSignal): Promise<number | undefined> {
    const email = asAccount(digits.reveal());
    const found = await this.#find(email, signal);
    if (found !== "none") return found;
    const made = await this.#ask(createMember(holder ?? email, email), signal);
    if (made.kind !== "answered") return undefined;
    if (made.status >= 200 && made.status < 300) return readMadeUser(made.body);
    // Somebody was quicker: another door of the account, for one.
    const again = made.status === 422 ? await this.#find(email, signal) : "none";
    return again === "none" ? undefined : again;
  }

  /** undefined: nobody knows. */
  async #find(email: string, signal: AbortSignal): Promise<number | "none" | undefined> {
    const answer = await this.#ask(membersLike(email), signal);
    if (answer.kind !== "answered" || answer.status !== 200) return undefined;
    const user = readUserOf(answer.body, email);
    return user === "unread" ? undefined : (user ?? "none");
  }

  /**
   * All that stands in the group. Rejects when it cannot be read as a whole: what is overlooked would count as gone. So each page begins with the
   * last one of the page before: where something went meanwhile, that is another.
   */
  async #readAll(signal: AbortSignal): Promise<readonly Assignment[]> {
    const { group } = this.#with;
    const what = `the role assignments of group ${group}`;
    const changed = () => new GatewayError("device-refused", `${what} have changed while they were read`);
    const all: Assignment[] = [];
    let count: number | undefined;
    for (;;) {
      const last = all.at(-1);
      const offset = last ? all.length - 1 : 0;
      const answer = await this.#ask(assignmentsOf(group, offset), signal);
      if (answer.kind !== "answered" || answer.status !== 200) throw unread(answer, what);
      const page = readAssignments(answer.body);
      const total = page && totalOf(answer.headers?.["x-collection-range"], offset, page.length);
      if (!page || total === undefined) throw unreadable(what);
      if (total > listMax)
        throw new GatewayError("device-refused", `${what} are ${total}; ${listMax} can be read`, { count: total });
      count ??= total;
      if (total !== count || (last && page[0]?.id !== last.id)) throw changed();
      all.push(...(last ? page.slice(1) : page));
      if (all.length > total || (page.length < 2 && all.length < total)) throw changed();
      if (all.length === total) break;
    }
    if (new Set(all.map(({ id }) => id)).size < all.length) throw changed();
    return all.filter((one) => {
      const isOurs = isInGroup(one, group);
      if (isOurs === undefined) throw unreadable(`what role assignment ${one.id} opens`);
      return isOurs;
    });
  }

  /** Two doors that kept one group would each take the other's for nobody's. */
  #isHolder(): boolean {
    const { clock, device, stopped } = this.#with;
    const ofClock = holders.getOrInsertComputed(clock, () => new Map<string, Holder>());
    const holder = ofClock.get(this.place);
    const isFree = !holder || holder.device === device || (holder.stopped()?.aborted ?? true);
    if (isFree) ofClock.set(this.place, { device, stopped });
    return isFree;
  }

  #signal(signal: AbortSignal): AbortSignal {
    const stopped = this.#with.stopped();
    return stopped ? AbortSignal.any([signal, stopped]) : AbortSignal.abort();
  }

  #ask(question: Question, signal: AbortSignal): Promise<WebAnswer> {
    return this.#with.ask(question, this.#signal(signal));
  }
}

type Holder = Pick<KisiCodesOptions, "device" | "stopped">;

const holders = new WeakMap<Clock, Map<string, Holder>>();

function isAllowed({ label, digits, window }: CodeToSet): boolean {
  const email = digits.reveal();
  const isWindow = !window || (window.from < window.until && !window.hours);
  return isAddress(email) && label.length > 0 && label.length <= labelMax && isWindow;
}

function isAddress(text: string): boolean {
  return text.length <= addressMax && /^[^@\s\p{Cc}]+@[^@\s\p{Cc}]+$/u.test(text);
}

function unread(answer: WebAnswer, what: string): GatewayError {
  const code = answer.kind === "answered" ? "device-refused" : "device-unreachable";
  return new GatewayError(code, `${what} could not be read: ${describe(answer)}`, {
    ...(answer.kind === "answered" && { status: answer.status }),
  });
}

function unreadable(what: string): GatewayError {
  return new GatewayError("device-refused", `Kisi does not tell ${what} in a way that can be read`);
}
