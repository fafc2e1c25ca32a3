/** Makers' accounts that gateways use: given, switched, taken away; how they do, and what became of people's credentials there. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { SecretString } from "../../gateway/wire/secret.ts";
import { refuseInvalid } from "../../web/problem.ts";
import {
  type AccessCredential,
  AccessIntegrations,
  type AccessLogEntry,
  type IntegrationStatus,
} from "../access-integrations.ts";
import { askerOf } from "../asker.ts";
import type { CloudEnv } from "../authenticate.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { accessActions } from "../domain/access-log.ts";
import { type AccessProvider, type SecretName, secretNames } from "../domain/access-providers.ts";
import { chosenSite } from "../own-grants.ts";
import { asks } from "./asks.ts";
import {
  epochNumber,
  fromPageMark,
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
} from "./shapes.ts";

const tags = ["Access integrations"];

const providers = ["KISI", "BRIVO"] as const;
const told: Readonly<Record<AccessProvider, (typeof providers)[number]>> = { kisi: "KISI", brivo: "BRIVO" };
const meant: Readonly<Record<(typeof providers)[number], AccessProvider>> = { KISI: "kisi", BRIVO: "brivo" };
const provider = z
  .string()
  .toUpperCase()
  .pipe(z.enum(providers))
  .openapi({ type: "string", enum: [...providers], description: "In any case." });

const secret = (description: string) => z.string().min(1).max(4_096).optional().openapi({ description });

const stateWords = ["in-use", "on-its-way", "give-again", "gateway-revoked", "not-given"] as const;

const statusSchema = z
  .object({
    id: z.string(),
    site: z.string(),
    gateway: z.object({ id: z.string(), name: z.string() }),
    provider: z.enum(providers),
    isConfigured: z.boolean(),
    isEnabled: z
      .boolean()
      .openapi({ description: "False: nobody gets a new credential; what stands is looked after." }),
    configuredAt: momentOrNull,
    configuredBy: z.string().nullable(),
    secrets: z.array(z.enum(secretNames)).openapi({ description: "Which were given. Their values are nowhere here." }),
    state: z.enum(stateWords).openapi({
      description:
        "`in-use`: the gateway has it, and a device of the provider; `on-its-way`: not both yet; `give-again`: the gateway has another key by now and cannot open what " +
        "was given; `not-given`: its doors work by the gateway's own secrets file, or not at all.",
    }),
    devices: z.array(
      z.object({
        id: z.string(),
        link: z.enum(["online", "offline", "unknown"]),
        attention: z.string().nullable().openapi({ description: "What a person has to do before it works." }),
        doors: z.array(z.string()),
      }),
    ),
    credentials: z.number().int().openapi({ description: "Read back from the maker as standing there." }),
  })
  .openapi("AccessIntegration");

const memberSchema = z
  .object({ id: z.string(), name: z.string() })
  .nullable()
  .openapi({ description: "null: its grant is kept no more." });

const entrySchema = z
  .object({
    at: z.string(),
    action: z.enum(accessActions).openapi({
      description:
        "`granted`, `revoked`: read back from the maker; `gone`: taken away there by somebody, and put back if it should stand; `kept`: it was " +
        "to go and still stands; `refused`, `unanswered`: what the maker said to a change; `missing`: it cannot be put there, see `why`.",
    }),
    provider: z.enum(providers),
    site: z.string(),
    gateway: z.string(),
    device: z.string(),
    doors: z.array(z.string()),
    grant: z.string(),
    booking: z.string().nullable(),
    member: memberSchema,
    externalCredentialId: z.string().nullable(),
    why: z.string().nullable(),
  })
  .openapi("AccessLogEntry");

const credentialSchema = z
  .object({
    id: z.string(),
    provider: z.enum(providers),
    externalCredentialId: z.string().nullable().openapi({ description: "null: the maker has not told it." }),
    isActive: z.boolean(),
    grantedAt: momentOrNull,
    revokedAt: momentOrNull,
    createdAt: z.string(),
    site: z.string(),
    gateway: z.string(),
    device: z.string(),
    doors: z.array(z.string()),
    grant: z.string(),
    booking: z.string().nullable(),
    member: memberSchema,
  })
  .openapi("AccessCredential");

const configure = createRoute({
  method: "post",
  path: "/api/integrations/access/configure",
  tags,
  summary: "Give a maker's account to the gateway that uses it",
  description:
    "The secrets are sealed to the gateway's own key before they are kept: nothing but the gateway can read them again. " +
    "Given once more they take the place of those before. Without any, `isEnabled` switches what was given.",
  ...asks("integrations.change"),
  request: {
    body: jsonBody(
      z.strictObject({
        site: idText.optional().openapi({ description: "May be left out by whoever belongs to one site alone." }),
        gateway: idText.optional().openapi({
          description: "Left out: the only one in service, or the only one that has doors of the provider.",
        }),
        provider,
        apiKey: secret("Of Kisi: made at web.kisi.io, menu API. Of Brivo: from developer.brivo.com."),
        clientSecret: secret("Of Brivo: the application's."),
        password: secret("Of Brivo: of the administrator whom the gateway's file names."),
        refreshToken: secret("Of Brivo: instead of the password, of an application with three-legged login."),
        isEnabled: z.boolean().optional().openapi({ description: "Left out: as it was, and true at first." }),
      }),
    ),
  },
  responses: { 200: json(statusSchema, "How it is"), ...problems(400, 401, 403, 409, 413, 415, 429) },
});

const status = createRoute({
  method: "get",
  path: "/api/integrations/access/status",
  tags,
  summary: "Which makers' accounts gateways use, and how they do",
  ...asks("integrations.read"),
  request: { query: z.strictObject({ site: idText.optional() }) },
  responses: {
    200: json(
      z.object({ isConfigured: z.boolean(), isEnabled: z.boolean(), items: z.array(statusSchema) }),
      "All of them; the first two say whether any is",
    ),
    ...problems(400, 401, 403, 429),
  },
});

const remove = createRoute({
  method: "delete",
  path: "/api/integrations/access/{id}",
  tags,
  summary: "Take a maker's account away from its gateway",
  description:
    "The gateway forgets the secrets, and so takes nothing away at the maker any more: withdraw the bookings and grants first, and wait until " +
    "`credentials` of its status is 0.",
  ...asks("integrations.change"),
  request: { params: z.object({ id: idText.openapi({ example: "demo.gw-7k3m9xw2pa:kisi" }) }) },
  responses: { 204: { description: "It is gone" }, ...problems(401, 403, 404, 429) },
});

const filterQuery = {
  ...pageQuery,
  site: idText.optional(),
  gateway: idText.optional(),
  provider: provider.optional(),
};

const logs = createRoute({
  method: "get",
  path: "/api/integrations/access/logs",
  tags,
  summary: "What became of people's credentials at makers' doors, newest first",
  ...asks("integrations.read"),
  request: { query: z.strictObject(filterQuery) },
  responses: {
    200: json(z.object({ items: z.array(entrySchema), next: nextField }), "A page"),
    ...problems(400, 401, 403, 429),
  },
});

const credentials = createRoute({
  method: "get",
  path: "/api/integrations/access/credentials",
  tags,
  summary: "People's credentials at makers' doors, newest first",
  description: "Told from what the gateways read back; one for each door's device.",
  ...asks("integrations.read"),
  request: { query: z.strictObject(filterQuery) },
  responses: {
    200: json(z.object({ items: z.array(credentialSchema), next: nextField }), "A page"),
    ...problems(400, 401, 403, 429),
  },
});

const logMark = z.tuple([z.number().int(), idText, idText, epochNumber, z.number().int()]);
const credentialMark = z.tuple([z.number().int(), idText, idText, idText, idText]);

export function integrationRoutes(parts: CloudParts): OpenAPIHono<CloudEnv> {
  const integrations = new AccessIntegrations(parts);
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });

  app.openapi(configure, async (c) => {
    const asker = askerOf(c);
    const { site: named, gateway, provider: called, isEnabled, ...given } = c.req.valid("json");
    const site = await chosenSite(parts.store.db, asker.actor, "integrations.change", named, "body");
    const wanted = { gateway, provider: meant[called], isEnabled, secrets: hidden(given) };
    return c.json(toStatus(await integrations.configure(asker, site, wanted)), 200);
  });

  app.openapi(status, async (c) => {
    const items = (await integrations.status(c.get("actor"), c.req.valid("query").site)).map(toStatus);
    const some = (is: "isConfigured" | "isEnabled") => items.some((one) => one[is]);
    return c.json({ isConfigured: some("isConfigured"), isEnabled: some("isEnabled"), items }, 200);
  });

  app.openapi(remove, async (c) => {
    await integrations.remove(askerOf(c), c.req.valid("param").id);
    return c.body(null, 204);
  });

  app.openapi(logs, async (c) => {
    const { after, provider: called, ...query } = c.req.valid("query");
    const mark = after === undefined ? undefined : fromPageMark(after, logMark);
    const place = mark && { at: mark[0], site: mark[1], gateway: mark[2], epoch: mark[3], seq: mark[4] };
    const asked = { ...query, provider: called && meant[called], after: place };
    const { items, next } = await integrations.logs(c.get("actor"), asked);
    const end = next && toPageMark([next.at, next.site, next.gateway, next.epoch, next.seq]);
    return c.json({ items: items.map(toEntry), next: end ?? null }, 200);
  });

  app.openapi(credentials, async (c) => {
    const { after, provider: called, ...query } = c.req.valid("query");
    const mark = after === undefined ? undefined : fromPageMark(after, credentialMark);
    const place = mark && { createdAt: mark[0], site: mark[1], gateway: mark[2], device: mark[3], credential: mark[4] };
    const asked = { ...query, provider: called && meant[called], after: place };
    const { items, next } = await integrations.credentials(c.get("actor"), asked);
    const end = next && toPageMark([next.createdAt, next.site, next.gateway, next.device, next.credential]);
    return c.json({ items: items.map(toCredential), next: end ?? null }, 200);
  });

  return app;
}

/** From here on nothing can print them. */
function hidden(given: Readonly<Partial<Record<SecretName, string | undefined>>>) {
  const all = secretNames.flatMap((name) => (given[name] === undefined ? [] : [[name, new SecretString(given[name])]]));
  return Object.fromEntries(all) as Partial<Record<SecretName, SecretString>>;
}

function toStatus({ given, provider: maker, devices, ...status }: IntegrationStatus) {
  return {
    ...status,
    provider: told[maker],
    isConfigured: given !== null,
    isEnabled: given?.isEnabled ?? false,
    configuredAt: isoOrNull(given?.configuredAt ?? null),
    configuredBy: given?.configuredBy ?? null,
    secrets: secretNames.filter((name) => given?.secrets.includes(name)),
    devices: devices.map((device) => ({ ...device, doors: [...device.doors] })),
  };
}

function toEntry({ at, provider: maker, doors, member, externalId, ...entry }: AccessLogEntry) {
  return {
    ...entry,
    at: iso(at),
    provider: told[maker],
    doors: [...doors],
    booking: member?.booking ?? null,
    member: member && { id: member.id, name: member.name },
    externalCredentialId: externalId,
  };
}

function toCredential(one: AccessCredential) {
  const { provider: maker, doors, member, site, gateway, device, grant } = one;
  return {
    id: `${gateway}:${device}:${one.credential}`,
    ...{ site, gateway, device, grant },
    provider: told[maker],
    externalCredentialId: one.externalId,
    isActive: one.isActive,
    grantedAt: isoOrNull(one.grantedAt),
    revokedAt: isoOrNull(one.revokedAt),
    createdAt: iso(one.createdAt),
    doors: [...doors],
    booking: member?.booking ?? null,
    member: member && { id: member.id, name: member.name },
  };
}
