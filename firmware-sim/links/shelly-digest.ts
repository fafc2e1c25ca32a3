/**
 * How a Shelly with a password checks who asks: HTTP Digest (RFC 7616) with SHA-256, as its firmware does since 2.0.0. It keeps account
 * of each nonce: the first use counts 1 and every later one more, a nonce ends, and many wrong answers in ten minutes (how many is
 * not published; ours is a guess) are met with 429.
 * Earlier firmware is laxer: it ignores the count. Source: the maker's page "Authentication" (gen2/General) and its change log for 2.0.0.
 */
import { createHash, randomBytes } from "node:crypto";
import type { Clock } from "../../gateway/ports/clock.ts";

/** What a client presents: the fields of its `Authorization` header, or the `auth` object of its frame. */
export type Presented = Readonly<Partial<Record<string, string>>>;

export type Verdict = "right" | "stale" | "wrong" | "throttled";

const user = "admin";
const nonceMs = 60 * 60_000;
const noncesMax = 32;
const failureWindowMs = 10 * 60_000;
const failuresMax = 20;
/** Instead of method and address, where the proof is part of a frame. */
const frameHa2 = sha256("dummy_method:dummy_uri");

export class ShellyDigest {
  readonly #realm: string;
  readonly #clock: Clock;
  readonly #ha1: string;
  readonly #nonces = new Map<string, { readonly bornAt: number; count: number }>();
  #failures: number[] = [];

  constructor(realm: string, password: string, clock: Clock) {
    this.#realm = realm;
    this.#clock = clock;
    this.#ha1 = sha256(`${user}:${realm}:${password}`);
  }

  /** The value of `WWW-Authenticate`, with a nonce of its own. */
  challenge(stale: boolean): { readonly header: string; readonly nonce: string } {
    const nonce = randomBytes(16).toString("base64"); // ends in "==", which has fooled clients that split at every "="
    this.#nonces.set(nonce, { bornAt: this.#clock.monotonic(), count: 0 });
    for (const oldest of this.#nonces.keys()) {
      if (this.#nonces.size <= noncesMax) break;
      this.#nonces.delete(oldest);
    }
    const header = `Digest qop="auth", realm="${this.#realm}", nonce="${nonce}", algorithm=SHA-256${stale ? ", stale=true" : ""}`;
    return { header, nonce };
  }

  /** `request`: what the header signs; undefined where the proof is part of the frame. */
  judge(presented: Presented, request?: { readonly method: string; readonly target: string }): Verdict {
    const now = this.#clock.monotonic();
    if (this.throttles) return "throttled";
    const { username, realm, nonce = "", nc = "1", cnonce = "", response, uri, qop = "auth" } = presented;
    const ha2 = request ? sha256(`${request.method}:${request.target}`) : frameHa2;
    const expected = sha256(`${this.#ha1}:${nonce}:${nc}:${cnonce}:${qop}:${ha2}`);
    const fits =
      username === user &&
      realm === this.#realm &&
      qop === "auth" &&
      response === expected &&
      (!request || uri === request.target);
    if (!fits) return this.#failed(now);
    const known = this.#nonces.get(nonce);
    if (!known || now - known.bornAt >= nonceMs) return "stale";
    const count = Number.parseInt(nc, request ? 16 : 10);
    if (!(known.count === 0 ? count === 1 : count > known.count)) return this.#failed(now);
    known.count = count;
    return "right";
  }

  /** There were so many wrong answers that nobody is heard for a while. */
  get throttles(): boolean {
    const since = this.#clock.monotonic() - failureWindowMs;
    this.#failures = this.#failures.filter((at) => at > since);
    return this.#failures.length >= failuresMax;
  }

  /** As after a restart, or when a nonce's hour is over. */
  forgetNonces(): void {
    this.#nonces.clear();
  }

  #failed(now: number): Verdict {
    this.#failures.push(now);
    return "wrong";
  }
}

/** The fields of an `Authorization: Digest …` header. undefined when it is none. */
export function readAuthorization(header: string | undefined): Presented | undefined {
  const fields = header?.match(/^Digest\s+(.*)$/i)?.[1];
  if (fields === undefined) return undefined;
  return Object.fromEntries(
    [...fields.matchAll(/(\w+)=(?:"([^"]*)"|([^\s,]+))/g)].map((match) => [match[1], match[2] ?? match[3]]),
  );
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
