/** One cloud project at Tuya. All its locks share its token and what the maker bears, so every request takes its turn here. */
import { createHash } from "node:crypto";
import { z } from "zod";
import type { Millis, Monotonic } from "../../../domain/instant.ts";
import type { Clock } from "../../../ports/clock.ts";
import { SecretString } from "../../../wire/secret.ts";
import { RequestRate } from "../../common/request-rate.ts";
import { failedAnswer } from "../../common/web-answer.ts";
import { sendWeb } from "../../common/web-request.ts";
import { within } from "../../common/within.ts";
import { type CloudAnswer, isTokenRefused, isTooMany, readEnvelope } from "./envelope.ts";
import { pathWith, signatureOf } from "./sign.ts";

/** The maker publishes no number for a trial; users met this one. */
const perSecond = 1;
const throttledMs: Millis = 60_000;
/** For a token and a turn: with one a second many locks of a project have to wait for each other, and nobody stands at a door for it. */
const patienceMs: Millis = 60_000;
/** The last part of a token's life it is not used, so that none ends on its way. */
const earlyMsMax: Millis = 60_000;

const tokenSchema = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]{1,512}$/),
  /** Seconds that are left; the same token may be given again. */
  expire_time: z.number().positive(),
});

export interface CloudRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: object;
}

export interface CloudAskOptions {
  /** Of each request, from when it is sent; until then it waits a minute at most. */
  readonly deadlineMs: Millis;
  readonly signal: AbortSignal;
}

export interface Project {
  readonly baseUrl: string;
  readonly clientId: string;
  readonly accessSecret: SecretString;
}

interface Token {
  readonly text: SecretString;
  readonly goodUntil: Monotonic;
}
type TokenAnswer = { readonly token: Token } | { readonly failure: CloudAnswer };

const accounts = new WeakMap<Clock, Map<string, CloudAccount>>();

/** The same one for all devices of a gateway that name the same project. */
export function accountOf(clock: Clock, project: Project): CloudAccount {
  const ofClock = accounts.get(clock) ?? new Map<string, CloudAccount>();
  accounts.set(clock, ofClock);
  const { baseUrl, clientId, accessSecret } = project;
  const key = createHash("sha256").update(`${baseUrl}\n${clientId}\n${accessSecret.reveal()}`).digest("base64url");
  const account = ofClock.get(key) ?? new CloudAccount(clock, project);
  ofClock.set(key, account);
  return account;
}

export class CloudAccount {
  readonly #clock: Clock;
  readonly #project: Project;
  readonly #rate: RequestRate;
  #token: Token | undefined;
  #flight: Promise<TokenAnswer> | undefined;

  constructor(clock: Clock, project: Project) {
    this.#clock = clock;
    this.#project = project;
    this.#rate = new RequestRate(clock, perSecond);
  }

  /** Never rejects; settles when the signal fires. Sent once, and once more where the first was refused for its token alone. */
  async ask(request: CloudRequest, options: CloudAskOptions): Promise<CloudAnswer> {
    const answer = await this.#askOnce(request, options);
    return isTokenRefused(answer) ? this.#askOnce(request, options) : answer;
  }

  async #askOnce(request: CloudRequest, options: CloudAskOptions): Promise<CloudAnswer> {
    const ready = await within(this.#clock, patienceMs, [options.signal], (over) =>
      this.#ready(options.deadlineMs, over),
    );
    if ("failure" in ready) return ready.failure;
    const { token } = ready;
    const answer = await this.#send(request, options, token.text);
    if (isTokenRefused(answer) && this.#token === token) this.#token = undefined;
    return answer;
  }

  /**
   * Its turn has come, with a token that is good then. Whoever has a turn and no token fetches one with it, and takes another turn; what lives no
   * longer than that is used as it is.
   */
  async #ready(deadlineMs: Millis, over: AbortSignal): Promise<TokenAnswer> {
    let fetched: Token | undefined;
    for (;;) {
      const untaken = await this.#rate.turn("other", over);
      if (untaken) return { failure: { kind: "unsent", ...untaken } };
      const held = this.#token && this.#clock.monotonic() < this.#token.goodUntil ? this.#token : fetched;
      if (held) return { token: held };
      const answer = await this.#fetched(deadlineMs, over);
      if ("failure" in answer) return answer;
      fetched = answer.token;
    }
  }

  /** A new one, fetched once for all who wait for it. */
  async #fetched(deadlineMs: Millis, signal: AbortSignal): Promise<TokenAnswer> {
    const unsent = { failure: { kind: "unsent", why: "called off" } } as const;
    if (signal.aborted) return unsent;
    const { promise: calledOff, resolve } = Promise.withResolvers<TokenAnswer>();
    const leave = () => resolve(unsent);
    signal.addEventListener("abort", leave, { once: true });
    // Whoever leaves does not take it from the others; its own deadline ends it.
    this.#flight ??= this.#fetchToken(deadlineMs).finally(() => {
      this.#flight = undefined;
    });
    try {
      return await Promise.race([this.#flight, calledOff]);
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  /** Not by the refresh token: that would stand in an address, and take the token from everybody else who uses the project. */
  async #fetchToken(deadlineMs: Millis): Promise<TokenAnswer> {
    const request = { method: "GET", path: "/v1.0/token", query: { grant_type: "1" } } as const;
    // What it has left was counted after this.
    const sentAt = this.#clock.monotonic();
    const answer = await this.#send(request, { deadlineMs, signal: new AbortController().signal });
    if (answer.kind === "denied") return { failure: answer };
    const read = answer.kind === "done" ? tokenSchema.safeParse(answer.result) : undefined;
    if (!read?.success) {
      const why = answer.kind === "done" ? "an answer that cannot be read" : answer.why;
      return { failure: { kind: "unsent", why: `no token: ${why}` } };
    }
    const lifeMs = read.data.expire_time * 1_000;
    const goodUntil = sentAt + lifeMs - Math.min(earlyMsMax, lifeMs / 4);
    this.#token = { text: new SecretString(read.data.access_token), goodUntil };
    return { token: this.#token };
  }

  async #send(
    { method, path, query, body }: CloudRequest,
    { deadlineMs, signal }: CloudAskOptions,
    accessToken?: SecretString,
  ): Promise<CloudAnswer> {
    const { baseUrl, clientId, accessSecret } = this.#project;
    const at = this.#clock.wall();
    const target = pathWith(path, query);
    const text = body && JSON.stringify(body);
    const toSign = { method, path: target, body: text ?? "", clientId, at, ...(accessToken && { accessToken }) };
    const request = {
      method,
      url: `${baseUrl}${target}`,
      headers: {
        client_id: clientId,
        t: String(at),
        sign: signatureOf(toSign, accessSecret),
        sign_method: "HMAC-SHA256",
        lang: "en",
        ...(accessToken && { access_token: accessToken.reveal() }),
        ...(text !== undefined && { "content-type": "application/json" }),
      },
      ...(text !== undefined && { body: text }),
    };
    const sent = within(this.#clock, deadlineMs, [signal], (over) => sendWeb(request, over));
    const answer = readEnvelope(await sent.catch(failedAnswer));
    if (isTooMany(answer)) this.#rate.pause(throttledMs);
    return answer;
  }
}
