/** Messages to guests: how a property's guests are told, what they were told, and how far it has come. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { isPlainText } from "../../gateway/wire/gateway-api.ts";
import { refuseInvalid } from "../../web/problem.ts";
import { askerOf } from "../asker.ts";
import type { CloudEnv } from "../authenticate.ts";
import { channelNames } from "../channels/guest-channel.ts";
import { isCountry } from "../channels/phone-number.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { messageStates } from "../domain/delivery.ts";
import { messageKinds } from "../domain/guest-messages.ts";
import { messageFields } from "../domain/message-text.ts";
import { GuestMessages, type ShownSettings } from "../guest-messages.ts";
import { type MessageRow, saysOf } from "../store/guest-messages.ts";
import { guestLanguages } from "../templates/texts.ts";
import { asks } from "./asks.ts";
import {
  fromPageMark,
  hourText,
  idText,
  iso,
  isoOrNull,
  json,
  jsonBody,
  momentOrNull,
  nextField,
  pageQuery,
  problems,
  toPageMark,
  words,
} from "./shapes.ts";

const tags = ["Messages to guests"];
const params = z.object({ id: idText.openapi({ example: "property-7k3m9xw2pa3dq8fz" }) });
const language = z.enum(guestLanguages);

/** Several lines. */
const text = z
  .string()
  .trim()
  .min(1)
  .max(1_000)
  .refine((said) => isPlainText(said.replaceAll("\n", " ")), "has characters that cannot be printed")
  .openapi({
    description: `Fields: ${messageFields.map((name) => `{${name}}`).join(", ")}.`,
    example: "Hello {guest}, the way into {property}: {link}",
  });
const kinds = z.partialRecord(z.enum(messageKinds), text);

const settings = {
  on: z.boolean().openapi({ description: "Guests are told." }),
  language: language.openapi({ description: "Of guests whose own is not known, or not spoken here." }),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/, "is no country; write ES")
    .refine(isCountry, "is no country; write ES")
    .nullable()
    .openapi({ description: "Of telephone numbers that name none; null: such numbers are not used.", example: "ES" }),
  channels: z
    .array(z.enum(channelNames))
    .max(channelNames.length)
    .refine((names) => new Set(names).size === names.length, "names one twice")
    .openapi({ description: "The first that is set up and reaches the guest is taken, then the next." }),
  pinInMessage: z.boolean().openapi({ description: "The digits stand in messages, not the link to the page alone." }),
  wifi: words(200).nullable().openapi({ description: "What {wifi} stands for.", example: "Casa / 12 olives" }),
  quietFrom: hourText.openapi({ description: "Nobody is woken from then on, by the wall clock at the site." }),
  quietUntil: hourText.openapi({ description: "Until then; yet every guest knows two hours before check-in." }),
  texts: z.partialRecord(language, kinds).openapi({ description: "The owner's own words instead of the usual ones." }),
};
const settingsSchema = z.object(settings).openapi("MessageSettings");

const messageSchema = z
  .object({
    id: z.string(),
    site: z.string(),
    booking: z.string(),
    kind: z.enum(messageKinds),
    state: z.enum(messageStates).openapi({
      description:
        "waiting: it leaves when its time comes · sending: being handed over · sent: a service has it · delivered, read: it is with the guest · failed: no way reached them · unknown: it may have left, and nobody can say",
    }),
    stateAt: z.string(),
    isProven: z.boolean().openapi({ description: "Every door had confirmed the code." }),
    from: z.string(),
    until: z.string(),
    accessPoints: z.array(z.string()),
    channel: z.enum(channelNames).nullable(),
    tried: z.array(z.enum(channelNames)).openapi({ description: "Ways that did not reach the guest." }),
    why: z.string().nullable().openapi({ description: "What kept it from the guest, the last time." }),
    dueAt: momentOrNull.openapi({ description: "When it is tried next; null: it is settled." }),
    askedBy: z.string().nullable().openapi({ description: "Who wanted it sent again." }),
    createdAt: z.string(),
  })
  .openapi("GuestMessage");

const readSettings = createRoute({
  method: "get",
  path: "/api/properties/{id}/messages",
  tags,
  summary: "How the guests of a property are told",
  ...asks("properties.change"),
  request: { params },
  responses: { 200: json(settingsSchema, "The settings"), ...problems(401, 403, 404, 429) },
});

const changeSettings = createRoute({
  method: "patch",
  path: "/api/properties/{id}/messages",
  tags,
  summary: "Change how the guests of a property are told",
  ...asks("properties.change"),
  request: {
    params,
    body: jsonBody(
      z
        .strictObject(settings)
        .partial()
        .refine((body) => Object.keys(body).length > 0, "name at least one field to change"),
    ),
  },
  responses: { 200: json(settingsSchema, "The settings"), ...problems(400, 401, 403, 404, 413, 415, 429) },
});

const preview = createRoute({
  method: "post",
  path: "/api/properties/{id}/messages/preview",
  tags,
  summary: "A message as a made-up guest would read it",
  description: "Nothing is sent and nothing is kept.",
  ...asks("properties.change"),
  request: {
    params,
    body: jsonBody(
      z.strictObject({
        kind: z.enum(messageKinds).default("code"),
        language: language.default("en"),
        text: text.optional().openapi({ description: "Left out: the property's own, else the usual words." }),
      }),
    ),
  },
  responses: {
    200: json(z.object({ subject: z.string(), text: z.string() }), "As it would be"),
    ...problems(400, 401, 403, 404, 413, 415, 429),
  },
});

const list = createRoute({
  method: "get",
  path: "/api/guest-messages",
  tags,
  summary: "List messages to guests, the newest first",
  ...asks("stays.read"),
  request: { query: z.strictObject({ site: idText.optional(), booking: idText.optional(), ...pageQuery }) },
  responses: {
    200: json(z.object({ items: z.array(messageSchema), next: nextField }), "A page of them"),
    ...problems(400, 401, 403, 429),
  },
});

const sendAgain = createRoute({
  method: "post",
  path: "/api/guest-messages/{id}/send-again",
  tags,
  summary: "Tell a guest once more",
  description: "The newest message to a guest whose stay is not over, by whatever way reaches them now.",
  ...asks("stays.change"),
  request: { params: z.object({ id: idText.openapi({ example: "message-7k3m9xw2pa3dq8fz" }) }) },
  responses: { 201: json(messageSchema, "The message that leaves now"), ...problems(401, 403, 404, 409, 429) },
});

export function messageRoutes(parts: CloudParts): OpenAPIHono<CloudEnv> {
  const messages = new GuestMessages(parts);
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });

  app.openapi(readSettings, async (c) =>
    c.json(toSettings(await messages.settings(c.get("actor"), c.req.valid("param").id)), 200),
  );

  app.openapi(changeSettings, async (c) =>
    c.json(toSettings(await messages.changeSettings(askerOf(c), c.req.valid("param").id, c.req.valid("json"))), 200),
  );

  app.openapi(preview, async (c) => {
    const { kind, language: spoken, text: tried } = c.req.valid("json");
    const asked = { kind, language: spoken, text: tried };
    return c.json(await messages.preview(c.get("actor"), c.req.valid("param").id, asked), 200);
  });

  app.openapi(list, async (c) => {
    const { after, ...filter } = c.req.valid("query");
    const place = after === undefined ? undefined : fromPageMark(after, z.tuple([z.number().int(), idText]));
    const { items, next } = await messages.list(c.get("actor"), {
      ...filter,
      after: place && { createdAt: place[0], id: place[1] },
    });
    return c.json({ items: items.map(toShape), next: next ? toPageMark([next.createdAt, next.id]) : null }, 200);
  });

  app.openapi(sendAgain, async (c) =>
    c.json(toShape(await messages.sendAgain(askerOf(c), c.req.valid("param").id)), 201),
  );

  return app;
}

function toSettings(kept: ShownSettings): z.infer<typeof settingsSchema> {
  return settingsSchema.parse(kept);
}

function toShape(row: MessageRow): z.infer<typeof messageSchema> {
  const { id, siteId: site, bookingId: booking, kind, state, isProven, channel, tried, why, askedBy } = row;
  const { from, until, doors } = saysOf(row);
  return {
    ...{ id, site, booking, kind, state, isProven, channel, tried, why, askedBy },
    from: iso(from),
    until: iso(until),
    accessPoints: [...doors],
    stateAt: iso(row.stateAt),
    dueAt: isoOrNull(row.dueAt),
    createdAt: iso(row.createdAt),
  };
}
