/** The database as the rest of the service sees it: queries, transactions, and who is woken when one commits. */
import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";
import type { SQL } from "drizzle-orm/sql";
import type * as schema from "./schema.ts";
import type { Wakes } from "./wakes.ts";

/** PGlite or PostgreSQL; no query may tell which. */
export type Database = PgDatabase<PgQueryResultHKT, typeof schema>;

/** A transaction. Sites it names with `touch` are woken, here and at the other replicas, once it has committed. */
export interface Transaction extends Pick<Database, "select" | "insert" | "update" | "delete" | "execute"> {
  touch(site: string): void;
}

/** Whatever can answer a query: the store's database or a transaction. */
export type Queries = Pick<Database, "select" | "execute">;

export interface Store {
  readonly db: Database;
  readonly wakes: Wakes;
  /**
   * Commits when `work` resolves; nothing of it stays when it rejects. One that crossed with another is run again, so it has no
   * effect outside `tx`: what is logged, counted or answered comes after the commit.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Rows of a query written by hand. Whole numbers may come as text: read them with Number(). */
export async function rowsOf<T>(queries: Pick<Database, "execute">, query: SQL): Promise<T[]> {
  const result = (await queries.execute(query)) as { readonly rows: T[] };
  return result.rows;
}
