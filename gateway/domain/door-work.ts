/** What is under way at the doors, as events tell it: begun and not ended, heard before, held open, to be relocked. */
import type { AccessPointId, DeviceId } from "./access-point.ts";
import type { DeviceOrigin, EntryEvent, EventSeq } from "./entry-event.ts";
import type { GrantId } from "./grant.ts";
import type { HoldId } from "./hold-open.ts";
import type { Instant } from "./instant.ts";

/** A hold that was begun and has not ended. */
export interface HeldOpen {
  readonly hold: HoldId;
  readonly until: Instant;
}

/** An admission, a command or a press whose outcome is not written down yet. */
export type Unfinished =
  | { readonly kind: "admission"; readonly of: EventSeq; readonly accessPoint: AccessPointId; readonly grant: GrantId }
  | {
      readonly kind: "command";
      readonly command: number;
      readonly accessPoint: AccessPointId;
      readonly action?: "identify" | "enter" | "present";
    }
  | {
      readonly kind: "staff-command";
      readonly of: EventSeq;
      readonly accessPoint: AccessPointId;
      readonly action?: "identify";
    }
  | { readonly kind: "press"; readonly press: DeviceOrigin; readonly accessPoint: AccessPointId | null };

export type DoorItem =
  | ({ readonly item: "held"; readonly accessPoint: AccessPointId } & HeldOpen)
  | { readonly item: "to-relock"; readonly accessPoint: AccessPointId }
  | { readonly item: "seen"; readonly origin: DeviceOrigin }
  | { readonly item: "unfinished"; readonly unfinished: Unfinished };

/** A denial that a full disk refused leaves its press open; so many are remembered. */
const openPressesMax = 1_000;

export class DoorWork {
  readonly #unfinished = new Map<string, Unfinished>();
  readonly #seen = new Map<DeviceId, DeviceOrigin>();
  readonly #held = new Map<AccessPointId, HeldOpen>();
  /** Released since they were last relocked, as far as anybody knows. Of locks that relock by themselves nothing ends it. */
  readonly #toRelock = new Set<AccessPointId>();

  unfinished(): Unfinished[] {
    return [...this.#unfinished.values()];
  }

  /** The grant whose entry the admission took; undefined when its outcome is written down. */
  admittedBy(admission: EventSeq): GrantId | undefined {
    const found = this.#unfinished.get(`admission/${admission}`);
    return found?.kind === "admission" ? found.grant : undefined;
  }

  isRepeat({ device, boot, seq }: DeviceOrigin): boolean {
    const last = this.#seen.get(device);
    return last !== undefined && boot === last.boot && seq <= last.seq;
  }

  heldOpen(accessPoint: AccessPointId): HeldOpen | undefined {
    return this.#held.get(accessPoint);
  }

  isToRelock(accessPoint: AccessPointId): boolean {
    return this.#toRelock.has(accessPoint);
  }

  /** A press was taken in. */
  press(press: DeviceOrigin, accessPoint: AccessPointId | null): void {
    this.#see(press);
    this.#begin({ kind: "press", press, accessPoint });
    if (this.#unfinished.size <= openPressesMax) return;
    const oldest = this.#unfinished.values().find(({ kind }) => kind === "press");
    if (oldest) this.#unfinished.delete(keyOf(oldest));
  }

  apply(event: EntryEvent): void {
    if (event.origin) this.#see(event.origin);
    if ("press" in event && event.press) this.#unfinished.delete(keyOfPress(event.press));
    switch (event.type) {
      case "admitted":
        this.#toRelock.add(event.accessPoint);
        this.#begin({ kind: "admission", of: event.seq, accessPoint: event.accessPoint, grant: event.grant });
        break;
      case "released":
        this.#unfinished.delete(`admission/${event.of}`);
        this.#toRelock.add(event.accessPoint);
        break;
      case "void":
        this.#unfinished.delete(`admission/${event.of}`);
        break;
      case "command-taken":
        if (event.action === undefined) this.#toRelock.add(event.accessPoint);
        this.#begin({ kind: "command", command: event.command, ...placeOf(event) });
        break;
      case "command-ended":
        this.#unfinished.delete(`command/${event.command}`);
        if (event.action === undefined && event.result !== "refused" && event.result !== "expired")
          this.#toRelock.add(event.accessPoint);
        break;
      case "staff-command":
        if (event.action === undefined) this.#toRelock.add(event.accessPoint);
        this.#begin({ kind: "staff-command", of: event.seq, ...placeOf(event) });
        break;
      case "staff-command-ended":
        this.#unfinished.delete(`staff-command/${event.of}`);
        if (event.action === undefined && event.result !== "refused" && event.result !== "expired")
          this.#toRelock.add(event.accessPoint);
        break;
      case "held-open":
        this.#held.set(event.accessPoint, { hold: event.hold, until: event.until });
        break;
      case "hold-ended":
        this.#held.delete(event.accessPoint);
        break;
      case "relocked":
        // What is on its way there is released after this.
        if (!this.#isUnderWay(event.accessPoint)) this.#toRelock.delete(event.accessPoint);
        break;
    }
  }

  /** As it is at the call. */
  dump(): DoorItem[] {
    return [
      ...this.#held.entries().map(([accessPoint, held]) => ({ item: "held" as const, accessPoint, ...held })),
      ...this.#toRelock.values().map((accessPoint) => ({ item: "to-relock" as const, accessPoint })),
      ...this.#seen.values().map((origin) => ({ item: "seen" as const, origin })),
      ...this.#unfinished.values().map((unfinished) => ({ item: "unfinished" as const, unfinished })),
    ];
  }

  restore(entry: DoorItem): void {
    switch (entry.item) {
      case "held":
        this.#held.set(entry.accessPoint, { hold: entry.hold, until: entry.until });
        break;
      case "to-relock":
        this.#toRelock.add(entry.accessPoint);
        break;
      case "seen":
        this.#see(entry.origin);
        break;
      case "unfinished":
        this.#begin(entry.unfinished);
        break;
    }
  }

  #begin(unfinished: Unfinished): void {
    this.#unfinished.set(keyOf(unfinished), unfinished);
  }

  #isUnderWay(accessPoint: AccessPointId): boolean {
    return this.#unfinished.values().some((one) => one.kind !== "press" && one.accessPoint === accessPoint);
  }

  #see(origin: DeviceOrigin): void {
    if (!this.isRepeat(origin)) this.#seen.set(origin.device, origin);
  }
}

function placeOf<A>({ accessPoint, action }: { readonly accessPoint: AccessPointId; readonly action?: A }) {
  return { accessPoint, ...(action && { action }) };
}

function keyOf(unfinished: Unfinished): string {
  switch (unfinished.kind) {
    case "admission":
      return `admission/${unfinished.of}`;
    case "command":
      return `command/${unfinished.command}`;
    case "staff-command":
      return `staff-command/${unfinished.of}`;
    case "press":
      return keyOfPress(unfinished.press);
  }
}

function keyOfPress({ device, boot, seq }: DeviceOrigin): string {
  return `press/${boot}/${seq}/${device}`;
}
