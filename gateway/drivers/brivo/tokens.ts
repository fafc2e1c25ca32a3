/** The token that each request carries: fetched once for all who need it, and anew before it ends. */
import { z } from "zod";
import type { Millis, Monotonic } from "../../domain/instant.ts";
import type { Clock } from "../../ports/clock.ts";
import { SecretString } from "../../wire/secret.ts";
import type { TokenChain } from "../common/token-chain.ts";
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

/** By the refresh token that the administrator's login gave, which may be good once, or by name and password, which have no end. */
export type Login = { readonly chain: TokenChain } | { readonly username: string; readonly password: SecretString };

/** `isUnknown`: whoever gives tokens does not take the secrets. */
export type Bearer = { readonly token: SecretString } | { readonly why: string; readonly isUnknown?: boolean };

interface Held {
  readonly token: SecretString;
  readonly goodUntil: Monotonic;
}

export class Tokens {
  readonly #clock: Clock;
  readonly #ask: AskToken;
  readonly #login: Login;
  #held: Held | undefined;
  /** What the password brought; a chain keeps its own. */
  #refreshToken: SecretString | undefined;
  #flight: Promise<Bearer> | undefined;
  #refusals = 0;
  #refused: { readonly why: string; readonly isUnknown: boolean; readonly until: Monotonic } | undefined;

  constructor(clock: Clock, ask: AskToken, login: Login) {
    this.#clock = clock;
    this.#ask = ask;
    this.#login = login;
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

  /** Resolves when no token is under way that would be lost with the process. */
  async settled(): Promise<void> {
    if ("chain" in this.#login) await this.#flight;
  }

  async #fetch(): Promise<Bearer> {
    let used: SecretString | undefined;
    try {
      used = "chain" in this.#login ? await this.#login.chain.newest() : this.#refreshToken;
    } catch {
      return { why: "no token: the disk does not give the refresh token that is kept on it" };
    }
    let askedAt = this.#clock.monotonic();
    let answer: WebAnswer | undefined = used && (await this.#refresh(used));
    // Ended or used up; the password makes a new one.
    if ("password" in this.#login && (!answer || isRefused(answer))) {
      const { username, password } = this.#login;
      this.#refreshToken = undefined;
      askedAt = this.#clock.monotonic();
      answer = await this.#ask({ grant_type: "password", username, password: password.reveal() });
    }
    answer ??= { kind: "unsent", why: "no login is known" };
    const read = answer.kind === "answered" && answer.status === 200 ? tokenSchema.safeParse(answer.body) : undefined;
    if (!read?.success) return this.#failed(answer);
    const lifeMs = read.data.expires_in * 1_000;
    const goodUntil = askedAt + lifeMs - Math.min(earlyMsMax, lifeMs / 4);
    this.#refusals = 0;
    this.#refused = undefined;
    if (read.data.refresh_token) await this.#keep(new SecretString(read.data.refresh_token), used);
    this.#held = { token: new SecretString(read.data.access_token), goodUntil };
    return this.#held;
  }

  #refresh(token: SecretString): Promise<WebAnswer> {
    return this.#ask({ grant_type: "refresh_token", refresh_token: token.reveal() });
  }

  /** Before anything is asked with what came along with it: from then on the service may take no other. */
  async #keep(token: SecretString, used: SecretString | undefined): Promise<void> {
    if (!("chain" in this.#login)) this.#refreshToken = token;
    else if (token.reveal() !== used?.reveal()) await this.#login.chain.keep(token);
  }

  #failed(answer: WebAnswer): Bearer {
    const why = this.#whyNot(answer);
    if (!isRefused(answer)) return { why };
    const pauseMs = Math.min(refusedMs.first * 2 ** this.#refusals, refusedMs.longest);
    this.#refusals += 1;
    this.#refused = { why, isUnknown: true, until: this.#clock.monotonic() + pauseMs };
    return this.#refused;
  }

  /** The manual tells the causes of a 401 apart by its body. */
  #whyNot(answer: WebAnswer): string {
    if (answer.kind !== "answered") return `no token: its service did not answer (${answer.why})`;
    const { status, body, isPage } = answer;
    const error = (body as { error?: unknown } | undefined)?.error;
    if (status === 403 && isPage) return 'no token: the secret "apiKey" is wrong, or not active for this region';
    if ((status === 400 || status === 401) && error === "invalid_grant")
      return "chain" in this.#login
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
