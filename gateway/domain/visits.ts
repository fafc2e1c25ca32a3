/**
 * The newest visits at this gateway's gates: who was let in by whom, who was turned away, who is still inside. A guard's request that is sent
 * again is answered by its number with what became of the first.
 */
import type { AccessPointId } from "./access-point.ts";
import type { DenyReason } from "./decide.ts";
import type { EntryEvent, EventSeq, GuardScan } from "./entry-event.ts";
import type { GrantId } from "./grant.ts";
import type { Instant } from "./instant.ts";
import type { StaffId } from "./staff.ts";

/**
 * What became of it. "under-way": the outcome is not written down yet · "turned-away": by the guard, though the gateway might have let the
 * visitor in · "unmoved": the gate did not open for a walk-in.
 */
export type VisitResult =
  | "under-way"
  | "turned-away"
  | "unmoved"
  | { readonly released: (EntryEvent & { type: "released" })["result"] }
  | { readonly void: (EntryEvent & { type: "void" })["why"] }
  | { readonly denied: DenyReason };

export interface Visit {
  /** Number of the event it began with. */
  readonly of: EventSeq;
  readonly at: Instant;
  readonly accessPoint: AccessPointId;
  /** undefined: nobody's pass, or a walk-in. */
  readonly grant: GrantId | undefined;
  /** undefined: nobody watches the gate. */
  readonly staff: StaffId | undefined;
  readonly nonce: string | undefined;
  /** SHA-256 of the photo that was taken, and of the sheet with what the guard has written (ports/attachments.ts). */
  readonly photo: string | undefined;
  readonly sheet: string | undefined;
  readonly result: VisitResult;
  /** When the guard saw the visitor leave, and the number of the request that said so. */
  readonly leftAt: Instant | undefined;
  readonly leftNonce: string | undefined;
}

export type VisitsView = Pick<Visits, "withNonce" | "begunBy" | "endedWith" | "newest">;

/** What a guard's request has ended. `visit`: undefined where nobody of the pass was known to be inside. */
export interface Exit {
  readonly grant: GrantId | undefined;
  readonly visit: Visit | undefined;
}

export type VisitItem =
  | ({ readonly item: "visit" } & Partial<Visit> & Pick<Visit, "of" | "at" | "accessPoint" | "result">)
  | { readonly item: "unseen-exit"; readonly nonce: string; readonly grant?: GrantId };

/** A guard asks again within minutes; a gate sees hundreds a day. */
const visitsMax = 2_000;

export class Visits {
  /** Oldest first. */
  readonly #visits = new Map<EventSeq, Visit>();
  readonly #byNonce = new Map<string, EventSeq>();
  /** Number of the request → whose pass it was, where nobody of it was known to be inside. Oldest first. */
  readonly #unseenExits = new Map<string, GrantId | undefined>();

  /** The visit that a guard's request of this number has begun. */
  withNonce(nonce: string): Visit | undefined {
    const of = this.#byNonce.get(nonce);
    return of === undefined ? undefined : this.#visits.get(of);
  }

  begunBy(of: EventSeq): Visit | undefined {
    return this.#visits.get(of);
  }

  /** The exit that a guard's request of this number was written down as. */
  endedWith(nonce: string): Exit | undefined {
    if (this.#unseenExits.has(nonce)) return { grant: this.#unseenExits.get(nonce), visit: undefined };
    for (const visit of this.newest()) if (visit.leftNonce === nonce) return { grant: visit.grant, visit };
    return undefined;
  }

  /** Newest first. */
  *newest(): Iterable<Visit> {
    for (const visit of [...this.#visits.values()].reverse()) yield visit;
  }

  apply(event: EntryEvent): void {
    switch (event.type) {
      case "admitted":
        if (event.scan || event.via === "pass") this.#begin(event, event.scan, event.grant, "under-way");
        break;
      case "denied":
        if (event.scan) this.#begin(event, event.scan, event.grant, { denied: event.reason });
        break;
      case "turned-away":
        this.#begin(event, event.scan, event.grant, "turned-away");
        break;
      case "staff-command":
        if (event.scan) this.#begin(event, event.scan, undefined, "under-way");
        break;
      case "released":
        this.#end(event.of, { released: event.result });
        break;
      case "void":
        this.#end(event.of, { void: event.why });
        break;
      case "staff-command-ended":
        this.#end(
          event.of,
          event.result === "refused" || event.result === "expired" ? "unmoved" : { released: event.result },
        );
        break;
      case "left": {
        const visit = event.of === undefined ? undefined : this.#visits.get(event.of);
        if (visit) this.#visits.set(visit.of, { ...visit, leftAt: event.at, leftNonce: event.scan.nonce });
        else if (event.scan.nonce !== undefined) this.#noteUnseen(event.scan.nonce, event.grant);
        break;
      }
    }
  }

  /** As it is at the call, oldest first. */
  dump(): VisitItem[] {
    return [
      ...[...this.#visits.values()].map((visit) => ({ item: "visit", ...visit }) as const),
      ...[...this.#unseenExits].map(
        ([nonce, grant]) => ({ item: "unseen-exit", nonce, ...(grant !== undefined && { grant }) }) as const,
      ),
    ];
  }

  restore(entry: VisitItem): void {
    if (entry.item === "unseen-exit") {
      this.#noteUnseen(entry.nonce, entry.grant);
      return;
    }
    const { of, at, accessPoint, result, grant, staff, nonce, photo, sheet, leftAt, leftNonce } = entry;
    this.#add({ of, at, accessPoint, grant, staff, nonce, photo, sheet, result, leftAt, leftNonce });
  }

  #begin(
    { seq, at, accessPoint }: { readonly seq: EventSeq; readonly at: Instant; readonly accessPoint: AccessPointId },
    scan: GuardScan | undefined,
    grant: GrantId | undefined,
    result: VisitResult,
  ): void {
    const { staff, nonce, photo, sheet } = scan ?? {};
    const open = { leftAt: undefined, leftNonce: undefined };
    this.#add({ of: seq, at, accessPoint, grant, staff, nonce, photo, sheet, result, ...open });
  }

  #add(visit: Visit): void {
    this.#visits.set(visit.of, visit);
    if (visit.nonce !== undefined) this.#byNonce.set(visit.nonce, visit.of);
    if (this.#visits.size <= visitsMax) return;
    const [oldest] = this.#visits.values();
    if (!oldest) return;
    this.#visits.delete(oldest.of);
    if (oldest.nonce !== undefined) this.#byNonce.delete(oldest.nonce);
  }

  #noteUnseen(nonce: string, grant: GrantId | undefined): void {
    this.#unseenExits.set(nonce, grant);
    const [oldest] = this.#unseenExits.keys();
    if (this.#unseenExits.size > visitsMax && oldest !== undefined) this.#unseenExits.delete(oldest);
  }

  #end(of: EventSeq, result: VisitResult): void {
    const visit = this.#visits.get(of);
    if (visit) this.#visits.set(of, { ...visit, result });
  }
}

/** Whether the visitor came in and was not seen to leave. Where nobody knows whether the gate moved, somebody may be inside. */
export function isInside({ result, leftAt }: Visit): boolean {
  return leftAt === undefined && typeof result === "object" && "released" in result;
}
