/** Words the routes share: parameters, pages, moments, and the problems an operation may answer. */
import { z } from "@hono/zod-openapi";
import type { Instant } from "../../gateway/domain/instant.ts";
import { isPlainText } from "../../gateway/wire/gateway-api.ts";
import { HttpProblem, problemSchema } from "../../web/problem.ts";

/** Text people type: no control characters. */
export const words = (max: number) =>
  z.string().trim().min(1).max(max).refine(isPlainText, "has characters that cannot be printed");
/** Text of several lines. */
export const isPlainLines = (text: string) => text.split(/[\r\n\t]/).every(isPlainText);
/** An id made here or named by a gateway's configuration. */
export const idText = z.string().min(1).max(128).refine(isPlainText, "has characters that cannot be printed");

/** A moment with its offset; kept as milliseconds. One that is none ends the check, so that no comparison of two meets it. */
export const moment = z.iso.datetime({ offset: true, abort: true }).openapi({ example: "2031-03-04T14:00:00+01:00" });

export function toInstant(text: string): Instant {
  return Temporal.Instant.from(text).epochMilliseconds;
}

const plainTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?$/;
const isDayTime = (text: string) => {
  try {
    return plainTime.test(text) && Temporal.PlainDateTime.from(text, { overflow: "reject" }) !== undefined;
  } catch {
    return false;
  }
};

/** A moment with its offset, or without: then it is the wall clock's at the site. */
export const siteMoment = z
  .union([moment, z.string().max(40).refine(isDayTime, "is no date and time")], {
    error: "is no date and time; write 2031-03-04T18:00 (the site's time) or 2031-03-04T18:00:00+01:00",
  })
  .openapi({
    type: "string",
    example: "2031-03-04T18:00",
    description: "Without an offset: the wall clock at the site.",
  });

/** Of a siteMoment. In the hour that a change of the clocks repeats it is the first, in the one it skips the hour after. */
export function toInstantAt(text: string, zone: string): Instant {
  return plainTime.test(text)
    ? Temporal.PlainDateTime.from(text).toZonedDateTime(zone).epochMilliseconds
    : toInstant(text);
}

/** By which a maker of locks knows a member; no mail address is longer. */
export const accountAddress = z
  .email("is no e-mail address, and a member's account at the lock's maker goes by one")
  .max(254);

/** An hour of the wall clock at the site, "15:00". */
export const hourText = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, "is no time of day; write 15:00");

export function iso(instant: Instant): string {
  return Temporal.Instant.fromEpochMilliseconds(instant).toString();
}

export function isoOrNull(instant: Instant | null): string | null {
  return instant === null ? null : iso(instant);
}

export const momentOrNull = z.string().nullable().openapi({ example: "2031-03-04T13:00:00Z" });

function refuseRepeats(values: readonly string[], ctx: z.RefinementCtx): void {
  for (const [index, value] of values.entries())
    if (values.indexOf(value) < index) ctx.addIssue({ code: "custom", path: [index], message: "is named twice" });
}

export const accessPointIds = z
  .array(idText)
  .min(1)
  .max(256)
  .superRefine(refuseRepeats)
  .openapi({ example: ["front-door"] });

export const siteParams = z.object({ site: idText.openapi({ example: "demo" }) });
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(200).default(50).openapi({ description: "Entries of a page." }),
  after: z.string().max(500).optional().openapi({ description: "`next` of the page before." }),
};
export const nextField = z
  .string()
  .nullable()
  .openapi({ description: "Ask with `after` for the next page; null at the end." });

/** An epoch in a page's place, as wide as the store's column. */
export const epochNumber = z.int32().min(0);

/** The place a page ended at, as a word the caller hands back. */
export function toPageMark(place: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

export function fromPageMark<T extends z.ZodType>(mark: string, place: T): z.infer<T> {
  try {
    return place.parse(JSON.parse(Buffer.from(mark, "base64url").toString("utf8")));
  } catch {
    throw new HttpProblem(400, "invalid-request", "query.after: not a page of this list", {
      errors: [{ field: "query.after", message: "not a page of this list" }],
    });
  }
}

export const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { "application/json": { schema } },
});

export const jsonBody = <T extends z.ZodType>(schema: T) => ({
  required: true,
  content: { "application/json": { schema } },
});

const problemWords = {
  400: "A field is missing, unknown or wrong; `errors` names it",
  401: "No token, or not a valid one",
  403: "Not permitted; of a gateway: it was revoked",
  404: "There is no such thing",
  409: "It is in the way of something that exists; `errors` names the field",
  413: "The body is too large",
  503: "Not now; send the same again",
  410: "It is closed",
  415: "The body is of another content type",
  422: "The body is not what is expected; `errors` names the fields",
  429: "Too many requests; see Retry-After",
} as const;

export function problems<S extends keyof typeof problemWords>(...statuses: readonly S[]) {
  const content = { "application/problem+json": { schema: problemSchema } };
  const answers = {} as Record<S, { description: string; content: typeof content }>;
  for (const status of statuses) answers[status] = { description: problemWords[status], content };
  return answers;
}

export function notFound(what: string): HttpProblem {
  return new HttpProblem(404, "not-found", `There is no ${what}.`);
}

export const gatewaySecurity = [{ gatewayToken: [] }];
