/** How doors on Kisi controllers are reached from outside: the maker's cloud, on loopback and without TLS, and its webhook. */
import { createHmac } from "node:crypto";
import type { Clock } from "../../gateway/ports/clock.ts";
import { Faults } from "../faults.ts";
import type { SimCloudDoor } from "../sim-cloud-door.ts";
import {
  type CloudAnswer,
  type CloudCall,
  CloudPort,
  type CloudRequest,
  type CloudTrouble,
  type CloudTroubleScope,
} from "./cloud-port.ts";
import { EventCourier } from "./event-courier.ts";
import {
  KisiAccount,
  type KisiActor,
  type KisiAssignment,
  type KisiEvent,
  type KisiGroup,
  type KisiLink,
  type KisiMember,
  type KisiValidity,
  kisiCode,
} from "./kisi-account.ts";
import { KisiEventSets } from "./kisi-event-sets.ts";
import { answerKisi, type KisiQuirks, kisiError } from "./kisi-routes.ts";
import { event } from "./kisi-shapes.ts";

export interface KisiServerOptions {
  readonly doors: readonly SimCloudDoor[];
  /** Locks by the numbers of their doors. */
  readonly groups: readonly KisiGroup[];
  /** Keys with the same rights belong to the same user. "none": known, and may change and open nothing. */
  readonly keys: readonly { readonly secret: string; readonly rights: "owner" | "none" }[];
  readonly clock: Clock;
  readonly faults?: Faults;
  readonly placeId?: number;
  readonly quirks?: Partial<Omit<KisiQuirks, "verbs">> & { readonly verbs?: Partial<KisiQuirks["verbs"]> };
  readonly webhook?: KisiWebhook;
}

/** Hears of every event; an owner sets it up by hand. */
export interface KisiWebhook {
  readonly url: string;
  readonly signatureKey?: string;
}

/** As documented. */
export const documentedKisi: KisiQuirks = {
  requestsPerSecond: 5,
  eventSetsPerSecond: 1,
  eventSetMs: 0,
  lockdownStatus: 409,
  verbs: {
    "delete-member": ["DELETE"],
    "delete-role-assignment": ["DELETE"],
    "update-role-assignment": ["PATCH"],
    "delete-group-link": ["DELETE"],
  },
};

const tooMany = kisiError(429, kisiCode.unexpected, "Too many requests.");
const unauthorized = kisiError(401, kisiCode.noAccess, "Access denied.");
const secondMs = 1_000;

export class KisiServer {
  /** May change at any time; holds from the next request on. */
  readonly quirks: KisiQuirks;
  readonly faults: Faults;
  readonly courier: EventCourier;
  /** May change at any time. */
  webhook: KisiWebhook | undefined;
  readonly #options: KisiServerOptions;
  readonly #account: KisiAccount;
  readonly #eventSets: KisiEventSets;
  readonly #port: CloudPort;
  /** Of each user and purpose, the requests of the last second. */
  readonly #uses = new Map<string, readonly number[]>();

  constructor(options: KisiServerOptions) {
    const { clock, doors, groups, placeId = 46, faults = new Faults() } = options;
    this.#options = options;
    const verbs = { ...documentedKisi.verbs, ...options.quirks?.verbs };
    this.quirks = { ...documentedKisi, ...options.quirks, verbs };
    this.webhook = options.webhook;
    this.faults = faults;
    this.courier = new EventCourier(clock, new Faults());
    this.#account = new KisiAccount({ doors, groups, clock, placeId, tell: (happened) => this.#tell(happened) });
    this.#eventSets = new KisiEventSets(this.#account);
    this.#port = new CloudPort({ clock, faults, answer: (request) => this.#answer(request) });
  }

  get calls(): readonly CloudCall[] {
    return this.#port.calls;
  }

  /** Keeps its port over stop(). */
  async start(): Promise<{ url: string }> {
    const reached = await this.#port.start();
    this.#account.start();
    return reached;
  }

  /** The doors go on by what they keep. */
  async stop(): Promise<void> {
    this.#account.stop();
    this.courier.stop();
    await this.#port.stop();
  }

  trouble(what: CloudTrouble, scope?: CloudTroubleScope): void {
    this.#port.trouble(what, scope);
  }

  /** Without `times` every request that is meant, until settle(). */
  refuse(status: number, scope: CloudTroubleScope = {}): void {
    const answer = status === 429 ? tooMany : kisiError(status, kisiCode.unexpected, "An unexpected issue occured.");
    this.#port.trouble({ answer }, { times: Number.POSITIVE_INFINITY, ...scope });
  }

  settle(): void {
    this.#port.settle();
  }

  /** Somebody taps the link that was sent to them; it goes through the cloud. */
  openLink(secret: string, lockId: number): "unlocked" | "refused" | "offline" {
    const door = this.#account.door(lockId);
    const verdict = door && this.#account.judgeLink(secret, door);
    if (!door || !verdict || "code" in verdict) return "refused";
    const result = this.#account.unlock(door, verdict.actor);
    return result === "locked-down" ? "refused" : result;
  }

  /** Who is at the door with a phone is known there by this number. */
  userId(email: string): number | undefined {
    return this.members().find((member) => member.email === email)?.userId;
  }

  members(): readonly KisiMember[] {
    return this.#account.members();
  }

  assignments(): readonly KisiAssignment[] {
    return this.#account.assignments();
  }

  /** Somebody at the maker's own pages, for a member who is known or not yet. Answers the number of what was given. */
  giveByHand(email: string, groupId: number, validity: KisiValidity = { validFrom: null, validUntil: null }): number {
    const known = this.userId(email);
    const made = known === undefined ? this.#account.addMember(email, email) : undefined;
    const userId = known ?? (made === "taken" ? undefined : made?.userId);
    if (userId === undefined) throw new Error(`${email} is written in another way there`);
    return this.#account.assign({ userId, groupId, roleId: "group_basic", ...validity }).id;
  }

  changeByHand(assignment: number, validity: Partial<KisiValidity>): void {
    this.#account.changeAssignment(assignment, validity);
  }

  takeByHand(assignment: number): void {
    this.#account.unassign(assignment);
  }

  links(): readonly KisiLink[] {
    return this.#account.links();
  }

  #answer(request: CloudRequest): CloudAnswer {
    const caller = this.#callerOf(request);
    if ("answer" in caller) return caller.answer;
    const { quotaOf, actor, isOwner } = caller;
    if (!this.#admits(quotaOf, "any", this.quirks.requestsPerSecond)) return tooMany;
    const isEventSet = request.method === "POST" && request.path[0] === "event_sets";
    if (isEventSet && !this.#admits(quotaOf, "event set", this.quirks.eventSetsPerSecond)) return tooMany;
    const { quirks } = this;
    try {
      return answerKisi({ account: this.#account, eventSets: this.#eventSets, quirks, actor, isOwner }, request);
    } catch (error) {
      if (error instanceof SyntaxError) return kisiError(400, kisiCode.unexpected, "The body is not JSON.");
      throw error;
    }
  }

  #callerOf({
    headers,
    path,
  }: CloudRequest): { quotaOf: string; actor: KisiActor; isOwner: boolean } | { answer: CloudAnswer } {
    const [scheme, secret = ""] = (headers.authorization ?? "").split(" ");
    if (scheme === "KISI-GROUP-LINK" && path[0] === "locks" && path[2] === "unlock") {
      const door = this.#account.door(Number(path[1]));
      const verdict = door && this.#account.judgeLink(secret, door);
      if (verdict && "actor" in verdict)
        return { quotaOf: `link ${verdict.actor.id}`, actor: verdict.actor, isOwner: false };
      return { answer: kisiError(403, verdict?.code ?? kisiCode.noDoor, "Access denied.") };
    }
    const key = this.#options.keys.find((one) => scheme === "KISI-LOGIN" && one.secret === secret);
    if (!key) return { answer: unauthorized };
    return { quotaOf: key.rights, actor: this.#account.owner, isOwner: key.rights === "owner" };
  }

  /** Counts what it admits. */
  #admits(quotaOf: string, purpose: string, max: number): boolean {
    const now = this.#options.clock.monotonic();
    const name = `${purpose} of ${quotaOf}`;
    const recent = (this.#uses.get(name) ?? []).filter((at) => at > now - secondMs);
    if (recent.length >= max) return false;
    this.#uses.set(name, [...recent, now]);
    return true;
  }

  #tell(happened: KisiEvent): void {
    if (!this.webhook) return;
    const { url, signatureKey } = this.webhook;
    this.courier.bring({
      url,
      event: event(this.#account, happened),
      ...(signatureKey !== undefined && {
        headers: (body) => ({
          "X-Signature": `sha256=${createHmac("sha256", signatureKey).update(body).digest("hex")}`,
        }),
      }),
    });
  }
}
