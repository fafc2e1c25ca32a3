/** Alarms of stays: what somebody should do something about before a guest stands at a door that does not open. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { refuseInvalid } from "../../web/problem.ts";
import { askerOf } from "../asker.ts";
import type { CloudEnv } from "../authenticate.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { alarmKinds } from "../domain/stay-alarms.ts";
import { StayAlarms } from "../stay-alarms.ts";
import type { AlarmRow } from "../store/stay-alarms.ts";
import { asks } from "./asks.ts";
import {
  fromPageMark,
  idText,
  iso,
  isoOrNull,
  json,
  momentOrNull,
  nextField,
  pageQuery,
  problems,
  toPageMark,
} from "./shapes.ts";

const tags = ["Alarms of stays"];

const alarmSchema = z
  .object({
    id: z.string(),
    site: z.string(),
    kind: z.enum(alarmKinds).openapi({
      description:
        "no-code: no door-confirmed code ahead of arrival · not-told: no way reached the guest · guest-says: by the guest it does not work · removal-late: a lock or a gateway has the code after its end · booked-twice: another stay has the property then · source-stale: bookings of a source have not been read for long",
    }),
    about: z.string().openapi({ description: "The booking, or the source of bookings." }),
    level: z
      .number()
      .int()
      .openapi({ description: "It rises, and people are told again, as the arrival comes nearer." }),
    detail: z.record(z.string(), z.unknown()).openapi({ description: "What it rests on." }),
    raisedAt: z.string(),
    roseAt: z.string().openapi({ description: "When it reached its level." }),
    settledAt: momentOrNull.openapi({ description: "Nobody need do anything any more; null: somebody should." }),
    settledBy: z
      .string()
      .nullable()
      .openapi({ description: "Who has settled it; null: its cause is gone, or it is open." }),
  })
  .openapi("StayAlarm");

const list = createRoute({
  method: "get",
  path: "/api/stay-alarms",
  tags,
  summary: "List alarms of stays, the newest first",
  ...asks("stays.read"),
  request: {
    query: z.strictObject({
      site: idText.optional(),
      about: idText.optional().openapi({ description: "Of this booking, or source, alone." }),
      open: z.enum(["true", "false"]).optional().openapi({ description: "Those open, or those settled, alone." }),
      ...pageQuery,
    }),
  },
  responses: {
    200: json(z.object({ items: z.array(alarmSchema), next: nextField }), "A page of them"),
    ...problems(400, 401, 403, 429),
  },
});

const settle = createRoute({
  method: "post",
  path: "/api/stay-alarms/{id}/settle",
  tags,
  summary: "Settle an alarm: somebody has seen to it",
  description: "It is raised anew when it gets worse, or when its cause comes back.",
  ...asks("stays.change"),
  request: { params: z.object({ id: idText.openapi({ example: "alarm-7k3m9xw2pa3dq8fz" }) }) },
  responses: { 200: json(alarmSchema, "The alarm"), ...problems(401, 403, 404, 429) },
});

export function alarmRoutes(parts: CloudParts): OpenAPIHono<CloudEnv> {
  const alarms = new StayAlarms(parts);
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });

  app.openapi(list, async (c) => {
    const { after, open, ...filter } = c.req.valid("query");
    const place = after === undefined ? undefined : fromPageMark(after, z.tuple([z.number().int(), idText]));
    const { items, next } = await alarms.list(c.get("actor"), {
      ...filter,
      isOpen: open === undefined ? undefined : open === "true",
      after: place && { raisedAt: place[0], id: place[1] },
    });
    return c.json({ items: items.map(toShape), next: next ? toPageMark([next.raisedAt, next.id]) : null }, 200);
  });

  app.openapi(settle, async (c) => c.json(toShape(await alarms.settle(askerOf(c), c.req.valid("param").id)), 200));

  return app;
}

function toShape({ siteId, detail, raisedAt, roseAt, settledAt, endedAt: _, ...alarm }: AlarmRow) {
  const moments = { raisedAt: iso(raisedAt), roseAt: iso(roseAt), settledAt: isoOrNull(settledAt) };
  return { ...alarm, ...moments, site: siteId, detail: JSON.parse(detail) as Record<string, unknown> };
}
