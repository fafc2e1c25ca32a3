/** What Nuki Web means by its answers, in words for people. */
import { GatewayError } from "../../errors.ts";
import type { WebAnswer } from "../common/web-answer.ts";

/** What the maker means by a status; the numbers alone help nobody who stands on site. */
const meaning: Readonly<Record<number, string>> = {
  400: "it did not like the request; for codes: no keypad is paired",
  401: "the token is wrong or was taken back: make a new one at web.nuki.io",
  402: "the account's plan does not include this",
  403: "the token's rights do not include this",
  404: "the account has no lock of this smartlockId",
  423: "the lock is busy with another change",
  429: "too many requests; the gateway pauses",
};

/** Why a read brought nothing; for people and for the log. */
export function describe(answer: WebAnswer): string {
  if (answer.kind !== "answered") return `Nuki Web did not answer (${answer.why})`;
  if (answer.status === 200) return "Nuki Web answered something that cannot be read";
  const { [answer.status]: known } = meaning;
  return `Nuki Web answered ${answer.status}${known ? `: ${known}` : ""}`;
}

/** The body of a read. Throws `device-unreachable` or `device-refused`: nothing is known then. */
export function bodyOf(answer: WebAnswer, what: string, smartlockId: number): unknown {
  if (answer.kind === "answered" && answer.status === 200) return answer.body;
  const code = answer.kind === "answered" ? "device-refused" : "device-unreachable";
  throw new GatewayError(code, `${what} of Nuki ${smartlockId} could not be read: ${describe(answer)}`, {
    smartlockId,
    ...(answer.kind === "answered" && { status: answer.status }),
  });
}
