/** One account of Kisi. The maker counts its requests by account, so all doors with one key share what it bears: five a second. */
import type { Millis } from "../../domain/instant.ts";
import type { Clock } from "../../ports/clock.ts";
import type { DriverContext } from "../../ports/driver.ts";
import type { SecretString } from "../../wire/secret.ts";
import { AccountBook } from "../common/account-book.ts";
import { secretsNow } from "../common/maker-secrets.ts";
import { pauseOf, RequestRate, type TurnKind } from "../common/request-rate.ts";
import type { WebAnswer } from "../common/web-answer.ts";
import { sendWeb } from "../common/web-request.ts";
import { within } from "../common/within.ts";
import { secretNeeds } from "./options.ts";

const perSecond = 5;
/** Of questions to the log one in this time: one a second is documented, and users report a 429 at the fifth within a minute. */
const eventSetMs: Millis = 15_000;

export interface Question {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
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

const accounts = new AccountBook<KisiAccount>();

/** By the key as it is now; the same account for all devices of a gateway that have the same key and address. What is to be done first without one. */
export function accountNow(
  { clock, secret }: Pick<DriverContext, "clock" | "secret">,
  device: object,
  url: string,
): KisiAccount | { readonly attention: string } {
  const secrets = secretsNow(secretNeeds, secret);
  if ("attention" in secrets) {
    accounts.leave(clock, device);
    return secrets;
  }
  const { apiKey } = secrets;
  return accounts.of(clock, device, [url, apiKey.reveal()], () => new KisiAccount(clock, url, apiKey));
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
