/**
 * A command from the cloud: unlock, or identify. It runs at most once, within its few seconds of life, or never: its id is on the
 * disk before anything happens, and its age is bounded by this gateway's own monotonic clock (sync.md §5.4), so no wall clock is
 * believed.
 */
import type { AccessPoint } from "../domain/access-point.ts";
import type { EventBody } from "../domain/entry-event.ts";
import type { Millis, Monotonic } from "../domain/instant.ts";
import type { CloudCommand, RemoteCommand } from "../ports/cloud-link.ts";
import { commandTtlMs } from "../wire/gateway-api.ts";
import { carryOut, isForbidden } from "./door-action.ts";
import { note, type SiteParts } from "./site-parts.ts";

/** A command as it arrived: what it could at most have aged outside of this gateway's sight, and since when it is here. */
export interface ArrivedCommand<C extends CloudCommand = RemoteCommand> {
  readonly command: C;
  readonly askedAt: Monotonic;
  readonly answeredAt: Monotonic;
  /** For how long the cloud says that it held the request. */
  readonly heldMs: Millis;
}

export type Ended = (EventBody & { type: "command-ended" })["result"];

/** Commands of one reply are taken in the order of their ids, before any waits for its turn at a door. */
export async function carryOutCommand(site: SiteParts, arrived: ArrivedCommand): Promise<void> {
  const { command } = arrived;
  // Ids grow, so a command at or below the last one taken has run, or must not any more.
  if (command.id <= site.records.lastCommand || site.stopping.aborted) return;
  if (isLate(site, arrived)) return end(site, command, "expired");
  const accessPoint = site.accessPoints.get(command.accessPoint);
  if (!accessPoint || isForbidden(site, command.action)) return end(site, command, "refused");

  const taken = site.journal.recordEvent({ type: "command-taken", ...factsOf(command), by: command.by });
  const running = site.inTurn.run(command.accessPoint, async () => {
    await taken.durable;
    end(site, command, await run(site, arrived, accessPoint));
  });
  if (!running) end(site, command, "refused");
  await running;
}

/** `entry`: of an entry, what became of it. */
export function end(
  site: SiteParts,
  command: CloudCommand,
  result: Ended,
  entry: Pick<EventBody & { type: "command-ended" }, "of" | "reason"> = {},
): void {
  void note(site, { type: "command-ended", ...factsOf(command), result, ...entry });
  site.logger.info("command-ended", { ...factsOf(command), result });
}

async function run(site: SiteParts, arrived: ArrivedCommand, accessPoint: AccessPoint): Promise<Ended> {
  const { command } = arrived;
  if (isLate(site, arrived)) return "expired";
  if (isForbidden(site, command.action) || site.stopping.aborted) return "refused";
  return carryOut(site, accessPoint, command.action);
}

/** The cloud is believed as far as this gateway's own clock bears it out, and no command lives longer than any of its kind may. */
export function isLate(site: SiteParts, arrived: ArrivedCommand<CloudCommand>, lifeMaxMs = commandTtlMs): boolean {
  return ageOf(site, arrived) > Math.min(arrived.command.ttlMs, lifeMaxMs);
}

/** Since the click, at most. */
export function ageOf(
  site: SiteParts,
  { command, askedAt, answeredAt, heldMs: toldMs }: ArrivedCommand<CloudCommand>,
): Millis {
  const heldMs = Math.min(toldMs, answeredAt - askedAt);
  return command.ageMs + (site.clock.monotonic() - askedAt) - heldMs;
}

export function factsOf({ id, accessPoint, action }: CloudCommand) {
  const isTold = action === "identify" || action === "enter" || action === "present";
  return { command: id, accessPoint, ...(isTold && { action }) };
}
