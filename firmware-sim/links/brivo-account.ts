/** What Brivo's cloud knows of one account: its users, their groups, who listens to what, and what has happened at the doors. */
import type { Clock } from "../../gateway/ports/clock.ts";
import type { DoorRecord, DoorRight, SimCloudDoor } from "../sim-cloud-door.ts";
import type { BrivoPerson, BrivoWish } from "./brivo-user-body.ts";
import { eventUuid } from "./event-courier.ts";

export interface BrivoGroup {
  readonly id: number;
  readonly name: string;
  readonly doors: readonly number[];
}

export interface BrivoUser extends BrivoPerson {
  readonly id: number;
  readonly suspended: boolean;
  readonly created: number;
  readonly updated: number;
}

export interface BrivoCriterion {
  readonly id: number;
  readonly criteriaType: "SITE" | "USER" | "ACCESS-POINT" | "AUDIT";
  readonly criteriaOperationType: "EQ" | "NE";
  readonly criteriaValue: number;
}

export interface BrivoSubscription {
  readonly id: number;
  readonly name: string;
  readonly url: string;
  readonly errorEmail?: string;
  /** All of them. */
  readonly criteria: readonly BrivoCriterion[];
}

/** What the service calls a thing that happened. Of the numbers 5064 alone is written down by the maker. */
export interface BrivoAction {
  readonly id: number;
  readonly action: string;
  /** Something that should not have happened. */
  readonly exception: boolean;
}

export type BrivoHappening = "admitted" | "refused" | "exit" | "forced" | "held-open" | "pulse";

export interface BrivoEvent {
  readonly uuid: string;
  readonly happening: BrivoHappening;
  readonly actor?: { readonly id: number; readonly name: string };
  readonly door: SimCloudDoor;
  readonly occurred: number;
  readonly processed: number;
}

export interface BrivoOverride {
  readonly behavior: "LOCK" | "UNLOCK";
  readonly endTimeMode: "UNTIL_TIME" | "INDEFINITE";
  readonly endTime?: number;
}

export interface BrivoAccountOptions {
  readonly doors: readonly SimCloudDoor[];
  readonly groups: readonly BrivoGroup[];
  readonly site: { readonly id: number; readonly name: string };
  readonly clock: Clock;
  readonly tell: (event: BrivoEvent, to: BrivoSubscription) => void;
}

const eventsMax = 20_000;
const groupsOfUserMax = 16;
const firstIds = { user: 442_211, subscription: 2_452_345, criterion: 349 };

export class BrivoAccount {
  readonly doors: readonly SimCloudDoor[];
  readonly groups: readonly BrivoGroup[];
  readonly site: { readonly id: number; readonly name: string };
  readonly admin = { id: 912_347, name: "Hub Admin" };
  readonly #options: BrivoAccountOptions;
  readonly #next = { ...firstIds };
  #users: readonly BrivoUser[] = [];
  #subscriptions: readonly BrivoSubscription[] = [];
  readonly #members = new Map<number, ReadonlySet<number>>();
  readonly #overrides = new Map<number, BrivoOverride>();
  readonly #events: BrivoEvent[] = [];
  #eventCount = 0;
  readonly #detach: (() => void)[] = [];

  constructor(options: BrivoAccountOptions) {
    this.#options = options;
    this.doors = options.doors;
    this.groups = options.groups;
    this.site = options.site;
  }

  start(): void {
    const cloud = { rights: (id: number) => this.#rightsAt(id), hear: (record: DoorRecord) => this.#hear(record) };
    for (const door of this.doors) this.#detach.push(door.attach(cloud));
  }

  stop(): void {
    for (const detach of this.#detach.splice(0)) detach();
  }

  get now(): number {
    return this.#options.clock.wall();
  }

  users(): readonly BrivoUser[] {
    return this.#users;
  }

  user(id: number): BrivoUser | undefined {
    return this.#users.find((one) => one.id === id);
  }

  door(id: number): SimCloudDoor | undefined {
    return this.doors.find((one) => one.id === id);
  }

  group(id: number): BrivoGroup | undefined {
    return this.groups.find((one) => one.id === id);
  }

  subscriptions(): readonly BrivoSubscription[] {
    return this.#subscriptions;
  }

  /** Newest first, and of those of one instant the one that was heard last. */
  events(): readonly BrivoEvent[] {
    return this.#events.toReversed().sort((a, b) => b.occurred - a.occurred);
  }

  /** Two users share neither external id nor PIN, and the dates are in order. */
  addUser(person: BrivoPerson): BrivoUser | "refused" {
    if (!this.#isFitting(person, undefined)) return "refused";
    const made = { ...person, id: this.#next.user++, suspended: false, created: this.now, updated: this.now };
    this.#users = [...this.#users, made];
    return made;
  }

  /** `keepsRest`: what the wish does not name stays; otherwise it goes. */
  changeUser(
    stands: BrivoUser,
    wish: BrivoWish,
    { keepsRest }: { readonly keepsRest: boolean },
  ): BrivoUser | "refused" {
    const { id, suspended, created } = stands;
    const { firstName = stands.firstName, lastName = stands.lastName } = wish;
    const rest = keepsRest ? stands : {};
    const changed = { ...rest, ...wish, firstName, lastName, id, suspended, created, updated: this.now };
    if (!this.#isFitting(changed, id)) return "refused";
    this.#replace(changed);
    return changed;
  }

  suspend(stands: BrivoUser, suspended: boolean): void {
    this.#replace({ ...stands, suspended, updated: this.now });
  }

  removeUser(id: number): boolean {
    if (!this.user(id)) return false;
    this.#users = this.#users.filter((one) => one.id !== id);
    for (const [group, members] of this.#members)
      this.#members.set(group, new Set([...members].filter((one) => one !== id)));
    this.#spread();
    return true;
  }

  groupsOf(userId: number): readonly BrivoGroup[] {
    return this.groups.filter(({ id }) => this.#members.get(id)?.has(userId));
  }

  membersOf(groupId: number): readonly BrivoUser[] {
    const members = this.#members.get(groupId);
    return this.#users.filter(({ id }) => members?.has(id));
  }

  /** Joining twice changes nothing. */
  join(groupId: number, userId: number): "done" | "full" {
    const members = this.#members.get(groupId) ?? new Set();
    if (!members.has(userId) && this.groupsOf(userId).length >= groupsOfUserMax) return "full";
    this.#members.set(groupId, new Set([...members, userId]));
    this.#spread();
    return "done";
  }

  leave(groupId: number, userId: number): void {
    const members = this.#members.get(groupId) ?? new Set();
    this.#members.set(groupId, new Set([...members].filter((one) => one !== userId)));
    this.#spread();
  }

  subscribe(
    wish: Omit<BrivoSubscription, "id" | "criteria"> & { readonly criteria: readonly Omit<BrivoCriterion, "id">[] },
  ): BrivoSubscription {
    const criteria = wish.criteria.map((one) => ({ ...one, id: this.#next.criterion++ }));
    const made = { ...wish, criteria, id: this.#next.subscription++ };
    this.#subscriptions = [...this.#subscriptions, made];
    return made;
  }

  unsubscribe(id: number): boolean {
    if (!this.#subscriptions.some((one) => one.id === id)) return false;
    this.#subscriptions = this.#subscriptions.filter((one) => one.id !== id);
    return true;
  }

  /** An administrator pulses a door. */
  activate(door: SimCloudDoor): "done" | "offline" | "locked-down" {
    const result = door.pulse();
    if (result === "done") this.#keep({ happening: "pulse", actor: this.admin, door, occurred: this.now });
    return result;
  }

  override(door: SimCloudDoor): BrivoOverride | undefined {
    const override = this.#overrides.get(door.id);
    return override && (override.endTime ?? this.now + 1) > this.now ? override : undefined;
  }

  /** The panel keeps and ends it; over a lockdown it has no power. */
  setOverride(door: SimCloudDoor, override: BrivoOverride): "done" | "offline" {
    const mode = override.behavior === "UNLOCK" ? "held-open" : "controlled";
    const forMs = override.endTime === undefined ? undefined : override.endTime - this.now;
    if (!door.online) return "offline";
    if (door.mode !== "locked-down") door.setMode(mode, forMs);
    this.#overrides.set(door.id, override);
    return "done";
  }

  cancelOverride(door: SimCloudDoor): "done" | "offline" {
    if (!door.online) return "offline";
    if (door.mode !== "locked-down") door.setMode("controlled");
    this.#overrides.delete(door.id);
    return "done";
  }

  #isFitting({ externalId, pin, effectiveFrom, effectiveTo }: BrivoPerson, own: number | undefined): boolean {
    const others = this.#users.filter(({ id }) => id !== own);
    if (externalId !== undefined && others.some((one) => one.externalId === externalId)) return false;
    if (pin !== undefined && others.some((one) => one.pin === pin)) return false;
    return effectiveFrom === undefined || effectiveTo === undefined || effectiveFrom < effectiveTo;
  }

  #rightsAt(door: number): readonly DoorRight[] {
    const meant = this.groups.filter(({ doors }) => doors.includes(door)).flatMap(({ id }) => this.membersOf(id));
    return [...new Set(meant)].flatMap(({ id, pin, suspended, effectiveFrom: from, effectiveTo: until }) =>
      pin === undefined || suspended
        ? []
        : [
            {
              holder: id,
              opensWith: { kind: "pin" as const, digits: pin },
              ...(from !== undefined && { from }),
              ...(until !== undefined && { until }),
            },
          ],
    );
  }

  #hear({ door: id, kind, at, holder }: DoorRecord): void {
    const door = this.door(id);
    // Doors that open and close are not told, only those that should not be open.
    if (!door || kind === "opened" || kind === "closed") return;
    const user = holder === undefined ? undefined : this.user(holder);
    const actor = user && { actor: { id: user.id, name: `${user.firstName} ${user.lastName}` } };
    this.#keep({ happening: kind, ...actor, door, occurred: at });
  }

  #keep(event: Omit<BrivoEvent, "uuid" | "processed">): void {
    const kept = { ...event, uuid: eventUuid(++this.#eventCount), processed: this.now };
    this.#events.push(kept);
    if (this.#events.length > eventsMax) this.#events.shift();
    for (const subscription of this.#subscriptions)
      if (this.#isMeant(kept, subscription)) this.#options.tell(kept, subscription);
  }

  #isMeant({ door, actor }: BrivoEvent, { criteria }: BrivoSubscription): boolean {
    const says = { SITE: this.site.id, USER: actor?.id, "ACCESS-POINT": door.id, AUDIT: 0 };
    return criteria.every(
      ({ criteriaType, criteriaOperationType, criteriaValue }) =>
        (says[criteriaType] === criteriaValue) === (criteriaOperationType === "EQ"),
    );
  }

  #replace(user: BrivoUser): void {
    this.#users = this.#users.map((one) => (one.id === user.id ? user : one));
    this.#spread();
  }

  #spread(): void {
    for (const door of this.doors) door.noticeChange();
  }
}
