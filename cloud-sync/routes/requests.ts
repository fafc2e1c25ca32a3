/** Steps many routes take: the site must exist, a POST with an Idempotency-Key takes effect once, a change is written down. */
import type { Context } from "hono";
import { fieldProblem, HttpProblem } from "../../web/problem.ts";
import { askerOf } from "../asker.ts";
import type { CloudEnv } from "../authenticate.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { type AuditEntry, recordAudit } from "../store/audit-trail.ts";
import { type GatewayRow, readGateway } from "../store/gateways.ts";
import { once } from "../store/idempotency.ts";
import { readSite, type SiteRow } from "../store/sites.ts";
import type { Transaction } from "../store/store.ts";
import { notFound } from "./shapes.ts";

export async function requireSite({ store }: CloudParts, id: string): Promise<SiteRow> {
  const row = await readSite(store.db, id);
  if (!row) throw notFound(`site ${id}`);
  return row;
}

export async function requireGateway({ store }: CloudParts, site: string, id: string): Promise<GatewayRow> {
  const row = await readGateway(store.db, id);
  if (!row || row.siteId !== site) throw notFound(`gateway ${id} at site ${site}`);
  return row;
}

/** Runs `work` in a transaction: once for all requests of the site that carry the same Idempotency-Key. */
export async function onceFor<T>(
  { store, siteKeys, clock }: CloudParts,
  c: Context<CloudEnv>,
  site: string,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const key = c.req.header("idempotency-key");
  if (key === undefined) return store.transaction(work);
  if (!/^[\x21-\x7e]{1,100}$/.test(key))
    throw fieldProblem("header.idempotency-key", "1 to 100 printable characters without spaces");
  // Whoever else comes with the key is not told the first one's answer.
  const content = `${c.get("actor").id} ${c.req.method} ${c.req.path}\n${await c.req.text()}`;
  const seal = await siteKeys.seal(store.db, site);
  const result = await once(store, seal, { site, key, content }, clock.wall(), work);
  if (result.outcome === "mismatch") {
    throw new HttpProblem(409, "idempotency-key-used", "This Idempotency-Key came before with another request.", {
      errors: [{ field: "header.idempotency-key", message: "came before with another request" }],
    });
  }
  if (result.repeated) c.header("idempotent-replayed", "true");
  return result.answer;
}

/** Writes down what the request changes, in the transaction of the change and last in it. */
export type Note = (tx: Transaction, change: Omit<AuditEntry, "actor" | "from">) => Promise<void>;

export function noteOf({ clock }: CloudParts, c: Context<CloudEnv>): Note {
  const { actor, from } = askerOf(c);
  return (tx, change) => recordAudit(tx, { ...change, actor: actor.id, from }, clock.wall());
}
