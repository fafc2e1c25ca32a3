/** Bounds on what one caller may ask: bytes of a body, requests a second. */
import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { HttpProblem } from "./problem.ts";

/** 413 beyond `maxBytes`, before the body is read whole. */
export function limitBody(maxBytes: number): MiddlewareHandler {
  return bodyLimit({
    maxSize: maxBytes,
    onError: () => {
      throw new HttpProblem(413, "body-too-large", `The body may have at most ${maxBytes} bytes.`);
    },
  });
}

export interface Rate {
  /** Requests at once after a pause. */
  readonly burst: number;
  readonly perSecond: number;
}

/** Token buckets by key. Bounded: beyond `keysMax` the key unused for longest starts anew. */
export class RateLimiter {
  readonly #rate: Rate;
  readonly #monotonic: () => number;
  readonly #keysMax: number;
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  /** `monotonic`: milliseconds that never go back. */
  constructor(rate: Rate, monotonic: () => number, keysMax = 10_000) {
    this.#rate = rate;
    this.#monotonic = monotonic;
    this.#keysMax = keysMax;
  }

  /** Takes one token: 0, or how many milliseconds until there is one. */
  take(key: string): number {
    const now = this.#monotonic();
    const bucket = this.#buckets.get(key) ?? { tokens: this.#rate.burst, at: now };
    const tokens = Math.min(this.#rate.burst, bucket.tokens + ((now - bucket.at) / 1000) * this.#rate.perSecond);
    const allowed = tokens >= 1;
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: allowed ? tokens - 1 : tokens, at: now });
    if (this.#buckets.size > this.#keysMax) this.#buckets.delete(this.#buckets.keys().next().value ?? "");
    return allowed ? 0 : Math.ceil(((1 - tokens) / this.#rate.perSecond) * 1000);
  }

  /** Takes one token or throws the 429 that tells when to come back. */
  demand(key: string): void {
    const waitMs = this.take(key);
    if (waitMs === 0) return;
    throw new HttpProblem(429, "too-many-requests", `Too many requests; come back in ${waitMs} ms.`, {
      headers: { "retry-after": String(Math.ceil(waitMs / 1000)) },
    });
  }
}

export function limitRate(limiter: RateLimiter, keyOf: (c: Context) => string): MiddlewareHandler {
  return async (c, next) => {
    limiter.demand(keyOf(c));
    await next();
  };
}

/** Of this very machine; a request that came by no socket counts. */
export function isLoopbackAddress(address: string): boolean {
  return address === "in-process" || address === "::1" || /^(::ffff:)?127\./.test(address);
}

/** Who opened the connection, or "in-process" for a request that came by no socket. A proxy's address when there is one in front. */
export function remoteAddress(c: { readonly env: unknown }): string {
  const env = c.env as { readonly incoming?: { readonly socket?: { readonly remoteAddress?: string } } } | undefined;
  return env?.incoming?.socket?.remoteAddress ?? "in-process";
}
