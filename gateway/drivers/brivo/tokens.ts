/** The token that each request carries: fetched once for all who need it, and anew before it ends. */
import { z } from "zod";
import type { Millis, Monotonic } from "../../domain/instant.ts";
import type { Clock } from "../../ports/clock.ts";
import { SecretString } from "../../wire/secret.ts";
import type { WebAnswer } from "../common/web-answer.ts";

/** The last part of a token's life it is not used, so that none ends on its way. */
const earlyMsMax: Millis = 30_000;
/** Whoever is refused asks again only after this: accounts lock out whoever tries too often. */
const refusedMs = { first: 60_000, longest: 30 * 60_000 };

const tokenSchema = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]{1,8192}$/),
  refresh_token: z
    .string()
    .regex(/^[\x21-\x7e]{1,8192}$/)
    .nullish(),
  /** Seconds. */
  expires_in: z.number().positive(),
});

/** Sends one form to where tokens are given. */
export type AskToken = (form: Readonly<Record<string, string>>) => Promise<WebAnswer>;

export interface Login {
  readonly username?: string | undefined;
  readonly password?: SecretString | undefined;
  readonly refreshToken?: SecretString | undefined;
}

export type Bearer = { readonly token: SecretString } | { readonly why: string };

interface Held {
  readonly token: SecretString;
  readonly goodUntil: Monotonic;
}

export class Tokens {
  readonly #clock: Clock;
  readonly #ask: AskToken;
  readonly #login: Login;
  #held: Held | undefined;
  #refreshToken: SecretString | undefined;
  #flight: Promise<Bearer> | undefined;
  #refusals = 0;
  #refused: { readonly why: string; readonly until: Monotonic } | undefined;

  constructor(clock: Clock, ask: AskToken, login: Login) {
    this.#clock = clock;
    this.#ask = ask;
    this.#login = login;
    this.#refreshToken = login.refreshToken;
  }

  /** A token that is good for a while, or why there is none. Never rejects. */
  async bearer(): Promise<Bearer> {
    const now = this.#clock.monotonic();
    if (this.#held && now < this.#held.goodUntil) return this.#held;
    if (this.#refused && now < this.#refused.until) return this.#refused;
    this.#flight ??= this.#fetch().finally(() => {
      this.#flight = undefined;
    });
    return this.#flight;
  }

  /** The service does not take it any more. */
  drop(token: SecretString): void {
    if (this.#held?.token === token) this.#held = undefined;
  }

  async #fetch(): Promise<Bearer> {
    const { username, password } = this.#login;
    const askedAt = this.#clock.monotonic();
    let answer: WebAnswer = { kind: "unsent", why: "no login is known" };
    if (this.#refreshToken) {
      answer = await this.#ask({ grant_type: "refresh_token", refresh_token: this.#refreshToken.reveal() });
      // Ended or used up; the password makes a new one.
      if (isRefused(answer) && username !== undefined && password) this.#refreshToken = undefined;
    }
    if (!this.#refreshToken && username !== undefined && password)
      answer = await this.#ask({ grant_type: "password", username, password: password.reveal() });
    const read = answer.kind === "answered" && answer.status === 200 ? tokenSchema.safeParse(answer.body) : undefined;
    if (!read?.success) return this.#failed(answer);
    const lifeMs = read.data.expires_in * 1_000;
    const goodUntil = askedAt + lifeMs - Math.min(earlyMsMax, lifeMs / 4);
    this.#refusals = 0;
    this.#refused = undefined;
    this.#refreshToken = read.data.refresh_token ? new SecretString(read.data.refresh_token) : this.#refreshToken;
    this.#held = { token: new SecretString(read.data.access_token), goodUntil };
    return this.#held;
  }

  #failed(answer: WebAnswer): Bearer {
    const why = this.#whyNot(answer);
    if (isRefused(answer)) {
      const pauseMs = Math.min(refusedMs.first * 2 ** this.#refusals, refusedMs.longest);
      this.#refusals += 1;
      this.#refused = { why, until: this.#clock.monotonic() + pauseMs };
    }
    return { why };
  }

  /** The manual tells the causes of a 401 apart by its body. */
  #whyNot(answer: WebAnswer): string {
    if (answer.kind !== "answered") return `no token: its service did not answer (${answer.why})`;
    const { status, body, isPage } = answer;
    const error = (body as { error?: unknown } | undefined)?.error;
    if (status === 403 && isPage) return 'no token: the secret "apiKey" is wrong, or not active for this region';
    if ((status === 400 || status === 401) && error === "invalid_grant")
      return this.#login.username === undefined
        ? 'no token: the secret "refreshToken" is no longer good; let the administrator log in anew'
        : 'no token: username or the secret "password" is wrong';
    if (status === 401) return 'no token: clientId or the secret "clientSecret" is wrong';
    return status === 200 ? "no token: an answer that cannot be read" : `no token: its service answered ${status}`;
  }
}

/** By somebody who understood it: asking again will not help soon. */
function isRefused(answer: WebAnswer): boolean {
  return answer.kind === "answered" && answer.status >= 400 && answer.status < 500 && answer.status !== 429;
}
