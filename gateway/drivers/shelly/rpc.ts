/** One call to a Shelly over HTTP: one request a connection, since it keeps none open. Nothing is asked twice but what it did not let in. */
import { randomBytes } from "node:crypto";
import { type IncomingMessage, request as startRequest } from "node:http";
import type { SecretString } from "../../wire/secret.ts";
import { authorization, type Challenge, readChallenge } from "./digest.ts";
import { type RpcCall, readFrame, rpcPath, writeFrame } from "./wire.ts";

export type RpcOutcome =
  | { readonly kind: "result"; readonly result: unknown }
  /** It answered that it will not: nothing has changed. */
  | { readonly kind: "refused"; readonly why: string }
  /** It wants a password, or another one: nothing has changed. */
  | { readonly kind: "not-let-in"; readonly why: string }
  /** It was not reached: nothing has changed. */
  | { readonly kind: "unsent"; readonly why: string }
  /** It may have heard: nobody knows. */
  | { readonly kind: "lost"; readonly why: string };

export interface ShellyRpcOptions {
  readonly host: string;
  readonly port: number;
  readonly password: SecretString | undefined;
}

const username = "admin";
const answerBytesMax = 16_384;
const headerBytesMax = 8_192;

interface Response {
  readonly status: number;
  readonly challenge: string | undefined;
  readonly text: string;
}

export class ShellyRpc {
  readonly #options: ShellyRpcOptions;
  #frame = 0;
  /** Good until the device says otherwise; each use counts. */
  #challenge: (Challenge & { count: number }) | undefined;

  constructor(options: ShellyRpcOptions) {
    this.#options = options;
  }

  /** Never rejects; settles when `signal` fires. One at a time. */
  async call(call: RpcCall, signal: AbortSignal): Promise<RpcOutcome> {
    const first = await this.#ask(call, signal);
    if (!("status" in first) || first.status !== 401) return this.#read(first);
    // Not let in, so not heard: a new nonce is due, or none was known yet.
    this.#challenge = undefined;
    const challenge = readChallenge(first.challenge ?? "");
    if (!challenge) return { kind: "not-let-in", why: "asks for a login other than Digest with SHA-256" };
    if (!this.#options.password) return { kind: "not-let-in", why: 'asks for a password; set the secret "password"' };
    this.#challenge = { ...challenge, count: 0 };
    const second = await this.#ask(call, signal);
    if (!("status" in second) || second.status !== 401) return this.#read(second);
    this.#challenge = undefined;
    return wrongPassword;
  }

  async #ask(call: RpcCall, signal: AbortSignal): Promise<(Response & { readonly id: number }) | RpcOutcome> {
    this.#frame = (this.#frame % 0x7fff_ffff) + 1;
    const id = this.#frame;
    const exchange = new HttpExchange({ ...this.#options, body: writeFrame(id, call), ...this.#login() }, signal);
    try {
      return { id, ...(await exchange.response()) };
    } catch (error) {
      return { kind: exchange.wasConnected ? "lost" : "unsent", why: reasonOf(error, signal) };
    }
  }

  #login(): { readonly authorization?: string } {
    const { password } = this.#options;
    if (!this.#challenge || !password) return {};
    this.#challenge.count += 1;
    return {
      authorization: authorization({
        challenge: this.#challenge,
        credentials: { username, password: password.reveal() },
        method: "POST",
        uri: rpcPath,
        count: this.#challenge.count,
        cnonce: randomBytes(16).toString("hex"),
      }),
    };
  }

  #read(outcome: (Response & { readonly id: number }) | RpcOutcome): RpcOutcome {
    if (!("status" in outcome)) return outcome;
    const { id, status, text } = outcome;
    const answer = readFrame(id, text);
    if (answer && "error" in answer)
      return { kind: "refused", why: `error ${answer.error.code}: ${answer.error.message}` };
    if (answer && status === 200) return { kind: "result", result: answer.result };
    // 404: a first generation, or no Shelly at all
    if (status >= 400 && status < 500) return { kind: "refused", why: `HTTP status ${status}` };
    return { kind: "lost", why: status === 200 ? "an answer that cannot be read" : `HTTP status ${status}` };
  }
}

const wrongPassword: RpcOutcome = { kind: "not-let-in", why: "does not take the password" };

interface HttpQuestion {
  readonly host: string;
  readonly port: number;
  readonly body: string;
  readonly authorization?: string;
}

/** One POST on a connection of its own. */
class HttpExchange {
  readonly #question: HttpQuestion;
  readonly #signal: AbortSignal;
  #wasConnected = false;

  constructor(question: HttpQuestion, signal: AbortSignal) {
    this.#question = question;
    this.#signal = signal;
  }

  /** Before that nothing of it can have been heard. */
  get wasConnected(): boolean {
    return this.#wasConnected;
  }

  async response(): Promise<Response> {
    const message = await new Promise<IncomingMessage>((resolve, reject) => {
      const { host, port, body, authorization } = this.#question;
      const request = startRequest({
        host,
        port,
        agent: false,
        method: "POST",
        path: rpcPath,
        headers: {
          connection: "close",
          "content-type": "application/json",
          "content-length": Buffer.byteLength(body),
          ...(authorization !== undefined && { authorization }),
        },
        maxHeaderSize: headerBytesMax,
        signal: this.#signal,
      });
      request.once("socket", (socket) =>
        socket.once("connect", () => {
          this.#wasConnected = true;
        }),
      );
      request.once("response", resolve);
      request.once("error", reject);
      // Nothing else tells of an answer that asks for another protocol. Void after any of the two above.
      request.once("close", () => reject(new Error("closed without an answer")));
      request.end(body);
    });
    const challenge = message.headers["www-authenticate"];
    return { status: message.statusCode ?? 0, challenge, text: await boundedText(message) };
  }
}

/** Rejects when it is longer than any answer, or ends too early. */
async function boundedText(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > answerBytesMax) throw new Error(`answered more than ${answerBytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function reasonOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return "no answer in time";
  if (error instanceof Error) return "code" in error && typeof error.code === "string" ? error.code : error.message;
  return "failed";
}
