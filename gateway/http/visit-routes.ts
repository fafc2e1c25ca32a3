/** What a guard's phone tells the gateway besides scans: photos, visitors sent away, walk-ins, exits; and the list of visits. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { limitBody } from "../../web/limits.ts";
import { fieldProblem, HttpProblem, type RequestIdEnv } from "../../web/problem.ts";
import { denyReasons } from "../domain/decide.ts";
import { gateResults } from "../domain/gate-text.ts";
import { isInside, type Visit } from "../domain/visits.ts";
import { GatewayError } from "../errors.ts";
import { logExit, logExitOf, turnAway } from "../flows/guard-scan.ts";
import { admitWalkIn, keepSheet, readSheet } from "../flows/walk-in.ts";
import { attachmentBytesMax } from "../ports/attachments.ts";
import { nonceField, scanFields, visitorSchema } from "../wire/guard-api.ts";
import { demandGuard, denialMessage, type GuardSources, gateOf, shapeOf, wordOf } from "./guard-routes.ts";
import { guardWords } from "./guard-words.ts";
import { languageOf } from "./language.ts";
import { json, jsonBody, problems } from "./schemas.ts";
import type { StaffSession } from "./staff-sessions.ts";

const bodyBytesMax = 16 * 1024;
const pageMax = 100;
const photoId = /^[\da-f]{64}$/;

export const line = (max: number) => z.string().trim().min(1).max(max);

const photos = createRoute({
  method: "post",
  path: "/photos",
  tags: ["Guards"],
  summary: "Keep a photo of a visitor",
  description: `A JPEG of at most ${attachmentBytesMax.photo / 2 ** 20} MB. It is on the disk when this is answered, and goes to the cloud once an entry that names it is there.`,
  request: {
    body: { required: true, content: { "image/jpeg": { schema: z.string().openapi({ format: "binary" }) } } },
  },
  responses: {
    200: json(z.object({ sha256: z.string() }), "Its name, for the entry's `photo`"),
    ...problems(400, 401, 413, 415, 429, 507),
  },
});

const denyEntry = createRoute({
  method: "post",
  path: "/deny-entry",
  tags: ["Guards"],
  summary: "The guard sends a visitor away",
  request: {
    body: jsonBody(
      z.object({
        ...scanFields,
        record_uid: scanFields.record_uid.optional(),
        ...nonceField,
        /** Of a visitor without a pass, and whom they wanted to see. */
        name: line(200).optional(),
        host_name: line(200).optional(),
        note: line(600).optional(),
      }),
    ),
  },
  responses: {
    200: json(z.object({ entry: z.number().int() }), "Written down"),
    ...problems(400, 401, 403, 409, 413, 429, 503),
  },
});

const logExitRoute = createRoute({
  method: "post",
  path: "/log-exit",
  tags: ["Guards"],
  summary: "A visitor has left",
  description: "By the pass, or by the number of the entry. The way out is never asked.",
  request: {
    body: jsonBody(
      z.object({
        ...scanFields,
        record_uid: scanFields.record_uid.optional(),
        entry: z.number().int().min(1).optional(),
        ...nonceField,
      }),
    ),
  },
  responses: {
    200: json(
      z.object({
        known: z.boolean().openapi({ description: "false: the pass is nobody's here, and nothing was written down." }),
        entry: z.number().int().nullable().openapi({ description: "The visit that ended; null: none was open here." }),
        message: z.string(),
        visitor: visitorSchema.nullable(),
      }),
      "Written down",
    ),
    ...problems(400, 401, 403, 404, 409, 413, 429, 503),
  },
});

const walkIn = createRoute({
  method: "post",
  path: "/walk-in",
  tags: ["Guards"],
  summary: "Let in a visitor who has no pass, on the guard's own word or on the host's",
  description:
    "With the nonce of a question that the host has approved (POST /walk-in/ask) it is on the host's word. 409 no-host: this site wants that, and there is none.",
  request: {
    body: jsonBody(
      z.object({
        access_point: scanFields.access_point,
        guard_id: scanFields.guard_id,
        geolocation: scanFields.geolocation,
        ...nonceField,
        name: line(200),
        type: line(60).optional(),
        document: line(100).optional(),
        host_name: line(200).optional(),
        note: line(500).optional(),
      }),
    ),
  },
  responses: {
    200: json(
      z.object({
        access_granted: z.boolean(),
        reason: z.enum(denyReasons).nullable(),
        message: z.string(),
        entry: z.number().int().nullable(),
        gate: z.enum(["open", "told", "unknown", "not-moved"]).nullable(),
      }),
      "What became of it",
    ),
    ...problems(400, 401, 403, 409, 413, 429, 503),
  },
});

const states = ["inside", "left", "turned-away", "denied", "not-moved", "under-way"] as const;

const visits = createRoute({
  method: "get",
  path: "/visits",
  tags: ["Guards"],
  summary: "Visits at this gateway's gates, newest first",
  request: {
    query: z.object({
      state: z.enum(["all", ...states]).default("all"),
      since: z.iso.datetime({ offset: true }).optional(),
      guard: z.string().max(200).optional(),
      gate: z.string().max(200).optional(),
      before: z.coerce.number().int().min(1).optional().openapi({ description: "`next` of the page before." }),
      limit: z.coerce.number().int().min(1).max(pageMax).default(50),
    }),
  },
  responses: {
    200: json(
      z.object({
        items: z.array(
          z.object({
            entry: z.number().int(),
            at: z.string(),
            name: z.string().nullable(),
            host_name: z.string().nullable(),
            type: z.string().nullable(),
            note: z.string().nullable(),
            gate: z.string(),
            guard: z.string().nullable(),
            state: z.enum(states),
            reason: z.enum(denyReasons).nullable(),
            left_at: z.string().nullable(),
            photo: z.string().nullable(),
          }),
        ),
        next: z.number().int().nullable(),
      }),
      "The visits",
    ),
    ...problems(400, 401, 429),
  },
});

export function addVisitRoutes(
  app: OpenAPIHono<RequestIdEnv>,
  sources: GuardSources,
  sessionOf: (c: Context) => StaffSession | undefined,
): void {
  const { site, attachments, guards } = sources;
  for (const path of ["/deny-entry", "/log-exit", "/walk-in"]) app.use(path, limitBody(bodyBytesMax));
  app.use("/photos", limitBody(attachmentBytesMax.photo));

  app.openapi(photos, async (c) => {
    demandGuard(sessionOf(c), undefined);
    const bytes = new Uint8Array(await c.req.arrayBuffer());
    if (!isJpeg(bytes)) throw new HttpProblem(415, "not-a-photo", "body: it must be a JPEG (image/jpeg).");
    return c.json({ sha256: await roomFor(attachments.put({ kind: "photo", bytes })) }, 200);
  });

  app.get("/photos/:id", async (c) => {
    demandGuard(sessionOf(c), undefined);
    const id = c.req.param("id");
    const kept = photoId.test(id) ? await attachments.read(id) : undefined;
    if (kept?.kind !== "photo") throw new HttpProblem(404, "not-found", "There is no such photo here.");
    return c.body(Buffer.from(kept.bytes), 200, {
      "content-type": "image/jpeg",
      "cache-control": "private, max-age=3600, immutable",
      "content-disposition": 'inline; filename="visitor.jpg"',
    });
  });

  app.openapi(denyEntry, async (c) => {
    const { record_uid: uid, note, name, host_name: hostName, ...body } = c.req.valid("json");
    const staff = demandGuard(sessionOf(c), body.guard_id);
    const accessPoint = gateOf(site, body.access_point).id;
    const written = {
      ...(name !== undefined && { name }),
      ...(hostName !== undefined && { hostName }),
      ...(note !== undefined && { note }),
    };
    const sheet = Object.keys(written).length === 0 ? undefined : await keepSheet(attachments, written);
    const word = wordOf(sources, body);
    const entry = await writtenDown(turnAway(site, { staff, accessPoint, uid }, word, { sheet }));
    if (entry === "number-used") throw numberUsed();
    return c.json({ entry }, 200);
  });

  app.openapi(logExitRoute, async (c) => {
    const { record_uid: uid, entry, ...body } = c.req.valid("json");
    const staff = demandGuard(sessionOf(c), body.guard_id);
    const accessPoint = gateOf(site, body.access_point).id;
    const word = wordOf(sources, body);
    const words = guardWords[languageOf(c)];
    if (uid !== undefined) {
      const { visit, visitor, isNumberUsed } = await writtenDown(logExit(site, { staff, accessPoint, uid }, word));
      if (isNumberUsed) throw numberUsed();
      const message = visitor
        ? visit
          ? words.left
          : words.leftUnseen
        : denialMessage(languageOf(c), "QR_NOT_FOUND", undefined);
      const told = { known: visitor !== undefined, entry: visit?.of ?? null, message };
      return c.json({ ...told, visitor: visitor ? shapeOf(visitor) : null }, 200);
    }
    if (entry === undefined) throw fieldProblem("body.record_uid", "send the pass, or the number of the entry");
    const visit = await writtenDown(logExitOf(site, { staff, accessPoint }, entry, word));
    if (!visit) throw new HttpProblem(404, "not-inside", "body.entry: nobody of this entry is inside.");
    return c.json({ known: true, entry: visit.of, message: words.left, visitor: null }, 200);
  });

  app.openapi(walkIn, async (c) => {
    const { name, type, document, host_name: hostName, note, ...body } = c.req.valid("json");
    const staff = demandGuard(sessionOf(c), body.guard_id);
    const accessPoint = gateOf(site, body.access_point).id;
    const word = wordOf(sources, body, { isEntry: true });
    const visitor = {
      name,
      ...(type !== undefined && { type }),
      ...(document !== undefined && { document }),
      ...(hostName !== undefined && { hostName }),
      ...(note !== undefined && { note }),
    };
    const result = await writtenDown(admitWalkIn(site, attachments, { staff, accessPoint }, visitor, word, guards));
    const entry = site.records.visits.withNonce(word.nonce)?.of ?? null;
    const language = languageOf(c);
    const words = guardWords[language];
    switch (result) {
      case "confirmed":
      case "accepted":
      case "unknown": {
        const gate = gateResults[result];
        return c.json({ access_granted: true, reason: null, message: words.gate[gate], entry, gate }, 200);
      }
      case "blacklisted":
      case "lockdown":
      case "storage-full": {
        const reason = { blacklisted: "BLACKLISTED", lockdown: "LOCKDOWN", "storage-full": "STORAGE_FULL" } as const;
        const message = denialMessage(language, reason[result], undefined);
        return c.json({ access_granted: false, reason: reason[result], message, entry: null, gate: null }, 200);
      }
      case "refused":
        return c.json(
          { access_granted: false, reason: null, message: words.gate["not-moved"], entry, gate: "not-moved" as const },
          200,
        );
      case "number-used":
        throw numberUsed();
      case "host-said-no":
        throw new HttpProblem(409, "host-said-no", words.ask.states.denied);
      case "no-host":
        throw new HttpProblem(409, "no-host", words.ask.hostsOnly);
      case "not-staff":
        throw new HttpProblem(401, "unauthorized", "Sign in at the gateway first.");
      default:
        throw sendAgain(result);
    }
  });

  app.openapi(visits, async (c) => {
    demandGuard(sessionOf(c), undefined);
    const { state, since, guard, gate, before, limit } = c.req.valid("query");
    const sinceMs = since === undefined ? 0 : Date.parse(since);
    const found: Visit[] = [];
    for (const visit of site.records.visits.newest()) {
      if (before !== undefined && visit.of >= before) continue;
      if (state !== "all" && stateOf(visit) !== state) continue;
      if (visit.at < sinceMs || (guard !== undefined && visit.staff !== guard)) continue;
      if (gate !== undefined && visit.accessPoint !== gate) continue;
      found.push(visit);
      if (found.length > limit) break;
    }
    const shown = found.slice(0, limit);
    const items = await Promise.all(shown.map((visit) => visitShape(sources, visit)));
    return c.json({ items, next: found.length > limit ? (shown.at(-1)?.of ?? null) : null }, 200);
  });
}

function stateOf(visit: Visit): (typeof states)[number] {
  const { result, leftAt } = visit;
  if (isInside(visit)) return "inside";
  if (leftAt !== undefined) return "left";
  if (result === "under-way" || result === "turned-away") return result;
  return typeof result === "object" && "denied" in result ? "denied" : "not-moved";
}

export async function visitShape({ site, attachments }: GuardSources, visit: Visit) {
  const { of, at, grant: id, accessPoint, staff, result, leftAt, photo, sheet } = visit;
  const grant = id === undefined ? undefined : site.records.grant(id);
  const written = await readSheet(attachments, sheet);
  const text = (value: unknown) => (typeof value === "string" ? value : null);
  return {
    entry: of,
    at: new Date(at).toISOString(),
    name: grant?.holder.name ?? written.name ?? null,
    host_name: grant?.host?.name ?? written.hostName ?? null,
    type: text(grant?.about.visitorType) ?? written.type ?? null,
    note: written.note ?? null,
    gate: site.accessPoints.get(accessPoint)?.name ?? accessPoint,
    guard: staff === undefined ? null : (site.records.staff(staff)?.name ?? staff),
    state: stateOf(visit),
    reason: typeof result === "object" && "denied" in result ? result.denied : null,
    left_at: leftAt === undefined ? null : new Date(leftAt).toISOString(),
    photo: photo ?? null,
  };
}

function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

/** The gateway has no room for the attachment. */
async function roomFor<T>(kept: Promise<T>): Promise<T> {
  try {
    return await kept;
  } catch (error) {
    if (error instanceof GatewayError && error.code === "storage-full")
      throw new HttpProblem(
        507,
        "storage-full",
        "The gateway has no room for it until the cloud has taken what waits.",
      );
    throw error;
  }
}

async function writtenDown<T>(written: Promise<T>): Promise<T> {
  try {
    return await written;
  } catch (error) {
    if (error instanceof GatewayError && error.code === "storage-full") throw sendAgain("storage-full");
    throw error;
  }
}

export function numberUsed(): HttpProblem {
  return fieldProblem("body.nonce", "another visitor was written down under it; make a new one", 409);
}

function sendAgain(code: string): HttpProblem {
  return new HttpProblem(503, code, "Nothing was written down and nothing moved. Send the same again.", {
    headers: { "retry-after": "1" },
  });
}
