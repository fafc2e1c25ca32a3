/** Where a request comes from: its address and device, and whether a page of this service made it. */
import type { Context, MiddlewareHandler } from "hono";
import { isLoopback } from "../../config/schema.ts";
import { isPlainText } from "../../gateway/wire/gateway-api.ts";
import { networkOf } from "../../gateway/wire/network-of.ts";
import { HttpProblem } from "../../web/problem.ts";

/** On requests that a page makes of itself, by a clock. */
export const byItselfHeader = "x-by-itself";

export interface Caller {
  readonly address: string;
  /** What the browser or program calls itself, cut to 200 characters. */
  readonly device: string;
}

export function callerOf(c: Context): Caller {
  const agent = (c.req.header("user-agent") ?? "").slice(0, 200).trim();
  return { address: c.get("address"), device: agent !== "" && isPlainText(agent) ? agent : "unknown" };
}

/** What bounds count by: of IPv6 one caller has a whole /64 to call from. */
export function callingNetwork(c: Context): string {
  return networkOf(c.get("address"));
}

/** Whether the way to the browser is encrypted: by the address people use, or because the proxy in front says so. */
export function isByHttps(c: Context, publicUrl: string | undefined): boolean {
  if (publicUrl !== undefined) return publicUrl.startsWith("https:");
  return c.req.header("x-forwarded-proto") === "https" || new URL(c.req.url).protocol === "https:";
}

/** A cookie must not be given where somebody could listen: by https, or on this machine. */
export function isPrivateLine(c: Context, publicUrl: string | undefined): boolean {
  return isByHttps(c, publicUrl) || isLoopback(new URL(c.req.url).hostname);
}

/** For links: the address people use, without a slash at its end. */
export function ownUrl(c: Context, publicUrl: string | undefined): string {
  if (publicUrl !== undefined) return publicUrl.replace(/\/$/, "");
  const { host } = new URL(c.req.url);
  return `${isByHttps(c, publicUrl) ? "https" : "http"}://${host}`;
}

/** Throws the 403 of a request that a page of another origin made a browser send. What only reads passes. */
export function demandSameOrigin(c: Context, publicUrl: string | undefined): void {
  if (["GET", "HEAD", "OPTIONS"].includes(c.req.method)) return;
  const site = c.req.header("sec-fetch-site");
  if (site !== undefined ? site === "same-origin" : isOwnOrigin(c, publicUrl)) return;
  throw new HttpProblem(403, "foreign-origin", "This request did not come from a page of this service.");
}

/** Browsers send Origin with whatever may change something; the Host they asked for tells whose it is. */
function isOwnOrigin(c: Context, publicUrl: string | undefined): boolean {
  const origin = c.req.header("origin") ?? "";
  if (!URL.canParse(origin)) return false;
  const { host } = new URL(origin);
  return host === new URL(c.req.url).host || (publicUrl !== undefined && host === new URL(publicUrl).host);
}

/** For routes that give or use a cookie. */
export function sameOriginOnly(publicUrl: string | undefined): MiddlewareHandler {
  return async (c, next) => {
    demandSameOrigin(c, publicUrl);
    await next();
  };
}
