/** What Kisi's cloud knows of one organisation: its people, who may open what and when, and what has happened. */
import { createHash } from "node:crypto";
import type { Clock } from "../../gateway/ports/clock.ts";
import type { DoorRecord, DoorRight, SimCloudDoor } from "../sim-cloud-door.ts";
import { eventUuid } from "./event-courier.ts";

export interface KisiGroup {
  readonly id: number;
  readonly name: string;
  readonly locks: readonly number[];
}

export interface KisiMember {
  readonly id: number;
  /** Another number than the member's own; role assignments name this one. */
  readonly userId: number;
  readonly name: string;
  readonly email: string;
  readonly createdAt: number;
}

/** Validity is [from, until), in milliseconds since 1970; null: not restricted. */
export interface KisiValidity {
  readonly validFrom: number | null;
  readonly validUntil: number | null;
}

export interface KisiAssignment extends KisiValidity {
  readonly id: number;
  readonly userId: number;
  readonly groupId: number;
  readonly roleId: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface KisiLink extends KisiValidity {
  readonly id: number;
  readonly name: string;
  readonly groupId: number;
  readonly email: string | null;
  readonly phone: string | null;
  readonly secret: string;
  readonly createdAt: number;
  readonly lastUsedAt: number | null;
}

export interface KisiActor {
  readonly type: "User" | "GroupLink";
  readonly id: number;
  readonly name: string;
  readonly email: string | null;
}

export interface KisiEvent {
  readonly uuid: string;
  readonly type: string;
  readonly actor?: KisiActor;
  readonly door: SimCloudDoor;
  readonly success: boolean;
  readonly errorCode: string | null;
  readonly createdAt: number;
}

/** What the cloud has last seen of a door; while it is offline, this is old. */
export interface KisiSight {
  readonly open: boolean;
  readonly unlocked: boolean;
}

export type KisiUnlock = "unlocked" | "offline" | "locked-down";

const eventsMax = 20_000;
/** Each kind of thing has numbers of its own, so that mixing them up is noticed. */
const firstIds = { member: 500_001, user: 700_001, assignment: 900_001, link: 300_001 };
const eventTypes = {
  admitted: "lock.unlock",
  refused: "lock.unlock",
  exit: "lock.unlock",
  opened: "lock.opened",
  closed: "lock.closed",
  forced: "lock.forced_open",
  "held-open": "lock.held_open",
} as const;
export const kisiCode = {
  denied: "fcd8ef",
  linkExpired: "f298ef",
  linkInvalid: "f299ef",
  lockedDown: "fad001",
  offline: "fac001",
  noDoor: "fad10e",
  noAccess: "afc496",
  unexpected: "ffffff",
} as const;

export interface KisiAccountOptions {
  readonly doors: readonly SimCloudDoor[];
  readonly groups: readonly KisiGroup[];
  readonly clock: Clock;
  readonly placeId: number;
  /** Something has happened that a webhook may want to hear. */
  readonly tell: (event: KisiEvent) => void;
}

export class KisiAccount {
  readonly groups: readonly KisiGroup[];
  readonly doors: readonly SimCloudDoor[];
  readonly placeId: number;
  /** Who stands behind the keys. */
  readonly owner: KisiActor = { type: "User", id: 700_000, name: "Owner", email: "owner@hub.example" };
  readonly #options: KisiAccountOptions;
  readonly #next = { ...firstIds };
  #members: readonly KisiMember[] = [];
  #assignments: readonly KisiAssignment[] = [];
  #links: readonly KisiLink[] = [];
  readonly #events: KisiEvent[] = [];
  #eventCount = 0;
  readonly #sights = new Map<number, KisiSight>();
  readonly #detach: (() => void)[] = [];

  constructor(options: KisiAccountOptions) {
    this.#options = options;
    this.groups = options.groups;
    this.doors = options.doors;
    this.placeId = options.placeId;
    for (const door of this.doors) this.#see(door);
  }

  start(): void {
    for (const door of this.doors) {
      const see = () => this.#see(door);
      this.#detach.push(
        door.onChange(see),
        door.attach({ rights: (id) => this.#rightsAt(id), hear: (record) => this.#hear(record) }),
      );
      see();
    }
  }

  stop(): void {
    for (const detach of this.#detach.splice(0)) detach();
  }

  get now(): number {
    return this.#options.clock.wall();
  }

  members(): readonly KisiMember[] {
    return this.#members;
  }

  assignments(): readonly KisiAssignment[] {
    return this.#assignments;
  }

  links(): readonly KisiLink[] {
    return this.#links;
  }

  /** Newest first, and of those of one instant the one that was heard last. */
  events(): readonly KisiEvent[] {
    return this.#events.toReversed().sort((a, b) => b.createdAt - a.createdAt);
  }

  door(id: number): SimCloudDoor | undefined {
    return this.doors.find((door) => door.id === id);
  }

  sight(door: SimCloudDoor): KisiSight {
    return this.#sights.get(door.id) ?? { open: false, unlocked: false };
  }

  /** Two members never share an e-mail address, however it is written. */
  addMember(name: string, email: string): KisiMember | "taken" {
    if (this.#members.some((member) => member.email.toLowerCase() === email.toLowerCase())) return "taken";
    const member = { id: this.#next.member++, userId: this.#next.user++, name, email, createdAt: this.now };
    this.#members = [...this.#members, member];
    return member;
  }

  removeMember(id: number): boolean {
    const member = this.#members.find((one) => one.id === id);
    if (!member) return false;
    this.#members = this.#members.filter((one) => one !== member);
    this.#assignments = this.#assignments.filter(({ userId }) => userId !== member.userId);
    this.#spread();
    return true;
  }

  /** Nothing keeps the same from being assigned twice. */
  assign(wish: Omit<KisiAssignment, "id" | "createdAt" | "updatedAt">): KisiAssignment {
    const made = { ...wish, id: this.#next.assignment++, createdAt: this.now, updatedAt: this.now };
    this.#assignments = [...this.#assignments, made];
    this.#spread();
    return made;
  }

  changeAssignment(id: number, change: Partial<KisiValidity & Pick<KisiAssignment, "roleId">>): boolean {
    const stands = this.#assignments.find((one) => one.id === id);
    if (!stands) return false;
    const changed = { ...stands, ...change, updatedAt: this.now };
    this.#assignments = this.#assignments.map((one) => (one === stands ? changed : one));
    this.#spread();
    return true;
  }

  unassign(id: number): boolean {
    if (!this.#assignments.some((one) => one.id === id)) return false;
    this.#assignments = this.#assignments.filter((one) => one.id !== id);
    this.#spread();
    return true;
  }

  addLink(wish: Omit<KisiLink, "id" | "secret" | "createdAt" | "lastUsedAt">): KisiLink {
    const id = this.#next.link++;
    const secret = createHash("sha256").update(`link ${id} of place ${this.placeId}`).digest("hex").slice(0, 32);
    const made = { ...wish, id, secret, createdAt: this.now, lastUsedAt: null };
    this.#links = [...this.#links, made];
    return made;
  }

  removeLink(id: number): boolean {
    if (!this.#links.some((one) => one.id === id)) return false;
    this.#links = this.#links.filter((one) => one.id !== id);
    return true;
  }

  /** Through the cloud, by whoever holds this link: it opens the doors of its group while it is valid. */
  judgeLink(secret: string, door: SimCloudDoor): { readonly actor: KisiActor } | { readonly code: string } {
    const link = this.#links.find((one) => one.secret === secret);
    if (!link) return { code: kisiCode.linkInvalid };
    const { validFrom, validUntil, id, name, email } = link;
    if (this.now < (validFrom ?? this.now)) return { code: kisiCode.linkInvalid };
    if (validUntil !== null && this.now >= validUntil) return { code: kisiCode.linkExpired };
    if (!this.#doorsOf(link.groupId).includes(door.id)) return { code: kisiCode.denied };
    this.#links = this.#links.map((one) => (one === link ? { ...one, lastUsedAt: this.now } : one));
    return { actor: { type: "GroupLink", id, name, email } };
  }

  unlock(door: SimCloudDoor, actor: KisiActor): KisiUnlock {
    const result = door.pulse();
    if (result === "done") this.#keep({ type: "lock.unlock", actor, door, success: true, errorCode: null });
    else {
      const errorCode = result === "offline" ? kisiCode.offline : kisiCode.lockedDown;
      this.#keep({ type: "lock.unlock", actor, door, success: false, errorCode });
    }
    return result === "done" ? "unlocked" : result;
  }

  #rightsAt(door: number): readonly DoorRight[] {
    return this.#assignments
      .filter(({ groupId }) => this.#doorsOf(groupId).includes(door))
      .map(({ userId, validFrom, validUntil }) => ({
        holder: userId,
        opensWith: { kind: "phone", holder: userId },
        ...(validFrom !== null && { from: validFrom }),
        ...(validUntil !== null && { until: validUntil }),
      }));
  }

  #doorsOf(groupId: number): readonly number[] {
    return this.groups.find(({ id }) => id === groupId)?.locks ?? [];
  }

  #hear({ door: id, kind, at, holder }: DoorRecord): void {
    const door = this.door(id);
    if (!door) return;
    const member = this.#members.find(({ userId }) => userId === holder);
    const errorCode = door.mode === "locked-down" ? kisiCode.lockedDown : kisiCode.denied;
    this.#keep(
      {
        type: eventTypes[kind],
        ...(member && { actor: { type: "User", id: member.userId, name: member.name, email: member.email } }),
        door,
        success: kind !== "refused",
        errorCode: kind === "refused" ? errorCode : null,
      },
      at,
    );
  }

  #keep(event: Omit<KisiEvent, "uuid" | "createdAt">, createdAt = this.now): void {
    const kept = { ...event, uuid: eventUuid(++this.#eventCount), createdAt };
    this.#events.push(kept);
    if (this.#events.length > eventsMax) this.#events.shift();
    this.#options.tell(kept);
  }

  #see(door: SimCloudDoor): void {
    if (door.online) this.#sights.set(door.id, { open: door.leaf === "open", unlocked: door.strike === "released" });
  }

  #spread(): void {
    for (const door of this.doors) door.noticeChange();
  }
}
