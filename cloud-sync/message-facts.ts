/** What a message may say of the code of a stay. */
import type { Grant } from "../gateway/domain/grant.ts";
import type { Instant } from "../gateway/domain/instant.ts";
import type { MessageFacts } from "./domain/guest-messages.ts";
import { isSpare } from "./spare-codes.ts";

/** null: nobody could type it. `begins`: the code of the stay; a spare may have been good for long, and nobody's. */
export function messageFactsOf(grant: Grant, begins: Instant): MessageFacts | null {
  const { accessPoints, credentials } = grant;
  const validity = isSpare(grant) ? { ...grant.validity, from: begins } : grant.validity;
  const pin = credentials.find(({ kind, revoked }) => kind === "pin" && !revoked);
  return pin ? { ...validity, doors: accessPoints, code: pin.index } : null;
}
