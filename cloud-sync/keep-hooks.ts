/** Has a source send word of what changes, and looks once a day whether it still does. */
import type { Instant, Millis } from "../gateway/domain/instant.ts";
import type { CloudParts } from "./cloud-parts.ts";
import { type BookingSource, SourceError, type Subscriptions } from "./sources/booking-source.ts";
import {
  hookPath,
  newHookToken,
  type SourceRow,
  subscriptionsOf,
  writeSubscriptions,
} from "./store/booking-sources.ts";

const lookEveryMs: Millis = 24 * 3_600_000;

/** Always resolves: that a source is read does not hang on this. */
export async function keepHooks(
  parts: CloudParts,
  row: SourceRow,
  { hooks }: BookingSource,
  signal: AbortSignal,
): Promise<void> {
  const { clock, logger } = parts;
  if (!hooks || (row.subscribedAt !== null && clock.wall() < row.subscribedAt + lookEveryMs)) return;
  const facts = { site: row.siteId, source: row.id };
  try {
    const count = await keep(parts, row, hooks, signal);
    if (count > 0) logger.info("booking-hooks-kept", { ...facts, count });
  } catch (error) {
    if (error instanceof SourceError) logger.warn("booking-hooks-failed", { ...facts, why: error.message });
    else if (!signal.aborted) logger.error("booking-hooks-failed", { ...facts, error: error as Error });
  }
}

/** Answers how many kinds of word it sends. */
async function keep(
  { store, siteKeys, clock, publicUrl }: CloudParts,
  row: SourceRow,
  hooks: NonNullable<BookingSource["hooks"]>,
  signal: AbortSignal,
): Promise<number> {
  const seal = await siteKeys.seal(store.db, row.siteId);
  const known = subscriptionsOf(row, seal);
  const isWanted = wantsHooks(row) && publicUrl !== undefined;
  const token = row.tokenSealed ?? newHookToken(seal, row.id);
  // What is sent the moment it is subscribed to must find its address.
  const put = (now: Subscriptions, at: Instant | null) =>
    store.transaction((tx) => writeSubscriptions(tx, row, { token, now, at }, seal));
  if (!isWanted) {
    await hooks.drop(known, signal);
    if (row.tokenSealed !== null) await put({}, clock.wall());
    return 0;
  }
  if (typeof token !== "string") await put({}, null);
  const path = hookPath(row.id, typeof token === "string" ? token : token.sealed, seal);
  const now = await hooks.keep(publicUrl.replace(/\/$/, "") + path, known, signal);
  await put(now, clock.wall());
  return Object.keys(now).length;
}

export function wantsHooks({ options }: Pick<SourceRow, "options">): boolean {
  return (JSON.parse(options) as { readonly webhooks?: boolean }).webhooks === true;
}
