/** One request to a maker's web service, on a connection of its own, so that it is known whether anything of it can have been heard. */
import { type IncomingMessage, request as overHttp } from "node:http";
import { request as overHttps } from "node:https";
import { failedAnswer, type WebAnswer } from "./web-answer.ts";

const answerBytesMax = 1024 * 1024;
const headerBytesMax = 32 * 1024;

export interface WebRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Never rejects; settles when `signal` fires. Redirects are answers: they would take the command and its token to where nobody meant them to go. */
export async function sendWeb({ method, url, headers, body }: WebRequest, signal: AbortSignal): Promise<WebAnswer> {
  if (signal.aborted) return { kind: "unsent", why: "called off" };
  const isEncrypted = url.startsWith("https:");
  let wasConnected = false;
  try {
    const message = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = (isEncrypted ? overHttps : overHttp)(url, {
        agent: false,
        method,
        headers: {
          accept: "application/json",
          connection: "close",
          ...headers,
          ...(body !== undefined && { "content-length": String(Buffer.byteLength(body)) }),
        },
        maxHeaderSize: headerBytesMax,
        signal,
      });
      request.once("socket", (socket) =>
        socket.once(isEncrypted ? "secureConnect" : "connect", () => {
          wasConnected = true;
        }),
      );
      request.once("response", resolve);
      request.once("error", reject);
      // Nothing else tells of an answer that asks for another protocol. Void after any of the two above.
      request.once("close", () => reject(new Error("closed without an answer")));
      request.end(body);
    });
    const text = await boundedText(message);
    return {
      kind: "answered",
      status: message.statusCode ?? 0,
      body: asJson(text),
      isPage: text?.trimStart().startsWith("<") ?? false,
      headers: message.headers,
    };
  } catch (error) {
    const answer: WebAnswer = signal.aborted ? { kind: "unanswered", why: "time-out" } : failedAnswer(error);
    return answer.kind === "unanswered" && !wasConnected ? { ...answer, kind: "unsent" } : answer;
  }
}

/** undefined when there is more than that. Rejects when it ends too early. */
async function boundedText(message: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > answerBytesMax) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** undefined when it is none: a page of something between here and there. */
function asJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}
