/** What Brivo means by its answers, in words for people. Their bodies are never told: an expired token stands in one. */
import { GatewayError } from "../../errors.ts";
import type { WebAnswer } from "../common/web-answer.ts";

const meaning: Readonly<Record<number, string>> = {
  400: "it did not like the request; for codes: the PIN is taken, or not of the account's length",
  401: "it does not take the token, nor a new one",
  403: "the administrator may not do this, or the door is not enabled for activation (field Control From Browser)",
  404: "there is no door, group or user of this number: see accessPointId and groupId",
  412: "the door's panel is not connected",
  415: "it did not understand the request's form",
  417: "the door's panel could not be reached",
  429: "too many requests; the gateway pauses",
  503: "a part of its service is out of order",
  596: "nothing answers there: see region, apiUrl and the verbs",
};

/** Why a request came to nothing; for people and for the log. */
export function describe(answer: WebAnswer): string {
  if (answer.kind !== "answered") return `Brivo did not answer (${answer.why})`;
  const { status, isPage } = answer;
  if (status === 403 && isPage)
    return 'Brivo answered 403: the secret "apiKey" is wrong, or not active for this region';
  if (status === 200) return "Brivo answered something that cannot be read";
  const { [status]: known } = meaning;
  return `Brivo answered ${status}${known ? `: ${known}` : ""}`;
}

/** The body of a read. Throws `device-unreachable` or `device-refused`: nothing is known then. */
export function bodyOf(answer: WebAnswer, what: string): unknown {
  if (answer.kind === "answered" && answer.status === 200) return answer.body;
  throw unread(answer, what);
}

export function unread(answer: WebAnswer, what: string): GatewayError {
  const code = answer.kind === "answered" ? "device-refused" : "device-unreachable";
  return new GatewayError(code, `${what} could not be read: ${describe(answer)}`, {
    ...(answer.kind === "answered" && { status: answer.status }),
  });
}
