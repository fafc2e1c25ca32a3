/** The whole store as a file, for administrators of every site. */
import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { HttpProblem, refuseInvalid } from "../../web/problem.ts";
import type { CloudEnv } from "../authenticate.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { takeBackup } from "../store/backup.ts";
import { asks } from "./asks.ts";
import { noteOf } from "./requests.ts";
import { problems } from "./shapes.ts";

const backup = createRoute({
  method: "get",
  path: "/api/backup",
  tags: ["Operation"],
  summary: "A backup of everything, as of one moment",
  description:
    "Gzipped JSON lines that end with a checksum; `postern cloud restore` puts them back. Nothing secret is in clear, and the master key is not in it.",
  ...asks("backup.take"),
  responses: {
    200: { description: "The file", content: { "application/gzip": { schema: z.string() } } },
    ...problems(401, 403, 409, 429),
  },
});

export function backupRoutes(parts: CloudParts): OpenAPIHono<CloudEnv> {
  const { store, clock, logger, version, stopping } = parts;
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });
  let underWay = false;

  app.openapi(backup, async (c) => {
    if (underWay) throw new HttpProblem(409, "backup-under-way", "Another backup is being made; come back later.");
    const gone = AbortSignal.any([stopping, c.req.raw.signal]);
    underWay = true;
    let spool: FileHandle | undefined;
    try {
      // Through a file, so that a slow line does not hold the store, and that what is sent is whole.
      await store.transaction((tx) => noteOf(parts, c)(tx, { action: "backup.take", thing: "backup" }));
      const file = await openSpool();
      spool = file;
      const began = clock.monotonic();
      await takeBackup(store, { madeAt: clock.wall(), by: version }, (piece) => {
        gone.throwIfAborted();
        return file.appendFile(piece);
      });
      const { size } = await file.stat();
      logger.info("backup-taken", {
        by: c.get("actor").id,
        bytes: size,
        heldMs: Math.round(clock.monotonic() - began),
      });
      const content = Readable.toWeb(file.createReadStream({ start: 0 })) as ReadableStream<Uint8Array>;
      return c.body(content, 200, { "content-type": "application/gzip", "content-length": String(size) }) as never;
    } catch (error) {
      await spool?.close();
      throw error;
    } finally {
      underWay = false;
    }
  });

  return app;
}

/** Nobody finds it, and it is gone once it is closed or the process has ended. */
async function openSpool(): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), "postern-backup-"));
  try {
    return await open(join(folder, "spool"), "wx+", 0o600);
  } finally {
    await rm(folder, { recursive: true });
  }
}
