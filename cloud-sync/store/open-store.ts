/** Opens the store: PostgreSQL by its URL, or PGlite in a folder or in memory. The same schema and the same queries on both. */
import { randomUUID } from "node:crypto";
import { chmod, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { drizzle as drizzleNodePg } from "drizzle-orm/node-postgres";
import { migrate as migrateNodePg } from "drizzle-orm/node-postgres/migrator";
import { drizzle as drizzlePglite } from "drizzle-orm/pglite";
import { migrate as migratePglite } from "drizzle-orm/pglite/migrator";
import { sql } from "drizzle-orm/sql";
import { Client, Pool } from "pg";
import type { Instant } from "../../gateway/domain/instant.ts";
import type { Clock } from "../../gateway/ports/clock.ts";
import type { Logger } from "../../gateway/ports/logger.ts";
import { CloudStartError } from "../start-error.ts";
import { restoreBackup } from "./backup.ts";
import { syncFolder } from "./backup-file.ts";
import { takeFolder } from "./data-folder.ts";
import { beginNewFeed } from "./feed.ts";
import { migrationsFolder } from "./migrations.ts";
import { copiesIn, newestGoodCopy } from "./pglite-copies.ts";
import { openFolder, setAside, syncTree } from "./pglite-folder.ts";
import { PreparedPglite } from "./prepared-pglite.ts";
import * as schema from "./schema.ts";
import { listSites } from "./sites.ts";
import type { Database, Store, Transaction } from "./store.ts";
import { Wakes } from "./wakes.ts";

export interface StoreOptions {
  /** postgres://… ; unset: PGlite. */
  readonly databaseUrl?: string | undefined;
  /** Where PGlite keeps its files; unset: in memory. */
  readonly dataFolder?: string | undefined;
  /** In memory: PGlite's files to begin with, as its dumpDataDir() gives them; unset: none, and they are made in a second or two. */
  readonly image?: Blob | undefined;
  /** Rejects with `data-locked` while anybody else uses the database. Of PGlite there is only ever one user. */
  readonly alone?: boolean | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

const channel = "postern_site";
/** Any number, the same in every replica: they migrate one after the other. */
const migrationLock = 7_061_937;
/** Held by everybody who uses the database, shared or alone. */
const useLock = 7_061_938;
const connectDeadlineMs = 10_000;
const statementDeadlineMs = 30_000;
/** An index over many millions of events takes minutes, and another replica waits for it. */
const migrationDeadlineMs = 3_600_000;
const listenAgainMs = 1_000;
/** SQLSTATE of a transaction that lost to another, and was taken back whole. */
const deadlockFound = "40P01";
const notSerializable = "40001";
const attemptsMax = 3;

export async function openStore(options: StoreOptions): Promise<Store> {
  const { databaseUrl } = options;
  return databaseUrl === undefined ? openPglite(options) : openPostgres(databaseUrl, options);
}

/**
 * PGlite does not sync: after a power cut it may come back to an earlier commit, so every site begins a new history, or not at all.
 * Then the newest good copy takes its place. Rejects with `store-broken` when there is none.
 */
async function openPglite({ dataFolder, image, clock, logger }: StoreOptions): Promise<Store> {
  if (dataFolder === undefined)
    return pgliteStore(await PGlite.create(image && { loadDataDir: image }), async () => undefined);
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  const taken = await takeFolder(dataFolder);
  try {
    const folder = join(dataFolder, "pglite");
    // Of an earlier start, which may have left it to others.
    await chmod(folder, 0o700).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
    });
    const opened = await openFolder(folder, taken.wasUnclean);
    const copies = opened.state === "sound" ? [] : await copiesIn(dataFolder);
    if (opened.state === "broken" || copies.length > 0) {
      const why = opened.state === "broken" ? opened.why : "it is gone";
      await startFromCopy(dataFolder, folder, why, { clock, logger });
    }
    if (opened.state === "empty" && copies.length === 0) await makeFolder(folder);
    const client = opened.state === "sound" ? opened.client : await PGlite.create({ dataDir: folder });
    const store = await pgliteStore(client, async () => {
      await syncTree(folder);
      await taken.release();
    });
    // What was put back from a copy has begun its new feeds already.
    if (taken.wasUnclean && opened.state === "sound") {
      await beginNewFeeds(store, clock.wall()).catch(async (error: Error) => {
        await client.close();
        throw error;
      });
      logger.warn("unclean-stop-found", { consequence: "new feed for every site, and an audit of every gateway" });
    }
    return store;
  } catch (error) {
    // The mark of an unclean stop stays: it is not dealt with yet.
    if (!taken.wasUnclean) await taken.release();
    throw error;
  }
}

/** PGlite makes its files for everybody to read and write, whatever the umask: the folder alone keeps others out. */
async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
}

/** Commits that gateways have seen may be lost, so they take the whole set anew. All sites or none, lest one keeps its old history. */
async function beginNewFeeds(store: Store, now: Instant): Promise<void> {
  await store.transaction(async (tx) => {
    for (const { id } of await listSites(tx)) await beginNewFeed(tx, id, now);
  });
}

async function pgliteStore(client: PGlite, closed: () => Promise<void>): Promise<Store> {
  const prepared = new PreparedPglite(client);
  // Of PGlite drizzle asks for query() and transaction(), no more.
  const db = drizzlePglite(prepared as unknown as PGlite, { schema });
  await migratePglite(db, { migrationsFolder });
  return makeStore(db, undefined, async () => {
    await prepared.close();
    await closed();
  });
}

async function startFromCopy(
  dataFolder: string,
  folder: string,
  why: string,
  { clock, logger }: Pick<StoreOptions, "clock" | "logger">,
): Promise<void> {
  const copy = await newestGoodCopy(dataFolder, (path, error) => logger.error("copy-not-good", { path, error }));
  if (!copy) {
    throw new CloudStartError(
      "store-broken",
      `the store in ${folder} is broken (${why}) and there is no good copy of it: move it away, then put a backup back by postern cloud restore`,
    );
  }
  // Built beside, so that a crash on the way leaves no half of it in place.
  const built = `${folder}-new`;
  await rm(built, { recursive: true, force: true });
  await makeFolder(built);
  const store = await pgliteStore(await PGlite.create({ dataDir: built }), () => syncTree(built));
  try {
    await restoreBackup(store, copy.path, clock.wall());
  } finally {
    await store.close();
  }
  const aside = await setAside(folder);
  await rename(built, folder);
  await syncFolder(dataFolder);
  logger.error("store-broken", {
    why,
    ...(aside !== undefined && { movedTo: aside }),
    startedFrom: copy.path,
    asOf: Temporal.Instant.fromEpochMilliseconds(copy.header.madeAt).toString(),
    consequence: "what came later is lost here; a new feed for every site, and an audit of every gateway",
  });
}

async function openPostgres(databaseUrl: string, { clock, logger, alone = false }: StoreOptions): Promise<Store> {
  const connection = { connectionString: databaseUrl, connectionTimeoutMillis: connectDeadlineMs };
  const pool = new Pool({
    ...connection,
    max: 10,
    statement_timeout: statementDeadlineMs,
    idle_in_transaction_session_timeout: statementDeadlineMs,
  });
  pool.on("error", (error) => logger.warn("database-connection-lost", { error }));
  const replica = randomUUID();
  const wakes = new Wakes();
  const listener = new Listener({ ...connection, alone }, clock, logger, (payload) => {
    const [from, site] = payload.split(" ");
    if (from !== replica && site) wakes.wake(site);
  });
  try {
    await listener.start(() => wakes.wakeAll());
    await migratePool(pool);
  } catch (cause) {
    await Promise.all([listener.stop(), pool.end()]);
    if (cause instanceof CloudStartError) throw cause;
    throw new CloudStartError("store-unreachable", "the database could not be opened; check DATABASE_URL", { cause });
  }
  return makeStore(drizzleNodePg(pool, { schema }), { replica, wakes }, async () => {
    await listener.stop();
    await pool.end();
  });
}

async function migratePool(pool: Pool): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query(`set statement_timeout = ${migrationDeadlineMs}`);
    await client.query("select pg_advisory_lock($1)", [migrationLock]);
    await migrateNodePg(drizzleNodePg(client, { schema }), { migrationsFolder });
    await client.query("select pg_advisory_unlock($1)", [migrationLock]);
    await client.query("reset statement_timeout");
  } finally {
    client.release();
  }
}

/** `shared`: other replicas must be told of a commit too. */
function makeStore(
  db: Database,
  shared: { readonly replica: string; readonly wakes: Wakes } | undefined,
  close: () => Promise<void>,
): Store {
  const wakes = shared?.wakes ?? new Wakes();
  return {
    db,
    wakes,
    close,
    async transaction(work) {
      let touched = new Set<string>();
      const attempt = () =>
        db.transaction(async (inner) => {
          touched = new Set<string>();
          const tx: Transaction = Object.assign(inner, { touch: (site: string) => void touched.add(site) });
          const done = await work(tx);
          if (shared) {
            for (const site of touched)
              await tx.execute(sql`select pg_notify(${channel}, ${`${shared.replica} ${site}`})`);
          }
          return done;
        });
      const result = await repeatedly(attempt);
      for (const site of touched) wakes.wake(site);
      return result;
    },
  };
}

/** The store has taken back all of an attempt that crossed with another: the next one finds the way free. */
async function repeatedly<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (tries >= attemptsMax || !isCrossing(error)) throw error;
    }
  }
}

function isCrossing(error: unknown): boolean {
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: { readonly code?: unknown } };
  return [code, cause?.code].some((one) => one === deadlockFound || one === notSerializable);
}

interface ListenerConnection {
  readonly connectionString: string;
  readonly connectionTimeoutMillis: number;
  readonly alone: boolean;
}

/**
 * One connection that says that the database is in use, and hears what other replicas commit; when it is lost it comes back, and
 * everyone looks again.
 */
class Listener {
  readonly #connection: ListenerConnection;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #heard: (payload: string) => void;
  readonly #stopped = new AbortController();
  #client: Client | undefined;

  constructor(connection: ListenerConnection, clock: Clock, logger: Logger, heard: (payload: string) => void) {
    this.#connection = connection;
    this.#clock = clock;
    this.#logger = logger;
    this.#heard = heard;
  }

  /** Rejects with `data-locked` when somebody uses the database alone, or anybody uses it who wants it alone. */
  async start(onBack: () => void): Promise<void> {
    const { alone, ...connection } = this.#connection;
    const client = new Client({ ...connection, keepAlive: true });
    client.on("notification", ({ payload }) => this.#heard(payload ?? ""));
    client.on("error", (error) => this.#logger.warn("database-listener-lost", { error }));
    client.on("end", () => void this.#again(onBack));
    await client.connect();
    this.#client = client;
    const { rows } = await client.query(`select pg_try_advisory_lock${alone ? "" : "_shared"}($1) as taken`, [useLock]);
    if (!rows[0].taken) {
      await client.end();
      const why = alone
        ? "a cloud-sync uses this database; stop every one of them"
        : "a restore of this database is under way";
      throw new CloudStartError("data-locked", `${why}, then try again`);
    }
    await client.query(`listen ${channel}`);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#client?.end();
  }

  async #again(onBack: () => void): Promise<void> {
    const { signal } = this.#stopped;
    if (signal.aborted) return;
    try {
      await this.#clock.sleep(listenAgainMs, signal);
      await this.start(onBack);
      onBack();
    } catch (error) {
      if (!signal.aborted) this.#logger.warn("database-listener-failed", { error: error as Error });
    }
  }
}
