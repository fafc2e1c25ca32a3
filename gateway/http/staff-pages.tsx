/** Staff sign in at the gateway itself, with or without the cloud, and open the doors it serves. */
import type { Context, Hono } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { csrf } from "hono/csrf";
import { isLoopbackAddress, limitBody, limitRate, RateLimiter, remoteAddress } from "../../web/limits.ts";
import { HttpProblem, type RequestIdEnv } from "../../web/problem.ts";
import type { Language } from "../domain/denial-text.ts";
import { carryOutForStaff } from "../flows/staff-command.ts";
import { SecretString } from "../wire/secret.ts";
import { languageOf, ownPath } from "./language.ts";
import { SignInPage } from "./sign-in-page.tsx";
import { type StaffSession, StaffSessions } from "./staff-sessions.ts";
import { staffWords } from "./staff-words.ts";
import type { StatusSources } from "./status.ts";

const cookie = "postern-staff";
const formBytesMax = 8_192;
const signInRate = { burst: 10, perSecond: 0.2 };

export class StaffPages {
  readonly #sources: StatusSources;
  readonly #sessions: StaffSessions;

  constructor(sources: StatusSources, sessions = new StaffSessions(sources.site)) {
    this.#sources = sources;
    this.#sessions = sessions;
  }

  /** The session of whoever asks. */
  sessionOf(c: Context): StaffSession | undefined {
    return this.#sessions.find(getCookie(c, cookie));
  }

  addTo(app: Hono<RequestIdEnv>): void {
    const { site, name } = this.#sources;
    const tries = new RateLimiter(signInRate, () => site.clock.monotonic());
    const paths = ["/sign-in", "/sign-out", "/doors/*"];
    for (const path of paths) {
      app.use(path, limitBody(formBytesMax));
      app.use(path, csrf());
      app.use(path, noStore);
    }

    app.get("/sign-in", (c) =>
      c.html(<SignInPage c={c} name={name} isSafe={isSafeLine(c)} next={ownPath(c.req.query("next"))} />),
    );

    app.post("/sign-in", limitRate(tries, remoteAddress), async (c) => {
      if (!isSafeLine(c))
        throw new HttpProblem(
          403,
          "line-not-encrypted",
          "Sign in over https: a password must not cross the network in clear.",
        );
      const { userName, password, next } = await c.req.parseBody();
      if (typeof userName !== "string" || typeof password !== "string")
        throw new HttpProblem(400, "invalid-request", "Send the fields userName and password.");
      const answer = await this.#sessions.signIn(userName, new SecretString(password));
      if (answer.outcome !== "signed-in") {
        const status = answer.outcome === "busy" || answer.outcome === "locked-out" ? 429 : 422;
        const refused = { userName, next: ownPath(next), refusal: answer.outcome };
        return c.html(<SignInPage c={c} name={name} isSafe {...refused} />, status);
      }
      setCookie(c, cookie, answer.token, {
        httpOnly: true,
        sameSite: "Strict",
        path: "/",
        secure: isEncrypted(c),
      });
      return c.redirect(ownPath(next), 303);
    });

    app.post("/sign-out", (c) => {
      this.#sessions.end(getCookie(c, cookie));
      setCookie(c, cookie, "", { path: "/", maxAge: 0 });
      return c.redirect("/", 303);
    });

    app.post("/doors/:door/:action{unlock|identify}", async (c) => {
      const session = this.sessionOf(c);
      if (!session) return c.redirect("/sign-in", 303);
      const { door, action } = c.req.param();
      const command = {
        staff: session.member,
        accessPoint: door,
        action: action === "identify" ? "identify" : "unlock",
      } as const;
      const result = await carryOutForStaff(site, command);
      if (result === "not-staff") return c.redirect("/sign-in", 303);
      if (result === "no-such-door") throw new HttpProblem(404, "not-found", `There is no door ${door} here.`);
      const point = site.accessPoints.get(door);
      const words = staffWords[languageOf(c)];
      session.notice =
        command.action === "identify" && (result === "confirmed" || result === "accepted")
          ? `${point?.name}: ${words.showsItself}`
          : `${point?.name}: ${words.result[result]}`;
      return c.redirect("/", 303);
    });
  }

  /** What stands above the status for whoever has signed in, and the way in for everybody else. */
  Doors = ({ session, language }: { session: StaffSession | undefined; language: Language }) => {
    const words = staffWords[language];
    if (!session)
      return (
        <p>
          <a href="/sign-in">{words.signIn}</a> {words.toOpen}
        </p>
      );
    const { notice } = session;
    session.notice = undefined;
    return (
      <section class="staff" aria-label={words.doors}>
        <form method="post" action="/sign-out" class="who">
          <span>
            {words.signedIn} <strong>{session.member.name}</strong>
          </span>
          <button type="submit" class="outline">
            {words.signOut}
          </button>
        </form>
        {notice !== undefined && (
          <p class="notice" role="status">
            {notice}
          </p>
        )}
        <p>
          <a href="/guard">{words.checkCode}</a>
        </p>
        <ul class="doors">
          {[...this.#sources.site.accessPoints.values()].map(({ id, name }) => (
            <li>
              <form method="post" action={`/doors/${encodeURIComponent(id)}/unlock`}>
                <button type="submit">{words.open(name)}</button>
              </form>
            </li>
          ))}
        </ul>
      </section>
    );
  };
}

export function noStore(c: Context, next: () => Promise<void>): Promise<void> {
  c.header("cache-control", "no-store");
  return next();
}

/** On the machine itself there is no line. */
function isSafeLine(c: Context): boolean {
  return isEncrypted(c) || isLoopbackAddress(remoteAddress(c));
}

function isEncrypted(c: { readonly env: unknown }): boolean {
  const env = c.env as { readonly incoming?: { readonly socket?: { readonly encrypted?: boolean } } } | undefined;
  return env?.incoming?.socket?.encrypted === true;
}
