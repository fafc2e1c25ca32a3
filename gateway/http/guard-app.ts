/** What makes the guard's page an app on a phone: its scripts and icons, the manifest, and the worker that keeps the page's shell. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Context, Hono } from "hono";
import { asset, serveAssets } from "../../web/assets.ts";
import { contentSecurityPolicy, pageAssets } from "../../web/page.tsx";
import type { RequestIdEnv } from "../../web/problem.ts";

const decoder = asset(import.meta.resolve("barcode-detector/ponyfill").replace("/es/", "/iife/"));
const decoderWasm = asset(import.meta.resolve("zxing-wasm/reader/zxing_reader.wasm"));
const own = (name: string, beside: Parameters<typeof asset>[1] = []) =>
  asset(import.meta.resolve(`./assets/${name}`), beside);

export const guardStyle = own("guard.css");
export const iconSvg = own("icon.svg");
export const iconPng = own("icon-512.png");
const iconSmall = own("icon-192.png");
const tones = own("guard-tones.js");
const pending = own("guard-pending.js");
const camera = own("guard-camera.js", [decoder, decoderWasm]);
const position = own("guard-position.js");
const photo = own("guard-photo.js", [camera]);
const sending = own("guard-sending.js", [pending]);
const start = own("guard.js", [tones, sending, camera, photo, position]);

/** Addresses. The others are loaded by it, the decoder only where the browser has none. */
export const guardScripts = [start.url];
/** What the app is without a gateway. */
const kept = [guardStyle, iconSvg, iconPng, iconSmall, tones, pending, camera, photo, position, sending, start];

export const manifestPath = "/guard.webmanifest";
export const shellPath = "/guard-shell";
const workerPath = "/guard-worker.js";

const manifest = JSON.stringify({
  name: "Postern gate",
  short_name: "Gate",
  id: "/guard",
  start_url: "/guard",
  scope: "/",
  display: "standalone",
  background_color: "#f5f3ec",
  theme_color: "#1f5a4b",
  icons: [
    { src: iconSvg.url, type: "image/svg+xml", sizes: "any" },
    { src: iconSmall.url, type: "image/png", sizes: "192x192" },
    { src: iconPng.url, type: "image/png", sizes: "512x512", purpose: "any maskable" },
  ],
});

/** The decoder compiles its own code, and the app has a manifest; both on these pages alone. */
const guardPolicy = contentSecurityPolicy({ "script-src": "'wasm-unsafe-eval'", "manifest-src": "'self'" });

export async function allowDecoder(c: Context, next: () => Promise<void>): Promise<void> {
  await next();
  c.header("content-security-policy", guardPolicy);
}

export function addGuardApp(app: Hono<RequestIdEnv>): void {
  serveAssets(app, [...kept, decoder, decoderWasm]);
  app.get(manifestPath, (c) => c.body(manifest, 200, { "content-type": "application/manifest+json" }));
  const worker = workerText();
  app.get(workerPath, (c) =>
    c.body(worker, 200, { "content-type": "text/javascript; charset=utf-8", "cache-control": "no-cache" }),
  );
}

/** The worker with the list of what it keeps. Another list is another worker, which browsers then take. */
function workerText(): string {
  const source = readFileSync(new URL("./assets/guard-worker.js", import.meta.url), "utf8");
  const assets = [...pageAssets, ...kept].map(({ url }) => url);
  const version = createHash("sha256").update(JSON.stringify(assets)).digest("hex").slice(0, 12);
  return `self.shell = ${JSON.stringify({ version, page: shellPath, assets })};\n${source}`;
}
