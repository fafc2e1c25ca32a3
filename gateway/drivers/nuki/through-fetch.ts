/** Keypad codes at Nuki Web: what nuki-web-api lacks, one request each, on our own client. No code and no token leaves it in an error. */
import { type Answer, failedAnswer } from "./answer.ts";
import type { Send, WebAccount } from "./web-account.ts";

const answerBytesMax = 1024 * 1024;

/** The maker's number of the permission "keypad code". */
export const keypadCode = 13;

/** Everything of a code that is written. Dates in RFC 3339, UTC; null where a change takes the bound away. */
export interface CodeBody {
  readonly name: string;
  readonly code: number;
  readonly allowedFromDate?: string | null;
  readonly allowedUntilDate?: string | null;
}

export const listCodes = (smartlockId: number): Send =>
  request("GET", `/smartlock/${smartlockId}/auth?types=${keypadCode}`);

/** The maker creates by PUT and changes by POST. */
export const createCode = (smartlockId: number, code: CodeBody): Send =>
  request("PUT", `/smartlock/${smartlockId}/auth`, { ...code, type: keypadCode, remoteAllowed: false });

export const changeCode = (smartlockId: number, id: string, code: CodeBody): Send =>
  request("POST", `/smartlock/${smartlockId}/auth/${encodeURIComponent(id)}`, { ...code, enabled: true });

export const deleteCode = (smartlockId: number, id: string): Send =>
  request("DELETE", `/smartlock/${smartlockId}/auth/${encodeURIComponent(id)}`);

function request(method: string, path: string, body?: object): Send {
  return async ({ url, token }: WebAccount, signal): Promise<Answer> => {
    if (signal.aborted) return { kind: "unsent", why: "called off" };
    try {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          accept: "application/json",
          authorization: `Bearer ${token.reveal()}`,
          ...(body && { "content-type": "application/json" }),
        },
        ...(body && { body: JSON.stringify(body) }),
        redirect: "manual",
        signal,
      });
      return { kind: "answered", status: response.status, body: asJson(await boundedText(response)) };
    } catch (error) {
      return signal.aborted ? { kind: "unanswered", why: "time-out" } : failedAnswer(error);
    }
  };
}

/** undefined when there is more than that. */
async function boundedText(response: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
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
