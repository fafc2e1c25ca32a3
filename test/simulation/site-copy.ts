/** One site's rows in the database, copied and put back: a cloud that comes back from its backup. Only for tests, and only for one site. */
import { sql } from "drizzle-orm";
import { beginNewFeed } from "../../cloud-sync/store/feed.ts";
import { rowsOf, type Store, type Transaction } from "../../cloud-sync/store/store.ts";

export interface SiteCopy {
  readonly site: string;
  /** Table → its rows as JSON text, in an order in which they can be put back. */
  readonly tables: readonly { readonly name: string; readonly rows: string }[];
}

/** Those that others refer to come first. */
const tables = [
  "site",
  "person_site",
  "audit_chain",
  "audit_entry",
  "gateway",
  "enrolment_code",
  "access_point",
  "grant_record",
  "holding",
  "transfer",
  "live_code",
  "feed_row",
  "blacklist",
  "event",
  "event_parked",
  "attachment",
  "command",
  "idempotency",
] as const;

export async function copySite(store: Store, site: string): Promise<SiteCopy> {
  return store.transaction(async (tx) => {
    const copied = [];
    for (const name of tables) {
      const [found] = await rowsOf<{ rows: string | null }>(
        tx,
        sql`select json_agg(t)::text as rows from ${sql.identifier(name)} t where t.site_id = ${site}`,
      );
      copied.push({ name, rows: found?.rows ?? "[]" });
    }
    return { site, tables: copied };
  });
}

export async function restoreSite(store: Store, copy: SiteCopy, now: number): Promise<void> {
  await store.transaction(async (tx) => {
    // The audit trail lets nobody take an entry out of it; a backup that is put back does.
    await tx.execute(sql`alter table audit_entry disable trigger audit_entry_append_only`);
    for (const { name } of [...copy.tables].reverse())
      await tx.execute(sql`delete from ${sql.identifier(name)} where site_id = ${copy.site}`);
    await tx.execute(sql`alter table audit_entry enable trigger audit_entry_append_only`);
    for (const { name, rows } of copy.tables)
      await tx.execute(
        sql`insert into ${sql.identifier(name)} select * from json_populate_recordset(null::${sql.identifier(name)}, ${rows}::json)`,
      );
    await beginNewFeed(tx, copy.site, now);
    tx.touch(copy.site);
  });
}

/** Version of the site's feed. */
export async function readVersion(tx: Transaction, site: string): Promise<number> {
  const [found] = await rowsOf<{ ver: string }>(tx, sql`select ver::text from site where site_id = ${site}`);
  return Number(found?.ver);
}
