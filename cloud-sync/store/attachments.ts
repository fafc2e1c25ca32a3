/** Photos and sheets of visits: an event names them by their hash, the bytes follow it from the gateway, and both can be deleted again. */
import { and, eq, inArray, isNull, sql } from "drizzle-orm";
import type { Instant } from "../../gateway/domain/instant.ts";
import type { AttachmentKind } from "../../gateway/ports/attachments.ts";
import { type ReadEvent, scanOf } from "../read-event.ts";
import { attachment } from "./schema.ts";
import { type Queries, rowsOf, type Transaction } from "./store.ts";

/** With the events that name them, in their transaction. The same once more changes nothing. */
export async function noteAttachments(
  tx: Transaction,
  from: { readonly site: string; readonly gateway: string },
  events: readonly ReadEvent[],
  now: Instant,
): Promise<void> {
  const rows = events.flatMap((event) => {
    const scan = scanOf(event);
    const grantId = "grant" in event && typeof event.grant === "string" ? event.grant : null;
    const named = [
      ...(scan?.photo === undefined ? [] : [{ sha256: scan.photo, kind: "photo" as const }]),
      ...(scan?.sheet === undefined ? [] : [{ sha256: scan.sheet, kind: "sheet" as const }]),
    ];
    return named.map((one) => ({ ...one, siteId: from.site, gatewayId: from.gateway, grantId, namedAt: now }));
  });
  if (rows.length > 0) await tx.insert(attachment).values(rows).onConflictDoNothing();
}

/** "not-named": by no event that has arrived. */
export async function keepAttachment(
  tx: Transaction,
  from: { readonly site: string; readonly gateway: string },
  sha256: string,
  bytes: Uint8Array,
): Promise<"kept" | "not-named"> {
  const its = and(
    eq(attachment.siteId, from.site),
    eq(attachment.gatewayId, from.gateway),
    eq(attachment.sha256, sha256),
  );
  const kept = await tx
    .update(attachment)
    .set({ bytes })
    .where(and(its, isNull(attachment.bytes)))
    .returning({ sha256: attachment.sha256 });
  if (kept.length > 0) return "kept";
  const [known] = await tx.select({ sha256: attachment.sha256 }).from(attachment).where(its);
  return known ? "kept" : "not-named";
}

/** `grant`: only where an entry of it names the attachment. undefined: there is none, or it has not arrived. */
export async function readAttachment(
  db: Queries,
  site: string,
  kind: AttachmentKind,
  sha256: string,
  grant?: string,
): Promise<Uint8Array | undefined> {
  const [row] = await db
    .select({ bytes: attachment.bytes })
    .from(attachment)
    .where(
      and(
        eq(attachment.siteId, site),
        eq(attachment.sha256, sha256),
        eq(attachment.kind, kind),
        ...(grant === undefined ? [] : [eq(attachment.grantId, grant)]),
      ),
    )
    .limit(1);
  return row?.bytes ?? undefined;
}

/** Answers how many. */
export async function forgetAttachments(
  tx: Transaction,
  site: string,
  before: Instant,
  limit: number,
): Promise<number> {
  const gone = await rowsOf<{ sha256: string }>(
    tx,
    sql`delete from attachment where (site_id, gateway_id, sha256) in (
          select site_id, gateway_id, sha256 from attachment
          where site_id = ${site} and named_at < ${before}::bigint order by named_at limit ${limit})
        returning sha256`,
  );
  return gone.length;
}

/** What shows or describes the holder of these grants. */
export async function dropAttachments(tx: Transaction, site: string, grants: readonly string[]): Promise<void> {
  if (grants.length === 0) return;
  await tx.delete(attachment).where(and(eq(attachment.siteId, site), inArray(attachment.grantId, [...grants])));
}
