/** Style sheets, scripts and pictures that pages load from the service itself. An address holds a hash of the content, so browsers keep it for good. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename, extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Env, Hono } from "hono";
import { compress } from "hono/compress";

export interface Asset {
  /** As the file is called. */
  readonly name: string;
  /** Path on this service, such as "/assets/style.3f9a1c20b7d4.css". */
  readonly url: string;
  readonly type: string;
  readonly body: string | Uint8Array<ArrayBuffer>;
}

const textTypes: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};
const binaryTypes: Readonly<Record<string, string>> = {
  ".png": "image/png",
  ".wasm": "application/wasm",
};

/**
 * Reads a file once. `location`: file URL, as import.meta.resolve gives it for a package's file. `beside`: what a script loads by itself; where
 * it says "./name.js" it gets their addresses. Throws for a kind no page loads.
 */
export function asset(location: string, beside: readonly Asset[] = []): Asset {
  const path = fileURLToPath(location);
  const extension = extname(path);
  const type = textTypes[extension] ?? binaryTypes[extension];
  if (type === undefined) throw new Error(`${path} is no style sheet, script or picture; pages load nothing else`);
  const bytes = new Uint8Array(readFileSync(path));
  const body = extension in textTypes ? withAddresses(Buffer.from(bytes).toString("utf8"), beside) : bytes;
  const hash = createHash("sha256").update(body).digest("hex").slice(0, 12);
  const name = basename(path);
  return { name, url: `/assets/${basename(path, extension)}.${hash}${extension}`, type, body };
}

function withAddresses(text: string, beside: readonly Asset[]): string {
  return beside.reduce((body, { name, url }) => body.replaceAll(`"./${name}"`, JSON.stringify(url)), text);
}

/** One route for each. They hold no secret, so they may be compressed. */
export function serveAssets<E extends Env>(app: Hono<E>, assets: readonly Asset[]): void {
  for (const { url, type, body } of assets) {
    app.get(url, compress({ encoding: "gzip" }), (c) =>
      c.body(body, 200, { "content-type": type, "cache-control": "public, max-age=31536000, immutable" }),
    );
  }
}
