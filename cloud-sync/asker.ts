/** Who asks for a change and from where, as the audit trail names it. */
import type { Context } from "hono";
import type { CloudEnv } from "./authenticate.ts";
import type { Origin } from "./domain/audit-body.ts";
import type { Actor } from "./domain/permissions.ts";
import { callerOf } from "./people/caller.ts";

export interface Asker {
  readonly actor: Actor;
  readonly from: Origin;
}

export function askerOf(c: Context<CloudEnv>): Asker {
  return { actor: c.get("actor"), from: callerOf(c) };
}
