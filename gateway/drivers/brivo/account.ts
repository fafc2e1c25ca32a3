/** One application at one account of Brivo Access. All its doors share its token and what the maker bears. */
import type { DeviceId } from "../../domain/access-point.ts";
import type { Millis } from "../../domain/instant.ts";
import type { Clock } from "../../ports/clock.ts";
import type { DriverContext } from "../../ports/driver.ts";
import type { SecretString } from "../../wire/secret.ts";
import { AccountBook } from "../common/account-book.ts";
import { pauseOf, RequestRate, type TurnKind } from "../common/request-rate.ts";
import { TokenChain } from "../common/token-chain.ts";
import type { WebAnswer } from "../common/web-answer.ts";
import { sendWeb } from "../common/web-request.ts";
import { within } from "../common/within.ts";
import { brivoSecrets, type Options, type Secrets } from "./options.ts";
import { Tokens } from "./tokens.ts";

export interface Question {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below the API's address, with its query. */
  readonly path: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface AskOptions {
  readonly kind: TurnKind;
  /** From now: waiting for a token and for its turn count. */
  readonly deadlineMs: Millis;
  readonly signal: AbortSignal;
}

const tokenDeadlineMs: Millis = 10_000;

type AccountContext = Pick<DriverContext, "clock" | "logger" | "vault" | "secret">;

/** What all devices of one gateway have in common. */
const gatewayOf = ({ vault, clock }: AccountContext): object => vault ?? clock;
const accounts = new AccountBook<BrivoAccount>();
const claims = new WeakMap<object, Map<string, DeviceId>>();

/** By the secrets as they are now; the same account for all devices of a gateway that name the same. What is to be done first without them. */
export function accountNow(
  context: AccountContext,
  device: object,
  options: Options,
): BrivoAccount | { readonly attention: string } {
  const secrets = brivoSecrets(options, context);
  if ("attention" in secrets) {
    accounts.leave(gatewayOf(context), device);
    return secrets;
  }
  const { authUrl, apiUrl, clientId, username, requestsPerSecond } = options;
  const proofs = [secrets.apiKey, secrets.clientSecret, secrets.login].map((secret) => secret.reveal());
  return accounts.of(
    gatewayOf(context),
    device,
    [authUrl, apiUrl, clientId, username, requestsPerSecond, ...proofs],
    () => new BrivoAccount(context, options, secrets),
  );
}

/**
 * False when another device has that group: each would take the other's users for its own, and clear them. Whatever the account: its secrets may
 * change, and the group is the same.
 */
export function claimGroup(context: AccountContext, { apiUrl }: Options, group: number, device: DeviceId): boolean {
  const owners = claims.getOrInsertComputed(gatewayOf(context), () => new Map<string, DeviceId>());
  return owners.getOrInsertComputed(`${apiUrl} ${group}`, () => device) === device;
}

export function leaveGroup(context: AccountContext, { apiUrl }: Options, group: number, device: DeviceId): void {
  const owners = claims.get(gatewayOf(context));
  if (owners?.get(`${apiUrl} ${group}`) === device) owners.delete(`${apiUrl} ${group}`);
}

export class BrivoAccount {
  readonly #clock: Clock;
  readonly #apiUrl: string;
  readonly #apiKey: SecretString;
  readonly #rate: RequestRate;
  readonly #tokens: Tokens;

  constructor(context: AccountContext, options: Options, secrets: Secrets) {
    const { clock } = context;
    this.#clock = clock;
    this.#apiUrl = options.apiUrl;
    this.#apiKey = secrets.apiKey;
    this.#rate = new RequestRate(clock, options.requestsPerSecond);
    const basic = Buffer.from(`${options.clientId}:${secrets.clientSecret.reveal()}`).toString("base64");
    const askToken = (form: Readonly<Record<string, string>>) =>
      within(clock, tokenDeadlineMs, [], async (over): Promise<WebAnswer> => {
        const late = await this.#rate.turn("command", over);
        if (late) return { kind: "unsent", ...late };
        const request = {
          method: "POST",
          url: `${options.authUrl}/oauth/token`,
          headers: {
            "api-key": secrets.apiKey.reveal(),
            authorization: `Basic ${basic}`,
            "content-type": "application/x-www-form-urlencoded",
          },
          body: new URLSearchParams(form).toString(),
        };
        return sendWeb(request, over);
      });
    const { username } = options;
    const { login } = secrets;
    const by =
      username === undefined ? { chain: new TokenChain("brivo", login, context) } : { username, password: login };
    this.#tokens = new Tokens(clock, askToken, by);
  }

  /** Resolves when nothing is under way that must not be lost with the process: a token that is good once. */
  settled(): Promise<void> {
    return this.#tokens.settled();
  }

  /** Never rejects. Nothing that may have been heard is sent twice: only what was answered 401 goes once more, with a new token. */
  ask(question: Question, { kind, deadlineMs, signal }: AskOptions): Promise<WebAnswer> {
    return within(this.#clock, deadlineMs, [signal], async (over) => {
      const { answer, token } = await this.#askOnce(question, kind, over);
      if (!token || answer.kind !== "answered" || answer.status !== 401) return answer;
      this.#tokens.drop(token);
      return (await this.#askOnce(question, kind, over)).answer;
    });
  }

  async #askOnce(
    { method, path, body, headers }: Question,
    kind: TurnKind,
    over: AbortSignal,
  ): Promise<{ readonly answer: WebAnswer; readonly token?: SecretString }> {
    if (over.aborted) return { answer: { kind: "unsent", why: "called off" } };
    const bearer = await Promise.race([this.#tokens.bearer(), calledOff(over)]);
    if ("why" in bearer) {
      const { why, isUnknown = false } = bearer;
      return { answer: { kind: "unsent", why, isUnknown } };
    }
    const { token } = bearer;
    const late = await this.#rate.turn(kind, over);
    if (late) return { answer: { kind: "unsent", ...late } };
    const request = {
      method,
      url: `${this.#apiUrl}${path}`,
      headers: {
        "api-key": this.#apiKey.reveal(),
        authorization: `bearer ${token.reveal()}`,
        "content-type": "application/json",
        ...headers,
      },
      ...(body && { body: JSON.stringify(body) }),
    };
    const answer = await sendWeb(request, over);
    if (answer.kind === "answered" && answer.status === 429) this.#rate.pause(pauseOf(answer.headers?.["retry-after"]));
    return { answer, token };
  }
}

async function calledOff(signal: AbortSignal): Promise<{ readonly why: string; readonly isUnknown?: boolean }> {
  if (!signal.aborted)
    await new Promise((resolve) => signal.addEventListener("abort", () => resolve(undefined), { once: true }));
  return { why: "no token in time" };
}
