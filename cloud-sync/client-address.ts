/** The address a request really comes from, seen through the proxies that stand in front of the service. */
import { BlockList, isIP, isIPv4, isIPv6, SocketAddress } from "node:net";
import type { MiddlewareHandler } from "hono";
import type { Logger } from "../gateway/ports/logger.ts";
import { remoteAddress } from "../web/limits.ts";
import type { CloudEnv } from "./authenticate.ts";

/** `proxies`: addresses or networks ("10.0.0.0/8", "fd00::/8"), which the configuration has checked. */
export function proxyList(proxies: readonly string[]): BlockList {
  const list = new BlockList();
  for (const proxy of proxies) {
    const [network = "", prefix] = proxy.split("/");
    const family = isIPv4(network) ? "ipv4" : "ipv6";
    if (prefix === undefined) list.addAddress(network, family);
    else list.addSubnet(network, Number(prefix), family);
  }
  return list;
}

/** One spelling for each address: an IPv4 address inside IPv6 is that IPv4 address, and the name of a network card falls away. */
export function foldAddress(address: string): string {
  if (!isIPv6(address)) return address;
  const plain = new SocketAddress({ family: "ipv6", address: address.replace(/%.*$/, "") }).address;
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(plain)?.[1] ?? plain;
}

/**
 * `peer`: who opened the connection. `forwardedFor`: each proxy writes down at its end whom it was asked by, so from the right the first
 * that is none of ours is the caller; what stands left of it anybody may have written. A proxy that names nobody is the caller itself.
 */
export function clientBehind(peer: string, forwardedFor: string | undefined, trusted: BlockList): string {
  let address = foldAddress(peer);
  for (const hop of (forwardedFor ?? "").split(",").reverse()) {
    const known = addressIn(hop.trim());
    if (!isTrusted(address, trusted) || known === undefined) return address;
    address = known;
  }
  return address;
}

/** "203.0.113.7", "203.0.113.7:4711", "2001:db8::7", "[2001:db8::7]:4711". */
function addressIn(hop: string): string | undefined {
  const text = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(hop)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(hop)?.[1] ?? hop;
  return isIP(text) === 0 ? undefined : foldAddress(text);
}

function isTrusted(address: string, trusted: BlockList): boolean {
  return isIP(address) !== 0 && trusted.check(address, isIPv4(address) ? "ipv4" : "ipv6");
}

/** Sets "address". Says once when a proxy seems to stand in front that nobody named: then all its callers count as one. */
export function knowAddress(proxies: readonly string[], logger: Logger): MiddlewareHandler<CloudEnv> {
  const trusted = proxyList(proxies);
  let isTold = false;
  return async (c, next) => {
    const peer = foldAddress(remoteAddress(c));
    const forwardedFor = c.req.header("x-forwarded-for");
    if (forwardedFor !== undefined && !isTold && isIP(peer) !== 0 && !isTrusted(peer, trusted)) {
      isTold = true;
      logger.warn("proxy-not-trusted", { peer, hint: "if it is your proxy, name it in trustedProxies" });
    }
    c.set("address", clientBehind(peer, forwardedFor, trusted));
    await next();
  };
}
