/** What pages have in common that people open by a link of their own, without a sign-in, and keep on the phone for a place without reception. */
import type { Context, Hono } from "hono";
import { asset, serveAssets } from "../../web/assets.ts";
import { preferredLanguage } from "../../web/language.ts";
import { limitBody, limitRate, RateLimiter } from "../../web/limits.ts";
import { installablePolicy, manifestOf, manifestType } from "../../web/manifest.ts";
import { pageHeaders } from "../../web/page.tsx";
import type { CloudEnv } from "../authenticate.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { isLanguage, type Language, type Words } from "../pages/words/words.ts";
import { callingNetwork } from "../people/caller.ts";
import { linkToken } from "../store/link-secret.ts";

const script = asset(import.meta.resolve("./assets/guest.js"));
const worker = asset(import.meta.resolve("./assets/worker.js"));
const formBytesMax = 8_192;

/** Its address. */
export const keptScript = script.url;
/** Not below /assets: a worker serves what stands below its own address. */
const workerPath = (scope: string) => `${scope}worker.js`;

/** `scope`: path below which the pages stand, "/v/". */
export function addKept(app: Hono<CloudEnv>, { clock }: CloudParts, scope: string): void {
  const requests = new RateLimiter({ burst: 60, perSecond: 2 }, () => clock.monotonic());
  app.use(`${scope}*`, pageHeaders(installablePolicy), limitRate(requests, callingNetwork), limitBody(formBytesMax));
  app.get(workerPath(scope), (c) =>
    c.body(worker.body, 200, { "content-type": worker.type, "cache-control": "no-cache" }),
  );
  serveAssets(app, [script]);
}

/** `token`: undefined where what stands in the address cannot be one. `languageOr`: the visitor's, else the one named. */
export function askedBy(c: Context<CloudEnv>) {
  c.header("vary", "accept-language");
  const token = c.req.param("token") ?? "";
  const accepted = c.req.header("accept-language");
  return {
    token: linkToken.test(token) ? token : undefined,
    languageOr: (otherwise: Language) => preferredLanguage(accepted, isLanguage, otherwise),
    accepted,
  };
}

export function keptManifest(c: Context<CloudEnv>, name: string, lang: Language, path: string): Response {
  return c.body(manifestOf({ name, lang, start: path, scope: path }), 200, { "content-type": manifestType });
}

/** Of the element that the script looks for. */
export function keptFrom(scope: string) {
  return { "data-worker": workerPath(scope), "data-scope": scope };
}

export function KeepIt({ words: { guest }, mayInstall }: { words: Words; mayInstall: boolean }) {
  return (
    <>
      <p id="kept" hidden>
        {guest.kept}
      </p>
      {mayInstall && (
        <div class="no-print">
          <button type="button" id="install" hidden>
            {guest.install}
          </button>
          <p>
            <small>{guest.installHint}</small>
          </p>
        </div>
      )}
    </>
  );
}
