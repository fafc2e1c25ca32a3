/** Keypad codes at Nuki Web: what nuki-web-api lacks, one request each, on our own client. No code and no token leaves it in an error. */
import { sendWeb } from "../common/web-request.ts";
import type { Send, WebAccount } from "./web-account.ts";

/** The maker's number of the permission "keypad code". */
export const keypadCode = 13;

/** Everything of a code that is written. Dates in RFC 3339, UTC; null where a change takes the bound away. */
export interface CodeBody {
  readonly name: string;
  readonly code: number;
  readonly allowedFromDate?: string | null;
  readonly allowedUntilDate?: string | null;
  /** The sum of 64 for Monday, 32 for Tuesday … 1 for Sunday. */
  readonly allowedWeekDays?: number;
  /** Minutes after midnight on the lock's wall; 0 and 0: the whole day. */
  readonly allowedFromTime?: number;
  readonly allowedUntilTime?: number;
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
  return ({ url, token }: WebAccount, signal) =>
    sendWeb(
      {
        method,
        url: `${url}${path}`,
        headers: {
          authorization: `Bearer ${token.reveal()}`,
          ...(body && { "content-type": "application/json" }),
        },
        ...(body && { body: JSON.stringify(body) }),
      },
      signal,
    );
}
