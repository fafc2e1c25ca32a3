/** The LAN API's answers, for its checks and its documentation. */
import { z } from "@hono/zod-openapi";
import { problemSchema } from "../../web/problem.ts";
import type { EntryEvent } from "../domain/entry-event.ts";

/** An answer of a documented route. */
export const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { "application/json": { schema } },
});

export const jsonBody = <T extends z.ZodType>(schema: T) => ({
  required: true,
  content: { "application/json": { schema } },
});

export const problems = <S extends number>(...statuses: readonly S[]) =>
  Object.fromEntries(
    statuses.map((status) => [
      status,
      { description: "A problem", content: { "application/problem+json": { schema: problemSchema } } },
    ]),
  ) as Record<S, { description: string; content: { "application/problem+json": { schema: typeof problemSchema } } }>;

const link = z.enum(["online", "offline", "unknown"]);

export const statusSchema = z.object({
  gateway: z.object({ id: z.string(), name: z.string() }),
  site: z.object({ id: z.string(), name: z.string(), zone: z.string(), lockdown: z.boolean() }).nullable(),
  version: z.string(),
  uptimeMs: z.number(),
  clock: z.object({
    trust: z.enum(["synced", "holdover", "unset"]),
    earliest: z.number().describe("milliseconds since 1970, UTC"),
    latest: z.number().nullable().describe("null: nothing bounds it"),
  }),
  sync: z.object({
    state: z.enum(["never", "online", "offline", "revoked", "fenced", "forked"]),
    lastSyncAgoMs: z.number().nullable().describe("since the request of the last complete poll"),
    cursor: z.object({ feed: z.string(), version: z.number() }),
    queue: z.number().describe("events the cloud does not have yet"),
  }),
  journal: z.object({ state: z.enum(["open", "full", "failed", "closed"]), durableSeq: z.number() }),
  disk: z.object({
    freeBytes: z.number(),
    low: z.boolean().describe("less is free than the journal sets aside for itself"),
  }),
  records: z.object({ rows: z.number(), suspect: z.boolean() }),
  wrongPins: z.object({
    lastDay: z.number().describe("PINs that nobody has, entered here in the last 24 h"),
    keypads: z.number().describe("at so many keypads"),
    budget: z.number(),
    budgetSpent: z.boolean().describe("each wrong PIN now locks its own keypad out, for up to 8 h"),
  }),
  wrongPasses: z.object({
    lastDay: z.number().describe("passes that nobody has, shown here in the last 24 h to scanners nobody watches"),
    scanners: z.number().describe("at so many scanners"),
    budget: z.number(),
    budgetSpent: z.boolean().describe("each wrong pass now locks its own scanner out, for up to 10 min"),
  }),
  offline: z.array(
    z.object({
      kind: z.string(),
      worksForMs: z.number().nullable().describe("if the cloud is not heard again; null: until the grant's own end"),
      worksUntil: z.number().nullable().describe("the same as a moment, UTC; null also where it has stopped"),
    }),
  ),
  accessPoints: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      lock: z.string(),
      bolt: z.enum(["released", "secured", "jammed", "unknown"]),
      basis: z.enum(["reported", "assumed"]),
      door: z.enum(["open", "closed", "unknown"]),
      lockedOutMs: z.number().describe("no PIN is taken there for so long"),
      passesLockedOutMs: z.number().describe("no pass is taken there for so long, unless a guard asks"),
      heldOpenUntil: z
        .number()
        .nullable()
        .describe("an administrator holds it open until then, UTC; null: nobody does"),
    }),
  ),
  devices: z.array(
    z.object({
      id: z.string(),
      driver: z.string(),
      link,
      since: z.number(),
      firmware: z.string().optional(),
      battery: z.number().optional(),
      tamper: z.boolean().optional(),
      bootDoubted: z.boolean().optional().describe("its boot number went back, or another than its own was named"),
      attention: z.string().optional().describe("what a person has to do before it works"),
    }),
  ),
  peers: z
    .array(
      z.object({
        id: z.string(),
        name: z.string(),
        lan: z
          .enum(["reachable", "unreachable", "not-tried", "off"])
          .describe("when it was last looked for; off: it or this gateway is not on the LAN for others"),
        seenAgoMs: z.number().nullable().describe("since it last answered there; null: not since the start"),
      }),
    )
    .describe("the site's other gateways"),
});

export const eventsSchema = z.object({
  events: z
    .array(
      z.custom<EntryEvent>().openapi({
        type: "object",
        required: ["seq", "at", "type"],
        example: { seq: 17, at: 1_930_312_800_000, clock: "synced", boot: 2, mono: 81_234, type: "denied" },
      }),
    )
    .openapi({
      description:
        "Newest first, as they stand in the journal. `at` is the earliest it can have been; with `clock` unset and `at` 0 the time was unknown.",
    }),
});

export const eventsQuerySchema = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(50).describe("how many of the newest events"),
});
