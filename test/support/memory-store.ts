/** A store in memory that is there at once: PGlite's files with the schema in them are made once a machine and kept beside its other temporary files. */
import { createHash } from "node:crypto";
import { openAsBlob } from "node:fs";
import { access, link, readFile, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { drizzle } from "drizzle-orm/pglite";
import { migrate } from "drizzle-orm/pglite/migrator";
import { migrations, migrationsFolder } from "../../cloud-sync/store/migrations.ts";
import { openStore } from "../../cloud-sync/store/open-store.ts";
import type { Store } from "../../cloud-sync/store/store.ts";
import type { Clock } from "../../gateway/ports/clock.ts";
import { type Logger, silentLogger } from "../../gateway/ports/logger.ts";
import { systemClock } from "../../gateway/system-clock.ts";

export async function memoryStore(
  options: { readonly clock?: Clock | undefined; readonly logger?: Logger | undefined } = {},
): Promise<Store> {
  const { clock = systemClock, logger = silentLogger } = options;
  return openStore({ clock, logger, image: await image() });
}

/** Named after all that it depends on, so that nobody begins with an old one. */
async function image(): Promise<Blob> {
  const packages = await readFile(join(import.meta.dirname, "../../package.json"), "utf8");
  const madeFrom = JSON.stringify([JSON.parse(packages).dependencies["@electric-sql/pglite"], migrations()]);
  const name = `postern-store-${createHash("sha256").update(madeFrom).digest("hex").slice(0, 16)}.tar`;
  const path = join(tmpdir(), name);
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (!isThere) await make(path);
  return openAsBlob(path);
}

/** Two that make it at once make the same, and the first one's stays: whoever reads it already could not go on with another. */
async function make(path: string): Promise<void> {
  const client = await PGlite.create();
  await migrate(drizzle(client), { migrationsFolder });
  const made = await client.dumpDataDir("none");
  await client.close();
  const own = `${path}.${process.pid}`;
  await writeFile(own, Buffer.from(await made.arrayBuffer()), { mode: 0o600 });
  await link(own, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  await unlink(own);
}
