/**
 * What a guard sees after asking the host: asked and waiting, yes, no, or no answer; and what can be done then. Works without a script, by
 * loading itself anew; with one the gateway holds the request until there is an answer.
 */
import { randomUUID } from "node:crypto";
import type { Hono } from "hono";
import type { Child } from "hono/jsx";
import type { RequestIdEnv } from "../../web/problem.ts";
import { isOpen, type Question, type QuestionState } from "../domain/questions.ts";
import { awaitHost } from "../flows/ask-host.ts";
import { heldMaxMs } from "./ask-routes.ts";
import type { GuardDesk } from "./guard-desk.ts";
import { Frame, type GuardVisit } from "./guard-frame.tsx";
import { GuardPhoto } from "./guard-photo.tsx";
import { gateOf } from "./guard-routes.ts";
import { textOf, walkInOf } from "./guard-walk-in.tsx";
import { guardWords } from "./guard-words.ts";
import { pathOf } from "./language-switch.tsx";

export const askPath = "/guard/walk-in/ask";
const askedPath = "/guard/asked";
const denyPath = "/guard/walk-in/deny";
/** How often the page loads itself where no script does. */
const lookEveryS = 4;

const addressOf = (id: string) => `${askedPath}?of=${encodeURIComponent(id)}`;

export function addAskedPage(app: Hono<RequestIdEnv>, desk: GuardDesk): void {
  const { site } = desk.sources;

  app.post(askPath, async (c) => {
    if (!desk.visit(c)) return desk.signIn(c, "/guard/walk-in");
    const form = await c.req.parseBody();
    const walkIn = walkInOf(form);
    const asked = { ...walkIn, access_point: gateOf(site, walkIn.access_point).id, host: textOf(form, "host") };
    await desk.api(c, "POST", "/walk-in/ask", asked);
    return c.redirect(addressOf(walkIn.nonce ?? ""), 303);
  });

  app.get(askedPath, async (c) => {
    const visit = desk.visit(c);
    if (!visit) return desk.signIn(c, pathOf(c));
    const { of: id = "", wait } = c.req.query();
    const question = await awaitHost(site, id, wait === undefined ? 0 : heldMaxMs, c.req.raw.signal);
    // Nothing new: what the guard has before them stays as it is.
    if (wait !== undefined && question && isOpen(question)) return c.body(null, 204);
    return question ? c.html(<AskedPage visit={visit} question={question} />) : c.html(<Unknown visit={visit} />, 404);
  });

  app.post(denyPath, async (c) => {
    const visit = desk.visit(c);
    if (!visit) return desk.signIn(c, "/guard/walk-in");
    const form = await c.req.parseBody();
    const { name = "", nonce = "", host_name, access_point } = walkInOf(form);
    const gate = gateOf(site, access_point).id;
    // Another number than the entry's: each is its own word.
    const denied = { nonce: `${nonce}-no`, access_point: gate, name, host_name };
    await desk.api(c, "POST", "/deny-entry", { ...denied, note: guardWords[visit.language].ask.saysNo });
    return desk.show(c, { gate, uid: "", name, nonce, at: desk.now(), told: { outcome: "turned-away" } });
  });
}

interface AskedProps {
  readonly visit: GuardVisit;
  readonly question: Question;
}

/** What the guard may do: by what the host says, and by what the site asks of guards. */
type Tone = "waiting" | "good" | "bad" | "open" | "choose";

function toneOf({ is }: QuestionState): Tone {
  if (is === "asking" || is === "waiting") return "waiting";
  if (is === "approved") return "good";
  if (is === "choose") return "choose";
  return is === "denied" ? "bad" : "open";
}

const signs: Readonly<Record<Tone, string>> = { waiting: "…", good: "✓", bad: "✕", open: "?", choose: "?" };

function AskedPage({ visit, question }: AskedProps) {
  const words = guardWords[visit.language].ask;
  const { id, state, visitor, accessPoint } = question;
  const tone = toneOf(state);
  const here = addressOf(id);
  const host = ("host" in state ? state.host?.name : undefined) ?? visitor.hostName;
  return (
    <Frame visit={visit} head={tone === "waiting" && <LoadsItself />}>
      <section
        class={`verdict ${tone === "good" || tone === "bad" ? tone : "wait"}`}
        role="status"
        data-tone={tone === "good" || tone === "bad" ? tone : undefined}
        data-gate={accessPoint}
        data-waits={tone === "waiting" ? `${here}&wait=1` : undefined}
      >
        <span class="sign" aria-hidden="true">
          {signs[tone]}
        </span>
        <h2 tabindex={-1}>{words.titles[tone]}</h2>
        <p class="visitor">{visitor.name}</p>
        <p>
          {host} · {visit.site.accessPoints.get(accessPoint)?.name}
        </p>
      </section>
      <p>{words.states[state.is]}</p>
      {tone === "waiting" && (
        <noscript>
          <p>
            <a href={here} class="next">
              {words.look}
            </a>
          </p>
        </noscript>
      )}
      <NextStep visit={visit} question={question} />
      <p>
        <a href={`/guard?gate=${encodeURIComponent(accessPoint)}`} class="next">
          {guardWords[visit.language].next}
        </a>
      </p>
    </Frame>
  );
}

/** A browser that runs scripts takes no notice of it. */
function LoadsItself() {
  return (
    <noscript>
      <meta http-equiv="refresh" content={String(lookEveryS)} />
    </noscript>
  );
}

function NextStep({ visit, question }: AskedProps) {
  const words = guardWords[visit.language];
  const { state } = question;
  const tone = toneOf(state);
  if (state.is === "choose") return <ChooseHost visit={visit} question={question} />;
  if (tone === "good") return <LetIn visit={visit} question={question} label={words.ask.letIn} />;
  if (tone === "bad")
    return (
      <WalkInForm visit={visit} question={question} action={denyPath}>
        <button type="submit">{words.ask.turnAway}</button>
      </WalkInForm>
    );
  const mayDecide = visit.guards.walkIns !== "host";
  const ownWord = mayDecide && <LetIn visit={visit} question={question} label={words.walkIn.letIn} />;
  if (tone === "waiting")
    return (
      ownWord && (
        <details>
          <summary>{words.ask.noWait}</summary>
          {ownWord}
        </details>
      )
    );
  return (
    <>
      <p>{mayDecide ? words.ask.decide : words.ask.hostsOnly}</p>
      <AskAgain visit={visit} question={question} />
      {ownWord}
    </>
  );
}

/** The visitor as the guard has typed them, on to what the guard does now. `nonce`: another question, and another word. */
function WalkInForm(props: AskedProps & { action: string; nonce?: string; keep?: boolean; children?: Child }) {
  const { question, action, nonce = question.id, keep = true, children } = props;
  const { accessPoint, visitor, state } = question;
  const { name, type, document, note, hostName } = visitor;
  const known = "host" in state ? state.host?.name : undefined;
  const fields = { gate: accessPoint, nonce, name, type, document, note, host_name: known ?? hostName };
  return (
    <form method="post" action={action} class="narrow" data-send {...(keep && { "data-keep": name })}>
      {Object.entries(fields).map(
        ([field, value]) => value !== undefined && <input type="hidden" name={field} value={value} />,
      )}
      {children}
    </form>
  );
}

function LetIn({ visit, question, label }: AskedProps & { label: string }) {
  return (
    <WalkInForm visit={visit} question={question} action="/guard/walk-in">
      <GuardPhoto visit={visit} />
      <button type="submit" class="approve">
        {label}
      </button>
    </WalkInForm>
  );
}

/** Where nobody knows whether the host was asked, under the same number, which asks nobody twice. The name may have been wrong. */
function AskAgain({ visit, question }: AskedProps) {
  const { ask, walkIn } = guardWords[visit.language];
  const isNew = question.state.is === "unanswered" || question.state.is === "spent";
  if (question.state.is === "nobody")
    return (
      <p>
        <a href="/guard/walk-in">{walkIn.title}</a>
      </p>
    );
  return (
    <WalkInForm
      visit={visit}
      question={question}
      action={askPath}
      keep={false}
      nonce={isNew ? randomUUID() : question.id}
    >
      <button type="submit" class="outline">
        {ask.again}
      </button>
    </WalkInForm>
  );
}

function ChooseHost({ visit, question }: AskedProps) {
  const words = guardWords[visit.language];
  const { state } = question;
  return (
    <WalkInForm visit={visit} question={question} action={askPath} keep={false}>
      <fieldset>
        <legend>{words.ask.which}</legend>
        {state.is === "choose" &&
          state.hosts.map(({ id, name }) => (
            <label>
              <input type="radio" name="host" value={id} required />
              {name}
            </label>
          ))}
      </fieldset>
      <button type="submit">{words.walkIn.ask}</button>
    </WalkInForm>
  );
}

function Unknown({ visit }: { visit: GuardVisit }) {
  const { ask, walkIn } = guardWords[visit.language];
  return (
    <Frame visit={visit}>
      <p role="alert">{ask.unknown}</p>
      <p>
        <a href="/guard/walk-in" class="next">
          {walkIn.title}
        </a>
      </p>
    </Frame>
  );
}
