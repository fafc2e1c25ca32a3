/** The bootstrap administrator's token: made at the first start, told once, kept hashed; or given from outside. */
import { eq } from "drizzle-orm";
import type { Instant } from "../../gateway/domain/instant.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { bearerToken, hashOf, newToken } from "../ids.ts";
import { CloudStartError } from "../start-error.ts";
import { adminToken } from "./schema.ts";
import type { Store } from "./store.ts";

const everySite = "*";
const lengthMin = 32;

/** Rejects a token that could be guessed, or that no "Authorization" line can carry, with `admin-token-wrong`. */
export function demandStrong(token: SecretString): void {
  const text = token.reveal();
  if (text.length >= lengthMin && bearerToken.test(text)) return;
  const why = bearerToken.test(text) ? `has ${text.length} characters` : "has characters that no request can carry";
  throw new CloudStartError(
    "admin-token-wrong",
    `the administrator's token POSTERN_ADMIN_TOKEN ${why}: set one of at least ${lengthMin} letters, digits and . _ ~ + / = -, as \`openssl rand -hex 32\` makes, or unset it and take the one made at the first start`,
  );
}

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
