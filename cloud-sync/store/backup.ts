/** Takes a backup of the whole store while it is in use, and puts one back. The same on PostgreSQL and PGlite. */
import { getTableConfig, type PgTable } from "drizzle-orm/pg-core";
import { sql } from "drizzle-orm/sql";
import type { Instant } from "../../gateway/domain/instant.ts";
import { BackupError } from "./backup-error.ts";
import { type BackupSummary, checkBackup, readBackup, zipped } from "./backup-file.ts";
import { type BackupTable, newHeader, toBytes } from "./backup-format.ts";
import { beginNewFeed } from "./feed.ts";
import { doubtWaiting } from "./guest-messages.ts";
import { migrations } from "./migrations.ts";
import { voidAllLinks } from "./one-time-links.ts";
import { dropWaiting } from "./outbox.ts";
import * as schema from "./schema.ts";
import { endAllSessions } from "./sessions.ts";
import { listSites } from "./sites.ts";
import { doubtSpares } from "./spare-codes.ts";
import { type Queries, rowsOf, type Store, type Transaction } from "./store.ts";

/** Other tables refer to these; those in between refer to the ones before them. */
const referredTo: readonly PgTable[] = [schema.site, schema.gateway, schema.grantRecord];

/** Photos would be copied whole every ten minutes; they are evidence for some weeks, and no decision needs them. */
const leftOut: readonly PgTable[] = [schema.attachment];

/** In an order in which they can be put back. */
const tables = [...new Set([...referredTo, ...Object.values(schema)])].flatMap((table) => {
  if (leftOut.includes(table)) return [];
  const { name, columns, primaryKeys } = getTableConfig(table);
  const key = primaryKeys[0]?.columns ?? columns.filter(({ primary }) => primary);
  return [{ name, columns: columns.map((one) => one.name), key: key.map((one) => one.name) }];
});

/** Rows in memory at a time; an event has at most 256 kB, nearly all have less than one. */
const rowsAtOnce = 250;

export interface BackupFacts {
  readonly madeAt: Instant;
  /** The service's version. */
  readonly by: string;
}

/**
 * Hands the bytes of a backup file to `write`, one piece after the other: all tables as of one moment. Write swiftly: PGlite serves
 * nobody else meanwhile, and PostgreSQL ends a transaction that idles for half a minute.
 */
export async function takeBackup(
  store: Store,
  { madeAt, by }: BackupFacts,
  write: (piece: Uint8Array) => Promise<void>,
): Promise<void> {
  await store.db.transaction(
    async (tx) => {
      const header = newHeader({ schema: await schemaOf(tx), madeAt, by });
      for await (const piece of zipped(toBytes(header, everyTable(tx)))) await write(piece);
    },
    { isolationLevel: "repeatable read", accessMode: "read only" },
  );
}

async function* everyTable(queries: Queries): AsyncGenerator<{ table: BackupTable } | { rows: string[] }> {
  for (const { name, columns, key } of tables) {
    yield { table: { table: name, columns } };
    const order = sql.join(
      key.map((column) => sql.identifier(column)),
      sql`, `,
    );
    await queries.execute(
      sql`declare backup no scroll cursor for select row_to_json(t)::text as json from ${sql.identifier(name)} t order by ${order}`,
    );
    for (;;) {
      const rows = await rowsOf<{ json: string }>(queries, sql`fetch ${sql.raw(String(rowsAtOnce))} from backup`);
      if (rows.length > 0) yield { rows: rows.map(({ json }) => json) };
      if (rows.length < rowsAtOnce) break;
    }
    await queries.execute(sql`close backup`);
  }
}

async function schemaOf(queries: Queries): Promise<number> {
  const [row] = await rowsOf<{ newest: string | number | null }>(
    queries,
    sql`select max(created_at) as newest from drizzle.__drizzle_migrations`,
  );
  return Number(row?.newest ?? 0);
}

/**
 * Replaces everything in the store by the backup, in one transaction, and begins a new history for every site: its gateways will give
 * their accounts. `check` may still refuse what has been put in. The service must not run on this store. Rejects with a BackupError,
 * nothing changed, for a file that is not whole, was altered, or comes from a newer version.
 */
export async function restoreBackup(
  store: Store,
  path: string,
  now: Instant,
  check: (restored: Queries) => Promise<void> = async () => undefined,
): Promise<BackupSummary> {
  const summary = await checkBackup(path);
  const { schema: from } = summary.header;
  const known = migrations();
  if (!known.some(({ writtenAt }) => writtenAt === from)) {
    const why = from > known.at(-1)!.writtenAt ? "comes from a newer version of Postern" : "has an unknown schema";
    throw new BackupError(`${path} ${why}: restore it with the version that wrote it, or a newer one`);
  }
  await store.transaction(async (tx) => {
    const left = leftOut.map((table) => getTableConfig(table));
    const names = [...tables, ...left].map(({ name }) => sql.identifier(name));
    await tx.execute(sql`drop table if exists ${sql.join(names, sql`, `)} cascade`);
    const run = async (wanted: (writtenAt: number) => boolean) => {
      for (const { writtenAt, statements } of known)
        if (wanted(writtenAt)) for (const statement of statements) await tx.execute(sql.raw(statement));
    };
    await run((writtenAt) => writtenAt <= from);
    await putBack(tx, path);
    await run((writtenAt) => writtenAt > from);
    await check(tx);
    for (const { id } of await listSites(tx)) await beginNewFeed(tx, id, now);
    // Whoever was signed out since would be in again, and a link that was used be good again.
    await endAllSessions(tx, now);
    await voidAllLinks(tx);
    await dropWaiting(tx);
    await doubtWaiting(tx, now);
    await doubtSpares(tx, now);
  });
  return summary;
}

const insertBytes = 1024 * 1024;
const insertRows = 500;

async function putBack(tx: Transaction, path: string): Promise<void> {
  let table: BackupTable | undefined;
  let rows: string[] = [];
  let bytes = 0;
  const write = async () => {
    if (table && rows.length > 0) await insert(tx, table, `[${rows.join(",")}]`);
    rows = [];
    bytes = 0;
  };
  for await (const entry of readBackup(path)) {
    if (entry.kind === "table") {
      await write();
      table = entry.table;
    }
    if (entry.kind !== "row") continue;
    rows.push(entry.json);
    bytes += entry.json.length;
    if (rows.length >= insertRows || bytes >= insertBytes) await write();
  }
  await write();
}

async function insert(tx: Transaction, { table, columns }: BackupTable, rows: string): Promise<void> {
  const name = sql.identifier(table);
  const names = sql.join(
    columns.map((column) => sql.identifier(column)),
    sql`, `,
  );
  await tx
    .execute(
      sql`insert into ${name} (${names}) select ${names} from json_populate_recordset(null::${name}, ${rows}::json)`,
    )
    // The query's own error would quote the rows.
    .catch((error: Error) => {
      const why = error.cause instanceof Error ? error.cause.message : "the database refused them";
      throw new BackupError(`the backup's rows of ${table} cannot be put back: ${why}`);
    });
}
