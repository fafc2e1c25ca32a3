/** A POST with an Idempotency-Key takes effect once: a repeat within the hour is answered as the first was. */
import { and, eq, lt } from "drizzle-orm";
import type { Instant } from "../../gateway/domain/instant.ts";
import type { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import { hashOf } from "../ids.ts";
import { idempotency } from "./schema.ts";
import type { Store, Transaction } from "./store.ts";

export const answersKeptMs = 3_600_000;

export interface RepeatableRequest {
  readonly site: string;
  readonly key: string;
  /** What must be the same for a repeat: method, path and body. */
  readonly content: string;
}

export type Once<T> =
  | { readonly outcome: "done"; readonly answer: T; readonly repeated: boolean }
  /** The key came before with another request. */
  | { readonly outcome: "mismatch" };

/** Runs `work` unless the same request was answered before. The answer lies sealed, because it may hold a PIN. */
export async function once<T>(
  store: Store,
  seal: CredentialSeal,
  request: RepeatableRequest,
  now: Instant,
  work: (tx: Transaction) => Promise<T>,
): Promise<Once<T>> {
  const { site: siteId, key } = request;
  const its = and(eq(idempotency.siteId, siteId), eq(idempotency.key, key));
  const hash = hashOf(request.content);
  return store.transaction(async (tx) => {
    await tx.delete(idempotency).where(and(its, lt(idempotency.createdAt, now - answersKeptMs)));
    // A second request with the key waits here until the first has committed.
    const [mine] = await tx
      .insert(idempotency)
      .values({ siteId, key, request: hash, answer: "", createdAt: now })
      .onConflictDoNothing()
      .returning({ key: idempotency.key });
    if (!mine) {
      const [before] = await tx.select().from(idempotency).where(its);
      const answer = before?.request === hash ? seal.open(key, before.answer) : undefined;
      return answer
        ? { outcome: "done" as const, answer: JSON.parse(answer.reveal()) as T, repeated: true }
        : { outcome: "mismatch" as const };
    }
    const answer = await work(tx);
    await tx
      .update(idempotency)
      .set({ answer: seal.seal(key, JSON.stringify(answer)) })
      .where(its);
    return { outcome: "done" as const, answer, repeated: false };
  });
}

export async function forgetAnswers(tx: Transaction, siteId: string, now: Instant): Promise<void> {
  await tx
    .delete(idempotency)
    .where(and(eq(idempotency.siteId, siteId), lt(idempotency.createdAt, now - answersKeptMs)));
}
