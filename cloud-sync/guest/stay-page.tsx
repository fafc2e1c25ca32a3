/** The guest's own page: the code large, when it works, how each door opens, and what the owner tells of the house. Nobody signs in. */
import { type Context, Hono } from "hono";
import { serveAssets } from "../../web/assets.ts";
import { fieldProblem } from "../../web/problem.ts";
import type { CloudEnv } from "../authenticate.ts";
import type { CloudParts } from "../cloud-parts.ts";
import type { PressResult } from "../domain/guest-press.ts";
import { tellTrouble } from "../guest-trouble.ts";
import { openForGuest, readPress } from "../open-for-guest.ts";
import { isLanguage, languages } from "../pages/words/words.ts";
import { callerOf } from "../people/caller.ts";
import { isPlainLines } from "../routes/shapes.ts";
import { stayPath } from "../stay-links.ts";
import { findStay, showStay } from "./guest-stay.ts";
import { addKept, askedBy, keptManifest } from "./kept-pages.tsx";
import { StayPage, type StayProps, stayScope, stayStyle, UnknownStay } from "./stay-view.tsx";

/** Of a press. */
const numberOf = /^[\w-]{22}$/;
const statuses: Partial<Record<PressResult["is"], 409 | 429 | 503>> = { "no-line": 503, "too-often": 429 };
const saidMax = 500;

export function stayPages(parts: CloudParts): Hono<CloudEnv> {
  const app = new Hono<CloudEnv>();
  addKept(app, parts, stayScope);
  serveAssets(app, [stayStyle]);

  app.get("/s/:token/app.webmanifest", async (c) => {
    const { token, found, lang } = await asked(parts, c);
    return found ? keptManifest(c, languages[lang].stayPage.title, lang, stayPath(token ?? "")) : c.notFound();
  });

  app.get("/s/:token", async (c) => {
    const { found, ...visit } = await asked(parts, c);
    const { press: nonce = "" } = c.req.query();
    const pressed = found && numberOf.test(nonce) ? await readPress(parts, found, nonce) : undefined;
    return show(c, { found, ...visit }, { pressed });
  });

  app.post("/s/:token/open", async (c) => {
    const { found, token, ...visit } = await asked(parts, c);
    if (token === undefined || !found) return show(c, { found, token, ...visit });
    const { door: accessPoint, nonce } = await c.req.parseBody();
    if (typeof accessPoint !== "string") throw fieldProblem("body.door", "name the door");
    if (typeof nonce !== "string" || !numberOf.test(nonce)) throw fieldProblem("body.nonce", "load the page anew");
    const result = await openForGuest(parts, found, callerOf(c), { accessPoint, nonce });
    if (result.isKept) return c.redirect(`${stayPath(token)}?press=${nonce}`, 303);
    return show(c, { found, token, ...visit }, { pressed: { accessPoint, result } }, statuses[result.is] ?? 409);
  });

  app.post("/s/:token/trouble", async (c) => {
    const { found, ...visit } = await asked(parts, c);
    if (!found) return show(c, { found, ...visit });
    const { door = "", said = "" } = await c.req.parseBody();
    if (typeof door !== "string") throw fieldProblem("body.door", "name the door");
    if (typeof said !== "string" || said.length > saidMax || !isPlainLines(said))
      throw fieldProblem("body.said", `is no text of at most ${saidMax} characters`);
    if (found.standing !== "before" && found.standing !== "now") return show(c, { found, ...visit }, {}, 409);
    const accessPoint = door === "" ? undefined : door;
    const trouble = { accessPoint, said: said.trim() === "" ? null : said.trim() };
    const { isTold, isGiven } = await tellTrouble(parts, found, callerOf(c), trouble);
    return show(c, await asked(parts, c), { trouble: isGiven ? "given" : isTold ? "told" : "known" });
  });

  return app;

  async function show(
    c: Context<CloudEnv>,
    { token, found, lang, accepted }: Awaited<ReturnType<typeof asked>>,
    more: Pick<StayProps, "pressed" | "trouble"> = {},
    status: 200 | 409 | 429 | 503 = 200,
  ) {
    if (token === undefined || !found) return c.html(<UnknownStay lang={lang} />, 404);
    const stay = await showStay(parts, found);
    const props = { token, stay, now: parts.clock.wall(), lang, accepted, ...more };
    return c.html(<StayPage {...props} />, status);
  }
}

/** In the visitor's language, else in the one that the booking names. */
async function asked(parts: CloudParts, c: Context<CloudEnv>) {
  const { token, languageOr, accepted } = askedBy(c);
  const found = token === undefined ? undefined : await findStay(parts, token);
  const named = found?.row.guestLanguage ?? undefined;
  return { token, found, accepted, lang: languageOr(isLanguage(named) ? named : "en") };
}
