/** Whoever asks for what it may not do is noted: a wrong link in a page, or somebody who tries doors. */
import type { Context } from "hono";
import { HttpProblem } from "../web/problem.ts";
import type { CloudEnv } from "./authenticate.ts";
import type { CloudParts } from "./cloud-parts.ts";
import { callerOf } from "./people/caller.ts";
import { recordSecurity } from "./store/security-events.ts";

/** Codes of problems, and the security events they are. */
const kinds: Readonly<Record<string, string>> = {
  "not-permitted": "permission-refused",
  "foreign-origin": "foreign-origin",
};

/** A store that fails changes nothing about the refusal. */
export async function noteRefusal({ store, clock, logger }: CloudParts, c: Context, error: Error): Promise<void> {
  const kind = error instanceof HttpProblem ? kinds[error.code] : undefined;
  if (kind === undefined) return;
  const actor: CloudEnv["Variables"]["actor"] | undefined = c.get("actor");
  const event = { kind, severity: "notice", subject: actor?.id, detail: error.message, ...callerOf(c) } as const;
  await recordSecurity(store.db, event, clock.wall()).catch((failure: Error) =>
    logger.error("security-event-lost", { kind, error: failure }),
  );
}
