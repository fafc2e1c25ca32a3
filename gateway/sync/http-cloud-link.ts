/** One request each to cloud-sync over HTTP, signed by the gateway's key. When and how often is sync-loop.ts's business. */
import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import type { Instant, Millis } from "../domain/instant.ts";
import { GatewayError } from "../errors.ts";
import type { AttachmentId, AttachmentLink } from "../ports/attachments.ts";
import type { Clock } from "../ports/clock.ts";
import type { CloudLink, GatewayReport, PollReply, PollRequest, PushReply } from "../ports/cloud-link.ts";
import type { EventBatch } from "../ports/journal.ts";
import type { QuestionLink } from "../ports/question-link.ts";
import { pollReplySchema, toFeedRow, type WirePollReply } from "../wire/feed.ts";
import {
  type AuditPart,
  epochSchema,
  headStatement,
  pushReplySchema,
  type QuestionReply,
  questionReplySchema,
  timeSchema,
  type WireQuestion,
} from "../wire/gateway-api.ts";
import type { SecretString } from "../wire/secret.ts";
import { protocolVersion } from "../wire/version.ts";
import { boundedBody } from "./bounded-body.ts";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface CloudIdentity {
  readonly gateway: string;
  /** Ed25519, PKCS #8 in PEM. */
  readonly privateKey: SecretString;
  /** undefined: only newEpoch() may be asked. */
  readonly epoch?: number | undefined;
}

const bodyBytesMax = 16 * 1024 * 1024;
/** Beyond the time a poll may be held. */
const answerDeadlineMs: Millis = 15_000;
/** 2 MB at 140 kbit/s. */
const uploadMs: Millis = 120_000;
const tokenLifeS = 50;
/** One token serves the requests of so long. */
const tokenUsedMs: Millis = 20_000;

interface Told {
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly contentType: string;
}

export class HttpCloudLink implements CloudLink, AttachmentLink, QuestionLink {
  readonly #url: string;
  readonly #identity: CloudIdentity;
  readonly #key: KeyObject;
  readonly #clock: Clock;
  readonly #fetch: Fetch;
  /** Server time less our monotonic clock, once the server has told its time. */
  #serverOffset: number | undefined;
  #token: { readonly text: string; readonly at: Instant } | undefined;
  #signedHead: { readonly statement: string; readonly signature: string } | undefined;

  /** `url`: where cloud-sync answers, without a trailing slash. */
  constructor(url: string, identity: CloudIdentity, clock: Clock, fetch: Fetch) {
    this.#url = url;
    this.#identity = identity;
    this.#key = createPrivateKey(identity.privateKey.reveal());
    this.#clock = clock;
    this.#fetch = fetch;
  }

  async poll({ cursor, waitMs, lastCommand, journal }: PollRequest, signal: AbortSignal): Promise<PollReply> {
    const { epoch, seq, head, boot, beat } = journal;
    const query = new URLSearchParams({
      feed: cursor.feed,
      cursor: String(cursor.version),
      waitMs: String(waitMs),
      lastCommand: String(lastCommand),
      proto: String(protocolVersion),
      epoch: String(epoch),
      boot: String(boot),
      beat: String(beat),
      seq: String(seq),
      head,
      headSignature: this.#signHead(epoch, seq, head),
    });
    const response = await this.#ask("GET", `/feed?${query}`, { signal, waitMs });
    return toPollReply(await this.#parsed(pollReplySchema, response, "feed"));
  }

  async push(batch: EventBatch, signal: AbortSignal): Promise<PushReply> {
    const { epoch, first, prev, head, lines } = batch;
    const headSignature = this.#signHead(epoch, first + lines.length - 1, head);
    const envelope = JSON.stringify({ proto: protocolVersion, epoch, first, prev, head, headSignature });
    const response = await this.#ask("POST", "/journal", {
      signal,
      body: [envelope, ...lines].join("\n"),
      contentType: "application/x-ndjson",
    });
    return this.#parsed(pushReplySchema, response, "journal");
  }

  #signHead(epoch: number, seq: number, head: string): string {
    const statement = headStatement(this.#identity.gateway, epoch, seq, head);
    // Most polls have nothing new to vouch for.
    if (this.#signedHead?.statement !== statement) this.#signedHead = { statement, signature: this.#signed(statement) };
    return this.#signedHead.signature;
  }

  #signed(text: string): string {
    return sign(null, Buffer.from(text), this.#key).toString("base64url");
  }

  async audit(part: AuditPart, signal: AbortSignal): Promise<void> {
    await this.#tell("POST", "/audit", jsonBody(part), signal);
  }

  async report(report: GatewayReport, signal: AbortSignal): Promise<void> {
    await this.#tell("PUT", "/report", jsonBody(report), signal);
  }

  async attach(id: AttachmentId, bytes: Uint8Array, signal: AbortSignal): Promise<"taken" | "not-named" | "refused"> {
    const body = new Uint8Array(bytes);
    try {
      await this.#tell(
        "PUT",
        `/attachments/${id}`,
        { body, contentType: "application/octet-stream" },
        signal,
        uploadMs,
      );
      return "taken";
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== "cloud-refused") throw error;
      if (error.detail.problem === "not-named") return "not-named";
      if (error.detail.status === 400 || error.detail.status === 413) return "refused";
      throw error;
    }
  }

  async askHost(question: WireQuestion, signal: AbortSignal): Promise<QuestionReply> {
    const response = await this.#ask("POST", "/questions", { signal, ...jsonBody(question) });
    return this.#parsed(questionReplySchema, response, "the question");
  }

  /** Begins a new epoch: every other card of this gateway is fenced from then on. */
  async newEpoch(signal: AbortSignal): Promise<number> {
    const response = await this.#ask("POST", "/epoch", { signal });
    return (await this.#parsed(epochSchema, response, "the new epoch")).epoch;
  }

  /** `waitMs`: beyond the usual, for what takes long to send. */
  async #tell(method: string, path: string, told: Told, signal: AbortSignal, waitMs: Millis = 0): Promise<void> {
    const response = await this.#ask(method, path, { signal, waitMs, ...told });
    // A login page on the way says 200.
    if (response.status !== 204)
      throw new GatewayError("cloud-refused", `cloud-sync answered ${response.status} to ${method} ${path}`);
  }

  async #ask(
    method: string,
    path: string,
    options: { signal: AbortSignal; waitMs?: Millis } & Partial<Told>,
  ): Promise<Response> {
    const serverTime = await this.#serverTime(options.signal);
    const url = `${this.#url}/v1/gateways/${this.#identity.gateway}${path}`;
    const response = await this.#send(url, options.signal, answerDeadlineMs + (options.waitMs ?? 0), {
      method,
      headers: {
        authorization: `Bearer ${this.#tokenAt(serverTime)}`,
        ...(options.contentType && { "content-type": options.contentType }),
      },
      ...(options.body !== undefined && { body: options.body }),
    });
    if (response.ok || response.status === 409) return response;
    if (response.status === 401) this.#serverOffset = undefined; // our idea of its time may be off; ask anew
    const problem = await problemCode(response);
    if (problem === "gateway-fenced")
      throw new GatewayError("gateway-fenced", "another card has taken this gateway's place");
    if (problem === "gateway-revoked") throw new GatewayError("gateway-revoked", "the cloud has revoked this gateway");
    throw new GatewayError(
      "cloud-refused",
      `cloud-sync answered ${response.status} to ${method} ${path.split("?")[0]}`,
      {
        status: response.status,
        ...(problem !== undefined && { problem }),
      },
    );
  }

  async #send(url: string, signal: AbortSignal, deadlineMs: Millis, init: RequestInit): Promise<Response> {
    const deadline = new AbortController();
    const stop = new AbortController();
    this.#clock.sleep(deadlineMs, stop.signal).then(
      () => deadline.abort(new Error(`no answer within ${deadlineMs} ms`)),
      () => undefined,
    );
    try {
      const response = await this.#fetch(url, {
        ...init,
        signal: AbortSignal.any([signal, deadline.signal]),
        redirect: "error",
      });
      const body = await boundedBody(response, bodyBytesMax);
      return new Response(response.status === 204 ? null : body, { status: response.status });
    } catch (error) {
      if (error instanceof GatewayError) throw error;
      throw new GatewayError("cloud-unreachable", whyUnreachable(error, this.#clock.wall()), {}, { cause: error });
    } finally {
      stop.abort();
    }
  }

  /** Tokens live on the server's clock, because ours may be unset. */
  async #serverTime(signal: AbortSignal): Promise<Instant> {
    if (this.#serverOffset === undefined) {
      const response = await this.#send(`${this.#url}/v1/time`, signal, answerDeadlineMs, { method: "GET" });
      if (!response.ok)
        throw new GatewayError("cloud-refused", `cloud-sync answered ${response.status} to GET /v1/time`);
      const { serverTime } = await this.#parsed(timeSchema, response, "time");
      this.#serverOffset = serverTime - this.#clock.monotonic();
    }
    return this.#serverOffset + this.#clock.monotonic();
  }

  #tokenAt(serverTime: Instant): string {
    const age = serverTime - (this.#token?.at ?? Number.NEGATIVE_INFINITY);
    if (age < 0 || age > tokenUsedMs) this.#token = { text: this.#newToken(serverTime), at: serverTime };
    return this.#token!.text;
  }

  #newToken(serverTime: Instant): string {
    const now = Math.floor(serverTime / 1000);
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const { gateway, epoch } = this.#identity;
    const claims = { iss: gateway, aud: "postern-cloud", iat: now - 5, exp: now + tokenLifeS, epoch };
    const text = `${part({ alg: "EdDSA", typ: "JWT" })}.${part(claims)}`;
    return `${text}.${this.#signed(text)}`;
  }

  /** Rejects with `cloud-refused`, whatever stands in the answer: what is between here and the cloud may send pages of its own. */
  async #parsed<T>(
    schema: { safeParse(value: unknown): { success: true; data: T } | { success: false } },
    response: Response,
    what: string,
  ): Promise<T> {
    const parsed = schema.safeParse(await response.json().catch(() => undefined));
    if (parsed.success) return parsed.data;
    throw new GatewayError(
      "cloud-refused",
      `cloud-sync's answer about ${what} is not in the agreed shape; is it a newer version, or a login page on the way?`,
    );
  }
}

function toPollReply(reply: WirePollReply): PollReply {
  const { feed, to, reset, complete, rows, checksum, commands, serverTime, heldMs } = reply;
  const { retryAfterMs, journalNext, auditWanted } = reply;
  return {
    page: { feed, to, reset, complete, rows: rows.map(toFeedRow) },
    checksum,
    commands: commands.flatMap(
      ({ action, question, approves, pass, staff, nonce, link, ...facts }): PollReply["commands"] => {
        if (action === "unlock" || action === "identify") return [{ ...facts, action }];
        if (action === "enter" && pass !== undefined && staff !== undefined && nonce !== undefined)
          return [{ ...facts, action, pass, staff, nonce }];
        if (action === "present" && link !== undefined) return [{ ...facts, action, link }];
        const isWhole = action === "host-answer" && question !== undefined && approves !== undefined;
        return isWhole ? [{ ...facts, action, question, approves }] : [];
      },
    ),
    serverTime,
    heldMs,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(journalNext !== undefined && { journalNext }),
    ...(auditWanted !== undefined && { auditWanted }),
  };
}

/** TLS goes by the machine's clock: where that is wrong no answer of the cloud can set it right. */
function whyUnreachable(error: unknown, wall: Instant): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : undefined;
  const code = cause && "code" in cause ? cause.code : undefined;
  return code === "CERT_NOT_YET_VALID" || code === "CERT_HAS_EXPIRED"
    ? `the cloud's certificate is not valid at this machine's time, ${new Date(wall).toISOString()}: set the machine's clock, by a time service for example`
    : "cloud-sync could not be reached";
}

function jsonBody(told: object): Told {
  return { body: JSON.stringify(told), contentType: "application/json" };
}

async function problemCode(response: Response): Promise<string | undefined> {
  try {
    const problem: unknown = await response.json();
    return problem instanceof Object && "code" in problem && typeof problem.code === "string"
      ? problem.code
      : undefined;
  } catch {
    return undefined;
  }
}
