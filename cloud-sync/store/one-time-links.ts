/** Links that do one thing once, before they expire. The store has their hashes alone. */
import { and, eq, gt, isNull, lt, ne, or } from "drizzle-orm";
import type { Instant } from "../../gateway/domain/instant.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { hashOf, newToken } from "../ids.ts";
import { everySite } from "./people.ts";
import { oneTimeLink } from "./schema.ts";
import type { Queries, Transaction } from "./store.ts";

export type LinkPurpose = "first-admin" | "invite" | "reset" | "passkey";

export interface FreshLink {
  readonly purpose: LinkPurpose;
  /** Whom it is for; null: whoever has it. */
  readonly personId: string | null;
  readonly expiresAt: Instant;
}

/** Answers the link's token. Of a person only the newest link is good. */
export async function makeLink(tx: Transaction, fresh: FreshLink, now: Instant): Promise<SecretString> {
  const token = new SecretString(newToken("postern_link"));
  if (fresh.personId !== null) await voidLinksOf(tx, fresh.personId);
  await keepLink(tx, token.reveal(), fresh, now);
  return token;
}

/** As makeLink, with a token made elsewhere, and beside others of the person. */
export async function keepLink(tx: Transaction, token: string, fresh: FreshLink, now: Instant): Promise<void> {
  await tx.insert(oneTimeLink).values({ siteId: everySite, hash: hashOf(token), ...fresh, createdAt: now });
}

export async function voidLinksOf(tx: Transaction, personId: string): Promise<void> {
  await tx
    .delete(oneTimeLink)
    .where(
      and(
        eq(oneTimeLink.siteId, everySite),
        eq(oneTimeLink.personId, personId),
        ne(oneTimeLink.purpose, "passkey"),
        isNull(oneTimeLink.usedAt),
      ),
    );
}

/** The first administrator is made: whoever else has such a link comes too late. */
export async function voidFirstAdminLinks(tx: Transaction): Promise<void> {
  await tx
    .delete(oneTimeLink)
    .where(and(eq(oneTimeLink.siteId, everySite), eq(oneTimeLink.purpose, "first-admin"), isNull(oneTimeLink.usedAt)));
}

export async function voidAllLinks(tx: Transaction): Promise<void> {
  await tx.delete(oneTimeLink).where(and(eq(oneTimeLink.siteId, everySite), isNull(oneTimeLink.usedAt)));
}

const good = (token: string, now: Instant) =>
  and(
    eq(oneTimeLink.siteId, everySite),
    eq(oneTimeLink.hash, hashOf(token)),
    isNull(oneTimeLink.usedAt),
    gt(oneTimeLink.expiresAt, now),
  );

export interface Link {
  readonly purpose: LinkPurpose;
  readonly personId: string | null;
}

const link = { purpose: oneTimeLink.purpose, personId: oneTimeLink.personId };

/** undefined: there is none, or it was used, or is too old. */
export async function readLink(db: Queries, token: string, now: Instant): Promise<Link | undefined> {
  const [found] = await db.select(link).from(oneTimeLink).where(good(token, now));
  return found;
}

/** As readLink, and locked until the commit. */
export async function lockLink(tx: Transaction, token: string, now: Instant): Promise<Link | undefined> {
  const [found] = await tx.select(link).from(oneTimeLink).where(good(token, now)).for("update");
  return found;
}

/** As readLink; from then on it is used. Of two at the same moment one gets it. */
export async function useLink(tx: Transaction, token: string, now: Instant): Promise<Link | undefined> {
  const [used] = await tx.update(oneTimeLink).set({ usedAt: now }).where(good(token, now)).returning(link);
  return used;
}

/** Those used or expired before; and challenges, of which anybody may ask for many, as soon as they are over. */
export async function forgetLinks(tx: Transaction, before: Instant, now: Instant): Promise<void> {
  await tx
    .delete(oneTimeLink)
    .where(and(eq(oneTimeLink.siteId, everySite), eq(oneTimeLink.purpose, "passkey"), lt(oneTimeLink.expiresAt, now)));
  await tx
    .delete(oneTimeLink)
    .where(
      and(eq(oneTimeLink.siteId, everySite), or(lt(oneTimeLink.expiresAt, before), lt(oneTimeLink.usedAt, before))),
    );
}
