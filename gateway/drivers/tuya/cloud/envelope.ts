/** What Tuya's OpenAPI means by an answer: it says yes or no in the body, almost always with HTTP status 200. Pure. */
import { z } from "zod";
import type { CommandResult } from "../../../ports/device.ts";
import type { WebAnswer } from "../../common/web-answer.ts";

export type CloudAnswer =
  | { readonly kind: "done"; readonly result: unknown }
  /** It said no, and nothing has changed. */
  | { readonly kind: "denied"; readonly code: number; readonly why: string }
  /** It was sent, perhaps done, and nobody knows. */
  | { readonly kind: "unanswered"; readonly why: string }
  /** It certainly was not sent. */
  | { readonly kind: "unsent"; readonly why: string };

const envelopeSchema = z.union([
  z.object({ success: z.literal(true), result: z.unknown() }),
  z.object({
    success: z.literal(false),
    code: z.coerce.number().int(),
    msg: z.string().nullish(),
  }),
]);

/** What to do, for whoever looks after the site; the maker's own messages do not say. */
const advice: Readonly<Record<number, string>> = {
  1001: 'the secret "accessSecret" is not the one of this clientId',
  1004: 'the secret "accessSecret" is not the one of this clientId',
  1005: "no such clientId in this data centre: see cloud.clientId and cloud.region",
  1013: "this machine's clock is wrong",
  1106: "the project does not reach this device: see cloud.deviceId and cloud.region, and link the account that paired the lock to the project",
  2001: "the lock is offline",
  2007: "another data centre is the right one: see cloud.region",
  28841001: "the project has no right to this: see its service APIs at iot.tuya.com",
  28841002: "the trial of the cloud plan is over: extend it at iot.tuya.com, Cloud, Cloud Services, IoT Core",
  28841101: "authorise the project for the Smart Lock Open Service at iot.tuya.com",
  28841105: "authorise the project for the Smart Lock Open Service at iot.tuya.com",
  28841106: "authorise the project for the Smart Lock Open Service at iot.tuya.com",
  28841107: "switch this data centre on for the project, or see cloud.region",
};

const tokenCodes: ReadonlySet<number> = new Set([1010, 1011, 1012, 1400]);
const rateCodes: ReadonlySet<number> = new Set([429, 1110, 1111, 1199]);
const messageMax = 160;

export function readEnvelope(answer: WebAnswer): CloudAnswer {
  if (answer.kind !== "answered") return answer;
  const read = envelopeSchema.safeParse(answer.body);
  if (!read.success) return withoutEnvelope(answer.status);
  if (read.data.success) return { kind: "done", result: read.data.result };
  const { code, msg } = read.data;
  const help = advice[code];
  const why = `${code}${msg ? ` ${readable(msg)}` : ""}${help ? ` (${help})` : ""}`;
  // The maker's network broke, or timed out, behind whoever answered.
  return code >= 500 && code < 600 ? { kind: "unanswered", why } : { kind: "denied", code, why };
}

function withoutEnvelope(status: number): CloudAnswer {
  if (status >= 300 && status < 500) return { kind: "denied", code: status, why: `HTTP status ${status}` };
  return { kind: "unanswered", why: `something that cannot be read, with HTTP status ${status}` };
}

/** The token is at its end, which the maker may decide at any time. */
export function isTokenRefused(answer: CloudAnswer): boolean {
  return answer.kind === "denied" && tokenCodes.has(answer.code);
}

export function isTooMany(answer: CloudAnswer): boolean {
  return answer.kind === "denied" && rateCodes.has(answer.code);
}

/** A yes means that the cloud has taken it, no more. */
export function resultOf(answer: CloudAnswer): CommandResult {
  switch (answer.kind) {
    case "done":
      return answer.result === false ? "refused" : "accepted";
    case "unanswered":
      return "unknown";
    default:
      return "refused";
  }
}

/** For people and for the log. */
export function describe(answer: CloudAnswer): string {
  switch (answer.kind) {
    case "done":
      return answer.result === false
        ? "Tuya's cloud did not do it"
        : "Tuya's cloud answered something that cannot be read";
    case "denied":
      return `Tuya's cloud answered ${answer.why}`;
    default:
      return `Tuya's cloud did not answer (${answer.why})`;
  }
}

function readable(text: string): string {
  return text
    .replace(/[\p{C}\s]+/gu, " ")
    .trim()
    .slice(0, messageMax);
}
