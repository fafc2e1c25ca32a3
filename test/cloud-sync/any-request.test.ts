/** Whatever an administrator sends, the service answers for it: no body and no query makes it fail. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Answer, givenCloud, HandClock, type TestCloud } from "../support/cloud.ts";
import fc from "../support/fast-check.ts";

interface Operation {
  readonly method: string;
  readonly path: string;
  /** Names of the body's fields, or of the query's parameters. */
  readonly names: readonly string[];
}

const clock = new HandClock();
let cloud: TestCloud;
let operations: { readonly bodies: readonly Operation[]; readonly queries: readonly Operation[] };

before(async () => {
  cloud = await givenCloud({ clock });
  await cloud.ask("POST", "/api/sites", { id: "demo", name: "Demo", zone: "Europe/Madrid" });
  const gateway = await cloud.gateway("demo", ["front"]);
  const grant = await cloud.ask("POST", "/api/sites/demo/grants", aGrant);
  const code = await cloud.ask("POST", "/api/temp-codes", aCode);
  const places = { site: "demo", gateway: gateway.id, grant: grant.body.id, accessPoint: "front", id: code.body.id };
  operations = operationsOf((await cloud.ask("GET", "/openapi.json")).body, places);
});
after(() => cloud.close());

const aGrant = {
  kind: "visitor",
  holder: { name: "Ada Guest" },
  accessPoints: ["front"],
  from: "2031-03-04T10:00:00+01:00",
  until: "2031-03-06T11:00:00+01:00",
  entriesAllowed: null,
  credentials: [{ kind: "pin" }],
};

const aCode = { name: "Cleaner", expiry: "2031-03-06T11:00" };

const moments = [
  "2026-02-30T00:00:00Z",
  "2031-03-04T23:59:60Z",
  "0000-01-01T00:00:00+23:59",
  "9999-12-31T23:59:59.999999999-23:59",
  "2031-03-04T10:00Z",
  "-271821-04-19T00:00:00Z",
];
const values: readonly unknown[] = [
  ...moments,
  ...["", "\u0000", "\ud800", "__proto__", "front", "24:00", 0, -1, 0.5, 2 ** 31, Number.MAX_SAFE_INTEGER, 1e300],
  ...[null, true, [], {}, ["front", "front"], [{ kind: "pin" }, { kind: "pass" }], { windows: [] }, { name: "Bo" }],
];
const mark = (place: unknown) => Buffer.from(JSON.stringify(place)).toString("base64url");
const numbers = [-1, 2 ** 31, Number.MAX_SAFE_INTEGER];
const texts = [
  ...[...moments, "", "\u0000", "%", "1e9", mark(1), mark([1, "\u0000"]), mark([1, "\u0000", 1, 1])],
  ...numbers.flatMap((one) => [`${one}`, mark([one, "x"]), mark([one, "x", 1, 1])]),
  ...numbers.flatMap((one) => [mark([1, "x", one, 1]), mark([1, "x", 1, one])]),
];
const json = { "content-type": "application/json" };

describe("no request makes the service fail", () => {
  test("by one field of its body", async () => {
    for (const { method, path, names } of operations.bodies)
      for (const name of names)
        for (const value of values) await answers(method, path, JSON.stringify({ ...bodyFor(path), [name]: value }));
  });

  test("by one parameter of its query", async () => {
    for (const { method, path, names } of operations.queries)
      for (const name of names)
        for (const text of texts) await answers(method, `${path}?${new URLSearchParams([[name, text]])}`);
  });

  test("by any body", async () => {
    const value = fc.oneof(fc.constantFrom(...values), fc.jsonValue());
    const bodies = fc.tuple(fc.nat(), fc.array(fc.tuple(fc.nat(), value), { maxLength: 4 }), value, fc.boolean());
    const named = operations.bodies.filter(({ names }) => names.length > 0);
    const property = fc.asyncProperty(bodies, async ([which, changes, whole, isWhole]) => {
      const { method, path, names } = pick(named, which);
      const changed = Object.fromEntries(changes.map(([name, value]) => [pick(names, name), value]));
      await answers(method, path, JSON.stringify(isWhole ? whole : { ...bodyFor(path), ...changed }));
    });
    await fc.assert(property, { numRuns: 300 });
  });

  const deep = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;
  for (const levels of [20, 4_000, 30_000])
    test(`by ${levels} levels of nothing`, async () => {
      const body = `${JSON.stringify(aGrant).slice(0, -1)},"about":{"x":${deep(levels)}}}`;
      const answer = await cloud.ask("POST", "/api/sites/demo/grants", body, json);
      assert.equal(answer.status, 400, answer.text);
      assert.deepEqual(fields(answer), ["body.about"]);
    });
});

const rows: readonly (readonly [string, string, string, object | undefined, readonly string[]])[] = [
  ["a grant from", "POST", "/api/sites/demo/grants", { ...aGrant, from: moments[0] }, ["body.from"]],
  ["a grant until", "POST", "/api/sites/demo/grants", { ...aGrant, until: moments[0] }, ["body.until"]],
  ["a code's expiry", "POST", "/api/temp-codes", { ...aCode, expiry: moments[0] }, ["body.expiry"]],
  ["the trail from", "GET", `/api/audit?from=${moments[0]}`, undefined, ["query.from"]],
  ["events from", "GET", `/api/sites/demo/events?from=${moments[0]}`, undefined, ["query.from"]],
  ["events until", "GET", `/api/sites/demo/events?until=${moments[0]}`, undefined, ["query.until"]],
];
for (const [what, method, path, body, named] of rows)
  test(`${what} a day that is none is refused by its name`, async () => {
    const answer = await cloud.ask(method, path, body);
    assert.equal(answer.status, 400, answer.text);
    assert.deepEqual(fields(answer), named);
  });

function fields(answer: Answer): string[] {
  return (answer.body?.errors ?? []).map((one: { field: string }) => one.field);
}

function pick<T>(from: readonly T[], which: number): T {
  return from[which % from.length]!;
}

function bodyFor(path: string): object {
  if (path.endsWith("/temp-codes")) return aCode;
  return path.endsWith("/grants") ? aGrant : {};
}

/** Time passes before each, so that none is turned away as one too many. */
async function answers(method: string, path: string, body?: string): Promise<void> {
  clock.advance(10);
  if (path.endsWith("/temp-codes")) clock.advance(20_000);
  const { status, text } = await cloud.ask(method, path, body, body === undefined ? {} : json);
  assert.ok(status < 500 && status !== 429, `${method} ${path} ${body}: ${text}`);
}

/** The administrator's operations with a body of named fields, and those with a query, `places` filled into their paths. */
function operationsOf(document: Answer["body"], places: Readonly<Record<string, string>>): typeof operations {
  const bodies: Operation[] = [];
  const queries: Operation[] = [];
  for (const [template, methods] of Object.entries<Answer["body"]>(document.paths)) {
    if (!template.startsWith("/api/")) continue;
    const path = template.replace(/\{(\w+)\}/g, (_, name) => places[name] ?? "none");
    for (const [method, { requestBody, parameters = [] }] of Object.entries<Answer["body"]>(methods)) {
      const schema = requestBody?.content["application/json"]?.schema;
      const inQuery = parameters.filter((one: { in: string }) => one.in === "query");
      if (schema) bodies.push({ method: method.toUpperCase(), path, names: Object.keys(schema.properties ?? {}) });
      if (inQuery.length > 0)
        queries.push({ method: method.toUpperCase(), path, names: inQuery.map(({ name }: { name: string }) => name) });
    }
  }
  assert.ok(bodies.length >= 5 && queries.length >= 2);
  return { bodies, queries };
}
