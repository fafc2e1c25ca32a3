/** Errors as problem+json (RFC 9457), naming the field at fault, and the request id that ties an answer to the log. */
import { randomUUID } from "node:crypto";
import { z } from "@hono/zod-openapi";
import type { Context, Env, MiddlewareHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";

export const fieldErrorSchema = z.object({
  /** Where: "body.credentials[0].value", "query.limit", "path.site". */
  field: z.string().openapi({ example: "body.credentials[0].value" }),
  message: z.string().openapi({ example: "another live credential of the site has this PIN" }),
});
export type FieldError = z.infer<typeof fieldErrorSchema>;

export const problemSchema = z
  .object({
    type: z.string().openapi({ example: "urn:postern:problem:invalid-request" }),
    title: z.string().openapi({ example: "Bad Request" }),
    status: z.number().int().openapi({ example: 400 }),
    /** For programs: a word that does not change. */
    code: z.string().openapi({ example: "invalid-request" }),
    detail: z.string().openapi({ example: "The request is not valid: body.credentials[0].value." }),
    requestId: z.string(),
    errors: z.array(fieldErrorSchema).optional(),
  })
  .openapi("Problem");
export type Problem = z.infer<typeof problemSchema>;

/** An answer other than success. `detail` is shown to the caller, so it carries no secret. */
export class HttpProblem extends Error {
  readonly status: ContentfulStatusCode;
  readonly code: string;
  readonly errors: readonly FieldError[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: ContentfulStatusCode,
    code: string,
    detail: string,
    more: { readonly errors?: readonly FieldError[]; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(detail);
    this.name = "HttpProblem";
    this.status = status;
    this.code = code;
    this.errors = more.errors ?? [];
    this.headers = more.headers ?? {};
  }
}

/** One field of the request is at fault. `status` 409: it is well-formed, but in the way of something that exists. */
export function fieldProblem(field: string, message: string, status: 400 | 409 = 400): HttpProblem {
  const code = status === 409 ? "conflict" : "invalid-request";
  return new HttpProblem(status, code, `${field}: ${message}`, { errors: [{ field, message }] });
}

export interface RequestIdEnv extends Env {
  Variables: { requestId: string };
}

/**
 * Takes the caller's x-request-id when it is one, else makes one; every answer carries it. First of all steps, so it also turns away whose
 * Host header makes no address: whatever asks for the request's URL would fail.
 */
export function requestId(): MiddlewareHandler<RequestIdEnv> {
  return async (c, next) => {
    const asked = c.req.header("x-request-id") ?? "";
    const id = /^[\w.-]{1,64}$/.test(asked) ? asked : randomUUID();
    c.set("requestId", id);
    c.header("x-request-id", id);
    if (!URL.canParse(c.req.url))
      throw new HttpProblem(400, "malformed-host", "The Host header is no name and no address.");
    await next();
  };
}

/** The answer to an error. What is not an HttpProblem is a fault of ours: `report` it, the caller learns only its request id. */
export function problemResponse(c: Context, error: Error, report: (error: Error, requestId: string) => void): Response {
  const problem = toProblem(error);
  const id: string = c.get("requestId") ?? "";
  if (problem.status >= 500 && !(error instanceof HttpProblem)) report(error, id);
  const body: Problem = {
    type: `urn:postern:problem:${problem.code}`,
    title: titles[problem.status] ?? "Error",
    status: problem.status,
    code: problem.code,
    detail: problem.message,
    requestId: id,
    ...(problem.errors.length > 0 && { errors: [...problem.errors] }),
  };
  return c.body(JSON.stringify(body), problem.status, {
    "content-type": "application/problem+json",
    "x-request-id": id,
    ...problem.headers,
  });
}

const titles: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  410: "Gone",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  421: "Misdirected Request",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

function toProblem(error: Error): HttpProblem {
  if (error instanceof HttpProblem) return error;
  if (error instanceof HTTPException) {
    if (error.status === 415)
      return new HttpProblem(415, "unsupported-media-type", "Send the body as the content type this route names.");
    if (error.status === 400) return new HttpProblem(400, "malformed-json", "The body is not JSON.");
    if (error.status < 500) return new HttpProblem(error.status as ContentfulStatusCode, "refused", error.message);
  }
  return new HttpProblem(500, "internal", "The service failed on this request; its log has the request id.");
}

const places: Readonly<Record<string, string>> = { json: "body", query: "query", param: "path", header: "header" };

/** For OpenAPIHono's defaultHook: turns what zod objects to into a problem that names each field. */
export function refuseInvalid(result: {
  readonly target: string;
  readonly success: boolean;
  readonly error?: z.ZodError;
}): void {
  if (result.success || !result.error) return;
  throw invalidRequest(places[result.target] ?? result.target, result.error);
}

/** `place`: "body", "query", "path"; the fields are named below it. */
export function invalidRequest(place: string, error: z.ZodError): HttpProblem {
  const errors = error.issues.flatMap((issue) => fieldErrors(place, issue)).slice(0, 20);
  const fields = errors.map(({ field }) => field).join(", ");
  return new HttpProblem(400, "invalid-request", `The request is not valid: ${fields}.`, { errors });
}

function fieldErrors(place: string, issue: z.core.$ZodIssue): FieldError[] {
  const at = fieldName(place, issue.path);
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => ({ field: fieldName(at, [key]), message: "unknown field" }));
  return [{ field: at, message: issue.message }];
}

function fieldName(start: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (name, part) => (typeof part === "number" ? `${name}[${part}]` : `${name}.${String(part)}`),
    start,
  );
}
