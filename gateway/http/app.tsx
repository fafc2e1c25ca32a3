/** The gateway's LAN pages and checks. Only staff who have signed in may open a door here; everything else tells. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { addDocs } from "../../web/docs.tsx";
import { limitRate, RateLimiter, remoteAddress } from "../../web/limits.ts";
import { addAssets, Page, pageHeaders } from "../../web/page.tsx";
import { HttpProblem, problemResponse, type RequestIdEnv, refuseInvalid, requestId } from "../../web/problem.ts";
import { addAskRoutes } from "./ask-routes.ts";
import { addGuardPage } from "./guard-page.tsx";
import { addGuardRoutes } from "./guard-routes.ts";
import { onlyHosts } from "./hosts.ts";
import { addLanguageSwitch, languageOf } from "./language.ts";
import { LanguageSwitch } from "./language-switch.tsx";
import { Metrics } from "./metrics.ts";
import { problemPage } from "./problem-page.tsx";
import { recentEvents, withoutScan } from "./recent-events.ts";
import { eventsQuerySchema, eventsSchema, json, problems, statusSchema } from "./schemas.ts";
import { StaffPages } from "./staff-pages.tsx";
import { staffWords } from "./staff-words.ts";
import { endedWords, gatewayStatus, type StatusSources } from "./status.ts";
import { StatusBody } from "./status-page.tsx";
import { addTrustPage } from "./trust-page.tsx";
import { addVisitRoutes } from "./visit-routes.ts";

const rate = { burst: 200, perSecond: 50 };
const eventsOnPage = 20;

const routes = {
  health: createRoute({
    method: "get",
    path: "/healthz",
    tags: ["Checks"],
    summary: "Is the process alive?",
    responses: { 200: json(z.object({ status: z.literal("ok") }), "Alive") },
  }),
  ready: createRoute({
    method: "get",
    path: "/readyz",
    tags: ["Checks"],
    summary: "Can it decide and write down?",
    description:
      "503 while the journal cannot be written or the site's records have never arrived, and once the gateway was revoked or replaced. The cloud being away does not matter.",
    responses: { 200: json(z.object({ status: z.literal("ready") }), "Ready"), ...problems(503) },
  }),
  metrics: createRoute({
    method: "get",
    path: "/metrics",
    tags: ["Checks"],
    summary: "Figures for Prometheus",
    responses: { 200: { description: "text exposition format", content: { "text/plain": { schema: z.string() } } } },
  }),
  status: createRoute({
    method: "get",
    path: "/api/status",
    tags: ["Status"],
    summary: "What the gateway knows of itself",
    responses: { 200: json(statusSchema, "The status"), ...problems(429) },
  }),
  events: createRoute({
    method: "get",
    path: "/api/events",
    tags: ["Status"],
    summary: "The newest events of the journal",
    request: { query: eventsQuerySchema },
    responses: { 200: json(eventsSchema, "The events that are on the disk"), ...problems(400, 429) },
  }),
};

export function gatewayApp(sources: StatusSources): OpenAPIHono<RequestIdEnv> {
  const { site, version } = sources;
  const app = new OpenAPIHono<RequestIdEnv>({ defaultHook: refuseInvalid });
  const metrics = new Metrics();
  app.use(requestId());
  app.use(pageHeaders());
  app.use(limitRate(new RateLimiter(rate, () => site.clock.monotonic()), remoteAddress));
  app.use(onlyHosts(sources.machine, sources.hosts));
  app.onError((error, c) => {
    const answer = problemResponse(c, error, (fault, id) =>
      site.logger.error("request-failed", { path: c.req.path, requestId: id, error: fault }),
    );
    return problemPage(c, answer);
  });
  app.notFound((c) => {
    const problem = new HttpProblem(404, "not-found", "There is no such path; see /docs.");
    return problemPage(
      c,
      problemResponse(c, problem, () => undefined),
    );
  });

  app.openapi(routes.health, (c) => c.json({ status: "ok" as const }, 200));
  app.openapi(routes.ready, (c) => {
    if (site.journal.state !== "open")
      throw new HttpProblem(503, "journal-not-open", `The journal is ${site.journal.state}.`);
    if (!site.records.site)
      throw new HttpProblem(503, "no-records", "The site's records have not arrived from the cloud yet.");
    const { state } = sources.sync();
    if (state === "revoked" || state === "fenced")
      throw new HttpProblem(503, `gateway-${state}`, `Not ready: ${endedWords[state]}.`);
    return c.json({ status: "ready" as const }, 200);
  });
  app.openapi(routes.metrics, async (c) =>
    c.text(await metrics.text(await gatewayStatus(sources), sources.broker()), 200, {
      "content-type": metrics.contentType,
    }),
  );
  app.openapi(routes.status, async (c) => c.json(await gatewayStatus(sources), 200));
  app.openapi(routes.events, async (c) => {
    const { limit } = c.req.valid("query");
    const events = await recentEvents(site.journal, limit);
    // Who scanned whom, and with which photo, is told to those who work here.
    return c.json({ events: staff.sessionOf(c) ? events : events.map(withoutScan) }, 200);
  });

  const body = async (c: Context) => {
    const events = await recentEvents(site.journal, eventsOnPage);
    return <StatusBody status={await gatewayStatus(sources)} events={events} language={languageOf(c)} />;
  };
  const staff = new StaffPages(sources);
  app.get("/status", async (c) => c.html(await body(c)));
  app.get("/", async (c) => {
    const language = languageOf(c);
    const words = staffWords[language];
    return c.html(
      <Page title={`${sources.name} · ${words.gateway}`} lang={language}>
        <header>
          <LanguageSwitch language={language} here="/" />
          <h1>{sources.name}</h1>
          <p>
            {words.gateway} {version} · <a href="/docs">{words.api}</a>
          </p>
        </header>
        <staff.Doors session={staff.sessionOf(c)} language={language} />
        {await body(c)}
      </Page>,
    );
  });
  staff.addTo(app);
  const sessionOf = (c: Context) => staff.sessionOf(c);
  addGuardRoutes(app, sources, sessionOf);
  addVisitRoutes(app, sources, sessionOf);
  addAskRoutes(app, sources, sessionOf);
  addGuardPage(app, sources, sessionOf);
  addLanguageSwitch(app);
  addTrustPage(app, sources);
  addAssets(app);
  addDocs(app, {
    title: "Postern gateway",
    version,
    description: "The LAN side of the gateway: what it is doing and how it is. Decisions are made at the readers.",
  });
  return app;
}
