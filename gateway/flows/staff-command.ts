/**
 * Somebody of the staff asks for a door at the gateway's own pages. It is written down before anything moves and runs once, in its turn,
 * or not at all: whoever pressed the button longer ago than a press lives has walked on.
 */
import type { AccessPointId } from "../domain/access-point.ts";
import type { GuardScan } from "../domain/entry-event.ts";
import type { Millis } from "../domain/instant.ts";
import type { StaffMember } from "../domain/staff.ts";
import type { Visit } from "../domain/visits.ts";
import { GatewayError } from "../errors.ts";
import type { CommandResult } from "../ports/device.ts";
import { carryOut, type DoorAction, isForbidden } from "./door-action.ts";
import { pressLifeMs } from "./present-credential.ts";
import { isStillStaff, note, type SiteParts } from "./site-parts.ts";

export interface StaffCommand {
  /** As it was when it asked. */
  readonly staff: StaffMember;
  readonly accessPoint: AccessPointId;
  readonly action: DoorAction;
  /** For a visitor who has no pass. One of a number that was counted is answered with what became of it. */
  readonly scan?: GuardScan;
  /** Since somebody pressed, before the command was heard. */
  readonly ageMs?: Millis | undefined;
}

/** Beside what the lock answered. Nothing has moved in any of these cases. "not-staff": not any more. */
export type StaffCommandResult =
  | CommandResult
  | "expired"
  | "no-such-door"
  | "lockdown"
  | "busy"
  | "storage-full"
  | "not-staff";

/** Rejects with `journal-failed` when the disk fails. */
export async function carryOutForStaff(site: SiteParts, command: StaffCommand): Promise<StaffCommandResult> {
  const accessPoint = site.accessPoints.get(command.accessPoint);
  if (!accessPoint) return "no-such-door";
  if (isForbidden(site, command.action) && !countedOf(site, command)) return "lockdown";
  const askedAt = site.clock.monotonic() - (command.ageMs ?? 0);
  const running = site.inTurn.run(accessPoint.id, async (): Promise<StaffCommandResult> => {
    const counted = site.journal.state === "failed" ? undefined : countedOf(site, command);
    if (counted) return whatBecameOf(counted);
    if (site.stopping.aborted || site.clock.monotonic() - askedAt > pressLifeMs) return "expired";
    if (!isStillStaff(site, command.staff)) return "not-staff";
    const taken = take(site, command);
    if (!taken) return "storage-full";
    await taken.durable;
    // A lockdown, or the end of the gateway or of the person's work here, may have come during the write; and a slow disk may have let
    // the person go.
    const isLate = site.clock.monotonic() - askedAt > pressLifeMs;
    const isRefused = site.stopping.aborted || isForbidden(site, command.action) || !isStillStaff(site, command.staff);
    const result = isLate ? "expired" : isRefused ? "refused" : await carryOut(site, accessPoint, command.action);
    void note(site, { type: "staff-command-ended", of: taken.event.seq, ...doorOf(command), result });
    return result;
  });
  return (await running) ?? "busy";
}

/** undefined: a full disk takes no more; nobody is let in unwritten. */
function take(site: SiteParts, command: StaffCommand) {
  try {
    const { staff, scan } = command;
    return site.journal.recordEvent({
      type: "staff-command",
      staff: staff.id,
      ...doorOf(command),
      ...(scan && { scan }),
    });
  } catch (error) {
    if (error instanceof GatewayError && error.code === "storage-full") return undefined;
    throw error;
  }
}

function countedOf({ records }: SiteParts, { scan }: StaffCommand): Visit | undefined {
  return scan?.nonce === undefined ? undefined : records.visits.withNonce(scan.nonce);
}

function whatBecameOf({ result }: Visit): CommandResult {
  if (result === "under-way") return "unknown";
  return typeof result === "object" && "released" in result ? result.released : "refused";
}

function doorOf({ accessPoint, action }: StaffCommand) {
  return { accessPoint, ...(action === "identify" && { action }) };
}
