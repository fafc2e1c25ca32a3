/** A visitor without a code: who it is, to whom, and why. The host is asked (guard-asked.tsx), or the guard decides. */
import { randomUUID } from "node:crypto";
import type { Hono } from "hono";
import type { RequestIdEnv } from "../../web/problem.ts";
import { askPath } from "./guard-asked.tsx";
import type { GuardDesk } from "./guard-desk.ts";
import { Frame, GatePicker, type GuardVisit } from "./guard-frame.tsx";
import { GuardPhoto } from "./guard-photo.tsx";
import { gateOf } from "./guard-routes.ts";
import { type Answered, ageOf, toldOfAnswer } from "./guard-slip.ts";
import { guardWords } from "./guard-words.ts";
import { pathOf } from "./language-switch.tsx";

const textMax = 200;
const noteMax = 500;
const documentMax = 100;

export function addWalkInPage(app: Hono<RequestIdEnv>, desk: GuardDesk): void {
  app.get("/guard/walk-in", (c) => {
    const visit = desk.visit(c);
    return visit ? c.html(<WalkInPage visit={visit} nonce={randomUUID()} />) : desk.signIn(c, pathOf(c));
  });

  app.post("/guard/walk-in", async (c) => {
    const visit = desk.visit(c);
    if (!visit) return desk.signIn(c, "/guard/walk-in");
    const form = await c.req.parseBody();
    const walkIn = walkInOf(form);
    const gate = gateOf(desk.sources.site, walkIn.access_point).id;
    const { name = "", nonce = "" } = walkIn;
    const answer = await desk.api<Answered>(c, "POST", "/walk-in", {
      ...walkIn,
      access_point: gate,
      photo: textOf(form, "photo"),
    });
    return desk.show(c, { gate, uid: "", name, nonce, at: desk.now(), told: toldOfAnswer(answer) });
  });
}

/** What the API is told of the visitor. */
export function walkInOf(form: Form) {
  return {
    name: textOf(form, "name"),
    type: textOf(form, "type"),
    document: textOf(form, "document"),
    host_name: textOf(form, "host_name"),
    note: textOf(form, "note"),
    access_point: textOf(form, "gate"),
    nonce: textOf(form, "nonce"),
    age_ms: ageOf(form),
  };
}

type Form = Readonly<Record<string, unknown>>;

export function textOf(form: Form, name: string): string | undefined {
  const value = form[name];
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}

function WalkInPage({ visit, nonce }: { visit: GuardVisit; nonce: string }) {
  const words = guardWords[visit.language];
  const { walkIn } = words;
  return (
    <Frame visit={visit}>
      <h2>{walkIn.title}</h2>
      <form method="post" action="/guard/walk-in" class="narrow" data-send data-keep={walkIn.title}>
        <input type="hidden" name="nonce" value={nonce} />
        <GatePicker visit={visit} gate={undefined} />
        <label>
          {walkIn.name}
          <input name="name" maxlength={textMax} autocomplete="off" required />
        </label>
        <label>
          {words.type}
          <select name="type">
            {Object.entries(words.types).map(([value, name]) => (
              <option value={value}>{name}</option>
            ))}
          </select>
        </label>
        <label>
          {words.document}
          <input name="document" maxlength={documentMax} autocomplete="off" />
        </label>
        <label>
          {walkIn.host}
          <input name="host_name" maxlength={textMax} autocomplete="off" required />
        </label>
        <label>
          {words.notes}
          <textarea name="note" maxlength={noteMax} rows={2}></textarea>
        </label>
        <button type="submit" formaction={askPath}>
          {walkIn.ask}
        </button>
        {visit.guards.walkIns === "host" ? (
          <small>{walkIn.hostsOnly}</small>
        ) : (
          <>
            <GuardPhoto visit={visit} />
            <button type="submit" class="outline approve">
              {walkIn.letIn}
            </button>
            <small>{walkIn.hint}</small>
          </>
        )}
      </form>
    </Frame>
  );
}
