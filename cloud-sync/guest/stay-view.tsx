/** What a guest sees of a stay, in the guest's language. */
import { denialTexts } from "../../gateway/domain/denial-text.ts";
import type { Instant } from "../../gateway/domain/instant.ts";
import { asset } from "../../web/assets.ts";
import { preferredLanguage } from "../../web/language.ts";
import { Page } from "../../web/page.tsx";
import type { PressedDoor } from "../open-for-guest.ts";
import { pagesStyle } from "../pages/frame.tsx";
import { knownZone, Moment } from "../pages/parts/moments.tsx";
import { type Language, languages, type Words } from "../pages/words/words.ts";
import { iso } from "../routes/shapes.ts";
import { stayPath } from "../stay-links.ts";
import { type GuestStay, type StayDoor, takesDigits } from "./guest-stay.ts";
import { KeepIt, keptFrom, keptScript } from "./kept-pages.tsx";

/** Path below which the pages stand. */
export const stayScope = "/s/";
export const stayStyle = asset(import.meta.resolve("./assets/stay.css"));

export function UnknownStay({ lang }: { lang: Language }) {
  const { stayPage, product } = languages[lang];
  return (
    <Page title={`${stayPage.unknown} – ${product}`} lang={lang} styles={[pagesStyle]}>
      <h1>{stayPage.unknown}</h1>
      <p>{stayPage.unknownText}</p>
    </Page>
  );
}

export interface StayProps {
  readonly token: string;
  readonly stay: GuestStay;
  readonly now: Instant;
  readonly lang: Language;
  /** An Accept-Language header. */
  readonly accepted: string | undefined;
  readonly pressed?: PressedDoor | undefined;
  /** The owner has been told that it does not work · "known": a moment ago · "given": and the stay has another code. */
  readonly trouble?: "told" | "known" | "given" | undefined;
}

export function StayPage({ token, stay, now, lang, accepted, pressed, trouble }: StayProps) {
  const words = languages[lang];
  const { stayPage, product, common } = words;
  const { standing, window, zone } = stay;
  const isOn = standing === "before" || standing === "now";
  const moment = (at: Instant) => <Moment iso={iso(at)} zone={knownZone(zone)} lang={lang} />;
  return (
    <Page
      title={`${stayPage.title} – ${product}`}
      lang={lang}
      styles={[pagesStyle, stayStyle.url]}
      scripts={[keptScript]}
      head={<link rel="manifest" href={`${stayPath(token)}/app.webmanifest`} />}
    >
      <article class="guest-stay" {...keptFrom(stayScope)}>
        <h1>{stayPage.greeting(stay.guestName)}</h1>
        <p>{stayPage.at(stay.property)}</p>
        {standing !== "now" && (
          <p class={`notice ${isOn || standing === "unconfirmed" ? "warn" : "bad"}`} role="status">
            {stayPage.standings[standing]}
          </p>
        )}
        {isOn && (
          <>
            <p class="notice bad" role="status" data-over-at={window.until} hidden>
              {stayPage.standings.over}
            </p>
            {pressed && <Pressed pressed={pressed} stay={stay} stayPage={stayPage} lang={lang} />}
            <div id="code">
              <Code stay={stay} stayPage={stayPage} moment={moment} />
              <dl class="facts-list">
                <dt>{stayPage.from}</dt>
                <dd>{moment(window.from)}</dd>
                <dt>{stayPage.until}</dt>
                <dd>{moment(window.until)}</dd>
              </dl>
              <p>
                <small>{common.timesIn(zone)}</small>
              </p>
              <h2>{stayPage.doors}</h2>
              <ul class="stay-doors">
                {stay.doors.map((door) => (
                  <StayDoorItem door={door} token={token} stayPage={stayPage} />
                ))}
              </ul>
              <p>
                <small>
                  {stayPage.asOf} {moment(now)}
                </small>
              </p>
            </div>
            <TroubleForm token={token} stay={stay} stayPage={stayPage} trouble={trouble} />
            <House stay={stay} stayPage={stayPage} accepted={accepted} />
          </>
        )}
        <KeepIt words={words} mayInstall={isOn} />
      </article>
    </Page>
  );
}

type PageWords = Words["stayPage"];

interface CodeProps {
  readonly stay: GuestStay;
  readonly stayPage: PageWords;
  readonly moment: (at: Instant) => unknown;
}

function Code({ stay: { code, codeAt, doors, isSpare }, stayPage, moment }: CodeProps) {
  if (code !== null)
    return (
      <>
        <h2>{stayPage.code}</h2>
        <p class="stay-code">{code}</p>
        {isSpare && <p>{stayPage.spare}</p>}
      </>
    );
  if (codeAt !== null)
    return (
      <p>
        {stayPage.codeAt} <strong>{moment(codeAt)}</strong>
      </p>
    );
  return <p>{!doors.some(takesDigits) ? stayPage.noCode : stayPage.codeLater}</p>;
}

interface PressedProps {
  readonly pressed: PressedDoor;
  readonly stay: GuestStay;
  readonly stayPage: PageWords;
  readonly lang: Language;
}

function Pressed({ pressed: { accessPoint, result }, stay, stayPage, lang }: PressedProps) {
  const door = stay.doors.find(({ id }) => id === accessPoint);
  const isGood = result.is === "opened" || result.is === "told";
  const why = result.is === "refused" && result.reason !== null ? denialTexts[result.reason][lang] : undefined;
  return (
    <p class={`notice ${isGood ? "good" : "bad"}`} role="status">
      {door && <strong>{door.name}: </strong>}
      {why ?? stayPage.results[result.is]}
    </p>
  );
}

interface DoorProps {
  readonly door: StayDoor;
  readonly token: string;
  readonly stayPage: PageWords;
}

function StayDoorItem({ door, token, stayPage }: DoorProps) {
  const { name, way, isReady, press } = door;
  const takesCode = takesDigits(door);
  const [ready, notReady] = {
    keypad: [stayPage.ready, stayPage.notReady],
    lock: [stayPage.ready, stayPage.notReady],
    account: [stayPage.readyAccount, stayPage.notReadyAccount],
    none: [stayPage.readyWithout, stayPage.notReadyWithout],
  }[way];
  return (
    <li>
      <h3>{name}</h3>
      <p>{stayPage.ways[way]}</p>
      {/* What opens from here alone is not ready while nothing does. */}
      {(way !== "none" || press !== "no-line") && (
        <p class={isReady ? "ready" : undefined}>{isReady ? ready : notReady}</p>
      )}
      {press === "no-line" && <p>{takesCode && isReady ? stayPage.noLine : stayPage.noLineWithout}</p>}
      {typeof press === "object" && (
        <details class="no-print" open={!takesCode}>
          <summary>{stayPage.openFrom}</summary>
          <form method="post" action={`${stayPath(token)}/open`}>
            <input type="hidden" name="door" value={door.id} />
            <input type="hidden" name="nonce" value={press.nonce} />
            <button type="submit">{stayPage.open(name)}</button>
            <small>{stayPage.openHint}</small>
          </form>
        </details>
      )}
    </li>
  );
}

interface TroubleProps extends Pick<StayProps, "token" | "stay" | "trouble"> {
  readonly stayPage: PageWords;
}

function TroubleForm({ token, stay: { doors }, stayPage, trouble }: TroubleProps) {
  if (trouble)
    return (
      <p class="notice warn" role="status">
        {stayPage.troubles[trouble]}
      </p>
    );
  return (
    <details class="no-print">
      <summary>{stayPage.trouble}</summary>
      <form method="post" action={`${stayPath(token)}/trouble`}>
        <p>{stayPage.troubleHint}</p>
        {doors.length > 1 && (
          <label>
            {stayPage.troubleDoor}
            <select name="door">
              <option value="">{stayPage.troubleAnyDoor}</option>
              {doors.map(({ id, name }) => (
                <option value={id}>{name}</option>
              ))}
            </select>
          </label>
        )}
        <label>
          {stayPage.troubleSaid}
          <input name="said" maxlength={500} autocomplete="off" />
        </label>
        <button type="submit">{stayPage.troubleTell}</button>
      </form>
    </details>
  );
}

/** The notes in the visitor's language, else in that of the booking, else in the first there is. */
function House({
  stay: { guide, mapUrl, language },
  stayPage,
  accepted,
}: {
  stay: GuestStay;
  stayPage: PageWords;
  accepted: string | undefined;
}) {
  const { address, notes } = guide;
  const [first = ""] = Object.keys(notes);
  const isTold = (one: string | undefined): one is string => one !== undefined && Object.hasOwn(notes, one);
  const spoken = preferredLanguage(accepted, isTold, isTold(language ?? undefined) ? (language ?? "") : first);
  const note = notes[spoken];
  if (address === null && mapUrl === undefined && note === undefined) return null;
  return (
    <section>
      <h2>{stayPage.house}</h2>
      {address !== null && <address>{address}</address>}
      {mapUrl !== undefined && (
        <p>
          <a href={mapUrl} rel="noreferrer noopener">
            {stayPage.map}
          </a>
          <br />
          <small>{stayPage.mapHint}</small>
        </p>
      )}
      {note !== undefined && (
        <p class="house-notes" lang={spoken}>
          {note}
        </p>
      )}
    </section>
  );
}
