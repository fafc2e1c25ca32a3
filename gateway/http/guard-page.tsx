/** The guard's page: a visitor's code is scanned or typed, the verdict is seen from afar, and a press lets the visitor in. Works without a script. */
import { randomUUID } from "node:crypto";
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { csrf } from "hono/csrf";
import type { Child } from "hono/jsx";
import { limitBody } from "../../web/limits.ts";
import { Page } from "../../web/page.tsx";
import { HttpProblem, type RequestIdEnv } from "../../web/problem.ts";
import type { Language } from "../domain/denial-text.ts";
import {
  checkPass,
  type LoggedEntry,
  logEntry,
  type ScannedPass,
  type Visitor,
  visitorOfPass,
} from "../flows/guard-scan.ts";
import type { SiteParts } from "../flows/site-parts.ts";
import { denialMessage, gateOf, gateResults, languageOf, shapeOf } from "./guard-routes.ts";
import { guardWords } from "./guard-words.ts";
import { noStore } from "./staff-pages.tsx";
import type { StaffSession } from "./staff-sessions.ts";

const formBytesMax = 8_192;
const uidMax = 2_048;

interface GuardVisit {
  readonly site: SiteParts;
  readonly session: StaffSession;
  readonly language: Language;
}

export function addGuardPage(
  app: OpenAPIHono<RequestIdEnv>,
  site: SiteParts,
  sessionOf: (c: Context) => StaffSession | undefined,
): void {
  for (const path of ["/guard", "/guard/*"]) {
    app.use(path, limitBody(formBytesMax));
    app.use(path, csrf());
    app.use(path, noStore);
  }

  app.get("/guard", (c) => {
    const visit = visitOf(c);
    return visit ? c.html(<ScanPage visit={visit} gate={c.req.query("gate")} />) : c.redirect("/sign-in", 303);
  });

  app.post("/guard/check", async (c) => {
    const visit = visitOf(c);
    if (!visit) return c.redirect("/sign-in", 303);
    const scanned = scannedOf(visit, await c.req.parseBody());
    const { reason, visitor, heldAt } = await checkPass(site, scanned);
    const words = guardWords[visit.language];
    return c.html(
      <VerdictPage visit={visit} gate={scanned.accessPoint} isGood={reason === undefined} visitor={visitor}>
        {reason === undefined ? (
          <Approve visit={visit} scanned={scanned} nonce={randomUUID()} />
        ) : (
          <p>{denialMessage(visit.language, reason, heldAt)}</p>
        )}
        <Next words={words.next} gate={scanned.accessPoint} />
      </VerdictPage>,
    );
  });

  app.post("/guard/enter", async (c) => {
    const visit = visitOf(c);
    if (!visit) return c.redirect("/sign-in", 303);
    const form = await c.req.parseBody();
    const scanned = scannedOf(visit, form);
    const { nonce } = form;
    if (typeof nonce !== "string" || !/^[\w-]{16,64}$/.test(nonce))
      throw new HttpProblem(400, "invalid-request", "nonce: 16 to 64 letters, digits, - or _");
    const logged = await logEntry(site, scanned, nonce);
    const words = guardWords[visit.language];
    return c.html(
      <VerdictPage
        visit={visit}
        gate={scanned.accessPoint}
        isGood={logged.outcome === "released"}
        title={logged.outcome === "released" ? words.counted : words.notCounted}
        visitor={visitorOfPass(site, scanned)}
      >
        <p>{wordsFor(logged, visit.language)}</p>
        {logged.outcome === "unanswered" && logged.why !== "number-used" && (
          <Approve visit={visit} scanned={scanned} nonce={nonce} />
        )}
        <Next words={words.next} gate={scanned.accessPoint} />
      </VerdictPage>,
    );
  });

  function visitOf(c: Context): GuardVisit | undefined {
    const session = sessionOf(c);
    return session && { site, session, language: languageOf(c) };
  }
}

function scannedOf({ site, session }: GuardVisit, form: Readonly<Record<string, unknown>>): ScannedPass {
  const { uid, gate } = form;
  if (typeof uid !== "string" || uid === "" || uid.length > uidMax)
    throw new HttpProblem(400, "invalid-request", `uid: 1 to ${uidMax} characters`);
  const accessPoint = gateOf(site, typeof gate === "string" ? gate : undefined).id;
  return { staff: session.member, accessPoint, uid };
}

function wordsFor(logged: LoggedEntry, language: Language): string {
  const words = guardWords[language];
  switch (logged.outcome) {
    case "released":
      // By now the gate may be shut: an old page, gone back to and sent again, must not say that it is open.
      return logged.isRepeat && logged.result !== "unknown"
        ? words.countedBefore
        : words.gate[gateResults[logged.result]];
    case "void":
      return words.gate["not-moved"];
    case "denied":
      return denialMessage(language, logged.reason, undefined);
    case "unanswered":
      return logged.why === "number-used" ? words.otherVisitor : words.again;
  }
}

function ScanPage({ visit, gate }: { visit: GuardVisit; gate: string | undefined }) {
  const words = guardWords[visit.language];
  const gates = [...visit.site.accessPoints.values()];
  return (
    <Frame visit={visit}>
      <form method="post" action="/guard/check" class="narrow">
        {gates.length > 1 ? (
          <label>
            {words.gateLabel}
            <select name="gate">
              {gates.map(({ id, name }) => (
                <option value={id} selected={id === gate}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        ) : (
          gates.map(({ id }) => <input type="hidden" name="gate" value={id} />)
        )}
        <label>
          {words.uid}
          <input
            name="uid"
            class="uid"
            autocomplete="off"
            autocapitalize="characters"
            spellcheck={false}
            maxlength={uidMax}
            required
            autofocus
            aria-describedby="uid-hint"
          />
          <small id="uid-hint">{words.uidHint}</small>
        </label>
        <button type="submit">{words.check}</button>
      </form>
    </Frame>
  );
}

interface VerdictProps {
  readonly visit: GuardVisit;
  readonly gate: string;
  readonly isGood: boolean;
  readonly title?: string;
  readonly visitor: Visitor | undefined;
  readonly children?: Child;
}

/** Told by colour, by shape and in words. */
function VerdictPage({ visit, gate, isGood, title, visitor, children }: VerdictProps) {
  const words = guardWords[visit.language];
  return (
    <Frame visit={visit}>
      <section class={isGood ? "verdict good" : "verdict bad"} role="status">
        <span class="sign" aria-hidden="true">
          {isGood ? "✓" : "✕"}
        </span>
        <h2>{title ?? (isGood ? words.mayEnter : words.mayNotEnter)}</h2>
        {visitor && <p class="visitor">{visitor.grant.holder.name}</p>}
        <p>{visit.site.accessPoints.get(gate)?.name}</p>
      </section>
      {visitor && <Facts visit={visit} visitor={visitor} />}
      {children}
    </Frame>
  );
}

function Facts({ visit, visitor }: { visit: GuardVisit; visitor: Visitor }) {
  const words = guardWords[visit.language];
  const { host_name, type, document_num, notes, entries_left, entries_allowed } = shapeOf(visitor);
  const zone = visit.site.records.site?.zone ?? "UTC";
  const facts: readonly (readonly [string, string | null])[] = [
    [words.host, host_name],
    [words.type, type && (words.types[type] ?? type)],
    [words.document, document_num],
    [words.entriesLeft, entries_allowed === null ? words.noLimit : `${entries_left} / ${entries_allowed}`],
    [words.until, localMoment(visitor.grant.validity.until, zone)],
    [words.notes, notes],
  ];
  return (
    <dl class="facts-list">
      {facts.map(
        ([name, value]) =>
          value !== null && (
            <>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </>
          ),
      )}
    </dl>
  );
}

/** On the site's wall clock, as "2031-03-04 18:00"; a zone that nobody knows is told in UTC. */
function localMoment(at: number, zone: string): string {
  const instant = Temporal.Instant.fromEpochMilliseconds(at);
  try {
    return instant.toZonedDateTimeISO(zone).toPlainDateTime().toString({ smallestUnit: "minute" }).replace("T", " ");
  } catch {
    return `${instant.toString({ smallestUnit: "minute" }).replace("T", " ")}`;
  }
}

function Approve({ visit, scanned, nonce }: { visit: GuardVisit; scanned: ScannedPass; nonce: string }) {
  return (
    <form method="post" action="/guard/enter">
      <input type="hidden" name="uid" value={scanned.uid} />
      <input type="hidden" name="gate" value={scanned.accessPoint} />
      <input type="hidden" name="nonce" value={nonce} />
      <button type="submit">{guardWords[visit.language].approve}</button>
    </form>
  );
}

function Next({ words, gate }: { words: string; gate: string }) {
  return (
    <p>
      <a href={`/guard?gate=${encodeURIComponent(gate)}`}>{words}</a>
    </p>
  );
}

function Frame({ visit, children }: { visit: GuardVisit; children?: Child }) {
  const words = guardWords[visit.language];
  return (
    <Page title={words.title} lang={visit.language}>
      <header>
        <h1>{words.title}</h1>
        <p>
          {words.signedIn} <strong>{visit.session.member.name}</strong> · <a href="/">{words.doors}</a>
        </p>
      </header>
      {children}
    </Page>
  );
}
