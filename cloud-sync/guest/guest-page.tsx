/** The visitor's own page: the QR code large, when and where it is good, and plainly when it is not any more. Nobody signs in. */
import { type Context, Hono } from "hono";
import { raw } from "hono/html";
import type { Instant } from "../../gateway/domain/instant.ts";
import { Page } from "../../web/page.tsx";
import type { CloudEnv } from "../authenticate.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { pagesStyle } from "../pages/frame.tsx";
import { hoursText } from "../pages/parts/hours.tsx";
import { knownZone, Moment } from "../pages/parts/moments.tsx";
import { type Language, languages, type Words } from "../pages/words/words.ts";
import { qrSvg } from "../qr-picture.ts";
import { iso } from "../routes/shapes.ts";
import { type GuestPass, guestPath, readGuestPass } from "./guest-pass.ts";
import { addKept, askedBy, KeepIt, keptFrom, keptManifest, keptScript } from "./kept-pages.tsx";

const scope = "/v/";

export function guestPages(parts: CloudParts): Hono<CloudEnv> {
  const app = new Hono<CloudEnv>();
  addKept(app, parts, scope);

  app.get("/v/:token/app.webmanifest", async (c) => {
    const { token, pass, lang } = await asked(parts, c);
    return pass ? keptManifest(c, languages[lang].guest.title, lang, guestPath(token ?? "")) : c.notFound();
  });

  app.get("/v/:token", async (c) => {
    const { token, pass, lang } = await asked(parts, c);
    return token !== undefined && pass
      ? c.html(<PassPage token={token} pass={pass} lang={lang} />)
      : c.html(<Unknown lang={lang} />, 404);
  });

  return app;
}

async function asked(parts: CloudParts, c: Context<CloudEnv>) {
  const { token, languageOr } = askedBy(c);
  const pass = token === undefined ? undefined : await readGuestPass(parts, token);
  return { token, lang: languageOr("en"), pass };
}

function Unknown({ lang }: { lang: Language }) {
  const { guest, product } = languages[lang];
  return (
    <Page title={`${guest.unknown} – ${product}`} lang={lang} styles={[pagesStyle]}>
      <h1>{guest.unknown}</h1>
      <p>{guest.unknownText}</p>
    </Page>
  );
}

/** Where there is a signed one it is the second: for a scanner that does not read the larger one, and once that is over. */
function ShortCode({ uid, isFirst, guest }: { uid: string; isFirst: boolean; guest: Words["guest"] }) {
  const code = (
    <div class="qr big" role="img" aria-label={guest.qr}>
      {raw(qrSvg(uid))}
    </div>
  );
  if (isFirst) return code;
  return (
    <details id="short-code">
      <summary>{guest.shortCode}</summary>
      {code}
    </details>
  );
}

/** After two hours; undefined: a newer one would be good for no longer. */
function renewAt(signedUntil: Instant, validUntil: Instant): Instant | undefined {
  return signedUntil < validUntil ? signedUntil - 22 * 3_600_000 : undefined;
}

function PassPage({ token, pass, lang }: { token: string; pass: GuestPass; lang: Language }) {
  const words = languages[lang];
  const { guest } = words;
  const { state, zone, windows, entriesLeft } = pass;
  const isGood = state === "active" || state === "upcoming";
  const moment = (at: number) => <Moment iso={iso(at)} zone={knownZone(zone)} lang={lang} />;
  return (
    <Page
      title={`${guest.title} – ${words.product}`}
      lang={lang}
      styles={[pagesStyle]}
      scripts={[keptScript]}
      head={<link rel="manifest" href={`${guestPath(token)}/app.webmanifest`} />}
    >
      <article class="guest-pass" {...keptFrom(scope)}>
        <h1>{guest.greeting(pass.visitorName)}</h1>
        {state !== "active" && (
          <p class={`notice ${isGood ? "warn" : "bad"}`} role="status">
            {guest.states[state]}
          </p>
        )}
        {isGood && (
          <p class="notice bad" role="status" data-over-at={pass.validUntil} hidden>
            {guest.states.ended}
          </p>
        )}
        {pass.recordUid !== null && (
          <div id="code">
            {pass.signed && (
              <div data-signed-until={pass.signed.until} data-renew-at={renewAt(pass.signed.until, pass.validUntil)}>
                <div class="qr big" role="img" aria-label={guest.signedQr}>
                  {raw(qrSvg(pass.signed.text))}
                </div>
                <p>
                  <small>
                    {guest.signedUntil} {moment(pass.signed.until)}
                  </small>
                </p>
              </div>
            )}
            <ShortCode uid={pass.recordUid} isFirst={pass.signed === null} guest={guest} />
            <p class="uid">{pass.recordUid}</p>
            <p>{guest.show}</p>
          </div>
        )}
        <dl class="facts-list">
          <dt>{guest.where}</dt>
          <dd>{[pass.site, ...pass.doors].join(", ")}</dd>
          {pass.host !== null && (
            <>
              <dt>{guest.host}</dt>
              <dd>{pass.host}</dd>
            </>
          )}
          <dt>{guest.from}</dt>
          <dd>{moment(pass.validFrom)}</dd>
          <dt>{guest.until}</dt>
          <dd>{moment(pass.validUntil)}</dd>
          {windows !== null && (
            <>
              <dt>{words.passes.hours}</dt>
              <dd>{hoursText(windows, words)}</dd>
            </>
          )}
          <dt>{words.passes.left}</dt>
          <dd>{entriesLeft === null ? words.passes.unlimited : entriesLeft}</dd>
        </dl>
        <p>
          <small>{words.common.timesIn(zone)}</small>
        </p>
        <KeepIt words={words} mayInstall={isGood} />
      </article>
    </Page>
  );
}
