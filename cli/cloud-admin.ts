/** What the commands share that ask a running cloud-sync as its administrator. */
import { isLoopback } from "../config/schema.ts";
import { trustAlso } from "../gateway/sync/private-authority.ts";
import { CommandError, UsageError } from "./command.ts";

export const adminOptions = {
  url: { type: "string", placeholder: "URL", help: "Where cloud-sync answers; http://127.0.0.1:8090 when left out" },
  "ca-file": { type: "string", placeholder: "FILE", help: "PEM of the authority behind its certificate, if private" },
} as const;

export const adminNote = "The administrator's token comes from the environment: POSTERN_ADMIN_TOKEN.";

export interface AdminTarget {
  readonly url?: string | undefined;
  readonly "ca-file"?: string | undefined;
}

/** Rejects with a CommandError unless the answer is 2xx. */
export async function askAsAdmin(
  target: AdminTarget,
  method: "GET" | "POST",
  path: string,
  deadlineMs: number,
): Promise<Response> {
  const base = target.url ?? "http://127.0.0.1:8090";
  const token = process.env.POSTERN_ADMIN_TOKEN;
  if (!token) throw new UsageError("set POSTERN_ADMIN_TOKEN to the administrator's token");
  if (!URL.canParse(base)) throw new UsageError("--url is no URL; expected https://HOST");
  const { protocol, hostname, username, password } = new URL(base);
  if (protocol !== "https:" && !(protocol === "http:" && isLoopback(hostname)))
    throw new UsageError(
      "--url must begin with https://; http:// is for this machine only, because the token goes with it",
    );
  if (username || password) throw new UsageError("--url must not carry a user or a password");
  await trustAlso(target["ca-file"], "--ca-file");
  const response = await fetch(new URL(path, base), {
    method,
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(deadlineMs),
    redirect: "error",
  }).catch((cause: Error) => {
    throw new CommandError(whyNoAnswer(base, cause, deadlineMs), { cause });
  });
  if (response.ok) return response;
  const detail = await detailOf(response);
  // Every cloud-sync has the path; of what it lacks below it, it says more.
  if (response.status === 404 && (detail === undefined || detail.startsWith("There is no such path")))
    throw new CommandError(`what answers at ${base} is no cloud-sync: it has no ${path}; is --url right?`);
  throw new CommandError(`cloud-sync answered ${response.status} to ${method} ${path}: ${detail ?? "no reason given"}`);
}

function whyNoAnswer(base: string, error: Error, deadlineMs: number): string {
  if (error.name === "TimeoutError") return `cloud-sync at ${base} did not answer within ${deadlineMs / 1000} s`;
  const code = error.cause instanceof Error && "code" in error.cause ? ` (${error.cause.code})` : "";
  return `cloud-sync at ${base} could not be reached${code}; is --url right, and does it run there?`;
}

async function detailOf(response: Response): Promise<string | undefined> {
  const problem: unknown = await response.json().catch(() => undefined);
  const detail = problem instanceof Object && "detail" in problem ? problem.detail : undefined;
  return typeof detail === "string" ? detail : undefined;
}
