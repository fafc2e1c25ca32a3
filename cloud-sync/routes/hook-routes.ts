/** Where sources of bookings send to, each at an address of its own. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { limitBody, limitRate, RateLimiter } from "../../web/limits.ts";
import { HttpProblem, refuseInvalid } from "../../web/problem.ts";
import type { CloudEnv } from "../authenticate.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { callingNetwork } from "../people/caller.ts";
import { receiveBooking, receiveWord } from "../receive-hook.ts";
import { json, problems } from "./shapes.ts";

const bodyBytesMax = 256 * 1024;

const receive = createRoute({
  method: "post",
  path: "/hooks/{source}/{token}",
  tags: ["Sources of bookings"],
  summary: "Send a booking",
  description:
    "The body is JSON, signed by the source's secret: `{id, type: booking.upsert | booking.cancel, occurred_at, booking: {external_id, property, " +
    "unit?, arrival, departure, check_in?, check_out?, status, guest: {name, email?, phone?, language?}, version?}}`; see docs/hooks.md. Later than " +
    "what is known of the booking is what has a higher `version`, else a later `occurred_at`.",
  request: { params: z.object({ source: z.string().max(128), token: z.string().max(128) }) },
  responses: {
    200: json(z.object({ taken: z.literal("repeated") }), "The same message came before"),
    202: json(
      z.object({ taken: z.enum(["taken", "older"]) }),
      "It is kept; an older one than what is known changes nothing",
    ),
    ...problems(401, 404, 409, 410, 413, 415, 422, 429),
  },
});

const word = createRoute({
  method: "post",
  path: "/hooks/{source}/{token}/{event}",
  tags: ["Sources of bookings"],
  summary: "Word from Lodgify that a booking has changed",
  description: "It is subscribed to by the service itself, where the source's option `webhooks` is on.",
  request: {
    params: z.object({ source: z.string().max(128), token: z.string().max(128), event: z.string().max(64) }),
  },
  responses: { 200: json(z.object({}), "It is kept"), ...problems(401, 404, 410, 413, 429) },
});

export function hookRoutes(parts: CloudParts): OpenAPIHono<CloudEnv> {
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });
  const requests = new RateLimiter({ burst: 200, perSecond: 50 }, () => parts.clock.monotonic());
  app.use("/hooks/*", limitRate(requests, callingNetwork));
  app.use("/hooks/*", limitBody(bodyBytesMax));

  app.openapi(receive, async (c) => {
    if (!/^application\/(?:[\w.-]+\+)?json(?:;|$)/i.test(c.req.header("content-type") ?? ""))
      throw new HttpProblem(415, "unsupported-media-type", "Send the message as application/json.");
    const { source, token } = c.req.valid("param");
    const body = new Uint8Array(await c.req.arrayBuffer());
    const taken = await receiveBooking(parts, { source, token, header: (name) => c.req.header(name), body });
    return taken === "repeated" ? c.json({ taken }, 200) : c.json({ taken }, 202);
  });

  app.openapi(word, async (c) => {
    const body = new Uint8Array(await c.req.arrayBuffer());
    await receiveWord(parts, { ...c.req.valid("param"), header: (name) => c.req.header(name), body });
    return c.json({}, 200);
  });

  return app;
}
