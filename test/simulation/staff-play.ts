/**
 * The people who work at the site, as the simulation plays them: they sign in at a gateway, with or without its line, ask for doors, try old
 * passwords, get new ones, leave; and somebody locks the whole site down. What must hold is checked when a strike moves, and at rest.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { changePerson, createPerson, type PersonChange } from "../../cloud-sync/store/people.ts";
import type { Store } from "../../cloud-sync/store/store.ts";
import type { EntryEvent } from "../../gateway/domain/entry-event.ts";
import type { Cursor } from "../../gateway/domain/feed.ts";
import type { StaffMember } from "../../gateway/domain/staff.ts";
import type { DoorAction } from "../../gateway/flows/door-action.ts";
import { carryOutForStaff } from "../../gateway/flows/staff-command.ts";
import { StaffSessions } from "../../gateway/http/staff-sessions.ts";
import { PasswordHasher } from "../../gateway/wire/password-hash.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import type { Random } from "../support/random.ts";
import type { GatewayNode, GatewayProcess } from "./gateway-node.ts";
import type { KnownGrant } from "./known-grant.ts";
import { readVersion } from "./site-copy.ts";
import { Violation } from "./violation.ts";

/** What the plays need of the world. */
export interface Stage {
  readonly nodes: readonly GatewayNode[];
  readonly store: Store;
  readonly lineDelayMs: number;
  readonly site: () => string;
  /** The site's present one. */
  readonly feed: () => string;
  /** The true time. */
  readonly wall: () => number;
  readonly monotonic: () => number;
  admin(method: string, path: string, body?: object): Promise<Record<string, unknown>>;
  advance(ms: number): Promise<void>;
  /** Somebody with a grant tries a door of the gateway. */
  presentAt(node: GatewayNode): void;
  /** Visitors', the newest last. */
  readonly passes: readonly KnownGrant[];
  invite(random: Random): Promise<void>;
  revoke(pass: KnownGrant): Promise<void>;
  cutLine(node: GatewayNode): void;
  /** Work that takes no simulated time and is waited for. */
  working<T>(work: () => Promise<T>): Promise<T>;
  violated(invariant: string, message: string): void;
  note(what: string): void;
}

/** One password of one member; a new one makes the one before void. */
export interface Password {
  readonly member: Member;
  readonly text: string;
  readonly hash: string;
  /** Feed and version that made it void. */
  void: Cursor | undefined;
}

interface Member {
  readonly number: number;
  readonly id: string;
  readonly userName: string;
  /** The newest last. */
  readonly passwords: Password[];
  works: boolean;
  /** The cloud was restored since: it may know nothing of the person. */
  forgotten: boolean;
}

/** What is under way while a strike moves for somebody of the staff. */
export interface StaffAct {
  readonly password: Password;
  readonly action: DoorAction;
}

/** Sessions of one process of a gateway, and the tokens people have of it. */
interface Desk {
  readonly sessions: StaffSessions;
  readonly tokens: Map<Password, string>;
}

const hourMs = 3_600_000;
/** How old records may be by which staff is let in: what the site is made with. */
export const staffMaxAgeMs = hourMs;
/** It proves nothing here, so it costs next to nothing. */
const cost = { memoryKiB: 8, passes: 1 };
const membersMax = 3;

export class StaffPlay {
  readonly #stage: Stage;
  readonly #random: Random;
  readonly #hasher = new PasswordHasher({ cost });
  /** One for all gateways: which of two threads is done first nobody can tell. */
  readonly #waitedFor: WaitedForHasher;
  readonly #under = new AsyncLocalStorage<StaffAct>();
  readonly #members: Member[] = [];
  readonly #desks = new WeakMap<GatewayProcess, Desk>();

  constructor(stage: Stage, random: Random) {
    this.#stage = stage;
    this.#random = random;
    this.#waitedFor = new WaitedForHasher(stage);
  }

  /** Whose order it is that runs at this moment. */
  get underWay(): StaffAct | undefined {
    return this.#under.getStore();
  }

  async act(): Promise<void> {
    const acts: readonly (readonly [weight: number, name: string, act: () => Promise<void>])[] = [
      [10, "staff at a door", () => this.#atDoor()],
      [2, "a wrong password", () => this.#wrongPassword()],
      [2, "a new password", () => this.#withWorking((member) => this.#givePassword(member))],
      [1, "somebody leaves", () => this.#withWorking((member) => this.#end(member))],
      [3, "somebody leaves at the door", () => this.#withWorking((member) => this.#endAtTheDoor(member))],
      [2, "lockdown", () => this.#lockdown()],
    ];
    if (this.#working().length < membersMax && this.#random.chance(this.#working().length === 0 ? 1 : 0.2))
      return this.#employ();
    let draw = this.#random.int(acts.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, name, act] of acts) {
      draw -= weight;
      if (draw >= 0) continue;
      this.#stage.note(name);
      return act();
    }
  }

  /** A password of somebody, rather one that is good; undefined: nobody has ever worked here. */
  pickPassword(random: Random): Password | undefined {
    if (this.#members.length === 0) return undefined;
    const working = this.#working();
    if (working.length > 0 && random.chance(0.92)) return random.pick(working).passwords.at(-1);
    return random.pick(random.pick(this.#members).passwords);
  }

  /** Signs in where it has not with this password. Answers who it is, or why not. */
  async signedIn(node: GatewayNode, password: Password): Promise<StaffMember | string> {
    const desk = this.#deskOf(node);
    if (!desk) return "down";
    const { member } = password;
    let token = desk.tokens.get(password);
    if (token === undefined) {
      const wasVoid = node.confirmedVoid.has(password);
      const answer = await desk.sessions.signIn(member.userName, new SecretString(password.text));
      if (answer.outcome !== "signed-in") return answer.outcome;
      if (wasVoid) this.#stage.violated("S2", `member ${member.number} signed in with a void password`);
      token = answer.token;
      desk.tokens.set(password, token);
    }
    const session = desk.sessions.find(token);
    if (session) return session.member;
    desk.tokens.delete(password);
    return "signed out";
  }

  /** Employs somebody where nobody works; true: it did, and the gateways have not heard of it yet. */
  async hires(): Promise<boolean> {
    if (this.#working().length > 0) return false;
    await this.#employ();
    return true;
  }

  /** What `work` orders is that member's order to unlock. */
  ordering<T>(password: Password, work: () => Promise<T>): Promise<T> {
    return this.#under.run({ password, action: "unlock" }, work);
  }

  /** The cloud came back from a backup: who works here and by which password nobody can say of those of before. */
  forget(): void {
    for (const member of this.#members) {
      member.works = false;
      member.forgotten = true;
      for (const password of member.passwords) password.void = undefined;
    }
    for (const node of this.#stage.nodes) node.confirmedVoid.clear();
  }

  /** What the gateway confirms by this poll. */
  hear(node: GatewayNode, confirms: (state: Cursor | undefined) => boolean): void {
    for (const { passwords } of this.#members)
      for (const password of passwords) if (confirms(password.void)) node.confirmedVoid.add(password);
  }

  /** The strike moves for somebody of the staff. S1: who asked for that. S2: who works there. S3: by records that are not too old. */
  onOpening(node: GatewayNode, { password, action }: StaffAct): void {
    const { violated, monotonic } = this.#stage;
    const { member } = password;
    const who = `member ${member.number}`;
    if (action !== "unlock") violated("S1", `the strike moves, and ${who} asked for ${action}`);
    if (node.process?.site.parts.records.staff(member.id)?.password !== password.hash)
      violated("S2", `${who} opens with a password of which gateway ${node.number} knows that it is void`);
    if (node.confirmedVoid.has(password))
      violated("S2", `${who} opens with a password of which gateway ${node.number} has confirmed that it is void`);
    if (monotonic() - node.lastSyncAsked > staffMaxAgeMs + 5_000)
      violated("S3", `${who} opens on records older than staff may have`);
  }

  /** At rest. S4: each thing that staff did stands in the audit trail once. L2: who works here opens doors, who does not opens none. */
  async check(events: ReadonlyMap<string, readonly EntryEvent[]>): Promise<void> {
    await this.#checkAudit(events);
    for (const member of this.#members.slice(-2)) await this.#checkMember(member);
  }

  // People.

  #working(): Member[] {
    return this.#members.filter(({ works }) => works);
  }

  async #withWorking(act: (member: Member) => Promise<void>): Promise<void> {
    const working = this.#working();
    if (working.length > 0) await act(this.#random.pick(working));
  }

  async #employ(): Promise<void> {
    const { store, site, wall, note } = this.#stage;
    const number = this.#members.length + 1;
    const userName = `guard${number}.${site()}`;
    const sites = [site()];
    const fresh = { userName, email: null, name: "Pat Guard", language: "en", sites };
    const made = await store.transaction((tx) =>
      createPerson(tx, { ...fresh, role: "guard", createdBy: "admin" }, Math.floor(wall())),
    );
    if ("taken" in made) throw new Error(`somebody is called ${userName}`);
    const member: Member = { number, id: made.id, userName, passwords: [], works: true, forgotten: false };
    this.#members.push(member);
    note(`member ${number} begins`);
    await this.#givePassword(member);
  }

  /** As by a link: what the person had is void. */
  async #givePassword(member: Member): Promise<void> {
    const text = `gate number ${member.number} and ${member.passwords.length}`;
    const hash = await this.#hasher.hash(new SecretString(text));
    await this.#change(member, { passwordHash: hash });
    member.passwords.push({ member, text, hash, void: undefined });
  }

  async #end(member: Member): Promise<void> {
    member.works = false;
    await this.#change(member, { disabledAt: Math.floor(this.#stage.wall()) });
  }

  /** Either makes the password void that the member has. */
  async #change(member: Member, change: PersonChange): Promise<void> {
    const { store, site, feed, wall } = this.#stage;
    const version = await store.transaction(async (tx) => {
      await changePerson(tx, member.id, change, Math.floor(wall()));
      return readVersion(tx, site());
    });
    const last = member.passwords.at(-1);
    if (last) last.void = { feed: feed(), version };
  }

  // At the doors.

  async #atDoor(): Promise<void> {
    const node = this.#random.pick(this.#stage.nodes);
    if (!node.process) return node.boot();
    const member = this.#random.pick(this.#members);
    const password = this.#random.chance(0.8) ? member.passwords.at(-1)! : this.#random.pick(member.passwords);
    const times = this.#random.chance(0.2) ? 3 : 1;
    for (let time = 0; time < times; time += 1)
      this.#press(node, password, this.#random.pick(node.doors), this.#random.chance(0.8) ? "unlock" : "identify");
    await this.#stage.advance(0);
  }

  async #wrongPassword(): Promise<void> {
    const node = this.#random.pick(this.#stage.nodes);
    const { userName } = this.#random.pick(this.#members);
    const desk = this.#deskOf(node);
    desk?.sessions
      .signIn(userName, new SecretString("not the password"))
      .then(({ outcome }) => {
        if (outcome === "signed-in") this.#stage.violated("S2", "somebody signed in with a wrong password");
      })
      .catch((error: Error) => node.note(`sign-in failed: ${error.message}`));
    await this.#stage.advance(0);
  }

  /** The word that somebody leaves, or has a new password, and that person's orders arrive at about the same time. */
  async #endAtTheDoor(member: Member): Promise<void> {
    const node = this.#random.pick(this.#stage.nodes);
    const password = member.passwords.at(-1)!;
    const door = this.#random.pick(node.doors);
    this.#press(node, password, door, "unlock");
    await this.#stage.advance(1_000);
    if (this.#random.chance(0.5)) await this.#end(member);
    else await this.#givePassword(member);
    for (let turn = 0; turn < 6; turn += 1) {
      for (let time = 0; time < 2; time += 1) this.#press(node, password, door, "unlock");
      await this.#stage.advance(this.#random.int(this.#stage.lineDelayMs));
    }
  }

  /** Nobody is let in for a while, whoever asks. */
  async #lockdown(): Promise<void> {
    const site = `/api/sites/${this.#stage.site()}`;
    await this.#stage.admin("PATCH", site, { lockdown: true });
    for (let turn = 0; turn < 5; turn += 1) {
      const node = this.#random.pick(this.#stage.nodes);
      const [member] = this.#working();
      if (member) this.#press(node, member.passwords.at(-1)!, this.#random.pick(node.doors), "unlock");
      this.#stage.presentAt(node);
      await this.#stage.advance(this.#random.int(this.#stage.lineDelayMs + 200));
    }
    await this.#stage.admin("PATCH", site, { lockdown: false });
  }

  /** Signs in where it has not with this password, then asks. */
  #press(node: GatewayNode, password: Password, door: string, action: DoorAction): void {
    this.#ask(node, password, door, action)
      .then((result) => node.note(`member ${password.member.number} ${action}: ${result}`))
      .catch((error: Error) => node.note(`staff's order failed: ${error.message}`));
  }

  async #ask(node: GatewayNode, password: Password, door: string, action: DoorAction): Promise<string> {
    const site = node.process?.site;
    if (!site) return "down";
    const staff = await this.signedIn(node, password);
    if (typeof staff === "string") return staff;
    const order = { staff, accessPoint: door, action };
    return this.#under.run({ password, action }, () => carryOutForStaff(site.parts, order));
  }

  /** undefined: the gateway is down. */
  #deskOf({ process }: GatewayNode): Desk | undefined {
    if (!process?.site) return undefined;
    const known = this.#desks.get(process);
    if (known) return known;
    const desk = {
      sessions: new StaffSessions(process.site.parts, this.#waitedFor),
      tokens: new Map<Password, string>(),
    };
    this.#desks.set(process, desk);
    return desk;
  }

  // At rest.

  async #checkAudit(events: ReadonlyMap<string, readonly EntryEvent[]>): Promise<void> {
    const done = [...events].flatMap(([holder, ones]) =>
      ones.flatMap((event) => {
        const gateway = holder.slice(0, holder.lastIndexOf("."));
        const entry = asAudited(event, gateway);
        return entry ? [JSON.stringify({ ...entry, actor: this.#knownAs(entry.actor) })] : [];
      }),
    );
    const told: string[] = [];
    for (let after: string | null = ""; after !== null; ) {
      const query = `site=${this.#stage.site()}&action=staff&limit=200${after && `&after=${encodeURIComponent(after)}`}`;
      const page = (await this.#stage.admin("GET", `/api/audit?${query}`)) as unknown as AuditPage;
      for (const { actor, action, thing, from, after: facts } of page.items)
        told.push(JSON.stringify({ gateway: from.address, actor: this.#knownAs(actor), action, thing, at: facts.at }));
      after = page.next;
    }
    if (JSON.stringify(told.sort()) !== JSON.stringify(done.sort()))
      throw new Violation("S4", `staff did ${done.length} things, the audit trail has ${told.length}, or they differ`);
  }

  /** A restored cloud takes a gateway's word for nobody it does not know, and writes down that somebody did it. */
  #knownAs(actor: string): string {
    return this.#members.some(({ id, forgotten }) => forgotten && id === actor) ? "unknown" : actor;
  }

  async #checkMember(member: Member): Promise<void> {
    const node = this.#random.pick(this.#stage.nodes);
    const password = member.passwords.at(-1)!;
    const isExpected = member.works;
    // Of whoever was there before the cloud was restored nobody can say.
    if (!isExpected && !password.void) return;
    let result = "";
    for (let waited = 0; waited <= 45_000; waited += 5_000) {
      let isDone = false;
      this.#ask(node, password, node.doors[0]!, "unlock").then(
        (answer) => {
          result = answer;
          isDone = true;
        },
        (error: Error) => {
          result = error.message;
          isDone = true;
        },
      );
      for (let turn = 0; !isDone && turn < 100; turn += 1) await this.#stage.advance(100);
      if (!isExpected || ["confirmed", "locked-out"].includes(result)) break;
      await this.#stage.advance(5_000);
    }
    const isRight = result === "locked-out" || isExpected === (result === "confirmed");
    if (!isRight) throw new Violation("L2", `member ${member.number} ${isExpected ? "works" : "left"}, got ${result}`);
  }
}

/** Time stands still until a password is checked: its work is done outside of the simulation. */
class WaitedForHasher extends PasswordHasher {
  readonly #stage: Stage;

  constructor(stage: Stage) {
    super({ cost, atOnce: 1, waitingMax: 64 });
    this.#stage = stage;
  }

  override matches(password: SecretString, kept: string | undefined): Promise<boolean> {
    return this.#stage.working(() => super.matches(password, kept));
  }
}

interface AuditPage {
  readonly items: readonly {
    readonly actor: string;
    readonly action: string;
    readonly thing: string;
    readonly from: { readonly address: string };
    readonly after: { readonly at: number };
  }[];
  readonly next: string | null;
}

interface Audited {
  readonly gateway: string;
  readonly actor: string;
  readonly action: string;
  readonly thing: string;
  readonly at: number;
}

/** What the audit trail must say of it; undefined: it is nothing that staff did. */
function asAudited(event: EntryEvent, gateway: string): Audited | undefined {
  const { at } = event;
  switch (event.type) {
    case "staff-signed-in":
      return { gateway, actor: event.staff, action: "staff.sign-in", thing: gateway, at };
    case "staff-refused":
      return { gateway, actor: event.staff ?? "unknown", action: "staff.refused", thing: gateway, at };
    case "staff-command":
      return { gateway, actor: event.staff, action: `staff.${event.action ?? "unlock"}`, thing: event.accessPoint, at };
    default:
      return undefined;
  }
}
