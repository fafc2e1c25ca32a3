/** An address in a device's options that secrets are sent to. */
import { z } from "zod";

/** `example`: what it may look like. The value is without a slash at its end. */
export function webPlace(example: string) {
  return z
    .string()
    .refine((url) => URL.canParse(url), { error: `must be an address such as ${example}`, abort: true })
    .refine((url) => isPlace(url), "must name a place alone, without a user, a query or a mark")
    .refine((url) => isEncryptedOrHere(url), "must begin with https:// unless it is on this machine")
    .transform((url) => url.replace(/\/+$/, ""));
}

/** What proves who we are goes with every request, in plain text over http. */
function isEncryptedOrHere(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  const isHere = hostname === "127.0.0.1" || hostname === "[::1]" || hostname === "localhost";
  return protocol === "https:" || (protocol === "http:" && isHere);
}

function isPlace(url: string): boolean {
  const { username, password, search, hash } = new URL(url);
  return `${username}${password}${search}${hash}` === "";
}
