/** Asks another gateway of the site over the LAN, one HTTP request each; peer-server.ts is the other side. */
import { type ClientRequest, type IncomingMessage, request as startRequest } from "node:http";
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import type { z } from "zod";
import type { PeerGateway } from "../domain/feed.ts";
import type { GatewayId } from "../domain/grant.ts";
import { type HolderId, holderId } from "../domain/rights.ts";
import type { SiteRecords } from "../domain/site-records.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { EntryReply, EntryRequest } from "../ports/peer-link.ts";
import {
  entryPath,
  entryReplySchema,
  helloPath,
  helloReplySchema,
  peerBodyBytesMax,
  type WireEntryRequest,
} from "../wire/peer.ts";
import { readAddress } from "./address.ts";
import { PinnedAgent, WrongKeyError } from "./pinned-agent.ts";

/** Asked at the same time, of all peers together; beyond it nobody is asked. */
const askingMax = 32;
const headerBytesMax = 4096;

export interface HttpPeerLinkOptions {
  /** See peer-identity.ts. */
  readonly identity: SecureContextOptions;
  /** undefined: they are not loaded yet, so nobody is known. */
  readonly records: () => Pick<SiteRecords, "peer"> | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class HttpPeerLink {
  readonly #options: HttpPeerLinkOptions;
  readonly #identity: SecureContext;
  readonly #agents = new Map<GatewayId, PinnedAgent>();
  #asking = 0;

  constructor(options: HttpPeerLinkOptions) {
    this.#options = options;
    this.#identity = createSecureContext(options.identity);
  }

  /** As PeerLink.ask. */
  async ask(gateway: GatewayId, request: EntryRequest, signal: AbortSignal): Promise<EntryReply | undefined> {
    const reply = await this.#exchange(gateway, entryReplySchema, signal, (from) => ({
      method: "POST",
      path: entryPath,
      body: JSON.stringify({ ...request, from } satisfies WireEntryRequest),
    }));
    return reply && { from: reply.from, total: reply.total };
  }

  /** Whether it answers, as who it should be. Rejects once `signal` fires. */
  async greet(gateway: GatewayId, signal: AbortSignal): Promise<boolean> {
    const reply = await this.#exchange(gateway, helloReplySchema, signal, () => ({ method: "GET", path: helloPath }));
    return reply !== undefined;
  }

  /** undefined: no answer, or none from the gateway in the epoch that the feed lists. */
  async #exchange<Reply extends { readonly from: HolderId }>(
    gateway: GatewayId,
    schema: z.ZodType<Reply>,
    signal: AbortSignal,
    messageTo: (peer: HolderId) => Message,
  ): Promise<Reply | undefined> {
    signal.throwIfAborted();
    const { records, logger } = this.#options;
    const peer = records()?.peer(gateway);
    const agent = peer && this.#agentOf(peer);
    if (!agent) return undefined;
    if (this.#asking >= askingMax) {
      logger.warn("peer-not-asked", { peer: gateway, asking: this.#asking });
      return undefined;
    }
    this.#asking += 1;
    try {
      const from = holderId(gateway, peer.epoch);
      const { status, text } = await send(agent, messageTo(from), signal);
      const reply = status === 200 ? schema.safeParse(parsedJson(text)) : undefined;
      if (reply?.success && reply.data.from === from) return reply.data;
      logger.warn("peer-answer-refused", { peer: gateway, status });
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const level = error instanceof WrongKeyError ? "warn" : "debug";
      logger[level]("peer-unreachable", { peer: gateway, error: error as Error });
    } finally {
      this.#asking -= 1;
    }
    return undefined;
  }

  /** Ends every connection. */
  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  /** undefined: the peer does not answer on the LAN. A peer that moved or was enrolled anew gets new connections. */
  #agentOf({ id, lan, publicKey }: PeerGateway): PinnedAgent | undefined {
    const address = lan === undefined ? undefined : readAddress(lan);
    const known = this.#agents.get(id);
    const { host, port } = known?.peer.address ?? {};
    if (known && known.peer.publicKey === publicKey && address?.host === host && address?.port === port) return known;
    known?.destroy();
    this.#agents.delete(id);
    if (!address) return undefined;
    const agent = new PinnedAgent({ address, publicKey }, this.#identity, this.#options.clock);
    this.#agents.set(id, agent);
    return agent;
  }
}

interface Message {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** JSON. */
  readonly body?: string;
}

async function send(
  agent: PinnedAgent,
  { method, path, body = "" }: Message,
  signal: AbortSignal,
): Promise<{ readonly status: number | undefined; readonly text: string }> {
  for (;;) {
    const request = startRequest({
      agent,
      ...agent.peer.address,
      method,
      path,
      headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
      maxHeaderSize: headerBytesMax,
      signal,
    });
    try {
      const response = await responseTo(request, body, signal);
      return { status: response.statusCode, text: await boundedText(response) };
    } catch (error) {
      // Kept open, and given up by the other side meanwhile. To ask once more does no harm: `have` tells what has come.
      if (!request.reusedSocket || signal.aborted) throw error;
    }
  }
}

async function responseTo(request: ClientRequest, body: string, signal: AbortSignal): Promise<IncomingMessage> {
  const answered = new AbortController();
  try {
    return await new Promise((resolve, reject) => {
      request.on("response", resolve);
      request.on("error", reject);
      // A request that is still without a connection says nothing when it is given up.
      signal.addEventListener("abort", () => reject(signal.reason), { signal: answered.signal });
      request.end(body);
    });
  } finally {
    answered.abort();
  }
}

/** "" when it is longer than any answer. */
async function boundedText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > peerBodyBytesMax) return ""; // leaving the loop ends the connection
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
