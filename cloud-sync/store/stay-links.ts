/** Links by which guests see their stays: one of each booking, which stays the same however the stay changes. */
import { and, eq, isNull } from "drizzle-orm";
import type { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import type { SecretString } from "../../gateway/wire/secret.ts";
import { hashOf } from "../ids.ts";
import type { BookingRow } from "./bookings.ts";
import { newLinkSecret } from "./link-secret.ts";
import { booking } from "./schema.ts";
import type { Queries, Transaction } from "./store.ts";

type StayOf = Pick<BookingRow, "siteId" | "id">;

/** What the seal is bound to. */
const placeOf = (id: string) => `link-of-${id}`;

/** The one there is, or one that is made now; `renew`: another, and the one before leads nowhere from then on. `row`: locked before. */
export async function keepStayLink(
  tx: Transaction,
  row: StayOf & Pick<BookingRow, "linkSealed">,
  seal: CredentialSeal,
  { renew = false }: { readonly renew?: boolean } = {},
): Promise<SecretString> {
  const known = row.linkSealed === null || renew ? undefined : seal.open(placeOf(row.id), row.linkSealed);
  if (known) return known;
  const { hash, sealed } = newLinkSecret(seal, placeOf(row.id));
  await tx
    .update(booking)
    .set({ linkHash: hash, linkSealed: sealed })
    .where(and(eq(booking.siteId, row.siteId), eq(booking.id, row.id)));
  return seal.open(placeOf(row.id), sealed)!;
}

/** The booking that a link is of; undefined: none, or its guest is forgotten. */
export async function findByStayLink(db: Queries, token: string): Promise<BookingRow | undefined> {
  const its = and(eq(booking.linkHash, hashOf(token)), isNull(booking.forgottenAt));
  const [row] = await db.select().from(booking).where(its);
  return row;
}
