/**
 * The process in which ring-client-api runs: it retries for ever, opens connections of its own and dies of a rejected promise, none of which may
 * happen in the gateway's. Started by account.ts, on plain Node.
 */
import { useLogger } from "ring-client-api/util";
import { type ParentLine, serveParent } from "../common/child-side.ts";
import { FetchGuard } from "./fetch-guard.ts";
import { RingSession } from "./ring-session.ts";
import { askSchema, type Begin, beginSchema, type News } from "./wire.ts";

/** A person has to sign in again; but who knows what Ring takes for a wrong token on a bad day. */
const refusedAwayMs = 3_600_000;
const textMax = 300;

serveParent({
  begin: beginSchema,
  ask: askSchema,
  start(begin: Begin, parent: ParentLine<News>) {
    const guard = new FetchGuard(globalThis.fetch, {
      tokenRefused: (status) => {
        parent.tell({ news: "token-refused", status });
        session.giveUp(`Ring answered ${status} to the token`, refusedAwayMs);
      },
      trouble: (status, againInMs) => parent.log("warn", "ring-has-trouble", { status, againInMs }),
    });
    globalThis.fetch = guard.fetch;
    const session = new RingSession(begin, parent, guard);
    // Errors of the library carry whole answers; of those only the status.
    useLogger({
      logInfo: () => undefined,
      logError: (what: unknown) => parent.log("debug", "ring-library", { text: textOf(what) }),
    });
    process.on("unhandledRejection", (error) => session.giveUp(`the library broke down: ${textOf(error)}`, 0));
    session.open();
    return { answer: (ask) => session.answer(ask), end: () => session.end() };
  },
});

function textOf(what: unknown): string {
  if (!(what instanceof Error)) return String(what).slice(0, textMax);
  const { response } = what as { readonly response?: { readonly status?: unknown } };
  return (response ? `Ring answered ${String(response.status)}` : what.message).slice(0, textMax);
}
