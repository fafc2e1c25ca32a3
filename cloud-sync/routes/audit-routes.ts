/** Who changed what, as a list and as a table for spreadsheets; and security events, to be looked at and resolved. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { refuseInvalid } from "../../web/problem.ts";
import { askerOf } from "../asker.ts";
import { toEntries } from "../audit-entries.ts";
import type { CloudEnv } from "../authenticate.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { csvLine } from "../domain/csv.ts";
import { type Actor, sitesOf } from "../domain/permissions.ts";
import { type AuditFilter, listAudit, recordAudit } from "../store/audit-trail.ts";
import { listSecurity, resolveSecurity, type SecurityRow, severities } from "../store/security-events.ts";
import { asks } from "./asks.ts";
import {
  fromPageMark,
  idText,
  iso,
  isoOrNull,
  json,
  moment,
  momentOrNull,
  nextField,
  notFound,
  pageQuery,
  problems,
  toInstant,
  toPageMark,
  words,
} from "./shapes.ts";

const filterQuery = {
  site: idText.optional().openapi({ description: '"*": what belongs to no site.' }),
  who: idText.optional().openapi({ description: "The id of a person or a key." }),
  action: words(60)
    .optional()
    .openapi({ description: "The whole word, or what stands before its dot.", example: "codes" }),
  thing: idText.optional().openapi({ description: "The id of what was changed." }),
  from: moment.optional(),
  until: moment.optional(),
};

const facts = z.record(z.string(), z.any()).nullable();
const entrySchema = z
  .object({
    site: z.string().nullable().openapi({ description: "null: it belongs to none." }),
    seq: z.number().int().openapi({ description: "From 1 for each site, without a hole." }),
    at: z.string(),
    actor: z.string(),
    action: z.string().openapi({ example: "codes.reveal" }),
    thing: z.string(),
    before: facts,
    after: facts.openapi({ description: 'What differs. Secrets and names stand as "changed".' }),
    from: z
      .object({ address: z.string(), device: z.string() })
      .openapi({ description: '"erased" once the person was erased, or the entry is older than addresses are kept.' }),
    chain: z.string().openapi({
      description: "SHA-256 over the chain before and this entry: note one elsewhere to prove all before it.",
    }),
  })
  .openapi("AuditEntry");

const list = createRoute({
  method: "get",
  path: "/api/audit",
  tags: ["Audit"],
  summary: "Who changed what, newest first",
  ...asks("audit.read"),
  request: { query: z.strictObject({ ...pageQuery, ...filterQuery }) },
  responses: {
    200: json(z.object({ items: z.array(entrySchema), next: nextField }), "A page"),
    ...problems(400, 401, 403, 429),
  },
});

const table = createRoute({
  method: "get",
  path: "/api/audit.csv",
  tags: ["Audit"],
  summary: "The same, all of it, for a spreadsheet",
  ...asks("audit.read"),
  request: { query: z.strictObject(filterQuery) },
  responses: {
    200: { description: "A table", content: { "text/csv": { schema: z.string() } } },
    ...problems(400, 401, 403, 429),
  },
});

const securitySchema = z
  .object({
    site: z.string(),
    id: z.string(),
    kind: z.string().openapi({ example: "sign-in-burst" }),
    severity: z.enum(severities),
    subject: z.string().nullable().openapi({ description: "Whom it is about: an id." }),
    address: z.string().nullable(),
    device: z.string().nullable(),
    detail: z.string().nullable(),
    count: z.number().int().openapi({ description: "How often, within an hour of the first time." }),
    firstAt: z.string(),
    lastAt: z.string(),
    resolvedAt: momentOrNull,
    resolvedBy: z.string().nullable(),
  })
  .openapi("SecurityEvent");

const security = createRoute({
  method: "get",
  path: "/api/security-events",
  tags: ["Audit"],
  summary: "What looked like an attack, newest first",
  ...asks("security.read"),
  request: {
    query: z.strictObject({
      ...pageQuery,
      kind: words(60).optional(),
      severity: z.enum(severities).optional(),
      resolved: z.enum(["yes", "no"]).optional(),
    }),
  },
  responses: {
    200: json(z.object({ items: z.array(securitySchema), next: nextField }), "A page"),
    ...problems(400, 401, 403, 429),
  },
});

const resolve = createRoute({
  method: "post",
  path: "/api/security-events/{id}/resolve",
  tags: ["Audit"],
  summary: "Say that a security event was looked at",
  description: "It opens again when the same happens within the hour.",
  ...asks("security.resolve"),
  request: { params: z.object({ id: idText }) },
  responses: { 200: json(securitySchema, "The event"), ...problems(401, 403, 404, 429) },
});

/** Of the table, read at a time. */
const tableRowsAtOnce = 1_000;
const columns = ["site", "seq", "at", "actor", "action", "thing", "before", "after", "address", "device"] as const;

export function auditRoutes(parts: CloudParts): OpenAPIHono<CloudEnv> {
  const { store, clock } = parts;
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });

  app.openapi(list, async (c) => {
    const { limit, after, ...query } = c.req.valid("query");
    const place =
      after === undefined ? undefined : fromPageMark(after, z.tuple([z.number().int(), idText, z.number().int()]));
    const found = await listAudit(store.db, {
      ...toFilter(c.get("actor"), query),
      limit: limit + 1,
      after: place && { at: place[0], site: place[1], seq: place[2] },
    });
    const page = found.slice(0, limit);
    const last = found.length > limit ? page.at(-1) : undefined;
    const items = await toEntries(store.db, page);
    return c.json({ items, next: last ? toPageMark([last.at, last.siteId, last.seq]) : null }, 200);
  });

  app.openapi(table, async (c) => {
    const filter = toFilter(c.get("actor"), c.req.valid("query"));
    async function* lines() {
      yield csvLine(columns);
      let after: AuditFilter["after"];
      for (;;) {
        const rows = await listAudit(store.db, { ...filter, after, limit: tableRowsAtOnce });
        yield (await toEntries(store.db, rows)).map((entry) => csvLine(cellsOf(entry))).join("");
        const last = rows.at(-1);
        if (!last || rows.length < tableRowsAtOnce) return;
        after = { at: last.at, site: last.siteId, seq: last.seq };
      }
    }
    const body = ReadableStream.from(lines()).pipeThrough(new TextEncoderStream());
    return c.body(body, 200, {
      "content-type": "text/csv; charset=utf-8",
      "content-disposition": 'attachment; filename="postern-audit.csv"',
    });
  });

  app.openapi(security, async (c) => {
    const { limit, after, resolved, ...filter } = c.req.valid("query");
    const place = after === undefined ? undefined : fromPageMark(after, z.tuple([z.number().int(), idText, idText]));
    const found = await listSecurity(store.db, {
      ...filter,
      resolved: resolved === undefined ? undefined : resolved === "yes",
      limit: limit + 1,
      after: place && { at: place[0], site: place[1], id: place[2] },
    });
    const page = found.slice(0, limit);
    const last = found.length > limit ? page.at(-1) : undefined;
    const next = last ? toPageMark([last.lastAt, last.siteId, last.id]) : null;
    return c.json({ items: page.map(toSecurity), next }, 200);
  });

  app.openapi(resolve, async (c) => {
    const { id } = c.req.valid("param");
    const { actor, from } = askerOf(c);
    const row = await store.transaction(async (tx) => {
      const now = clock.wall();
      const done = await resolveSecurity(tx, id, actor.id, now);
      if (!done) return undefined;
      const entry = { site: done.after.siteId, actor: actor.id, from, action: "security.resolve", thing: id };
      const [before, after] = [{ resolvedBy: done.before.resolvedBy }, { resolvedBy: done.after.resolvedBy }];
      if (done.before.resolvedAt === null) await recordAudit(tx, { ...entry, before, after }, now);
      return done.after;
    });
    if (!row) throw notFound(`security event ${id}`);
    return c.json(toSecurity(row), 200);
  });

  return app;
}

type Query = { readonly [name in keyof typeof filterQuery]?: string | undefined };

/** Cut down to the sites the actor may read of; what belongs to none only whoever may read all. */
function toFilter(actor: Actor, { site, who, from, until, ...query }: Query): Omit<AuditFilter, "limit"> {
  const mine = sitesOf(actor, "audit.read");
  const sites = site === undefined ? mine : (mine?.includes(site) ?? true) ? [site] : [];
  return {
    ...query,
    actor: who,
    sites,
    from: from === undefined ? undefined : toInstant(from),
    until: until === undefined ? undefined : toInstant(until),
  };
}

type Entry = Awaited<ReturnType<typeof toEntries>>[number];

function cellsOf(entry: Entry): string[] {
  const cells = { ...entry, ...entry.from };
  return columns.map((name) => {
    const value = cells[name];
    return value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
  });
}

function toSecurity({ siteId: site, firstAt, lastAt, resolvedAt, ...row }: SecurityRow) {
  return { site, ...row, firstAt: iso(firstAt), lastAt: iso(lastAt), resolvedAt: isoOrNull(resolvedAt) };
}
