/**
 * A door is held open: the hold begins when the records, the time and no lockdown stand against it, is written down before the lock
 * moves, and is told to the lock again and again in windows that end by themselves. So a gateway that is gone holds nothing open, and
 * one that comes back in time takes the hold up again without moving anything.
 */
import type { AccessPoint } from "../domain/access-point.ts";
import { type HoldEnd, type HoldId, type HoldOpen, holdStanding } from "../domain/hold-open.ts";
import type { Millis, Monotonic } from "../domain/instant.ts";
import { GatewayError } from "../errors.ts";
import type { CommandResult } from "../ports/device.ts";
import { holdStrike, secureStrike } from "./release-strike.ts";
import { circumstancesAt, note, type SiteParts } from "./site-parts.ts";

/** How long a lock goes on by itself, and how often it is told again: two lost words close no door. */
export const holdWindowMs: Millis = 60_000;
const tellEveryMs: Millis = holdWindowMs / 3;
/** The last window ends so long after the hold: the gateway ends it by its own clock, and one that is gone leaves the door shut all the same. */
const endGraceMs: Millis = 5_000;
/** Clocks are set and locks come and go: without any news it is looked again after this. */
const lookEveryMs: Millis = 5 * 60_000;

/** What a start forgets, because telling it again does no harm. */
interface Memory {
  /** When the lock is told the next time. */
  tellAt: Monotonic;
  /** It was told, be it before this start, and not secured since. */
  isTold: boolean;
  /** The lock cannot do it, and this hold's event says so. */
  impossible: HoldId | undefined;
  /** What the lock last answered. */
  result: CommandResult | undefined;
}

/** Looks after every access point side by side, until the gateway stops. */
export async function keepHolds(site: SiteParts): Promise<void> {
  await Promise.all([...site.accessPoints.values()].map((accessPoint) => keepHold(site, accessPoint)));
}

async function keepHold(site: SiteParts, accessPoint: AccessPoint): Promise<void> {
  const memory: Memory = {
    tellAt: Number.NEGATIVE_INFINITY,
    isTold: site.records.heldOpen(accessPoint.id) !== undefined,
    impossible: undefined,
    result: undefined,
  };
  const leave = site.devices.get(accessPoint.lock)?.subscribe(async (report) => {
    if (report.type !== "presence" || report.state !== "online") return;
    memory.tellAt = Number.NEGATIVE_INFINITY;
    site.news.tell();
  });
  while (!site.stopping.aborted) {
    const news = AbortSignal.any([site.stopping, site.news.signal]);
    const lookAgainMs = await look(site, accessPoint, memory, news).catch((error: Error) => {
      site.logger.error("hold-open-failed", { accessPoint: accessPoint.id, error });
      return lookEveryMs;
    });
    await site.clock.sleep(Math.min(lookAgainMs, lookEveryMs), news).catch(() => undefined);
  }
  leave?.();
}

/** Does the one thing that is due; answers when to look again, 0 for at once. */
async function look(site: SiteParts, accessPoint: AccessPoint, memory: Memory, news: AbortSignal): Promise<Millis> {
  const wanted = site.records.holdOpen(accessPoint.id);
  const standing = wanted && holdStanding(wanted, site.records, circumstancesAt(site, accessPoint.id));
  const held = site.records.heldOpen(accessPoint.id);
  const isOpen = standing?.state === "open";
  let ended: Promise<void> | undefined;
  if (held && !(isOpen && wanted?.id === held.hold)) {
    const isSame = wanted?.id === held.hold;
    const reason = !isSame ? "revoked" : standing?.state === "shut" ? standing.reason : "clock";
    ended = end(site, accessPoint, held.hold, reason);
  }
  if (!wanted || !standing || standing.state !== "open") {
    // Nobody waits for the disk to shut a door; a start in between finds the hold begun, and shuts it once more.
    if (memory.isTold) await secure(site, accessPoint, memory);
    await ended;
    return standing?.state === "waits" ? standing.lookAgainMs : lookEveryMs;
  }
  await ended;
  if (!site.devices.get(accessPoint.lock)?.lock?.hold) {
    if (memory.impossible !== wanted.id) await end(site, accessPoint, wanted.id, "impossible");
    memory.impossible = wanted.id;
    return standing.lookAgainMs;
  }
  // Looked at once more when the beginning is on the disk: anything may have arrived meanwhile.
  if (held?.hold !== wanted.id) return (await begin(site, accessPoint, wanted)) ? 0 : lookEveryMs;
  if (site.clock.monotonic() >= memory.tellAt) await tell(site, accessPoint, wanted, memory, news);
  return Math.max(0, Math.min(standing.lookAgainMs, memory.tellAt - site.clock.monotonic()));
}

/** False: it cannot be written down, so the door stays shut. */
async function begin(site: SiteParts, { id }: AccessPoint, { id: hold, until }: HoldOpen): Promise<boolean> {
  const { revision } = site.records;
  try {
    await site.journal.recordEvent({ type: "held-open", accessPoint: id, hold, until, revision }).durable;
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== "storage-full") throw error;
    site.logger.error("hold-open-unwritten", { accessPoint: id, error });
    return false;
  }
  site.logger.info("held-open", { accessPoint: id, hold, until });
  return true;
}

/** The lock is secured whether or not this could be written down. */
async function end(site: SiteParts, { id }: AccessPoint, hold: HoldId, reason: HoldEnd): Promise<void> {
  const { revision } = site.records;
  site.logger.info("hold-ended", { accessPoint: id, hold, reason });
  try {
    await note(site, { type: "hold-ended", accessPoint: id, hold, reason, revision });
  } catch (error) {
    site.logger.error("record-lost", { what: "hold-ended", error: error as Error });
  }
}

/** News end the waiting for the lock's answer, not what it was told. */
async function tell(
  site: SiteParts,
  accessPoint: AccessPoint,
  { id: hold, until }: HoldOpen,
  memory: Memory,
  news: AbortSignal,
): Promise<void> {
  memory.tellAt = site.clock.monotonic() + tellEveryMs;
  memory.isTold = true;
  const windowMs = Math.min(holdWindowMs, until - site.time.interval().latest + endGraceMs);
  const result = await holdStrike(site, accessPoint, windowMs, news);
  const isNotDone = result === "refused" || result === "unknown";
  if (isNotDone && result !== memory.result && !news.aborted)
    site.logger.warn("hold-not-confirmed", { accessPoint: accessPoint.id, hold, result });
  memory.result = result;
}

/** Unless another access point with the same lock is held open. */
async function secure(site: SiteParts, accessPoint: AccessPoint, memory: Memory): Promise<void> {
  memory.isTold = false;
  memory.tellAt = Number.NEGATIVE_INFINITY;
  memory.result = undefined;
  const sharing = [...site.accessPoints.values()].filter(
    ({ id, lock }) => lock === accessPoint.lock && id !== accessPoint.id,
  );
  if (sharing.some(({ id }) => site.records.heldOpen(id))) return;
  await secureStrike(site, accessPoint);
}
