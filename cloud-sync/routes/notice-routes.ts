/** What a person is told of their visitors: by which way, and in which browsers. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { fieldProblem, refuseInvalid } from "../../web/problem.ts";
import type { CloudEnv } from "../authenticate.ts";
import { areBrowserKeys } from "../channels/push-encryption.ts";
import { isPushService } from "../channels/web-push.ts";
import { noticeWays } from "../domain/notice-choice.ts";
import { callerOf } from "../people/caller.ts";
import { pushSeal } from "../people/notices.ts";
import type { PeopleParts } from "../people/people-parts.ts";
import { keepChoice, readChoice } from "../store/notice-choices.ts";
import { listSubscriptions, pushKeys, subscribe, unsubscribe } from "../store/push-subscriptions.ts";
import { asks } from "./asks.ts";
import { requireSelf, sessionOf } from "./me-routes.ts";
import { noteOf } from "./requests.ts";
import { idText, iso, isoOrNull, json, jsonBody, momentOrNull, notFound, problems } from "./shapes.ts";

const tags = ["Own notices"];

const choiceSchema = z
  .strictObject({
    channel: z.enum(noticeWays).openapi({
      description: "push: by the community's app or in browsers, and by mail where neither is reached.",
    }),
    entries: z.boolean().openapi({ description: "When a visitor of one's own was let in." }),
    denials: z.boolean().openapi({ description: "When one was not." }),
  })
  .openapi("NoticeChoice");

const browserSchema = z
  .object({
    id: z.string(),
    device: z.string().openapi({ description: "What the browser calls itself." }),
    createdAt: z.string(),
    usedAt: momentOrNull,
  })
  .openapi("ToldBrowser");

const readNotices = createRoute({
  method: "get",
  path: "/api/me/notices",
  tags,
  summary: "What one is told of, and by which way",
  ...asks("account.self"),
  responses: { 200: json(choiceSchema, "The choice"), ...problems(401, 403, 429) },
});

const changeNotices = createRoute({
  method: "put",
  path: "/api/me/notices",
  tags,
  summary: "Choose what one is told of, and by which way",
  ...asks("account.self"),
  request: { body: jsonBody(choiceSchema) },
  responses: { 200: json(choiceSchema, "The choice"), ...problems(400, 401, 403, 413, 415, 429) },
});

const listBrowsers = createRoute({
  method: "get",
  path: "/api/me/push",
  tags,
  summary: "Browsers in which one is told, and the key they subscribe with",
  ...asks("account.self"),
  responses: {
    200: json(
      z.object({
        key: z.string().openapi({ description: "applicationServerKey, base64url." }),
        items: z.array(browserSchema),
      }),
      "The newest first",
    ),
    ...problems(401, 403, 429),
  },
});

/** A browser's PushSubscription, as its toJSON() writes it. */
const subscriptionSchema = z.strictObject({
  endpoint: z.url().max(2_000),
  expirationTime: z.number().nullish(),
  keys: z.strictObject({ p256dh: z.base64url().max(200), auth: z.base64url().max(100) }),
});

const addBrowser = createRoute({
  method: "post",
  path: "/api/me/push",
  tags,
  summary: "Be told in this browser",
  description: "Ends when one signs out there. Of a person's browsers the ten newest are told.",
  ...asks("account.self"),
  request: { body: jsonBody(subscriptionSchema) },
  responses: {
    201: json(z.object({ id: z.string() }), "It is told from now on"),
    ...problems(400, 401, 403, 413, 415, 429),
  },
});

const removeBrowser = createRoute({
  method: "delete",
  path: "/api/me/push/{id}",
  tags,
  summary: "Be told in this browser no more",
  ...asks("account.self"),
  request: { params: z.object({ id: idText }) },
  responses: { 204: { description: "It is told no more" }, ...problems(401, 403, 404, 429) },
});

export function noticeRoutes(people: PeopleParts): OpenAPIHono<CloudEnv> {
  const { store, clock } = people;
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });

  app.openapi(readNotices, async (c) => c.json(await readChoice(store.db, (await requireSelf(people, c)).id), 200));

  app.openapi(changeNotices, async (c) => {
    const { id } = await requireSelf(people, c);
    const choice = c.req.valid("json");
    await store.transaction(async (tx) => {
      const before = await readChoice(tx, id);
      await keepChoice(tx, id, choice);
      await noteOf(people, c)(tx, {
        action: "account.notices",
        thing: id,
        before: { ...before },
        after: { ...choice },
      });
    });
    return c.json(choice, 200);
  });

  app.openapi(listBrowsers, async (c) => {
    const { id } = await requireSelf(people, c);
    const { publicKey } = await pushKeys(store, pushSeal(people), clock.wall());
    const items = (await listSubscriptions(store.db, id)).map((one) => ({
      id: one.id,
      device: one.device,
      createdAt: iso(one.createdAt),
      usedAt: isoOrNull(one.usedAt),
    }));
    return c.json({ key: publicKey, items }, 200);
  });

  app.openapi(addBrowser, async (c) => {
    const person = await requireSelf(people, c);
    const { endpoint, keys } = c.req.valid("json");
    if (!isPushService(endpoint, people.pushServices))
      throw fieldProblem("body.endpoint", "is of no push service that this service knows");
    if (!areBrowserKeys(keys)) throw fieldProblem("body.keys", "are no keys of a browser");
    const owner = { personId: person.id, sessionId: sessionOf(c), device: callerOf(c).device };
    const id = await store.transaction(async (tx) => {
      const made = await subscribe(tx, owner, { endpoint, ...keys }, pushSeal(people), clock.wall());
      await noteOf(people, c)(tx, { action: "account.push-on", thing: person.id });
      return made;
    });
    return c.json({ id }, 201);
  });

  app.openapi(removeBrowser, async (c) => {
    const person = await requireSelf(people, c);
    const { id } = c.req.valid("param");
    const isGone = await store.transaction(async (tx) => {
      if (!(await unsubscribe(tx, person.id, id))) return false;
      await noteOf(people, c)(tx, { action: "account.push-off", thing: person.id });
      return true;
    });
    if (!isGone) throw notFound(`browser ${id} of yours`);
    return c.body(null, 204);
  });

  return app;
}
