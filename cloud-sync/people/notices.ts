/** What a host is told of a visitor at the gate, and an owner of a stay, in words, and whether there is still somebody to tell. */
import { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import type { PushNotice } from "../channels/push.ts";
import type { WebPushSettings } from "../channels/web-push.ts";
import type { CloudParts } from "../cloud-parts.ts";
import type { NoticeChoice } from "../domain/notice-choice.ts";
import { may } from "../domain/permissions.ts";
import { inZone, knownZone } from "../pages/parts/moments.tsx";
import { isLanguage, type Language, languages } from "../pages/words/words.ts";
import { guardOf, isLearntLate, photoPath } from "../pass-history.ts";
import { iso } from "../routes/shapes.ts";
import { findSource } from "../store/booking-sources.ts";
import { findBooking } from "../store/bookings.ts";
import { readDoors } from "../store/doors.ts";
import { toGrant } from "../store/grants.ts";
import { type HostQuestionRow, readQuestion, tokenOf } from "../store/host-questions.ts";
import { readChoice } from "../store/notice-choices.ts";
import {
  type AlarmPlace,
  type AskedPlace,
  type NoticeFacts,
  type NoticePlace,
  readNoticeFacts,
} from "../store/notices.ts";
import { everySite, namesOf, type Person, readPerson } from "../store/people.ts";
import { findProperty } from "../store/properties.ts";
import { readSite } from "../store/sites.ts";
import { staffEverOf } from "../store/staff.ts";
import { alarmDoors, findAlarm } from "../store/stay-alarms.ts";
import type { Queries } from "../store/store.ts";

/** Seals browsers' addresses and the service's own key. */
export const pushSeal = ({ siteKeys }: CloudParts) => new CredentialSeal(everySite, siteKeys.serviceKey("push"));

/** Push services want somebody to write to; one that is reached on this machine alone has nobody. */
export function pushSettings({ publicUrl, pushServices }: CloudParts): WebPushSettings {
  const contact = publicUrl?.startsWith("https:") ? publicUrl : "mailto:postern@localhost";
  return { contact, services: pushServices };
}

export interface NoticeTo {
  readonly person: Person;
  readonly choice: NoticeChoice;
  readonly notice: PushNotice;
  /** Whose words a mail of it has. */
  readonly letter: "notices" | "asked" | "alarms";
}

/** undefined: there is nobody to tell any more, or nothing. `id`: of the notice. */
export async function noticeTo(
  parts: CloudParts,
  db: Queries,
  id: string,
  personId: string,
  about: NoticePlace | AskedPlace | AlarmPlace,
): Promise<NoticeTo | undefined> {
  const person = await readPerson(db, personId);
  const action = "alarm" in about ? "stays.change" : "passes.read";
  // Whoever has left a site is told nothing of it.
  const mayKnow = person && may(person, action, { site: about.site, madeBy: person.id });
  if (!mayKnow || person.disabledAt !== null) return undefined;
  const choice = await readChoice(db, personId);
  if (choice.channel === "none") return undefined;
  if ("alarm" in about) {
    const notice = await alarmInWords(db, id, person, about);
    return notice && { person, choice, notice, letter: "alarms" };
  }
  if ("question" in about) {
    const notice = await questionInWords(parts, db, id, person, about);
    return notice && { person, choice, notice, letter: "asked" };
  }
  const facts = await readNoticeFacts(db, about);
  return facts && { person, choice, notice: await inWords(db, id, person, facts), letter: "notices" };
}

/** undefined: it is answered, or its time is up. */
async function questionInWords(
  { siteKeys, clock }: CloudParts,
  db: Queries,
  id: string,
  person: Person,
  { site, gateway, question }: AskedPlace,
): Promise<PushNotice | undefined> {
  const row = await readQuestion(db, { siteId: site, gatewayId: gateway, id: question });
  const token = row && tokenOf(row, await siteKeys.seal(db, site));
  const leftMs = (row?.expiresAt ?? 0) - clock.wall();
  if (!row || !token || row.answeredAt !== null || leftMs <= 0) return undefined;
  const lang = isLanguage(person.language) ? person.language : "en";
  const { asked } = languages[lang];
  const said = await askedFacts(db, row, lang);
  return {
    id,
    title: asked.title(row.visitorName),
    body: asked.question(said),
    path: askedPath(token.reveal()),
    language: lang,
    lifeMs: leftMs,
    answers: answers.map((answer) => ({ action: answer, title: asked[answer] })),
  };
}

/** What somebody may answer, as the form and the notice send it. */
export const answers = ["approve", "deny"] as const;
export const askedPath = (token: string) => `/a/${token}`;

/** What the host is told of the visitor at the gate. */
export async function askedFacts(db: Queries, row: HostQuestionRow, lang: Language) {
  const site = await readSite(db, row.siteId);
  const [door] = await readDoors(db, row.siteId, [row.accessPoint]);
  return {
    visitor: row.visitorName,
    type: row.visitorType,
    site: site?.name ?? row.siteId,
    gate: door?.name ?? row.accessPoint,
    guard: (await namesOf(db, [row.staffId])).get(row.staffId) ?? null,
    time: inZone(iso(row.askedAt), knownZone(site?.zone ?? "UTC"), lang),
  };
}

/** undefined: it is settled, or has risen since, which is told by itself. */
async function alarmInWords(
  db: Queries,
  id: string,
  person: Person,
  { site: siteId, alarm, level }: AlarmPlace,
): Promise<PushNotice | undefined> {
  const row = await findAlarm(db, alarm);
  const site = await readSite(db, siteId);
  if (!row || !site || row.settledAt !== null || row.level !== level) return undefined;
  const language = isLanguage(person.language) ? person.language : "en";
  const { titles, texts } = languages[language].alarms;
  const booking = await findBooking(db, row.about);
  const property = booking && (await findProperty(db, booking.propertyId));
  const place = property?.name ?? (await findSource(db, row.about))?.name ?? site.name;
  const from = booking ? inZone(iso(booking.beginsAt), knownZone(site.zone), language) : null;
  const doors = (await readDoors(db, siteId, alarmDoors(row))).map(({ id: door, name }) => name ?? door);
  const body = texts[row.kind]({ site: site.name, place, from, doors });
  return { id, title: titles[row.kind](place), body, path: "/", language };
}

async function inWords(db: Queries, id: string, person: Person, facts: NoticeFacts): Promise<PushNotice> {
  const { event, pass, site, gate } = facts;
  const lang = isLanguage(person.language) ? person.language : "en";
  const { notices } = languages[lang];
  const { holder, entriesAllowed } = toGrant(pass);
  const zone = knownZone(site.zone);
  const guard = guardOf(event);
  const staff = guard === undefined ? new Set<string>() : await staffEverOf(db, site.id, [guard]);
  const said = {
    visitor: holder.name,
    gate,
    time: inZone(iso(event.at), zone, lang),
    guard: (await namesOf(db, [...staff])).get(guard ?? "") ?? null,
    left: entriesAllowed === null ? null : Math.max(0, entriesAllowed - pass.entriesUsed),
    learntAt: isLearntLate(event) ? inZone(iso(event.receivedAt), zone, lang) : null,
  };
  const [title, body] =
    event.type === "admitted"
      ? [notices.arrived(holder.name), notices.letIn(said)]
      : [notices.refused(holder.name), notices.notLetIn(said)];
  return { id, title, body, path: `/passes/${pass.id}`, photo: photoPath(event, pass.id), language: lang };
}
