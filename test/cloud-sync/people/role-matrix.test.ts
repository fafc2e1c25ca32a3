/** Every route, every role, own and foreign site: the answer is what docs/permissions.md says. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Action, permissions, type Reach, type Role, roles } from "../../../cloud-sync/domain/permissions.ts";
import { pages } from "../../../cloud-sync/pages/pages.tsx";
import { peopleParts } from "../../../cloud-sync/people/people-parts.ts";
import { type Answer, givenCloud, HandClock, type TestCloud, type TestPerson } from "../../support/cloud.ts";

/** Routes that ask nobody who they are, each for its own reason. */
const open = [
  "GET /healthz",
  "GET /readyz",
  "GET /metrics",
  "GET /v1/time",
  "POST /v1/enrol",
  "POST /auth/sign-in",
  "POST /auth/second-factor",
  "POST /auth/refresh",
  "POST /auth/first-admin",
  "POST /auth/forgot-password",
  "POST /auth/passkey",
  "POST /auth/passkey/options",
  "POST /auth/link",
  "POST /auth/link/password",
  "POST /auth/sign-out",
  "POST /hooks/{source}/{token}",
  "POST /hooks/{source}/{token}/{event}",
];
/** What has no part in the document: itself, what pages load, and the pages, of which each is asked for by their own test. */
function isUndocumented(name: string): boolean {
  const book = pages(peopleParts(cloud.parts), (url, init) => cloud.app.request(url, init));
  const known = book.routes.map(({ method, path }) => `${method.toUpperCase()} ${inBraces(path)}`);
  return (
    [...known, "GET /docs", "GET /openapi.json"].includes(name) ||
    /^(?:GET|POST) \/[as]\//.test(name) ||
    // Signed by whoever tells.
    /^(?:GET|POST) \/callbacks\//.test(name) ||
    /^GET \/(?:(?:assets|v)\/|push-worker\.js$|app\.webmanifest$)/.test(name)
  );
}

/** As the document writes the parameters of a path. */
const inBraces = (path: string) => path.replaceAll(/:(\w+)(\{[^}]*\})?/g, "{$1}");

interface Operation {
  readonly name: string;
  readonly method: string;
  readonly template: string;
  readonly action: Action;
}

const clock = new HandClock();
let cloud: TestCloud;
let operations: readonly Operation[];
let document: Answer["body"];
const people = new Map<Role, TestPerson>();

before(async () => {
  cloud = await givenCloud({ clock });
  for (const id of ["own", "foreign"]) await cloud.ask("POST", "/api/sites", { id, name: id, zone: "UTC" });
  for (const role of roles) people.set(role, await cloud.as(role, ["own"]));
  document = (await cloud.ask("GET", "/openapi.json")).body;
  operations = Object.entries<Answer["body"]>(document.paths)
    .filter(([template]) => template.startsWith("/api/"))
    .flatMap(([template, methods]) =>
      Object.entries<Answer["body"]>(methods).map(([method, one]) => ({
        name: `${method.toUpperCase()} ${template}`,
        method: method.toUpperCase(),
        template,
        action: one["x-action"],
      })),
    );
});
after(() => cloud.close());

/** Bodies are left out or empty: what is let in fails at its body or finds nothing, and what is refused never gets so far. */
async function ask(person: TestPerson, { method, template }: Operation, site: string): Promise<Answer> {
  clock.advance(1_000);
  const path = template.replace("{site}", site).replaceAll(/\{\w+\}/g, "none");
  const isRead = method === "GET" || method === "DELETE";
  const headers = { ...(await person.bearer()), ...(!isRead && { "content-type": "application/json" }) };
  const response = await cloud.app.request(path, { method, headers, ...(!isRead && { body: "{}" }) });
  // A stream has no end of its own.
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream");
  if (isStream) await response.body?.cancel();
  const text = isStream ? "" : await response.text();
  const isJson = response.headers.get("content-type")?.includes("json");
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
}

describe("every route of the API", () => {
  test("is in its document, asks who comes, or is one of the few that ask nobody", () => {
    const listed = new Set(
      Object.entries<object>(document.paths).flatMap(([template, methods]) =>
        Object.keys(methods).map((method) => `${method.toUpperCase()} ${template}`),
      ),
    );
    const registered = cloud.app.routes
      .filter(({ method }) => method !== "ALL")
      .map(({ method, path }) => `${method} ${inBraces(path)}`);
    const strangers = new Set(registered.filter((name) => !listed.has(name) && !isUndocumented(name)));
    assert.deepEqual([...strangers], []);
    const asked = new Set(operations.map(({ name }) => name));
    const unasked = [...listed].filter((name) => !asked.has(name) && !/ \/v1\/gateways\//.test(name));
    assert.deepEqual(unasked.sort(), [...open].sort());
    assert.ok(operations.length > 30, `${operations.length} operations`);
  });

  test("refuses whoever does not say who it is", async () => {
    for (const { name, method, template } of operations) {
      clock.advance(10_000);
      const path = template.replaceAll(/\{\w+\}/g, "own");
      const { status } = await cloud.ask(method, path, undefined, { authorization: "" });
      assert.equal(status, 401, name);
    }
  });

  for (const role of roles)
    test(`lets ${role} do at its own site what the table says, and nothing else`, async () => {
      for (const operation of operations) {
        const answer = await ask(people.get(role)!, operation, "own");
        const reach = reachOf(role, operation.action);
        if (reach === undefined)
          assert.deepEqual([answer.status, answer.body?.code], [403, "not-permitted"], operation.name);
        else assertLetIn(answer, operation, "own");
      }
    });

  for (const role of roles)
    test(`shows ${role} a foreign site only where the table says "every"`, async () => {
      for (const operation of operations.filter(({ template }) => template.includes("{site}"))) {
        const answer = await ask(people.get(role)!, operation, "foreign");
        const reach = reachOf(role, operation.action);
        if (reach === undefined) assert.equal(answer.status, 403, operation.name);
        else if (reach === "every") assertLetIn(answer, operation, "foreign");
        else assert.deepEqual([answer.status, answer.body?.detail], [404, "There is no site foreign."], operation.name);
      }
    });
});

function reachOf(role: Role, action: Action): Reach | undefined {
  const reaches: Partial<Record<Role, Reach>> = permissions[action];
  return reaches[role];
}

function assertLetIn({ status, text }: Answer, { name }: Operation, site: string): void {
  assert.ok(![401, 403, 429].includes(status) && status < 500, `${name}: ${status} ${text}`);
  assert.ok(!text.includes(`There is no site ${site}.`), `${name}: ${text}`);
}
