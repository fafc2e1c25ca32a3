/**
 * HTTP Digest with SHA-256 as the second generation of Shelly asks for it (RFC 7616, qop "auth"). Pure.
 * Source: maker's API documentation, "Authentication": the user is always admin, the realm the device's own name.
 */
import { createHash } from "node:crypto";

/** Ours has a fifth of that. */
const challengeLengthMax = 1_024;

export interface Challenge {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque?: string;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export interface Answer {
  readonly challenge: Challenge;
  readonly credentials: Credentials;
  readonly method: string;
  readonly uri: string;
  /** How often this nonce is used, from 1. */
  readonly count: number;
  readonly cnonce: string;
}

/** Reads a WWW-Authenticate header; undefined when it asks for something else than this. */
export function readChallenge(header: string): Challenge | undefined {
  if (header.length > challengeLengthMax || !/^digest\s/i.test(header)) return undefined;
  const facts = new Map<string, string>();
  for (const [, name = "", quoted, bare] of header.matchAll(/([a-z]+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))/gi))
    facts.set(name.toLowerCase(), quoted ?? bare ?? "");
  const realm = facts.get("realm");
  const nonce = facts.get("nonce");
  const asksForOurs =
    facts.get("algorithm")?.toUpperCase() === "SHA-256" &&
    (facts.get("qop") ?? "").split(",").some((qop) => qop.trim() === "auth");
  if (realm === undefined || nonce === undefined || !asksForOurs) return undefined;
  const opaque = facts.get("opaque");
  return { realm, nonce, ...(opaque !== undefined && { opaque }) };
}

/** The value of an Authorization header. */
export function authorization({ challenge, credentials, method, uri, count, cnonce }: Answer): string {
  const { realm, nonce, opaque } = challenge;
  const { username, password } = credentials;
  const nc = count.toString(16).padStart(8, "0");
  const who = sha256(`${username}:${realm}:${password}`);
  const response = sha256(`${who}:${nonce}:${nc}:${cnonce}:auth:${sha256(`${method}:${uri}`)}`);
  const quoted = { username, realm, nonce, uri, cnonce, response, ...(opaque !== undefined && { opaque }) };
  const parts = Object.entries(quoted).map(([name, value]) => `${name}="${value}"`);
  return `Digest ${[...parts, "algorithm=SHA-256", "qop=auth", `nc=${nc}`].join(", ")}`;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
