/** The feed as it crosses the wire, and how a row becomes a FeedRow. Unknown fields are kept, unknown kinds counted but never granting. */
import { createHash } from "node:crypto";
import { z } from "zod";
import type { FeedRow, PeerGateway } from "../domain/feed.ts";
import { type Grant, grantKinds } from "../domain/grant.ts";
import { type HoldOpen, holdOpenMaxMs } from "../domain/hold-open.ts";
import { type Integration, integrationId } from "../domain/integration.ts";
import type { Placement } from "../domain/rights.ts";
import type { BlacklistEntry, Site } from "../domain/site.ts";
import { type StaffMember, staffRoles } from "../domain/staff.ts";
import { sealedMax } from "./gateway-secret.ts";

const id = z.string().min(1).max(128);
const instant = z.number().int();
const count = z.number().int().min(0);
const timeOfDay = z.string().regex(/^([01]\d|2[0-4]):[0-5]\d$/, 'a time of day is "HH:MM"');

export const personSchema = z.looseObject({ id, name: z.string().max(200), document: z.string().max(64).optional() });

export const scheduleSchema = z.looseObject({
  windows: z
    .array(
      z.looseObject({
        days: z.array(z.number().int().min(1).max(7)).min(1).max(7),
        from: timeOfDay,
        until: timeOfDay,
      }),
    )
    .max(64),
  exceptions: z
    .array(
      z.looseObject({
        date: z.iso.date(),
        windows: z.array(z.looseObject({ from: timeOfDay, until: timeOfDay })).max(16),
      }),
    )
    .max(400)
    .optional(),
});

export const grantSchema = z.looseObject({
  id,
  site: id,
  kind: z.enum(grantKinds),
  holder: personSchema,
  host: personSchema.optional(),
  createdBy: z.string().max(128),
  accessPoints: z.array(id).max(256),
  validity: z.looseObject({ from: instant, until: instant }),
  schedule: scheduleSchema.optional(),
  entriesAllowed: z.number().int().min(0).nullable(),
  limitMode: z.enum(["strict", "lenient"]),
  homeGateway: z.string().max(128),
  credentials: z
    .array(
      z.looseObject({
        id,
        // Any: a kind of a newer version must not take the grant's other credentials with it; decide() refuses it by itself.
        kind: z.string().min(1).max(32),
        index: z.string().length(43),
        sealed: z.string().max(4096).optional(),
        revoked: z.boolean(),
      }),
    )
    .max(32),
  revoked: z.boolean(),
  mustUnderstand: z.array(z.string()).optional(),
  about: z.record(z.string(), z.unknown()),
});

export const siteSchema = z.looseObject({
  id,
  name: z.string().max(200),
  zone: z.string().max(64),
  lockdown: z.boolean(),
  // Any kind: one that only a newer version knows must not make the site unreadable; one that is missing counts as stale.
  offlineMaxAgeMs: z.record(z.string().max(32), z.number().int().min(0).nullable()),
  // Any key: one that this version cannot read proves nothing.
  passKeys: z
    .array(z.looseObject({ publicKey: z.string().max(200), until: instant.optional() }))
    .max(32)
    .optional(),
});

export const blacklistSchema = z.looseObject({
  id,
  subject: z.enum(["person", "document", "grant", "credential"]),
  value: z.string().min(1).max(200),
});

/** The row's id is the access point. */
export const holdOpenSchema = z
  .looseObject({ id, from: instant, until: instant })
  .refine(
    ({ from, until }) => from < until && until - from <= holdOpenMaxMs,
    "a hold lasts for some time, and a day at most",
  );

export const staffSchema = z.looseObject({
  id,
  name: z.string().max(200),
  userName: z.string().min(1).max(100),
  // A role of a newer version makes the row unreadable: nobody signs in by it.
  role: z.enum(staffRoles),
  password: z.string().min(1).max(512),
});

export const gatewayRowSchema = z.looseObject({
  id,
  name: z.string().max(200),
  epoch: z.number().int().positive(),
  publicKey: z.string().length(43),
  lan: z.string().max(300).optional(),
});

export const integrationSchema = z
  .looseObject({
    id,
    gateway: id,
    provider: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/),
    enabled: z.boolean(),
    sealed: z.string().max(sealedMax),
  })
  .refine((body) => body.id === integrationId(body.gateway, body.provider), "the id names gateway and provider");

/** One row on the wire. `body` is absent on a tombstone. */
export const wireRowSchema = z.looseObject({
  kind: z.string().min(1).max(32),
  id,
  ver: z.number().int().positive(),
  gone: z.literal(true).optional(),
  body: z.looseObject({}).optional(),
  revoked: z.array(id).max(10_000).optional(),
  // Grants with a limit, for the asking gateway alone and not part of the checksum: see domain/rights.ts, Placement.
  granted: count.optional(),
  order: z.looseObject({ no: z.number().int().positive(), n: count }).optional(),
  incoming: z.record(id, count).optional(),
  heldBy: z.array(id).max(1_000).optional(),
  spent: z.boolean().optional(),
});
export type WireRow = z.infer<typeof wireRowSchema>;

export const pollReplySchema = z.looseObject({
  proto: z.number().int(),
  feed: z.string().min(1).max(64),
  to: z.number().int().min(0),
  reset: z.boolean(),
  /** False: poll again at once, the set is not whole yet. */
  complete: z.boolean(),
  /** The first event of this gateway that the cloud does not have; lower than before when the cloud has lost history. */
  journalNext: z.number().int().positive().optional(),
  /** The cloud has lost history: it wants this gateway's account (POST …/audit) before it places entries again. */
  auditWanted: z.boolean().optional(),
  rows: z.array(wireRowSchema).max(10_000),
  checksum: z.looseObject({ rows: z.number().int().min(0), sum: z.string().length(32) }).optional(),
  commands: z
    .array(
      z.looseObject({
        id: z.number().int().positive(),
        accessPoint: id,
        /** "unlock", "identify", "host-answer", "enter", "present"; whatever else a newer cloud sends is left alone. */
        action: z.string().max(32),
        /** Of a host's answer: to which question. */
        question: z.string().max(64).optional(),
        approves: z.boolean().optional(),
        /** Of an entry: the pass as it was read, sealed (credential-seal.ts), who vouches for the visitor, the request's number. */
        pass: z.string().max(8_192).optional(),
        staff: id.optional(),
        nonce: z.string().max(64).optional(),
        /** Of a link that is presented from afar: its value, sealed. */
        link: z.string().max(1_024).optional(),
        ageMs: z.number().min(0),
        ttlMs: z.number().min(0),
        by: z.string().max(128),
      }),
    )
    .max(64),
  serverTime: instant,
  heldMs: z.number().min(0),
  retryAfterMs: z.number().min(0).optional(),
});
export type WirePollReply = z.infer<typeof pollReplySchema>;

/**
 * First 16 bytes, in hex, of SHA-256 over the JSON of [kind, id, ver, body]: the row's share of the set's checksum. `body` is
 * hashed with its members in the order sent, so the cloud keeps it as text.
 */
export function rowSum(row: {
  readonly kind: string;
  readonly id: string;
  readonly ver: number;
  readonly body?: unknown;
}): string {
  return createHash("sha256")
    .update(JSON.stringify([row.kind, row.id, row.ver, row.body ?? null]))
    .digest("hex")
    .slice(0, 32);
}

/** Never throws: what this version cannot read becomes an "unreadable" row. */
export function toFeedRow(row: WireRow): FeedRow {
  const facts = { id: row.id, ver: row.ver, sum: rowSum(row), ...(row.revoked && { revoked: row.revoked }) };
  if (row.gone) return { ...facts, kind: "gone", of: row.kind };
  switch (row.kind) {
    case "grant": {
      const grant = grantSchema.safeParse(row.body);
      if (grant.success) return { ...facts, kind: "grant", body: grant.data as unknown as Grant, ...placementOf(row) };
      break;
    }
    case "gateway": {
      const peer = gatewayRowSchema.safeParse(row.body);
      if (peer.success) return { ...facts, kind: "gateway", body: peer.data as unknown as PeerGateway };
      break;
    }
    case "blacklist": {
      const entry = blacklistSchema.safeParse(row.body);
      if (entry.success) return { ...facts, kind: "blacklist", body: entry.data satisfies BlacklistEntry };
      break;
    }
    case "hold-open": {
      const hold = holdOpenSchema.safeParse(row.body);
      if (hold.success) return { ...facts, kind: "hold-open", body: hold.data satisfies HoldOpen };
      break;
    }
    case "staff": {
      const staff = staffSchema.safeParse(row.body);
      if (staff.success) return { ...facts, kind: "staff", body: staff.data satisfies StaffMember };
      break;
    }
    case "integration": {
      const integration = integrationSchema.safeParse(row.body);
      if (integration.success) return { ...facts, kind: "integration", body: integration.data satisfies Integration };
      break;
    }
    case "site": {
      const site = siteSchema.safeParse(row.body);
      if (site.success) return { ...facts, kind: "site", body: site.data as unknown as Site };
      break;
    }
  }
  return { ...facts, kind: "unreadable", of: row.kind };
}

function placementOf({ granted = 0, order, incoming, heldBy, spent }: WireRow): Placement {
  return {
    granted,
    ...(order && { order }),
    ...(incoming && { incoming }),
    ...(heldBy && { heldBy }),
    ...(spent && { spent }),
  };
}
