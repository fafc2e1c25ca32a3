/** The administrator's token that is given from outside; and the one an earlier version made at its first start. */
import { and, eq } from "drizzle-orm";
import type { SecretString } from "../../gateway/wire/secret.ts";
import { bearerToken } from "../ids.ts";
import { CloudStartError } from "../start-error.ts";
import { everySite } from "./people.ts";
import { adminToken } from "./schema.ts";
import type { Queries, Transaction } from "./store.ts";

const lengthMin = 32;

/** Rejects a token that could be guessed, or that no "Authorization" line can carry, with `admin-token-wrong`. */
export function demandStrong(token: SecretString): void {
  const text = token.reveal();
  if (text.length >= lengthMin && bearerToken.test(text)) return;
  const why = bearerToken.test(text) ? `has ${text.length} characters` : "has characters that no request can carry";
  throw new CloudStartError(
    "admin-token-wrong",
    `the administrator's token POSTERN_ADMIN_TOKEN ${why}: set one of at least ${lengthMin} letters, digits and . _ ~ + / = -, as \`openssl rand -hex 32\` makes, or unset it and make the first administrator by the link that is printed then`,
  );
}

/** A token that an earlier version made at its first start is good until the first administrator has an account. */
export async function isStoredAdminToken(db: Queries, hash: string): Promise<boolean> {
  const [found] = await db
    .select({ hash: adminToken.hash })
    .from(adminToken)
    .where(and(eq(adminToken.siteId, everySite), eq(adminToken.hash, hash)));
  return found !== undefined;
}

export async function hasStoredAdminToken(db: Queries): Promise<boolean> {
  const found = await db
    .select({ hash: adminToken.hash })
    .from(adminToken)
    .where(eq(adminToken.siteId, everySite))
    .limit(1);
  return found.length > 0;
}

export async function retireAdminTokens(tx: Transaction): Promise<void> {
  await tx.delete(adminToken).where(eq(adminToken.siteId, everySite));
}
