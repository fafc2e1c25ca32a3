/** Links by which visitors see their passes, one of each. */
import { and, eq } from "drizzle-orm";
import type { Instant } from "../../gateway/domain/instant.ts";
import type { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import type { SecretString } from "../../gateway/wire/secret.ts";
import { hashOf } from "../ids.ts";
import type { GrantRow } from "./grants.ts";
import { newLinkSecret } from "./link-secret.ts";
import { grantRecord, passLink } from "./schema.ts";
import type { Queries, Transaction } from "./store.ts";

type PassOf = Pick<GrantRow, "siteId" | "id">;

const its = ({ siteId, id }: PassOf) => and(eq(passLink.siteId, siteId), eq(passLink.grantId, id));
/** What the seal is bound to. */
const placeOf = (id: string) => `link-of-${id}`;

/** In the place of the one there was, which leads nowhere from then on. */
export async function makePassLink(tx: Transaction, pass: PassOf, seal: CredentialSeal, now: Instant): Promise<void> {
  const fresh = { ...newLinkSecret(seal, placeOf(pass.id)), createdAt: now };
  await tx
    .insert(passLink)
    .values({ siteId: pass.siteId, grantId: pass.id, ...fresh })
    .onConflictDoUpdate({ target: [passLink.siteId, passLink.grantId], set: fresh });
}

/** What stands in its address; undefined: it has none. */
export async function readPassLink(db: Queries, pass: PassOf, seal: CredentialSeal): Promise<SecretString | undefined> {
  const [found] = await db.select({ sealed: passLink.sealed }).from(passLink).where(its(pass));
  return found && seal.open(placeOf(pass.id), found.sealed);
}

/** The grant that a link is of. */
export async function findByPassLink(db: Queries, token: string): Promise<GrantRow | undefined> {
  const [found] = await db
    .select({ row: grantRecord })
    .from(passLink)
    .innerJoin(grantRecord, and(eq(grantRecord.siteId, passLink.siteId), eq(grantRecord.id, passLink.grantId)))
    .where(eq(passLink.hash, hashOf(token)));
  return found?.row;
}

export async function dropPassLink(tx: Transaction, pass: PassOf): Promise<void> {
  await tx.delete(passLink).where(its(pass));
}
