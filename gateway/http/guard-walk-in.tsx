/** A visitor without a code, let in on the guard's own word: who it is, to whom, and why. */
import { randomUUID } from "node:crypto";
import type { Hono } from "hono";
import type { RequestIdEnv } from "../../web/problem.ts";
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
    const text = (name: string) => {
      const value = form[name];
      return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
    };
    const gate = gateOf(desk.sources.site, text("gate")).id;
    const [name = "", nonce = ""] = [text("name"), text("nonce")];
    const answer = await desk.api<Answered>(c, "POST", "/walk-in", {
      name,
      type: text("type"),
      document: text("document"),
      host_name: text("host_name"),
      note: text("note"),
      photo: text("photo"),
      access_point: gate,
      nonce,
      age_ms: ageOf(form),
    });
    return desk.show(c, { gate, uid: "", name, nonce, at: desk.now(), told: toldOfAnswer(answer) });
  });
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
        <GuardPhoto visit={visit} />
        <button type="submit" class="approve">
          {walkIn.letIn}
        </button>
        <small>{walkIn.hint}</small>
      </form>
    </Frame>
  );
}
