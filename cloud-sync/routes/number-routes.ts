/** How the gates of a site are used, counted: for a page, and as a file for a spreadsheet. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { fieldProblem, refuseInvalid } from "../../web/problem.ts";
import type { CloudEnv } from "../authenticate.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { csvLine } from "../domain/csv.ts";
import { countVisits, type Numbers } from "../store/numbers.ts";
import { namesOf } from "../store/people.ts";
import { asks } from "./asks.ts";
import { requireSite } from "./requests.ts";
import { json, problems, siteParams } from "./shapes.ts";

const day = z.iso.date().openapi({ example: "2031-03-04", description: "On the site's calendar." });
const daysMax = 366;
const daysUsual = 30;

const count = z.number().int();
const wait = z
  .number()
  .int()
  .nullable()
  .openapi({ description: "Milliseconds from a guard's first look to the entry." });

const numbersSchema = z
  .object({
    from: day,
    /** The last day, whole. */
    until: day,
    zone: z.string(),
    entries: count,
    refused: count,
    waitMedianMs: wait,
    waitP90Ms: wait,
    days: z.array(z.object({ day, entries: count, refused: count })).openapi({ description: "Those with visits." }),
    hours: z.array(z.object({ weekday: count.openapi({ description: "1 is Monday." }), hour: count, entries: count })),
    types: z.array(z.object({ type: z.string().nullable(), entries: count })),
    reasons: z.array(z.object({ reason: z.string().openapi({ example: "QR_EXPIRED" }), refused: count })),
    guards: z.array(
      z.object({
        guard: z.string().nullable(),
        name: z.string().nullable(),
        entries: count,
        refused: count,
        waitMedianMs: wait,
      }),
    ),
    residents: z.object({ all: count, inviting: count }),
  })
  .openapi("Numbers");

const request = { params: siteParams, query: z.strictObject({ from: day.optional(), until: day.optional() }) };

const numbers = createRoute({
  method: "get",
  path: "/api/sites/{site}/numbers",
  tags: ["Events"],
  summary: "Visits counted by day, hour, kind, refusal and guard",
  description: `Of the last ${daysUsual} days, or of the days named, at most ${daysMax}.`,
  ...asks("numbers.read"),
  request,
  responses: { 200: json(numbersSchema, "The numbers"), ...problems(400, 401, 403, 404, 429) },
});

const csv = createRoute({
  method: "get",
  path: "/api/sites/{site}/numbers.csv",
  tags: ["Events"],
  summary: "The same as a CSV file: one line for each count",
  ...asks("numbers.read"),
  request,
  responses: {
    200: { description: "A file", content: { "text/csv": { schema: z.string() } } },
    ...problems(400, 401, 403, 404, 429),
  },
});

export function numberRoutes(parts: CloudParts): OpenAPIHono<CloudEnv> {
  const { store, clock } = parts;
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });

  const read = async (
    site: string,
    wanted: { readonly from?: string | undefined; readonly until?: string | undefined },
  ) => {
    const { zone } = await requireSite(parts, site);
    const today = Temporal.Instant.fromEpochMilliseconds(clock.wall()).toZonedDateTimeISO(zone).toPlainDate();
    const until = wanted.until === undefined ? today : Temporal.PlainDate.from(wanted.until);
    const from =
      wanted.from === undefined ? until.subtract({ days: daysUsual - 1 }) : Temporal.PlainDate.from(wanted.from);
    if (Temporal.PlainDate.compare(from, until) > 0) throw fieldProblem("query.from", "must not be after the last day");
    if (from.until(until, { largestUnit: "day" }).days >= daysMax)
      throw fieldProblem("query.from", `at most ${daysMax} days at once`);
    const start = (date: Temporal.PlainDate) => date.toZonedDateTime(zone).epochMilliseconds;
    const span = { from: start(from), until: start(until.add({ days: 1 })) };
    const found = await countVisits(store.db, site, zone, span);
    const names = await namesOf(
      store.db,
      found.guards.flatMap(({ guard }) => guard ?? []),
    );
    const guards = found.guards.map((one) => ({
      ...one,
      name: one.guard === null ? null : (names.get(one.guard) ?? null),
    }));
    return { ...found, guards, from: from.toString(), until: until.toString(), zone };
  };

  app.openapi(numbers, async (c) => c.json(await read(c.req.valid("param").site, c.req.valid("query")), 200));

  app.openapi(csv, async (c) => {
    const { site } = c.req.valid("param");
    const found = await read(site, c.req.valid("query"));
    return c.body(linesOf(found).map(csvLine).join(""), 200, {
      "content-type": "text/csv; charset=utf-8",
      "content-disposition": `attachment; filename="numbers-${found.from}-${found.until}.csv"`,
    }) as never;
  });

  return app;
}

type Named = Omit<Numbers, "guards"> & {
  readonly guards: readonly (Numbers["guards"][number] & { readonly name: string | null })[];
};

function linesOf(found: Named): string[][] {
  const cells = (
    counted: string,
    of: string,
    entries: number | "",
    refused: number | "" = "",
    waitMs: number | null = null,
  ) => [counted, of, entries, refused, waitMs ?? ""].map(String);
  return [
    ["counted", "of", "entries", "refused", "wait_median_ms"],
    cells("all", "", found.entries, found.refused, found.waitMedianMs),
    ...found.days.map((one) => cells("day", one.day, one.entries, one.refused)),
    ...found.hours.map((one) => cells("weekday and hour", `${one.weekday} ${one.hour}`, one.entries)),
    ...found.types.map((one) => cells("type", one.type ?? "", one.entries)),
    ...found.reasons.map((one) => cells("reason", one.reason, "", one.refused)),
    ...found.guards.map((one) =>
      cells("guard", one.name ?? one.guard ?? "", one.entries, one.refused, one.waitMedianMs),
    ),
    cells("residents", "all", found.residents.all),
    cells("residents", "inviting", found.residents.inviting),
  ];
}
