/** The bootstrap administrator's token: made at the first start, told once, kept hashed. */
import { eq } from "drizzle-orm";
import type { Instant } from "../../gateway/domain/instant.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { hashOf, newToken } from "../ids.ts";
import { adminToken } from "./schema.ts";
import type { Store } from "./store.ts";

const everySite = "*";

/** The hashes of all tokens; `made` when there was none and one was made now. */
export async function adminTokens(
  { db }: Store,
  now: Instant,
): Promise<{ readonly hashes: readonly string[]; readonly made?: SecretString }> {
  const known = await db.select().from(adminToken).where(eq(adminToken.siteId, everySite));
  if (known.length > 0) return { hashes: known.map(({ hash }) => hash) };
  const made = new SecretString(newToken("postern_admin"));
  const hash = hashOf(made.reveal());
  await db.insert(adminToken).values({ siteId: everySite, hash, createdAt: now });
  return { hashes: [hash], made };
}
