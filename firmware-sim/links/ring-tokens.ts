/**
 * Whom Ring's service lets in: refresh tokens that serve once, access tokens of an hour, and a second factor where the account asks for one.
 */
import { randomBytes } from "node:crypto";
import type { Clock } from "../../gateway/ports/clock.ts";

/** Whose it is, for whoever signs in by hand. */
export interface RingAccount {
  readonly email: string;
  readonly password: string;
  /** What the second factor's message would say. */
  readonly code: string;
}

export interface TokenAnswer {
  readonly status: number;
  readonly body: unknown;
}

const accessSeconds = 3_600;
const accessMax = 1_000;

export class RingTokens {
  readonly #clock: Clock;
  readonly #account: RingAccount | undefined;
  /** Access tokens and when each ends, on the monotonic clock. */
  readonly #access = new Map<string, number>();
  #refresh: string | undefined;
  #asksSecondFactor = false;

  constructor(refreshToken: string, clock: Clock, account?: RingAccount) {
    this.#refresh = refreshToken;
    this.#clock = clock;
    this.#account = account;
  }

  /** The one that would be taken now; undefined after revoke(). */
  get refreshToken(): string | undefined {
    return this.#refresh;
  }

  /** The account's owner has signed this client out: nothing it has is taken. */
  revoke(): void {
    this.#refresh = undefined;
    this.#access.clear();
  }

  /** Every hour is over at once. */
  expireAccess(): void {
    this.#access.clear();
  }

  askSecondFactor(on: boolean): void {
    this.#asksSecondFactor = on;
  }

  admits(authorization: string | undefined): boolean {
    const until = this.#access.get(authorization?.replace(/^Bearer /, "") ?? "");
    return until !== undefined && this.#clock.monotonic() < until;
  }

  /** `code`: the header 2fa-code; empty when none was given. */
  answer(body: unknown, code: string): TokenAnswer {
    const asked = (body ?? {}) as { readonly [name: string]: unknown };
    const isKnown =
      asked.grant_type === "refresh_token"
        ? this.#refresh !== undefined && asked.refresh_token === this.#refresh
        : asked.grant_type === "password" &&
          this.#account !== undefined &&
          asked.username === this.#account.email &&
          asked.password === this.#account.password;
    if (asked.client_id !== "ring_official_android" || asked.scope !== "client")
      return { status: 401, body: { error: "invalid_client" } };
    if (!isKnown)
      return { status: 401, body: { error: "invalid_grant", error_description: "token is invalid or does not exist" } };
    if (this.#asksSecondFactor && code !== this.#account?.code) return secondFactor(code);
    return { status: 200, body: this.#issue() };
  }

  #issue(): unknown {
    const now = this.#clock.monotonic();
    for (const [token, until] of this.#access)
      if (until <= now || this.#access.size >= accessMax) this.#access.delete(token);
    this.#refresh = randomBytes(32).toString("base64url");
    const access = randomBytes(32).toString("base64url");
    this.#access.set(access, now + accessSeconds * 1_000);
    return {
      access_token: access,
      expires_in: accessSeconds,
      refresh_token: this.#refresh,
      scope: "client",
      token_type: "Bearer",
    };
  }
}

function secondFactor(code: string): TokenAnswer {
  if (code !== "") return { status: 400, body: { error: "Verification Code is invalid or expired" } };
  return { status: 412, body: { tsv_state: "sms", phone: "+xxxxxxxx55", next_time_in_secs: 60 } };
}
