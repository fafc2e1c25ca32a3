/**
 * A business's number at Meta's WhatsApp Cloud API, on loopback and without TLS. What becomes of a message is in the end of its number: …0001
 * is read, …0002 is not on WhatsApp, …0004 comes too often once, …0005 wants a template, …0006 fails when it was taken already, …0008 comes
 * when the account is closed. What is told of a message is told when the test says so, in any order.
 */
import { createHmac } from "node:crypto";
import type { Clock } from "../../gateway/ports/clock.ts";
import { Faults } from "../faults.ts";
import {
  type CloudAnswer,
  type CloudCall,
  CloudPort,
  type CloudRequest,
  type CloudTrouble,
  type CloudTroubleScope,
} from "./cloud-port.ts";

export interface MetaMessage {
  readonly id: string;
  readonly to: string;
  readonly text: string | null;
  readonly template: {
    readonly name: string;
    readonly language: string;
    readonly parameters: readonly string[];
  } | null;
}

/** A POST that Meta makes. */
export interface MetaWebhook {
  readonly body: string;
  readonly signature: string;
}

export interface MetaServerOptions {
  readonly phoneNumberId: string;
  readonly token: string;
  readonly appSecret: string;
  readonly clock: Clock;
  readonly faults?: Faults;
}

interface SentBody {
  readonly messaging_product?: string;
  readonly to?: string;
  readonly type?: string;
  readonly text?: { readonly body: string };
  readonly template?: {
    readonly name: string;
    readonly language: { readonly code: string };
    readonly components: readonly { readonly parameters: readonly { readonly text: string }[] }[];
  };
}

export class MetaServer {
  readonly #options: MetaServerOptions;
  readonly #port: CloudPort;
  readonly #seen = new Map<string, number>();
  #last = 0;
  readonly messages: MetaMessage[] = [];
  /** What Meta has to tell, in the order in which it came about. */
  readonly webhooks: MetaWebhook[] = [];

  constructor(options: MetaServerOptions) {
    const { clock, faults = new Faults() } = options;
    this.#options = options;
    this.#port = new CloudPort({ clock, faults, answer: (request) => this.#answer(request) });
  }

  get calls(): readonly CloudCall[] {
    return this.#port.calls;
  }

  start(): Promise<{ url: string }> {
    return this.#port.start();
  }

  stop(): Promise<void> {
    return this.#port.stop();
  }

  trouble(what: CloudTrouble, scope?: CloudTroubleScope): void {
    this.#port.trouble(what, scope);
  }

  settle(): void {
    this.#port.settle();
  }

  #answer({ method, path, headers, body }: CloudRequest): CloudAnswer {
    const { phoneNumberId, token } = this.#options;
    const [version, number, messages] = path;
    if (headers.authorization !== `Bearer ${token}`) return refusal(401, 190, "Invalid OAuth access token");
    if (!/^v\d+\.0$/.test(version ?? "") || number !== phoneNumberId || messages !== "messages" || method !== "POST")
      return refusal(404, 100, "Unsupported request");
    const sent = JSON.parse(body) as SentBody;
    const { to = "", type, text, template } = sent;
    if (sent.messaging_product !== "whatsapp" || !/^[1-9]\d{6,14}$/.test(to))
      return refusal(400, 100, "Invalid parameter");
    const times = (this.#seen.get(to) ?? 0) + 1;
    this.#seen.set(to, times);
    const end = to.slice(-4);
    if (end === "0002") return refusal(400, 131026, "Message undeliverable");
    if (end === "0004" && times === 1) return refusal(400, 131056, "Pair rate limit hit");
    if (end === "0005" && type !== "template") return refusal(400, 131047, "Re-engagement message");
    if (end === "0008") return refusal(403, 131031, "Business account locked");
    const parameters = template?.components.flatMap((one) => one.parameters.map((value) => value.text)) ?? [];
    this.#last += 1;
    const message: MetaMessage = {
      id: `wamid.${`${this.#last}`.padStart(24, "0")}`,
      to,
      text: text?.body ?? null,
      template: template ? { name: template.name, language: template.language.code, parameters } : null,
    };
    this.messages.push(message);
    const words = end === "0006" ? ["sent", "failed"] : ["sent", "delivered", "read"];
    for (const word of words) this.#tell(message, word, word === "failed" ? 131026 : undefined);
    return {
      status: 200,
      json: { messaging_product: "whatsapp", contacts: [{ input: to, wa_id: to }], messages: [{ id: message.id }] },
    };
  }

  #tell({ id, to }: MetaMessage, status: string, code?: number): void {
    const { appSecret, phoneNumberId, clock } = this.#options;
    const timestamp = `${Math.floor(clock.wall() / 1000)}`;
    const errors = code === undefined ? {} : { errors: [{ code, title: "it failed" }] };
    const value = {
      messaging_product: "whatsapp",
      metadata: { phone_number_id: phoneNumberId },
      statuses: [{ id, status, timestamp, recipient_id: to, ...errors }],
    };
    const body = JSON.stringify({
      object: "whatsapp_business_account",
      entry: [{ id: "1", changes: [{ field: "messages", value }] }],
    });
    const signature = `sha256=${createHmac("sha256", appSecret).update(body).digest("hex")}`;
    this.webhooks.push({ body, signature });
  }
}

function refusal(status: number, code: number, message: string): CloudAnswer {
  return {
    status,
    json: { error: { message: `(#${code}) ${message}`, type: "OAuthException", code, fbtrace_id: "A" } },
  };
}
