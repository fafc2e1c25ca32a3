/** One account of Kisi. The maker counts its requests by account, so all doors with one key share what it bears: five a second. */
import { createHash } from "node:crypto";
import type { Millis } from "../../domain/instant.ts";
import type { Clock } from "../../ports/clock.ts";
import type { SecretString } from "../../wire/secret.ts";
import { pauseOf, RequestRate, type TurnKind } from "../common/request-rate.ts";
import type { WebAnswer } from "../common/web-answer.ts";
import { sendWeb } from "../common/web-request.ts";
import { within } from "../common/within.ts";

const perSecond = 5;
/** Of questions to the log one in this time: one a second is documented, and users report a 429 at the fifth within a minute. */
const eventSetMs: Millis = 15_000;

export interface Question {
  readonly method: "GET" | "POST";
  /** Below the service's address, with its query. */
  readonly path: string;
  readonly body?: object;
}

export interface AskOptions {
  readonly kind: TurnKind;
  /** From now: waiting for its turn counts. */
  readonly deadlineMs: Millis;
  readonly signal: AbortSignal;
}

const accounts = new WeakMap<Clock, Map<string, KisiAccount>>();

/** The same one for all devices of a gateway that name the same key and address. */
export function accountOf(clock: Clock, url: string, key: SecretString): KisiAccount {
  const ofClock = accounts.get(clock) ?? new Map<string, KisiAccount>();
  accounts.set(clock, ofClock);
  const name = createHash("sha256").update(`${url}\n${key.reveal()}`).digest("base64url");
  const account = ofClock.get(name) ?? new KisiAccount(clock, url, key);
  ofClock.set(name, account);
  return account;
}

export class KisiAccount {
  readonly #clock: Clock;
  readonly #url: string;
  readonly #key: SecretString;
  readonly #rate: RequestRate;
  readonly #eventSets: RequestRate;

  constructor(clock: Clock, url: string, key: SecretString) {
    this.#clock = clock;
    this.#url = url;
    this.#key = key;
    this.#rate = new RequestRate(clock, perSecond);
    this.#eventSets = new RequestRate(clock, 1, eventSetMs);
  }

  /** Never rejects, and sends nothing twice. */
  ask({ method, path, body }: Question, { kind, deadlineMs, signal }: AskOptions): Promise<WebAnswer> {
    return within(this.#clock, deadlineMs, [signal], async (over): Promise<WebAnswer> => {
      const late = await this.#rate.turn(kind, over);
      if (late) return { kind: "unsent", ...late };
      const request = {
        method,
        url: `${this.#url}${path}`,
        headers: {
          authorization: `KISI-LOGIN ${this.#key.reveal()}`,
          ...(body && { "content-type": "application/json" }),
        },
        ...(body && { body: JSON.stringify(body) }),
      };
      const answer = await sendWeb(request, over);
      // The log has a count of its own.
      const counted = path.startsWith("/event_sets") ? this.#eventSets : this.#rate;
      if (answer.kind === "answered" && answer.status === 429) counted.pause(pauseOf(answer.headers?.["retry-after"]));
      return answer;
    });
  }

  /** Resolves when the log may be asked, doors in the order of their coming; with why not when the signal fires, or during a pause. */
  eventSetTurn(signal: AbortSignal): Promise<{ readonly why: string } | undefined> {
    return this.#eventSets.turn("other", signal);
  }
}
