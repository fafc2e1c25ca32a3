/** PGlite's folder: opened only when it can be believed, set aside when it cannot, synced when it is left. */
import { open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { getTableConfig, type PgTable } from "drizzle-orm/pg-core";
import { syncFolder } from "./backup-file.ts";
import * as schema from "./schema.ts";

export type OpenedFolder =
  | { readonly state: "sound"; readonly client: PGlite }
  | { readonly state: "empty" }
  /** It is not a database any more, or some of it cannot be read. */
  | { readonly state: "broken"; readonly why: string };

/** `thorough`: every row is read, by its table and by its key, as after an unclean stop; else the beginning of each table. */
export async function openFolder(folder: string, thorough: boolean): Promise<OpenedFolder> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  if (names.length === 0) return { state: "empty" };
  // Without this file PGlite would begin a new, empty database in it.
  if (!names.includes("PG_VERSION")) return { state: "broken", why: "PG_VERSION is missing" };
  let client: PGlite | undefined;
  try {
    client = await PGlite.create({ dataDir: folder });
    await demandSound(client, thorough);
    return { state: "sound", client };
  } catch (error) {
    await client?.close().catch(() => undefined); // why it is broken is what counts
    return { state: "broken", why: (error as Error).message };
  }
}

async function demandSound(client: PGlite, thorough: boolean): Promise<void> {
  await client.query("select count(*) from drizzle.__drizzle_migrations");
  for (const table of Object.values(schema)) {
    const { name } = getTableConfig(table as PgTable);
    const { rows } = await client.query<{ there: boolean }>("select to_regclass($1) is not null as there", [name]);
    // Absent before the migration that makes it.
    if (!rows[0]?.there) continue;
    if (thorough) await readWhole(client, name);
    else await client.query(`select length(t::text) from ${name} t limit 1`);
  }
  if (thorough) for (const [query, what] of sums) await demandNone(client, query, what);
}

/** Page checksums show what was altered; a table that was cut off shows because its key still names the rows. */
async function readWhole(client: PGlite, table: string): Promise<void> {
  await client.query(`select sum(length(t::text)) from ${table} t`);
  await client.exec("set enable_seqscan = off; set enable_bitmapscan = off; set enable_sort = off");
  await client.query(`select sum(length(t::text)) from (select * from ${table} order by site_id) t`);
  await client.exec("reset all");
}

/** A page that never reached the disk is zeros, and reads as an empty one; but rows are counted elsewhere too. */
const sums: readonly (readonly [query: string, what: string])[] = [
  [
    "select 1 from site s where live_rows <> (select count(*) from feed_row r where r.site_id = s.site_id and not r.gone)",
    "the feed has other rows than its site counts",
  ],
  [
    `select 1 from gateway g where next - 1 <>
       (select count(*) from event e where e.site_id = g.site_id and e.gateway_id = g.id and e.epoch = g.epoch)`,
    "a gateway has other events than were taken from it",
  ],
  [
    "select 1 from gateway g where not exists (select 1 from site s where s.site_id = g.site_id)",
    "a gateway's site is gone",
  ],
];

async function demandNone(client: PGlite, query: string, what: string): Promise<void> {
  const { rows } = await client.query(`${query} limit 1`);
  if (rows.length > 0) throw new Error(what);
}

/** Moves the folder out of the way, in the place of one that was moved before. Answers where it is now; undefined: it was not there. */
export async function setAside(folder: string): Promise<string | undefined> {
  const aside = `${folder}-broken`;
  if (!(await stat(folder).catch(() => undefined))) return undefined;
  await rm(aside, { recursive: true, force: true });
  await rename(folder, aside);
  await syncFolder(dirname(folder));
  return aside;
}

const syncedAtOnce = 16;

/** PGlite leaves its files to the system's own time; after this they are on the disk. Call it once PGlite is closed. */
export async function syncTree(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = [folder, ...entries.map(({ parentPath, name }) => join(parentPath, name))];
  const next = paths.values();
  const work = async () => {
    for (const path of next) {
      const handle = await open(path, "r");
      await handle.sync().finally(() => handle.close());
    }
  };
  await Promise.all(Array.from({ length: syncedAtOnce }, work));
}
