/**
 * The guard's page: a visitor's code is scanned or typed, the verdict is seen from afar, and a press lets the visitor in. Works without a
 * script; with one (assets/guard.js) it scans by camera, sends again by itself and tells the verdict by sound.
 */
import { randomUUID } from "node:crypto";
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { csrf } from "hono/csrf";
import { limitBody } from "../../web/limits.ts";
import { HttpProblem, type RequestIdEnv } from "../../web/problem.ts";
import { gateResults } from "../domain/gate-text.ts";
import { farOutside, type Position } from "../domain/guard-rules.ts";
import { checkPass, type LoggedEntry, logEntry, type ScannedPass, visitorOfPass } from "../flows/guard-scan.ts";
import { addGuardApp, allowDecoder, shellPath } from "./guard-app.ts";
import { addAskedPage } from "./guard-asked.tsx";
import { GuardDesk, slipAddress } from "./guard-desk.ts";
import { Frame, GatePicker, GuardDocument, type GuardVisit } from "./guard-frame.tsx";
import { type GuardSources, gateOf, wordOf } from "./guard-routes.ts";
import { ageOf, openSlip, type Slip } from "./guard-slip.ts";
import { VerdictPage } from "./guard-verdict.tsx";
import { addVisitsPage } from "./guard-visits.tsx";
import { addWalkInPage } from "./guard-walk-in.tsx";
import { guardWords } from "./guard-words.ts";
import { languageOf } from "./language.ts";
import { pathOf } from "./language-switch.tsx";
import { noStore } from "./staff-pages.tsx";
import type { StaffSession } from "./staff-sessions.ts";

const formBytesMax = 8_192;
/** A sealed code of this length still makes an address that every browser and server takes. */
const uidMax = 1_024;

export function addGuardPage(
  app: OpenAPIHono<RequestIdEnv>,
  sources: GuardSources,
  sessionOf: (c: Context) => StaffSession | undefined,
): void {
  const { site } = sources;
  const desk = new GuardDesk(sources, sessionOf, (url, init, env) => app.request(url, init, env));
  addGuardApp(app);
  for (const path of ["/guard", "/guard/*", shellPath]) {
    app.use(path, limitBody(formBytesMax));
    app.use(path, csrf());
    app.use(path, noStore);
    app.use(path, allowDecoder);
  }

  app.get("/guard", (c) => {
    const visit = desk.visit(c);
    return visit
      ? c.html(<ScanPage visit={visit} asksWhere={sources.guards.bounds !== undefined} />)
      : desk.signIn(c, pathOf(c));
  });

  app.post("/guard/check", async (c) => {
    const visit = desk.visit(c);
    if (!visit) return desk.signIn(c, "/guard");
    const form = await c.req.parseBody();
    const scanned = scannedOf(visit, form);
    if (form.way === "out") {
      const nonce = nonceOf(form);
      const exit = { record_uid: scanned.uid, access_point: scanned.accessPoint, nonce };
      const { known, entry } = await desk.api<{ known: boolean; entry: number | null }>(c, "POST", "/log-exit", exit);
      const told: Slip["told"] = known
        ? { outcome: "left", wasSeen: entry !== null }
        : { outcome: "denied", reason: "QR_NOT_FOUND" };
      return desk.show(c, { gate: scanned.accessPoint, uid: scanned.uid, nonce, at: desk.now(), told });
    }
    const { reason, heldAt } = await checkPass(site, scanned);
    const farM = farOutside(sources.guards, positionOf(form));
    const told: Slip["told"] =
      reason === undefined
        ? { outcome: "may-enter" }
        : { outcome: "denied", reason, ...(heldAt !== undefined && { heldAt }) };
    const { accessPoint: gate, uid } = scanned;
    const far = farM === undefined ? {} : { farM };
    return desk.show(c, { gate, uid, nonce: randomUUID(), at: desk.now(), told, ...far });
  });

  app.get("/guard/visitor", (c) => {
    const visit = desk.visit(c);
    if (!visit) return desk.signIn(c, pathOf(c));
    const sealed = c.req.query("of") ?? "";
    const slip = openSlip(site.seal, sealed);
    if (!slip || !site.accessPoints.has(slip.gate)) return c.html(<UnknownPage visit={visit} />, 404);
    const scanned = { staff: visit.session.member, accessPoint: slip.gate, uid: slip.uid };
    return c.html(
      <VerdictPage visit={visit} slip={slip} sealed={sealed} now={desk.now()} visitor={visitorOfPass(site, scanned)} />,
    );
  });

  app.post("/guard/enter", async (c) => {
    const form = await c.req.parseBody();
    const slip = slipOf(form);
    const visit = desk.visit(c);
    // The sign-in leads back to the visitor, under the same number.
    if (!visit) return desk.signIn(c, slipAddress(String(form.of)));
    const accessPoint = gateOf(site, slip.gate).id;
    const { nonce, uid } = slip;
    const photo = typeof form.photo === "string" && form.photo !== "" ? form.photo : undefined;
    const said = { nonce, photo, age_ms: ageOf(form) };
    const word = { ...wordOf(sources, said, { isEntry: true }), farM: slip.farM };
    const logged = await logEntry(site, { staff: visit.session.member, accessPoint, uid }, word);
    return desk.show(c, { ...slip, at: desk.now(), told: toldOf(logged) });
  });

  app.post("/guard/deny", async (c) => {
    const form = await c.req.parseBody();
    const slip = slipOf(form);
    const visit = desk.visit(c);
    if (!visit) return desk.signIn(c, slipAddress(String(form.of)));
    const why = typeof form.why === "string" ? form.why : "";
    const note = typeof form.note === "string" ? form.note.trim() : "";
    await desk.api(c, "POST", "/deny-entry", {
      record_uid: slip.uid,
      access_point: slip.gate,
      // Another number than the entry's: each is its own word.
      nonce: `${slip.nonce}-no`,
      note: [why, note].filter(Boolean).join(": "),
    });
    return desk.show(c, { ...slip, at: desk.now(), told: { outcome: "turned-away" } });
  });

  app.get(shellPath, (c) => {
    const language = languageOf(c);
    return c.html(<ShellPage language={language} />);
  });

  function slipOf({ of }: Readonly<Record<string, unknown>>): Slip {
    const slip = openSlip(site.seal, of);
    if (!slip) throw new HttpProblem(400, "invalid-request", "of: check the code once more");
    return slip;
  }

  addVisitsPage(app, desk);
  addWalkInPage(app, desk);
  addAskedPage(app, desk);
}

function scannedOf({ site, session }: GuardVisit, form: Readonly<Record<string, unknown>>): ScannedPass {
  const { uid, gate } = form;
  if (typeof uid !== "string" || uid.trim() === "" || uid.length > uidMax)
    throw new HttpProblem(400, "invalid-request", `uid: 1 to ${uidMax} characters`);
  const accessPoint = gateOf(site, typeof gate === "string" ? gate : undefined).id;
  return { staff: session.member, accessPoint, uid };
}

function nonceOf({ nonce }: Readonly<Record<string, unknown>>): string {
  if (typeof nonce !== "string" || !/^[\w-]{16,64}$/.test(nonce))
    throw new HttpProblem(400, "invalid-request", "nonce: 16 to 64 letters, digits, - or _");
  return nonce;
}

/** undefined: the phone does not tell, or nothing that could be so. */
function positionOf({ lat, lng }: Readonly<Record<string, unknown>>): Position | undefined {
  if (typeof lat !== "string" || typeof lng !== "string" || lat === "" || lng === "") return undefined;
  const position = { lat: Number(lat), lng: Number(lng) };
  return Math.abs(position.lat) <= 90 && Math.abs(position.lng) <= 180 ? position : undefined;
}

function toldOf(logged: LoggedEntry): Slip["told"] {
  switch (logged.outcome) {
    case "released":
      // By now the gate may be shut: an old page that is sent again must not say that it is open.
      return {
        outcome: "counted",
        gate: logged.isRepeat && logged.result !== "unknown" ? "before" : gateResults[logged.result],
      };
    case "void":
      return { outcome: "not-moved" };
    case "denied":
      return { outcome: "denied", reason: logged.reason };
    case "unanswered":
      return { outcome: logged.why === "number-used" ? "other-visitor" : "busy" };
  }
}

/** `asksWhere`: the site wants to know where the guard's phone is. */
function ScanPage({ visit, asksWhere }: { visit: GuardVisit; asksWhere: boolean }) {
  const { gate, way = "in" } = visit.c.req.query();
  const words = guardWords[visit.language];
  return (
    <Frame visit={visit}>
      <section class="scanner" data-scanner hidden aria-label={words.scanner.label}>
        <video data-camera playsinline muted></video>
        <p>
          {words.scanner.hint}{" "}
          <button type="button" class="outline" data-do="torch" aria-pressed="false" hidden>
            {words.scanner.torch}
          </button>
        </p>
      </section>
      <p data-when="camera-refused" role="status" hidden>
        {words.scanner.refused}
      </p>
      <p data-when="camera-absent" role="status" hidden>
        {words.scanner.absent}
      </p>
      <p data-when="camera-insecure" role="status" hidden>
        {words.scanner.insecure} <a href="/trust">{words.scanner.howToTrust}</a>
      </p>
      <form method="post" action="/guard/check" class="narrow" data-send data-scan>
        <GatePicker visit={visit} gate={gate} />
        {asksWhere && (
          <>
            <input type="hidden" name="lat" />
            <input type="hidden" name="lng" />
          </>
        )}
        <input type="hidden" name="nonce" value={randomUUID()} />
        <fieldset class="way">
          <legend>{words.way.label}</legend>
          {(["in", "out"] as const).map((one) => (
            <label>
              <input type="radio" name="way" value={one} checked={one === way} />
              {words.way[one]}
            </label>
          ))}
        </fieldset>
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

function UnknownPage({ visit }: { visit: GuardVisit }) {
  const words = guardWords[visit.language];
  return (
    <Frame visit={visit}>
      <p role="alert">{words.unknownPage}</p>
      <p>
        <a href="/guard">{words.next}</a>
      </p>
    </Frame>
  );
}

/** What a phone shows when it opens the app and the gateway cannot be reached. It belongs to nobody. */
function ShellPage({ language }: { language: GuardVisit["language"] }) {
  const words = guardWords[language];
  return (
    <GuardDocument language={language} words={words}>
      <section data-shell role="status">
        <h1>{words.title}</h1>
        <p lang="en">{guardWords.en.line.unreachable}</p>
        <p lang="es">{guardWords.es.line.unreachable}</p>
      </section>
    </GuardDocument>
  );
}
