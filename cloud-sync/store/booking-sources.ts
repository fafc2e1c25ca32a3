/** Sources of bookings: what they are asked with, which of their flats are which property, and how reading them went. */
import { and, asc, eq, gt, inArray, isNotNull, isNull, lte, ne, or, sql } from "drizzle-orm";
import type { Instant, Millis } from "../../gateway/domain/instant.ts";
import type { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import type { SecretString } from "../../gateway/wire/secret.ts";
import type { Subscriptions } from "../sources/booking-source.ts";
import { type LinkSecret, newLinkSecret } from "./link-secret.ts";
import { bookingSource } from "./schema.ts";
import type { Queries, Transaction } from "./store.ts";

/** Woken when a source is to be read. */
export const sourcesWake = "*sources";

export type SourceRow = typeof bookingSource.$inferSelect;

/** How reading it went: what came of it, or why it could not be read. */
export type SourceResult =
  | {
      readonly read: number;
      readonly added: number;
      readonly changed: number;
      readonly held: number;
      /** Places of bookings that are no property here, some of them. */
      readonly unknownPlaces: readonly string[];
    }
  | { readonly failed: string };

/** A site has no more of them. */
export const sourcesMax = 200;

const its = ({ siteId, id }: Pick<SourceRow, "siteId" | "id">) =>
  and(eq(bookingSource.siteId, siteId), eq(bookingSource.id, id));
/** What the seal is bound to. */
const placeOf = (id: string) => `key-of-${id}`;

export async function insertSource(
  tx: Transaction,
  fresh: Omit<typeof bookingSource.$inferInsert, "sealed">,
  key: SecretString,
  seal: CredentialSeal,
): Promise<void> {
  await tx.insert(bookingSource).values({ ...fresh, sealed: seal.seal(placeOf(fresh.id), key.reveal()) });
}

export async function writeSource(
  tx: Transaction,
  row: Pick<SourceRow, "siteId" | "id">,
  change: Partial<Omit<SourceRow, "siteId" | "id" | "sealed">>,
): Promise<void> {
  await tx.update(bookingSource).set(change).where(its(row));
}

export async function writeSourceKey(
  tx: Transaction,
  row: Pick<SourceRow, "siteId" | "id">,
  key: SecretString,
  seal: CredentialSeal,
): Promise<void> {
  await tx
    .update(bookingSource)
    .set({ sealed: seal.seal(placeOf(row.id), key.reveal()) })
    .where(its(row));
}

/** undefined: it was sealed under another key. */
export function sourceKey({ id, sealed }: SourceRow, seal: CredentialSeal): SecretString | undefined {
  return seal.open(placeOf(id), sealed);
}

/** At whatever site. */
export async function findSource(db: Queries, id: string): Promise<SourceRow | undefined> {
  const [row] = await db.select().from(bookingSource).where(eq(bookingSource.id, id));
  return row;
}

/** Those in use, by name. `sites` undefined: of all. */
export async function listSources(db: Queries, sites: readonly string[] | undefined): Promise<SourceRow[]> {
  return db
    .select()
    .from(bookingSource)
    .where(and(sites && inArray(bookingSource.siteId, [...sites]), isNull(bookingSource.closedAt)))
    .orderBy(asc(bookingSource.name), asc(bookingSource.id));
}

/** No lease is as long: it was taken by a clock that was ahead. */
const leaseMsMax: Millis = 3_600_000;
const isFree = (now: Instant) =>
  or(isNull(bookingSource.runUntil), lte(bookingSource.runUntil, now), gt(bookingSource.runUntil, now + leaseMsMax));
/** Or put off by such a clock. */
const isDue = (now: Instant) =>
  or(
    lte(bookingSource.nextAt, now),
    sql`${bookingSource.nextAt} > ${now}::bigint + 120000::bigint * ${bookingSource.everyMinutes}`,
  );

/** The one that has been due for longest, which nobody else reads for `leaseMs`. */
export async function takeDue(tx: Transaction, now: Instant, leaseMs: Millis): Promise<SourceRow | undefined> {
  const [due] = await tx
    .select()
    .from(bookingSource)
    .where(and(isDue(now), isFree(now)))
    .orderBy(asc(bookingSource.nextAt), asc(bookingSource.id))
    .limit(1)
    .for("update", { skipLocked: true });
  if (due) await writeSource(tx, due, { runUntil: now + leaseMs });
  return due;
}

/** All of these sites, as soon as somebody has the time; `sites` undefined: of all. */
export async function readAllNow(tx: Transaction, sites: readonly string[] | undefined, now: Instant): Promise<void> {
  await tx
    .update(bookingSource)
    .set({ nextAt: now, wholeAt: null })
    .where(and(sites && inArray(bookingSource.siteId, [...sites]), isNull(bookingSource.closedAt)));
}

/** This one, now. undefined: somebody is reading it, or it is closed. */
export async function takeNow(
  tx: Transaction,
  row: Pick<SourceRow, "siteId" | "id">,
  now: Instant,
  leaseMs: Millis,
): Promise<SourceRow | undefined> {
  const [taken] = await tx
    .update(bookingSource)
    .set({ runUntil: now + leaseMs })
    .where(and(its(row), isNull(bookingSource.closedAt), isFree(now)))
    .returning();
  return taken;
}

/** It has been read. One that was closed meanwhile stays so; what was read by other settings is read again. */
export async function letGo(
  tx: Transaction,
  row: SourceRow,
  nextAt: Instant,
  told: Pick<SourceRow, "ranAt" | "result"> & Partial<Pick<SourceRow, "goodAt" | "mark" | "emptySince" | "wholeAt">>,
): Promise<void> {
  const { sealed, places, options } = bookingSource;
  const isAsItWas = sql`${sealed} = ${row.sealed} and ${places} = ${row.places} and ${options} = ${row.options}`;
  const unlessClosed = sql`case when ${bookingSource.closedAt} is not null then null when ${isAsItWas} then ${nextAt}::bigint else ${bookingSource.nextAt} end`;
  const whole =
    told.wholeAt === undefined ? {} : { wholeAt: sql`case when ${isAsItWas} then ${told.wholeAt}::bigint end` };
  const mark = told.mark === undefined ? {} : { mark: sql`case when ${isAsItWas} then ${told.mark}::text end` };
  await tx
    .update(bookingSource)
    .set({ ...told, ...mark, ...whole, runUntil: null, nextAt: unlessClosed })
    .where(its(row));
}

const hookPlaceOf = (id: string) => `hook-of-${id}`;

/** For the address that it sends to. */
export function newHookToken(seal: CredentialSeal, id: string): LinkSecret {
  return newLinkSecret(seal, hookPlaceOf(id));
}

/** Where it sends to. */
export function hookPath(id: string, tokenSealed: string, seal: CredentialSeal): string {
  return `/hooks/${id}/${seal.open(hookPlaceOf(id), tokenSealed)?.reveal() ?? ""}`;
}

const subscriptionsPlaceOf = (id: string) => `subscriptions-of-${id}`;

/** What it is known to send. */
export function subscriptionsOf({ id, subscriptions }: SourceRow, seal: CredentialSeal): Subscriptions {
  const text = subscriptions === null ? undefined : seal.open(subscriptionsPlaceOf(id), subscriptions);
  return text ? (JSON.parse(text.reveal()) as Subscriptions) : {};
}

/** `token`: as it was sealed, or the first one. */
export async function writeSubscriptions(
  tx: Transaction,
  row: Pick<SourceRow, "siteId" | "id">,
  { token, now, at }: { readonly token: LinkSecret | string; readonly now: Subscriptions; readonly at: Instant | null },
  seal: CredentialSeal,
): Promise<void> {
  const subscriptions = seal.seal(subscriptionsPlaceOf(row.id), JSON.stringify(now));
  const fresh = typeof token === "string" ? {} : { tokenHash: token.hash, tokenSealed: token.sealed };
  await tx
    .update(bookingSource)
    .set({ ...fresh, subscriptions, subscribedAt: at })
    .where(its(row));
}

/** It is asked now, for what it has sent word of. */
export async function hasSentWord(tx: Transaction, row: Pick<SourceRow, "siteId" | "id">, now: Instant): Promise<void> {
  await tx
    .update(bookingSource)
    .set({ nextAt: now })
    .where(and(its(row), isNull(bookingSource.closedAt)));
  tx.touch(sourcesWake);
}

/** The key that was is taken until then beside the one that is. */
export async function rotateSourceKey(
  tx: Transaction,
  row: SourceRow,
  key: SecretString,
  until: Instant,
  seal: CredentialSeal,
): Promise<void> {
  const former = { formerSealed: row.sealed, formerUntil: until };
  await tx
    .update(bookingSource)
    .set({ ...former, sealed: seal.seal(placeOf(row.id), key.reveal()) })
    .where(its(row));
}

/** Those that what it sends may be signed with. */
export function signingKeys(row: SourceRow, seal: CredentialSeal, now: Instant): SecretString[] {
  const { id, sealed, formerSealed, formerUntil } = row;
  const former = formerSealed !== null && formerUntil !== null && now < formerUntil ? [formerSealed] : [];
  return [sealed, ...former].flatMap((one) => seal.open(placeOf(id), one) ?? []);
}

/** The site's other sources are read whole the next time, whether they have changed or not. */
export async function forgetMarks(tx: Transaction, { siteId, id }: Pick<SourceRow, "siteId" | "id">): Promise<void> {
  const others = and(eq(bookingSource.siteId, siteId), ne(bookingSource.id, id), isNotNull(bookingSource.mark));
  // In one order, so that readings that do this at once wait for each other in a row.
  const marked = tx.select({ id: bookingSource.id }).from(bookingSource).where(others).orderBy(asc(bookingSource.id));
  const ids = (await marked.for("update")).map((one) => one.id);
  if (ids.length > 0)
    await tx
      .update(bookingSource)
      .set({ mark: null })
      .where(and(others, inArray(bookingSource.id, ids)));
}

export function placesOf({ places }: Pick<SourceRow, "places">): Readonly<Record<string, string>> {
  return JSON.parse(places);
}

/** When the next is due; undefined: none. */
export async function nextReadAt(db: Queries): Promise<Instant | undefined> {
  const [row] = await db
    .select({ at: sql<number | null>`min(greatest(${bookingSource.nextAt}, coalesce(${bookingSource.runUntil}, 0)))` })
    .from(bookingSource)
    .where(sql`${bookingSource.nextAt} is not null`);
  return row?.at == null ? undefined : Number(row.at);
}
