/** Builds the service's routes from its parts. Nothing is global: a simulation asks it by app.request, without a port. */
import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import { methodNotAllowed } from "hono/method-not-allowed";
import { routePath } from "hono/route";
import { addDocs } from "../web/docs.tsx";
import { limitBody, limitRate, RateLimiter } from "../web/limits.ts";
import { HttpProblem, problemResponse, refuseInvalid, requestId } from "../web/problem.ts";
import { type CloudEnv, knownOnly } from "./authenticate.ts";
import { knowAddress } from "./client-address.ts";
import type { CloudParts } from "./cloud-parts.ts";
import { askedPages } from "./guest/asked-page.tsx";
import { guestPages } from "./guest/guest-page.tsx";
import { stayPages } from "./guest/stay-page.tsx";
import { Meters } from "./meters.ts";
import { noteRefusal } from "./note-refusal.ts";
import { pages } from "./pages/pages.tsx";
import { callingNetwork } from "./people/caller.ts";
import { peopleParts } from "./people/people-parts.ts";
import { alarmRoutes } from "./routes/alarm-routes.ts";
import { apiKeyRoutes } from "./routes/api-key-routes.ts";
import { attachmentRoutes } from "./routes/attachment-routes.ts";
import { auditRoutes } from "./routes/audit-routes.ts";
import { authRoutes } from "./routes/auth-routes.ts";
import { backupRoutes } from "./routes/backup-routes.ts";
import { bookingRoutes } from "./routes/booking-routes.ts";
import { callbackRoutes } from "./routes/callback-routes.ts";
import { eventRoutes } from "./routes/event-routes.ts";
import { evidenceRoutes } from "./routes/evidence-routes.ts";
import { factorRoutes } from "./routes/factor-routes.ts";
import { fleetRoutes } from "./routes/fleet-routes.ts";
import { forgotRoutes } from "./routes/forgot-routes.ts";
import { gateRoutes } from "./routes/gate-routes.ts";
import { gatewayRoutes } from "./routes/gateway-routes.ts";
import { grantRoutes } from "./routes/grant-routes.ts";
import { holdOpenRoutes } from "./routes/hold-open-routes.ts";
import { hookRoutes } from "./routes/hook-routes.ts";
import { integrationRoutes } from "./routes/integration-routes.ts";
import { jobRoutes } from "./routes/job-routes.ts";
import { linkRoutes } from "./routes/link-routes.ts";
import { meRoutes } from "./routes/me-routes.ts";
import { messageRoutes } from "./routes/message-routes.ts";
import { noticeRoutes } from "./routes/notice-routes.ts";
import { numberRoutes } from "./routes/number-routes.ts";
import { operationRoutes } from "./routes/operation-routes.ts";
import { passRoutes } from "./routes/pass-routes.ts";
import { passkeyRoutes } from "./routes/passkey-routes.ts";
import { peopleRoutes } from "./routes/people-routes.ts";
import { privacyRoutes } from "./routes/privacy-routes.ts";
import { propertyRoutes } from "./routes/property-routes.ts";
import { siteRoutes } from "./routes/site-routes.ts";
import { sourceRoutes } from "./routes/source-routes.ts";
import { tempCodeRoutes } from "./routes/temp-code-routes.ts";
import { TempCodes } from "./temp-codes.ts";

const adminBodyBytes = 64 * 1024;
const authBodyBytes = 16 * 1024;

const description = `Stores what gateways report, hands out what changed, and makes no decision at a door.

A program signs in by POST /auth/sign-in and sends the access token as "Authorization: Bearer …", or an API key, or the administrator's \
token; a browser has a cookie. What a role may do is in docs/permissions.md; each operation names its action as "x-action". Moments are ISO 8601 with an offset. Errors are problem+json: \
"code" is for programs, "errors" names each field at fault, "requestId" is in the service's log. A POST below a site may carry an \
Idempotency-Key: a repeat within the hour is answered as the first was.`;

export type CloudApp = OpenAPIHono<CloudEnv>;

export function cloudApp(parts: CloudParts, meters = new Meters()): CloudApp {
  const { clock, logger, version } = parts;
  const monotonic = () => clock.monotonic();
  const people = peopleParts(parts);
  const adminRequests = new RateLimiter({ burst: 400, perSecond: 200 }, monotonic);
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });
  const report = (error: Error, id: string) => logger.error("request-failed", { requestId: id, error });

  app.use(requestId());
  app.use(knowAddress(parts.trustedProxies ?? [], logger));
  app.use(measured(parts, meters));
  app.use(safeHeaders);
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) => {
        const allow = methods.join(", ");
        const problem = new HttpProblem(405, "method-not-allowed", `This path answers ${allow}.`, {
          headers: { allow },
        });
        return problemResponse(c, problem, report);
      },
    }),
  );
  app.use("/api/*", knownOnly(people));
  app.use("/api/*", limitRate(adminRequests, callingNetwork));
  app.use("/api/*", limitBody(adminBodyBytes));
  app.use("/auth/*", limitBody(authBodyBytes));
  const book = pages(people, (url, init, env) => app.request(url, init, env));
  app.notFound((c) => {
    if (isForBrowser(c)) return book.nowhere(c);
    return problemResponse(c, new HttpProblem(404, "not-found", "There is no such path."), report);
  });
  app.onError(async (error, c) => {
    await noteRefusal(parts, c, error);
    return problemResponse(c, error, report);
  });

  const bearer = (text: string) => ({ type: "http" as const, scheme: "bearer", description: text });
  app.openAPIRegistry.registerComponent("securitySchemes", "accessToken", bearer("A token that says who asks"));
  app.openAPIRegistry.registerComponent("securitySchemes", "gatewayToken", {
    ...bearer("EdDSA by the gateway's key: iss the gateway's id, aud postern-cloud, exp at most 60 s ahead"),
    bearerFormat: "JWT",
  });
  for (const routes of [
    siteRoutes,
    fleetRoutes,
    holdOpenRoutes,
    grantRoutes,
    evidenceRoutes,
    attachmentRoutes,
    gateRoutes,
    eventRoutes,
    numberRoutes,
    auditRoutes,
    backupRoutes,
    propertyRoutes,
    bookingRoutes,
    sourceRoutes,
    hookRoutes,
    alarmRoutes,
    jobRoutes,
    messageRoutes,
    callbackRoutes,
    integrationRoutes,
  ])
    app.route("/", routes(parts));
  for (const routes of [
    authRoutes,
    linkRoutes,
    forgotRoutes,
    meRoutes,
    noticeRoutes,
    factorRoutes,
    passkeyRoutes,
    peopleRoutes,
    privacyRoutes,
    apiKeyRoutes,
  ])
    app.route("/", routes(people));
  app.route("/", tempCodeRoutes(parts, new TempCodes(parts)));
  app.route("/", passRoutes(parts));
  app.route("/", guestPages(parts));
  app.route("/", stayPages(parts));
  app.route("/", askedPages(parts));
  app.route("/", gatewayRoutes(parts, meters));
  // Hubs call these without /api before them; the same routes answer, behind the same guards.
  app.all("/integrations/access/*", (c) => app.request(withApi(c.req.raw), undefined, c.env));
  app.route("/", operationRoutes(parts, meters));
  app.route("/", book.app);
  addDocs(app, { title: "Postern cloud-sync", version, description });
  return app;
}

/** Somebody has typed an address or followed a link; programs ask for no HTML, and nothing below these paths is a page. */
function isForBrowser({ req }: Context<CloudEnv>): boolean {
  const accepts = req.header("accept") ?? "";
  return req.method === "GET" && accepts.includes("text/html") && !/^\/(api|auth|v1)\//.test(req.path);
}

/** The same request, at the same path below /api. */
function withApi(request: Request): Request {
  const url = new URL(request.url);
  url.pathname = `/api${url.pathname}`;
  return new Request(url, request);
}

/** Held polls and streams would drown the figures of the others. */
function measured({ clock }: CloudParts, meters: Meters): MiddlewareHandler<CloudEnv> {
  return async (c, next) => {
    const began = clock.monotonic();
    await next();
    const route = routePath(c, -1);
    if (!/\/(feed|stream)$/.test(route))
      meters.answered(c.req.method, route, c.res.status, (clock.monotonic() - began) / 1000);
  };
}

const safeHeaders: MiddlewareHandler<CloudEnv> = async (c, next) => {
  await next();
  const set = (name: string, value: string) => {
    if (!c.res.headers.has(name)) c.res.headers.set(name, value);
  };
  set("content-security-policy", "default-src 'none'; frame-ancestors 'none'");
  set("x-content-type-options", "nosniff");
  set("referrer-policy", "no-referrer");
  set("cache-control", "no-store");
};
