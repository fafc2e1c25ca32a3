/** Style sheets and scripts that pages load from the service itself. An address holds a hash of the content, so browsers keep it for good. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename, extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Env, Hono } from "hono";
import { compress } from "hono/compress";

export interface Asset {
  /** Path on this service, such as "/assets/style.3f9a1c20b7d4.css". */
  readonly url: string;
  readonly type: string;
  readonly body: string;
}

const types: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
};

/** Reads a file once. `location`: file URL, as import.meta.resolve gives it for a package's file. Throws for a kind no page loads. */
export function asset(location: string): Asset {
  const path = fileURLToPath(location);
  const extension = extname(path);
  const type = types[extension];
  if (type === undefined) throw new Error(`${path} is no style sheet and no script; pages load nothing else`);
  const body = readFileSync(path, "utf8");
  const hash = createHash("sha256").update(body).digest("hex").slice(0, 12);
  return { url: `/assets/${basename(path, extension)}.${hash}${extension}`, type, body };
}

/** One route for each. They hold no secret, so they may be compressed. */
export function serveAssets<E extends Env>(app: Hono<E>, assets: readonly Asset[]): void {
  for (const { url, type, body } of assets) {
    app.get(url, compress({ encoding: "gzip" }), (c) =>
      c.body(body, 200, { "content-type": type, "cache-control": "public, max-age=31536000, immutable" }),
    );
  }
}
