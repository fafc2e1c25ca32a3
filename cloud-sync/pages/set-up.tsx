/** First set-up: site, gateway, lock, code, one after the other with the same forms as elsewhere; what is done is found out, not remembered. */
import type { Child } from "hono/jsx";
import { Frame } from "./frame.tsx";
import type { PageBook } from "./page-book.tsx";
import { Field, Form, OnceKey } from "./parts/form.tsx";
import { refreshed } from "./parts/refreshed.ts";
import { Notice } from "./parts/show.tsx";
import { listDoors, listGateways, listSites, type SeenGateway, type SeenSite, SiteFields } from "./sites.tsx";
import type { Visit } from "./visit.ts";

type Step = "site" | "gateway" | "lock" | "code";
const steps: readonly Step[] = ["site", "gateway", "lock", "code"];

interface Standing {
  /** undefined: all is done. */
  readonly now: Step | undefined;
  readonly site?: SeenSite;
  /** It was added and has not enrolled yet. */
  readonly waiting?: SeenGateway | undefined;
}

export function addSetUpPages(book: PageBook): void {
  book.get("/set-up", "sites.create", async (c, visit) => {
    const { words } = visit;
    const standing = await standingOf(visit);
    return c.html(
      <Frame visit={visit} title={words.setUp.title} at="/set-up">
        <h1>{words.setUp.title}</h1>
        <p>{words.setUp.lead}</p>
        {standing.now === undefined && <Notice>{words.setUp.ready}</Notice>}
        <StepList visit={visit} standing={standing} />
      </Frame>,
    );
  });

  book.get("/set-up/steps", "sites.create", async (c, visit) =>
    c.html(<StepList visit={visit} standing={await standingOf(visit)} />),
  );
}

async function standingOf(visit: Visit): Promise<Standing> {
  const [site] = await listSites(visit);
  if (!site) return { now: "site" };
  const gateways = (await listGateways(visit, site.id)).filter(({ state }) => state !== "revoked");
  const enrolled = gateways.some(({ state }) => state !== "waiting");
  if (!enrolled) return { now: "gateway", site, waiting: gateways[0] };
  if ((await listDoors(visit, site.id)).length === 0) return { now: "lock", site };
  const { items } = await visit.api.get<{ items: readonly unknown[] }>("/api/temp-codes?limit=1");
  return { now: items.length === 0 ? "code" : undefined, site };
}

/** A form that is filled in must not be fetched away, so only steps that wait for somebody else ask again. */
function StepList({ visit, standing }: { visit: Visit; standing: Standing }) {
  const { words } = visit;
  const waits = standing.now === "lock" || standing.waiting !== undefined;
  const at = standing.now === undefined ? steps.length : steps.indexOf(standing.now);
  return (
    <ol class="steps" id="steps" {...(waits && refreshed("/set-up/steps", 3))}>
      {steps.map((step, index) => (
        <li aria-current={index === at ? "step" : undefined}>
          <h2>
            {index + 1}. {words.setUp[step]}{" "}
            <small>
              {index < at ? words.setUp.stepDone : index === at ? words.setUp.stepNow : words.setUp.stepLater}
            </small>
          </h2>
          {index === at && <StepNow step={step} visit={visit} standing={standing} />}
        </li>
      ))}
    </ol>
  );
}

function StepNow({ step, visit, standing }: { step: Step; visit: Visit; standing: Standing }): Child {
  const { words } = visit;
  const site = standing.site?.id ?? "";
  switch (step) {
    case "site":
      return (
        <>
          <p>{words.setUp.siteLead}</p>
          <Form action="/sites" words={words} submit={words.setUp.next}>
            <input type="hidden" name="then" value="set-up" />
            <SiteFields words={words} />
          </Form>
        </>
      );
    case "gateway":
      return standing.waiting ? (
        <>
          <p>{words.setUp.gatewayWaits}</p>
          <Form
            action={`/sites/${site}/gateways/${standing.waiting.id}/enrolment-codes`}
            words={words}
            submit={words.sites.renew}
          >
            <input type="hidden" name="then" value="set-up" />
          </Form>
        </>
      ) : (
        <>
          <p>{words.setUp.gatewayLead}</p>
          <Form action={`/sites/${site}/gateways`} words={words} submit={words.sites.gatewaySubmit}>
            <input type="hidden" name="then" value="set-up" />
            <OnceKey />
            <Field name="name" label={words.sites.gatewayName} words={words} required />
          </Form>
        </>
      );
    case "lock":
      return <p role="status">{words.setUp.lockLead}</p>;
    case "code":
      return (
        <>
          <p>{words.setUp.codeLead}</p>
          <a class="button" href="/codes/new">
            {words.codes.make}
          </a>
        </>
      );
  }
}
