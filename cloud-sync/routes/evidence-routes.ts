/** What is known of a grant's codes: how far each has come in each lock, and whether it will open the door at a given moment. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { credentialKinds } from "../../gateway/domain/credential.ts";
import { refuseInvalid } from "../../web/problem.ts";
import type { CloudEnv } from "../authenticate.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { answers, type Why } from "../domain/will-open.ts";
import { type DoorEvidence, gatherEvidence } from "../evidence.ts";
import { readGrant, toGrant } from "../store/grants.ts";
import { asks } from "./asks.ts";
import { requireSite } from "./requests.ts";
import {
  idText,
  iso,
  isoOrNull,
  json,
  moment,
  momentOrNull,
  notFound,
  problems,
  siteParams,
  toInstant,
} from "./shapes.ts";

const grantParams = siteParams.extend({ grant: idText.openapi({ example: "grant-7k3m9xw2pa3dq8fz" }) });

const codeSchema = z.object({
  lock: z.string(),
  state: z.enum(["unsent", "sent", "accepted", "refused", "unanswered", "confirmed", "cleared"]).openapi({
    description:
      "Only `confirmed` and `cleared` were read back from the lock; what it or its maker answered proves nothing.",
  }),
  sentAt: momentOrNull,
  acceptedAt: momentOrNull,
  confirmedAt: momentOrNull,
  clearedAt: momentOrNull,
  usedAt: momentOrNull,
  missing: z
    .object({ why: z.string().openapi({ example: "no-room" }), since: z.string() })
    .nullable()
    .openapi({ description: "Why it cannot be put there, since the gateway said so." }),
});

const evidenceSchema = z
  .object({
    grant: z.string(),
    at: z.string().openapi({ description: "The moment that `opens` is about." }),
    wantedAt: z.string().openapi({ description: "When the grant was made." }),
    codes: z.array(
      z.object({
        credential: z.string(),
        kind: z.enum(credentialKinds),
        accessPoint: z.string(),
        gateway: z.string().nullable(),
        opens: z.object({
          answer: z.enum(["yes", "no", "unknown"]),
          why: z.enum(Object.keys(answers) as [Why, ...Why[]]),
          words: z.string(),
        }),
        code: codeSchema.nullable().openapi({ description: "Of the code inside the lock; null: the lock keeps none." }),
      }),
    ),
  })
  .openapi("Evidence");

const evidence = createRoute({
  method: "get",
  path: "/api/sites/{site}/grants/{grant}/evidence",
  tags: ["Grants"],
  summary: "Will this code open that door at T?",
  description:
    "For each code and door of the grant: yes, no or unknown, with why, and how far a code that a lock keeps itself has come. Yes only where it is proven.",
  ...asks("grants.read"),
  request: {
    params: grantParams,
    query: z.strictObject({
      at: moment.optional().openapi({ description: "Now when left out." }),
      accessPoint: idText.optional().openapi({ description: "This one alone; it need not be of the grant." }),
    }),
  },
  responses: { 200: json(evidenceSchema, "What is known"), ...problems(400, 401, 403, 404, 429) },
});

export function evidenceRoutes(parts: CloudParts): OpenAPIHono<CloudEnv> {
  const { store, clock } = parts;
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });

  app.openapi(evidence, async (c) => {
    const { site: siteId, grant: id } = c.req.valid("param");
    const { at: asked, accessPoint } = c.req.valid("query");
    const site = await requireSite(parts, siteId);
    const published = await readGrant(store.db, siteId, id);
    if (!published) throw notFound(`grant ${id} at site ${siteId}`);
    const now = clock.wall();
    const at = asked === undefined ? now : toInstant(asked);
    const { accessPoints, credentials } = toGrant(published.row);
    const points = accessPoint === undefined ? accessPoints : [accessPoint];
    const evidenceOf = await gatherEvidence(store.db, site, [published], now, points);
    const codes = points.flatMap((point) =>
      credentials.map((credential) => toCode(evidenceOf(published, { accessPoint: point, credential, at }))),
    );
    return c.json({ grant: id, at: iso(at), wantedAt: iso(published.row.createdAt), codes }, 200);
  });

  return app;
}

function toCode({ credential, accessPoint, door, opens, code }: DoorEvidence) {
  return {
    credential: credential.id,
    kind: credential.kind,
    accessPoint,
    gateway: door?.gateway ?? null,
    opens: { ...opens, words: answers[opens.why] },
    code: code
      ? {
          lock: door?.lock ?? "",
          state: code.state,
          sentAt: isoOrNull(code.sentAt),
          acceptedAt: isoOrNull(code.acceptedAt),
          confirmedAt: isoOrNull(code.confirmedAt),
          clearedAt: isoOrNull(code.clearedAt),
          usedAt: isoOrNull(code.usedAt),
          missing: code.missing && { why: code.missing.why, since: iso(code.missing.at) },
        }
      : null,
  };
}
