/**
 * Somebody's account at Twilio, on loopback and without TLS. What becomes of a message is in the end of its number: …0001 is delivered, …0002
 * is no mobile, …0003 is unreachable once and delivered then, …0004 comes twice too often, …0005 wants a template; …0007 is refused by the operator of the network. What is told of a message is told when the test says so, in any order.
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

export interface TwilioMessage {
  readonly sid: string;
  readonly to: string;
  readonly from: string;
  readonly body: string | null;
  readonly contentSid: string | null;
  readonly contentVariables: string | null;
  readonly statusCallback: string | null;
  readonly sentAt: number;
}

/** A POST that Twilio makes. */
export interface TwilioCallback {
  readonly url: string;
  readonly form: string;
  readonly signature: string;
}

export interface TwilioServerOptions {
  readonly accountSid: string;
  readonly authToken: string;
  readonly clock: Clock;
  readonly faults?: Faults;
}

export class TwilioServer {
  readonly #options: TwilioServerOptions;
  readonly #port: CloudPort;
  readonly #seen = new Map<string, number>();
  #last = 0;
  readonly messages: TwilioMessage[] = [];
  /** What Twilio has to tell, in the order in which it came about. */
  readonly callbacks: TwilioCallback[] = [];

  constructor(options: TwilioServerOptions) {
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

  #answer({ method, path, query, headers, body }: CloudRequest): CloudAnswer {
    const { accountSid, authToken, clock } = this.#options;
    const given = Buffer.from(`${accountSid}:${authToken}`).toString("base64");
    if (headers.authorization !== `Basic ${given}`) return refusal(401, 20003, "Authenticate");
    if (path.join("/") !== `2010-04-01/Accounts/${accountSid}/Messages.json`) return refusal(404, 20404, "Not found");
    if (method === "GET") return this.#list(query);
    if (method !== "POST") return refusal(405, 20004, "Method not allowed");
    if (!headers["content-type"]?.startsWith("application/x-www-form-urlencoded"))
      return refusal(400, 21602, "Message body is required");
    const form = new URLSearchParams(body);
    const [to, text, contentSid] = [form.get("To") ?? "", form.get("Body"), form.get("ContentSid")];
    const from = form.get("From") ?? form.get("MessagingServiceSid");
    if (!/^(whatsapp:)?\+[1-9]\d{6,14}$/.test(to)) return refusal(400, 21211, "The 'To' number is not valid");
    if (!from) return refusal(400, 21603, "A 'From' number is required");
    if (text === null && contentSid === null) return refusal(400, 21602, "Message body is required");
    if ((text ?? "").length > 1_600) return refusal(400, 21617, "The message is too long");
    const times = (this.#seen.get(to) ?? 0) + 1;
    this.#seen.set(to, times);
    const end = to.slice(-4);
    if (end === "0002") return refusal(400, 21211, "The 'To' number is not valid");
    if (end === "0004" && times <= 2)
      return { ...refusal(429, 20429, "Too many requests"), headers: { "Retry-After": "2" } };
    if (end === "0005" && contentSid === null) return refusal(400, 63016, "Outside the allowed window");
    this.#last += 1;
    const message: TwilioMessage = {
      sid: `SM${`${this.#last}`.padStart(32, "0")}`,
      ...{ to, from, body: text, contentSid },
      contentVariables: form.get("ContentVariables"),
      statusCallback: form.get("StatusCallback"),
      sentAt: clock.wall(),
    };
    this.messages.push(message);
    this.#tell(message, end, times);
    return { status: 201, json: this.#resource(message) };
  }

  #tell(message: TwilioMessage, end: string, times: number): void {
    if (message.statusCallback === null) return;
    const isUnreached = (end === "0003" && times === 1) || end === "0007";
    const code = end === "0007" ? "30005" : "30003";
    const told: [string, string?][] = isUnreached
      ? [["sent"], ["undelivered", code]]
      : [["sent"], ["delivered"], ...(message.to.startsWith("whatsapp:") ? [["read"] as [string]] : [])];
    for (const [status, error] of told) this.#post(message, status, error);
  }

  #post({ sid, to, from, statusCallback }: TwilioMessage, status: string, error?: string): void {
    const { accountSid, authToken } = this.#options;
    const fields: Record<string, string> = {
      ...{ MessageSid: sid, SmsSid: sid, MessageStatus: status, AccountSid: accountSid, To: to, From: from },
      ...(error !== undefined && { ErrorCode: error }),
      ApiVersion: "2010-04-01",
    };
    const text = Object.keys(fields)
      .sort()
      .reduce((before, name) => before + name + fields[name], statusCallback ?? "");
    this.callbacks.push({
      url: statusCallback ?? "",
      form: new URLSearchParams(fields).toString(),
      signature: createHmac("sha1", authToken).update(text).digest("base64"),
    });
  }

  #list(query: URLSearchParams): CloudAnswer {
    const since = query.get("DateSent>") ?? "0000";
    const found = this.messages.filter(
      ({ to, sentAt }) => to === query.get("To") && this.#date(sentAt).toString().slice(0, 10) >= since,
    );
    return { status: 200, json: { messages: found.map((one) => this.#resource(one)), page: 0, page_size: 50 } };
  }

  #date(at: number): Temporal.Instant {
    return Temporal.Instant.fromEpochMilliseconds(at);
  }

  #resource({ sid, to, from, body, sentAt }: TwilioMessage) {
    const date = new Date(sentAt).toUTCString().replace("GMT", "+0000");
    return {
      sid,
      to,
      from,
      body: body ?? "a template",
      status: "queued",
      error_code: null,
      date_created: date,
      date_sent: date,
      num_segments: "1",
    };
  }
}

function refusal(status: number, code: number, message: string): CloudAnswer {
  return { status, json: { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status } };
}
