/**
 * An unlock command from the cloud. It runs at most once, within its few seconds of life, or never: its id is on the disk before
 * anything moves, and its age is bounded by this gateway's own monotonic clock (sync.md §5.4), so no wall clock is believed.
 */
import type { EventBody } from "../domain/entry-event.ts";
import type { Millis, Monotonic } from "../domain/instant.ts";
import type { RemoteCommand } from "../ports/cloud-link.ts";
import { releaseStrike } from "./release-strike.ts";
import { note, type SiteParts } from "./site-parts.ts";

/** A command as it arrived: what it could at most have aged outside of this gateway's sight, and since when it is here. */
export interface ArrivedCommand {
  readonly command: RemoteCommand;
  readonly askedAt: Monotonic;
  /** For how long the cloud had held the request. */
  readonly heldMs: Millis;
}

type Ended = (EventBody & { type: "command-ended" })["result"];

export async function remoteUnlock(site: SiteParts, arrived: ArrivedCommand): Promise<void> {
  const { command } = arrived;
  const running = site.inTurn.run(command.accessPoint, async () => {
    // Ids grow, so a command at or below the last one taken has run, or must not any more.
    if (command.id <= site.records.lastCommand || site.stopping.aborted) return;
    const result = await run(site, arrived);
    void note(site, { type: "command-ended", command: command.id, accessPoint: command.accessPoint, result });
    site.logger.info("command-ended", { command: command.id, accessPoint: command.accessPoint, result });
  });
  if (!running) site.logger.warn("command-not-taken", { command: command.id, accessPoint: command.accessPoint });
  await running;
}

async function run(site: SiteParts, arrived: ArrivedCommand): Promise<Ended> {
  const { command } = arrived;
  if (isLate(site, arrived)) return "expired";
  const accessPoint = site.accessPoints.get(command.accessPoint);
  if (!accessPoint || site.records.site?.lockdown) return "refused";

  const taken = site.journal.recordEvent({
    type: "command-taken",
    command: command.id,
    accessPoint: accessPoint.id,
    by: command.by,
  });
  await taken.durable;

  if (isLate(site, arrived)) return "expired";
  if (site.records.site?.lockdown || site.stopping.aborted) return "refused";
  return releaseStrike(site, accessPoint);
}

function isLate(site: SiteParts, { command, askedAt, heldMs }: ArrivedCommand): boolean {
  return command.ageMs + (site.clock.monotonic() - askedAt) - heldMs > command.ttlMs;
}
