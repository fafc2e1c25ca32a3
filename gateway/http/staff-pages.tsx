/** Staff sign in at the gateway itself, with or without the cloud, and open the doors it serves. */
import type { Context, Hono } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { csrf } from "hono/csrf";
import { isLoopbackAddress, limitBody, limitRate, RateLimiter, remoteAddress } from "../../web/limits.ts";
import { Page } from "../../web/page.tsx";
import { HttpProblem, type RequestIdEnv } from "../../web/problem.ts";
import { carryOutForStaff, type StaffCommandResult } from "../flows/staff-command.ts";
import { SecretString } from "../wire/secret.ts";
import { ownPath } from "./language.ts";
import { type SignIn, type StaffSession, StaffSessions } from "./staff-sessions.ts";
import type { StatusSources } from "./status.ts";

const cookie = "postern-staff";
const formBytesMax = 8_192;
const signInRate = { burst: 10, perSecond: 0.2 };

const refusals: Readonly<Record<Exclude<SignIn["outcome"], "signed-in">, string>> = {
  wrong: "This user name and password do not go together.",
  stale: "The gateway has not heard from the cloud for so long that it cannot tell any more who works here.",
  "no-records": "The gateway does not know its site yet. Wait until it has reached the cloud once.",
  "locked-out": "Too many wrong passwords for this name. Wait a minute.",
  busy: "Too many people sign in at this moment. Try again.",
};

const results: Readonly<Record<Exclude<StaffCommandResult, "not-staff">, string>> = {
  confirmed: "open",
  accepted: "told to open",
  unknown: "nobody knows whether it moved: look at the door",
  refused: "refused, nothing moved",
  expired: "it took too long, nothing moved: press again",
  "no-such-door": "there is no such door here",
  lockdown: "lockdown: nothing is opened",
  busy: "too many are waiting at this door: press again",
  "storage-full": "no room on the gateway's disk: nothing is opened unwritten",
};

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
      c.html(<SignInPage name={name} isSafe={isSafeLine(c)} next={ownPath(c.req.query("next"))} />),
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
        const refused = { userName, next: ownPath(next), refusal: refusals[answer.outcome] };
        return c.html(<SignInPage name={name} isSafe {...refused} />, status);
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
      session.notice =
        command.action === "identify" && (result === "confirmed" || result === "accepted")
          ? `${point?.name}: shows itself`
          : `${point?.name}: ${results[result]}`;
      return c.redirect("/", 303);
    });
  }

  /** What stands above the status for whoever has signed in, and the way in for everybody else. */
  Doors = ({ session }: { session: StaffSession | undefined }) => {
    if (!session)
      return (
        <p>
          <a href="/sign-in">Sign in</a> to open doors from here.
        </p>
      );
    const { notice } = session;
    session.notice = undefined;
    return (
      <section class="staff" aria-label="Open doors">
        <form method="post" action="/sign-out" class="who">
          <span>
            Signed in: <strong>{session.member.name}</strong>
          </span>
          <button type="submit" class="outline">
            Sign out
          </button>
        </form>
        {notice !== undefined && (
          <p class="notice" role="status">
            {notice}
          </p>
        )}
        <p>
          <a href="/guard">Check a visitor's code</a>
        </p>
        <ul class="doors">
          {[...this.#sources.site.accessPoints.values()].map(({ id, name }) => (
            <li>
              <form method="post" action={`/doors/${encodeURIComponent(id)}/unlock`}>
                <button type="submit">Open {name}</button>
              </form>
            </li>
          ))}
        </ul>
      </section>
    );
  };
}

function SignInPage(props: { name: string; isSafe: boolean; next: string; userName?: string; refusal?: string }) {
  const { name, isSafe, next, userName, refusal } = props;
  return (
    <Page title={`Sign in · ${name}`}>
      <header>
        <h1>{name}</h1>
        <p>For the staff of this site. It works without the internet too.</p>
      </header>
      {isSafe ? (
        <form method="post" action="/sign-in" class="narrow">
          <input type="hidden" name="next" value={next} />
          <label>
            User name
            <input
              name="userName"
              value={userName}
              autocomplete="username"
              autocapitalize="none"
              spellcheck={false}
              maxlength={100}
              required
            />
          </label>
          <label>
            Password
            <input
              name="password"
              type="password"
              autocomplete="current-password"
              maxlength={256}
              required
              aria-invalid={refusal === undefined ? undefined : "true"}
              aria-describedby={refusal === undefined ? undefined : "refusal"}
            />
            {refusal !== undefined && (
              <small id="refusal" role="alert">
                {refusal}
              </small>
            )}
          </label>
          <button type="submit">Sign in</button>
        </form>
      ) : (
        <p role="alert">
          This line is not encrypted, so nobody signs in over it: a password would cross the network in clear. Call the
          gateway by https (http.tlsPort in its configuration).
        </p>
      )}
    </Page>
  );
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
