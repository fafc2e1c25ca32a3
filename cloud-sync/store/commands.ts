/** Commands (unlock, identify, a host's answer): issued by an administrator or a host, handed out on the gateway's poll while they live, ended by the gateway's events. */
import { and, desc, eq, inArray, isNotNull, isNull, sql } from "drizzle-orm";
import type { Instant } from "../../gateway/domain/instant.ts";
import { commandTtlMs } from "../../gateway/wire/gateway-api.ts";
import { command, gateway } from "./schema.ts";
import { type Database, type Queries, rowsOf, type Transaction } from "./store.ts";

export type CommandRow = typeof command.$inferSelect;
export type CommandAction = CommandRow["action"];

/** Clocks of replicas differ by so much; a command from further ahead was issued before the clock went back. */
const clockToleranceMs = 500;

/** A poll asked this long after the end of a command's life cannot have crossed the taking of it. */
const crossingMs = 5_000;

export async function issueCommand(
  tx: Transaction,
  target: {
    readonly site: string;
    readonly gateway: string;
    readonly accessPoint: string;
    readonly action: CommandAction;
    readonly by: string;
    readonly details?: CommandDetails;
    readonly nonce?: string;
    /** Other than usual. */
    readonly ttlMs?: number;
  },
  now: Instant,
): Promise<CommandRow> {
  const [issued] = await tx
    .update(gateway)
    .set({ issuedCommand: sql`greatest(${gateway.issuedCommand}, ${gateway.lastCommand}) + 1` })
    .where(and(eq(gateway.siteId, target.site), eq(gateway.id, target.gateway)))
    .returning({ id: gateway.issuedCommand });
  if (!issued) throw new Error(`no gateway ${target.gateway}`);
  const [row] = await tx
    .insert(command)
    .values({
      siteId: target.site,
      gatewayId: target.gateway,
      id: issued.id,
      accessPoint: target.accessPoint,
      action: target.action,
      issuedBy: target.by,
      createdAt: now,
      details: target.details ? JSON.stringify(target.details) : null,
      nonce: target.nonce ?? null,
      ttlMs: target.ttlMs ?? commandTtlMs,
    })
    .returning();
  tx.touch(target.site);
  return row!;
}

/** What the gateway is told besides, by its names on the wire. */
export interface CommandDetails {
  readonly question?: string;
  readonly approves?: boolean;
  readonly pass?: string;
  readonly staff?: string;
  readonly link?: string;
}

export interface HandedCommand extends CommandDetails {
  readonly nonce?: string;
  readonly id: number;
  readonly accessPoint: string;
  readonly action: CommandAction;
  readonly ageMs: number;
  readonly ttlMs: number;
  readonly by: string;
}

/**
 * Commands to send with this reply: alive, and not known to the gateway when it asked. Sent again until it knows them. One whose age
 * cannot be told, because the clock went back, has its life ended here: else it would run when the clock comes by again.
 */
export async function handOut(
  db: Database,
  target: { readonly site: string; readonly gateway: string },
  lastCommand: number,
  now: Instant,
): Promise<HandedCommand[]> {
  const rows = await rowsOf<{
    id: string | number;
    access_point: string;
    action: CommandAction;
    age: string | number;
    ttl_ms: number;
    issued_by: string;
    details: string | null;
    nonce: string | null;
  }>(
    db,
    sql`update command set
          handed_at = case when created_at > ${now}::bigint + ${clockToleranceMs} then handed_at else coalesce(handed_at, ${now}::bigint) end,
          ttl_ms = case when created_at > ${now}::bigint + ${clockToleranceMs} then 0 else ttl_ms end
        where site_id = ${target.site} and gateway_id = ${target.gateway} and id > ${lastCommand}::bigint
          and created_at + ttl_ms > ${now}::bigint and result is null
        returning id, access_point, action, greatest(0, ${now}::bigint - created_at) as age, ttl_ms, issued_by, details, nonce`,
  );
  return rows
    .filter((row) => row.ttl_ms > 0)
    .map((row) => ({
      id: Number(row.id),
      accessPoint: row.access_point,
      action: row.action,
      ageMs: Number(row.age),
      ttlMs: row.ttl_ms,
      by: row.issued_by,
      ...(row.details !== null && (JSON.parse(row.details) as CommandDetails)),
      ...(row.nonce !== null && { nonce: row.nonce }),
    }))
    .sort((a, b) => a.id - b.id)
    .slice(0, 64);
}

/**
 * The gateway begins a new epoch, which knows nothing of the commands that an earlier one was handed and may have run: they are handed
 * out no more, and what the earlier one has not told nobody will.
 */
export async function endHanded(
  tx: Transaction,
  target: { readonly site: string; readonly gateway: string },
): Promise<void> {
  await tx
    .update(command)
    .set({ result: "unknown" })
    .where(
      and(
        eq(command.siteId, target.site),
        eq(command.gatewayId, target.gateway),
        isNotNull(command.handedAt),
        isNull(command.result),
        isNull(command.missedAt),
      ),
    );
}

/** Commands whose life was over when the gateway asked without knowing them: they can no longer run. */
export async function noteMissed(
  db: Database,
  target: { readonly site: string; readonly gateway: string },
  lastCommand: number,
  askedAt: Instant,
): Promise<void> {
  await db.execute(
    sql`update command set missed_at = ${askedAt}::bigint
        where site_id = ${target.site} and gateway_id = ${target.gateway} and id > ${lastCommand}::bigint
          and missed_at is null and handed_at is not null and taken_at is null and result is null
          and created_at + ttl_ms + ${crossingMs} < ${askedAt}::bigint`,
  );
}

/** The newest that carries a request's number. The gateway is locked until the commit, so that of two at once one finds the other. */
export async function lockByNonce(
  tx: Transaction,
  target: { readonly site: string; readonly gateway: string },
  nonce: string,
): Promise<CommandRow | undefined> {
  const its = and(eq(gateway.siteId, target.site), eq(gateway.id, target.gateway));
  await tx.select({ id: gateway.id }).from(gateway).where(its).for("update");
  const [row] = await tx
    .select()
    .from(command)
    .where(and(eq(command.siteId, target.site), eq(command.gatewayId, target.gateway), eq(command.nonce, nonce)))
    .orderBy(desc(command.id))
    .limit(1);
  return row;
}

/** The newest that carries a request's number. */
export async function findByNonce(
  db: Queries,
  site: string,
  gateways: readonly string[],
  nonce: string,
): Promise<CommandRow | undefined> {
  const its = and(eq(command.siteId, site), inArray(command.gatewayId, [...gateways]), eq(command.nonce, nonce));
  const [row] = await db.select().from(command).where(its).orderBy(desc(command.createdAt)).limit(1);
  return row;
}

export async function readCommand(
  db: Queries,
  site: string,
  gatewayId: string,
  id: number,
): Promise<CommandRow | undefined> {
  const [row] = await db
    .select()
    .from(command)
    .where(and(eq(command.siteId, site), eq(command.gatewayId, gatewayId), eq(command.id, id)));
  return row;
}

export async function recentCommands(db: Queries, site: string, gatewayId: string): Promise<CommandRow[]> {
  return db
    .select()
    .from(command)
    .where(and(eq(command.siteId, site), eq(command.gatewayId, gatewayId)))
    .orderBy(desc(command.id))
    .limit(50);
}
