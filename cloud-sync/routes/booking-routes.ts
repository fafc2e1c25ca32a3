/** Bookings: a stay of a flat or a room is told, changed and called off; its code follows. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { fieldProblem, refuseInvalid } from "../../web/problem.ts";
import { askerOf } from "../asker.ts";
import type { CloudEnv } from "../authenticate.ts";
import { type BookedTime, type Booking, Bookings } from "../bookings.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { codeStates } from "../domain/code-status.ts";
import { bookingKinds, bookingStatuses } from "../domain/stay-planner.ts";
import { ownUrl } from "../people/caller.ts";
import { Properties } from "../properties.ts";
import { stayPath } from "../stay-links.ts";
import type { BookingRow } from "../store/bookings.ts";
import { readSite } from "../store/sites.ts";
import { asks } from "./asks.ts";
import { onceFor } from "./requests.ts";
import {
  fromPageMark,
  hourText,
  idText,
  iso,
  isoOrNull,
  json,
  jsonBody,
  moment,
  momentOrNull,
  nextField,
  pageQuery,
  problems,
  siteMoment,
  toInstant,
  toInstantAt,
  toPageMark,
  words,
} from "./shapes.ts";

const tags = ["Bookings"];
const params = z.object({ id: idText.openapi({ example: "booking-7k3m9xw2pa3dq8fz" }) });

const day = z.iso.date().openapi({ description: "Calendar day at the site.", example: "2031-03-04" });
const hour = hourText.openapi({ description: "Wall clock at the site; left out: the property's.", example: "16:30" });
const guest = {
  name: words(200),
  phone: words(40)
    .refine((text) => text.replaceAll(/\D/g, "").length >= 5, "is no telephone number; it has five digits at least")
    .nullable(),
  email: z.email().max(320).nullable(),
  language: z
    .string()
    .regex(/^[a-z]{2}$/, "is no language; write en, es, …")
    .nullable(),
};
const times = {
  arrival: day.optional(),
  departure: day.optional(),
  checkIn: hour.optional(),
  checkOut: hour.optional(),
  from: siteMoment.optional().openapi({ description: "With `until`, instead of days: booked by the hour." }),
  until: siteMoment.optional(),
};
type Times = { [K in keyof typeof times]?: string | undefined };

const doorSchema = z.object({
  accessPoint: z.string(),
  state: z.enum(codeStates),
  why: z.string(),
  since: momentOrNull,
  words: z.string(),
});

const bookingSchema = z
  .object({
    id: z.string(),
    site: z.string(),
    property: z.string(),
    kind: z.enum(bookingKinds),
    source: z.string(),
    externalId: z.string(),
    status: z.enum(bookingStatuses),
    guest: z.object({
      name: z.string(),
      phone: z.string().nullable().openapi({ description: "Its end is hidden from whoever may not see codes." }),
      email: z.string().nullable(),
      language: z.string().nullable(),
    }),
    arrival: z.string().nullable(),
    departure: z.string().nullable(),
    checkIn: z.string().nullable(),
    checkOut: z.string().nullable(),
    begins: z.string(),
    ends: z.string(),
    createdAt: z.string(),
    changedAt: z.string(),
    isBookedTwice: z.boolean().openapi({ description: "The property has another confirmed booking at the same time." }),
    isTooTight: z
      .boolean()
      .openapi({ description: "Before the next stay there is less time than the property keeps for cleaning." }),
    extraHours: z.number().openapi({ description: "Its code goes on so long beyond checkout, late minutes apart." }),
    code: z.object({
      grant: z.string().nullable().openapi({ description: "null: there is no code." }),
      from: z.string().openapi({ description: "When it works, the property's early and late minutes included." }),
      until: z.string(),
      dueAt: momentOrNull.openapi({ description: "When it is made, or tried again; null: it has been, or never is." }),
      problem: z.string().nullable().openapi({ description: "Why it could not be made; it is tried again." }),
      doors: z.array(doorSchema),
      former: z
        .object({ grant: z.string(), doors: z.array(doorSchema) })
        .nullable()
        .openapi({ description: "The code it had before, and where it still may be; null: there was none." }),
    }),
  })
  .openapi("Booking");

const list = createRoute({
  method: "get",
  path: "/api/bookings",
  tags,
  summary: "List bookings, as they end",
  ...asks("stays.read"),
  request: {
    query: z.strictObject({
      ...pageQuery,
      site: idText.optional(),
      property: idText.optional(),
      from: moment.optional().openapi({ description: "Those that end after it; left out: now." }),
      until: moment.optional().openapi({ description: "Those that begin before it." }),
    }),
  },
  responses: {
    200: json(z.object({ items: z.array(bookingSchema), next: nextField }), "A page"),
    ...problems(400, 401, 403, 429),
  },
});

const create = createRoute({
  method: "post",
  path: "/api/bookings",
  tags,
  summary: "Tell of a booking",
  description: "Of days, or from a moment to a moment. A confirmed one gets a code, at once where it is time.",
  ...asks("stays.change"),
  request: {
    body: jsonBody(
      z.strictObject({
        property: idText,
        externalId: words(200).optional().openapi({ description: "What you call it; once." }),
        kind: z.enum(bookingKinds).default("stay"),
        status: z.enum(bookingStatuses).default("confirmed"),
        guest: z.strictObject({
          name: guest.name,
          phone: guest.phone.default(null),
          email: guest.email.default(null),
          language: guest.language.default(null),
        }),
        ...times,
      }),
    ),
  },
  responses: { 201: json(bookingSchema, "The booking"), ...problems(400, 401, 403, 404, 409, 413, 415, 429) },
});

const read = createRoute({
  method: "get",
  path: "/api/bookings/{id}",
  tags,
  summary: "Read a booking, with how far its code has come",
  ...asks("stays.read"),
  request: { params },
  responses: { 200: json(bookingSchema, "The booking"), ...problems(401, 403, 404, 429) },
});

const change = createRoute({
  method: "patch",
  path: "/api/bookings/{id}",
  tags,
  summary: "Change a booking, or call it off",
  description:
    "Its code keeps its digits; only the status cancelled or completed takes it away. Confirmed again, it has the same digits where nobody else has them by then.",
  ...asks("stays.change"),
  request: {
    params,
    body: jsonBody(
      z
        .strictObject({
          property: idText.optional(),
          status: z.enum(bookingStatuses).optional(),
          guest: z.strictObject(guest).partial().optional(),
          ...times,
        })
        .refine((body) => Object.keys(body).length > 0, "name at least one field to change"),
    ),
  },
  responses: { 200: json(bookingSchema, "The booking"), ...problems(400, 401, 403, 404, 409, 413, 415, 429) },
});

const decide = createRoute({
  method: "post",
  path: "/api/bookings/{id}/decide",
  tags,
  summary: "Agree to what a booking's source tells, or refuse it",
  description: "What was refused is not asked about again.",
  ...asks("stays.change"),
  request: {
    params,
    body: jsonBody(
      z.strictObject({
        agree: z.boolean(),
        since: moment
          .optional()
          .openapi({ description: "Of what the answer is to: 409 when something else waits by now." }),
      }),
    ),
  },
  responses: { 200: json(bookingSchema, "The booking"), ...problems(400, 401, 403, 404, 409, 413, 415, 429) },
});

const renew = createRoute({
  method: "post",
  path: "/api/bookings/{id}/new-code",
  tags,
  summary: "Give a booking other digits",
  description: "Those it had are revoked for ever.",
  ...asks("stays.change"),
  request: { params },
  responses: { 200: json(bookingSchema, "The booking"), ...problems(401, 403, 404, 409, 429) },
});

const extend = createRoute({
  method: "post",
  path: "/api/bookings/{id}/extend",
  tags,
  summary: "Let a guest stay some hours longer",
  description:
    "So many hours beyond checkout in all: the same once more changes nothing, 0 takes them back. Also for a booking that comes from a source. 409 where they would reach into the cleaning before the next stay.",
  ...asks("stays.change"),
  request: { params, body: jsonBody(z.strictObject({ hours: z.number().int().min(0).max(24) })) },
  responses: { 200: json(bookingSchema, "The booking"), ...problems(400, 401, 403, 404, 409, 413, 415, 429) },
});

const reveal = createRoute({
  method: "post",
  path: "/api/bookings/{id}/reveal",
  tags,
  summary: "The digits of a booking's code",
  description: "Who asked is written into the audit trail.",
  ...asks("stays.reveal"),
  request: { params },
  responses: { 200: json(z.object({ code: z.string() }), "The digits"), ...problems(401, 403, 404, 409, 429) },
});

const link = createRoute({
  method: "post",
  path: "/api/bookings/{id}/link",
  tags,
  summary: "The link of the guest's page",
  description:
    "It stays the same however the stay changes, and leads nowhere three days after it. With `renew` there is another, and the one before leads nowhere from then on. Who asked is written into the audit trail: whoever has the link sees the code.",
  ...asks("stays.reveal"),
  request: { params, body: { ...jsonBody(z.strictObject({ renew: z.boolean().default(false) })), required: false } },
  responses: {
    200: json(z.object({ url: z.string() }), "The link"),
    ...problems(400, 401, 403, 404, 409, 413, 415, 429),
  },
});

export function bookingRoutes(parts: CloudParts): OpenAPIHono<CloudEnv> {
  const bookings = new Bookings(parts);
  const properties = new Properties(parts);
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });

  app.openapi(list, async (c) => {
    const { after, from, until, ...filter } = c.req.valid("query");
    const place = after === undefined ? undefined : fromPageMark(after, z.tuple([z.number().int(), idText]));
    const { items, next } = await bookings.list(c.get("actor"), {
      ...filter,
      from: from === undefined ? parts.clock.wall() : toInstant(from),
      until: until === undefined ? undefined : toInstant(until),
      after: place && { endsAt: place[0], id: place[1] },
    });
    return c.json({ items: items.map(toShape), next: next ? toPageMark([next.endsAt, next.id]) : null }, 200);
  });

  app.openapi(create, async (c) => {
    const asker = askerOf(c);
    const { property: named, arrival, departure, checkIn, checkOut, from, until, ...wanted } = c.req.valid("json");
    const property = await properties.read(asker.actor, named, "stays.change");
    const site = await readSite(parts.store.db, property.site);
    const time = toTime({ arrival, departure, checkIn, checkOut, from, until }, site?.zone ?? "UTC");
    if (!time) throw fieldProblem("body.arrival", "say when: arrival and departure, or from and until");
    const id = await bookings.create(asker, property, { ...wanted, time }, (work) =>
      onceFor(parts, c, property.site, work),
    );
    return c.json(toShape(await bookings.read(asker.actor, id, "stays.change")), 201);
  });

  app.openapi(read, async (c) => c.json(toShape(await bookings.read(c.get("actor"), c.req.valid("param").id)), 200));

  app.openapi(change, async (c) => {
    const { id } = c.req.valid("param");
    const { property, status, guest: who, ...wanted } = c.req.valid("json");
    const asker = askerOf(c);
    const { zone } = await bookings.read(asker.actor, id, "stays.change");
    const time = (before: BookingRow) => toTime(withDaysOf(before, wanted), zone);
    await bookings.change(asker, id, { property, status, guest: who, time });
    return c.json(toShape(await bookings.read(asker.actor, id, "stays.change")), 200);
  });

  app.openapi(decide, async (c) => {
    const { id } = c.req.valid("param");
    const asker = askerOf(c);
    const { agree, since } = c.req.valid("json");
    await bookings.decide(asker, id, agree, since === undefined ? undefined : toInstant(since));
    return c.json(toShape(await bookings.read(asker.actor, id, "stays.change")), 200);
  });

  app.openapi(renew, async (c) => {
    const { id } = c.req.valid("param");
    const asker = askerOf(c);
    await bookings.renewCode(asker, id);
    return c.json(toShape(await bookings.read(asker.actor, id, "stays.change")), 200);
  });

  app.openapi(extend, async (c) => {
    const { id } = c.req.valid("param");
    const asker = askerOf(c);
    await bookings.extend(asker, id, c.req.valid("json").hours);
    return c.json(toShape(await bookings.read(asker.actor, id, "stays.change")), 200);
  });

  app.openapi(reveal, async (c) => c.json({ code: await bookings.reveal(askerOf(c), c.req.valid("param").id) }, 200));

  app.openapi(link, async (c) => {
    const { renew = false } = (c.req.valid("json") as { renew?: boolean } | undefined) ?? {};
    const token = await bookings.link(askerOf(c), c.req.valid("param").id, renew);
    return c.json({ url: ownUrl(c, parts.publicUrl) + stayPath(token.reveal()) }, 200);
  });

  return app;
}

/** One day or hour of a booking may be named alone; the others stay. */
function withDaysOf(before: BookingRow, wanted: Times): Times {
  const isOfDays = [wanted.arrival, wanted.departure, wanted.checkIn, wanted.checkOut].some((one) => one !== undefined);
  if (isOfDays) {
    const { arrival, departure, checkIn, checkOut } = before;
    const days = { arrival, departure, checkIn, checkOut };
    const had = Object.fromEntries(Object.entries(days).filter(([, value]) => value !== null));
    return { ...had, ...Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined)) };
  }
  if (wanted.from === undefined && wanted.until === undefined) return {};
  return { from: wanted.from ?? iso(before.beginsAt), until: wanted.until ?? iso(before.endsAt) };
}

/** undefined: nothing was said. */
function toTime({ arrival, departure, checkIn, checkOut, from, until }: Times, zone: string): BookedTime | undefined {
  const isOfDays = [arrival, departure, checkIn, checkOut].some((one) => one !== undefined);
  if (isOfDays) {
    if (from !== undefined || until !== undefined)
      throw fieldProblem(`body.${from === undefined ? "until" : "from"}`, "goes without days; leave one of them out");
    if (arrival === undefined) throw fieldProblem("body.arrival", "say the day of arrival");
    if (departure === undefined) throw fieldProblem("body.departure", "say the day of departure");
    return { days: { arrival, departure, checkIn: checkIn ?? null, checkOut: checkOut ?? null } };
  }
  if (from === undefined && until === undefined) return undefined;
  if (from === undefined) throw fieldProblem("body.from", "say from when");
  if (until === undefined) throw fieldProblem("body.until", "say until when");
  return { moments: { from: toInstantAt(from, zone), until: toInstantAt(until, zone) } };
}

function toShape(one: Booking) {
  const { id, site, property, kind, source, externalId, status, arrival, departure, checkIn, checkOut } = one;
  return {
    id,
    site,
    property,
    kind,
    source,
    externalId,
    status,
    guest: { name: one.guestName, phone: one.guestPhone, email: one.guestEmail, language: one.guestLanguage },
    arrival,
    departure,
    checkIn,
    checkOut,
    begins: iso(one.beginsAt),
    ends: iso(one.endsAt),
    createdAt: iso(one.createdAt),
    changedAt: iso(one.changedAt),
    held: heldShape(one),
    isBookedTwice: one.isBookedTwice,
    isTooTight: one.isTooTight,
    extraHours: one.extraMinutes / 60,
    code: {
      grant: one.grantId,
      from: iso(one.codeFrom),
      until: iso(one.codeUntil),
      dueAt: isoOrNull(one.codeDueAt),
      problem: one.problem,
      doors: one.doors.map(doorShape),
      former: one.formerGrantId === null ? null : { grant: one.formerGrantId, doors: one.formerDoors.map(doorShape) },
    },
  };
}

function heldShape({ held, heldAt, heldWhy }: Booking) {
  if (!held || heldAt === null || heldWhy === null) return null;
  const { status, property, days } = held;
  return { since: iso(heldAt), why: heldWhy, status, property, ...days };
}

function doorShape({ since, ...door }: Booking["doors"][number]) {
  return { ...door, since: isoOrNull(since) };
}
