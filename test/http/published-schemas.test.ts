/** What /openapi.json of either service says of a request is what the service takes: nothing optional is required, no choice left out. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Env } from "hono";
import { gatewayApp } from "../../gateway/http/app.tsx";
import { givenCloud, HandClock, type TestCloud } from "../support/cloud.ts";
import { statusSources } from "../support/status-sources.ts";
import { TimedSite } from "../support/timed-site.ts";

type Json = ReturnType<typeof JSON.parse>;

let cloud: TestCloud;
let site: TimedSite;
before(async () => {
  cloud = await givenCloud({ clock: new HandClock() });
  site = await TimedSite.online();
});
after(async () => {
  await site.shutDown();
  await cloud.close();
});

test("the cloud's requests are published as they are taken", async () => {
  assert.ok((await compared(cloud.app)) > 100);
});

test("the gateway's requests are published as they are taken", async () => {
  const { parts, sync } = site.running;
  const pages = gatewayApp(statusSources(parts, () => ({ state: sync.state, queue: sync.queue })));
  assert.ok((await compared(pages)) > 0);
});

test("the grant of the README, and one with hours and no document, keep to the published schema; one with an eighth day does not", async () => {
  const { paths } = (await cloud.ask("GET", "/openapi.json")).body;
  const { schema } = paths["/api/sites/{site}/grants"].post.requestBody.content["application/json"];
  const published = z.fromJSONSchema(schema);
  const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");
  const shown = JSON.parse(/-d '(\{\s+"kind".*?\})' https:/s.exec(readme)![1]!);
  const onDays = (days: readonly number[]) => ({
    ...shown,
    schedule: { windows: [{ days, from: "08:00", until: "18:00" }] },
  });

  published.parse(shown);
  published.parse(onDays([1, 2, 3, 4, 5, 6, 7]));
  assert.equal(published.safeParse(onDays([8])).success, false);
});

/** Compares each request of the app with its document; how many schemas that were. */
async function compared<E extends Env>(app: OpenAPIHono<E>): Promise<number> {
  const document: Json = await (await app.request("http://localhost/openapi.json")).json();
  let count = 0;
  const resolved = (told: Json): Json =>
    told.$ref ? resolved(document.components.schemas[told.$ref.split("/").at(-1)]) : told;
  const compare = (schema: z.core.$ZodType, published: Json, where: string): void => {
    count += 1;
    const told = resolved(published);
    const { def } = schema._zod as z.core.$ZodTypes["_zod"];
    if (def.type === "object") {
      const shape = Object.entries(def.shape);
      const needed = shape.filter(([, inner]) => isNeeded(inner)).map(([key]) => key);
      assert.deepEqual(told.required ?? [], needed, `required of ${where}`);
      for (const [key, inner] of shape) compare(inner, told.properties[key], `${where}.${key}`);
    }
    if (def.type === "literal") assert.deepEqual(told.enum ?? [told.const], def.values, where);
    if (def.type === "enum") assert.deepEqual(told.enum, Object.values(def.entries), where);
    if (def.type === "array") compare(def.element, told.items, `${where}[]`);
    if (def.type === "union") {
      // Ways to write one thing as text are published as text; the description says which.
      const isText = told.type === "string" && def.options.every(({ _zod }) => _zod.def.type === "string");
      const choices = told.oneOf ?? told.anyOf;
      for (const [index, option] of def.options.entries())
        compare(option, isText ? told : choices[index], `${where} (${index})`);
    }
    if (def.type === "pipe") compare(def.in, told, where);
    if ("innerType" in def) compare(def.innerType, told, where);
  };

  for (const definition of app.openAPIRegistry.definitions) {
    if (definition.type !== "route") continue;
    const { method, path, request } = definition.route;
    const operation = document.paths[path][method];
    const where = `${method} ${path}`;
    for (const [type, media] of Object.entries(request?.body?.content ?? {})) {
      if (media && "schema" in media && media.schema instanceof z.ZodType)
        compare(media.schema, operation.requestBody.content[type].schema, `${where} body`);
    }
    for (const place of ["query", "params", "headers"] as const) {
      const shape = request?.[place];
      if (!shape || !("_zod" in shape)) continue;
      const { def } = shape._zod as z.core.$ZodTypes["_zod"];
      assert.equal(def.type, "object", where);
      if (def.type !== "object") continue;
      for (const [key, inner] of Object.entries(def.shape)) {
        const told = operation.parameters.find(({ name }: Json) => name === key);
        assert.equal(told.required ?? false, isNeeded(inner), `${where} ${place}.${key}`);
        compare(inner, told.schema, `${where} ${place}.${key}`);
      }
    }
  }
  return count;
}

function isNeeded({ _zod }: z.core.$ZodType): boolean {
  return _zod.optin === undefined;
}
