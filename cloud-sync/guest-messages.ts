/** Messages to guests as owners see them: how a property's guests are told, what each was told, and once more. Who may do what is asked here. */
import type { CredentialSeal } from "../gateway/wire/credential-seal.ts";
import { SecretString } from "../gateway/wire/secret.ts";
import { fieldProblem } from "../web/problem.ts";
import type { Asker } from "./asker.ts";
import type { CloudParts } from "./cloud-parts.ts";
import type { Facts } from "./domain/audit-body.ts";
import { type MessageKind, messageKinds } from "./domain/guest-messages.ts";
import { objectionTo } from "./domain/message-text.ts";
import { type Actor, sitesOf } from "./domain/permissions.ts";
import { codeWindow } from "./domain/stay-planner.ts";
import { noteInWords } from "./guest-note.ts";
import { chosenSite } from "./own-grants.ts";
import { Properties } from "./properties.ts";
import { demandMay } from "./routes/asks.ts";
import { notFound } from "./routes/shapes.ts";
import { stayPath } from "./stay-links.ts";
import { recordAudit } from "./store/audit-trail.ts";
import { lockBooking, lookAtAllOf } from "./store/bookings.ts";
import { readDoors } from "./store/doors.ts";
import {
  findMessage,
  listMessages,
  type MessageFilter,
  type MessageRow,
  messagesOf,
  putMessage,
  saysOf,
} from "./store/guest-messages.ts";
import { keepSettings, type MessageSettings, openWifi, readSettings, sealWifi } from "./store/message-settings.ts";
import { readSite } from "./store/sites.ts";
import { type GuestLanguage, isGuestLanguage } from "./templates/texts.ts";

/** As owners see them. */
export type ShownSettings = Omit<MessageSettings, "onSince" | "wifiSealed"> & { readonly wifi: string | null };
export type SettingsChange = { readonly [K in keyof ShownSettings]?: ShownSettings[K] | undefined };

export interface MessagesPage {
  readonly items: readonly MessageRow[];
  /** Where the next page begins. */
  readonly next: MessageFilter["after"];
}

export class GuestMessages {
  readonly #parts: CloudParts;
  readonly #properties: Properties;

  constructor(parts: CloudParts) {
    this.#parts = parts;
    this.#properties = new Properties(parts);
  }

  async settings(actor: Actor, property: string): Promise<ShownSettings> {
    const { store, siteKeys } = this.#parts;
    const { site, id } = await this.#properties.read(actor, property, "properties.change");
    return toShown(await readSettings(store.db, site, id), id, await siteKeys.seal(store.db, site));
  }

  /** What is not named stays. Guests that were told before are told nothing for it. */
  async changeSettings({ actor, from }: Asker, property: string, change: SettingsChange): Promise<ShownSettings> {
    const { store, siteKeys, clock, logger } = this.#parts;
    const { site, id } = await this.#properties.read(actor, property, "properties.change");
    const { wifi, ...rest } = change;
    const after = await store.transaction(async (tx) => {
      const now = clock.wall();
      const seal = await siteKeys.seal(tx, site);
      const before = await readSettings(tx, site, id);
      const named = Object.entries(rest).filter(([, value]) => value !== undefined);
      const changed: MessageSettings = { ...before, ...Object.fromEntries(named) };
      const sealed = wifi === null ? null : wifi === undefined ? before.wifiSealed : sealWifi(id, wifi, seal);
      const onSince = changed.on ? (before.onSince ?? now) : null;
      const whole = { ...changed, onSince, wifiSealed: sealed };
      demandTexts(whole);
      await keepSettings(tx, site, id, whole, now);
      await lookAtAllOf(tx, site, id, now);
      const facts = { before: factsOf(before), after: factsOf(whole) };
      await recordAudit(tx, { site, actor: actor.id, from, action: "messages.settings", thing: id, ...facts }, now);
      return toShown(whole, id, seal);
    });
    logger.info("message-settings-changed", { site, property: id, by: actor.id });
    return after;
  }

  /** As a made-up guest would read it. */
  async preview(
    actor: Actor,
    property: string,
    { kind, language, text }: { kind: MessageKind; language: string; text: string | undefined },
  ): Promise<{ readonly subject: string; readonly text: string }> {
    const { store, siteKeys, clock, publicUrl } = this.#parts;
    const found = await this.#properties.read(actor, property, "properties.change");
    const { site: siteId, name, accessPoints, rules } = found;
    const settings = await readSettings(store.db, siteId, found.id);
    const wifi = openWifi(settings, found.id, await siteKeys.seal(store.db, siteId));
    const site = await readSite(store.db, siteId);
    const spoken: GuestLanguage = isGuestLanguage(language) ? language : "en";
    const texts = text === undefined ? settings.texts : { [spoken]: { [kind]: text } };
    demandTexts({ ...settings, texts }, text === undefined ? undefined : "body.text");
    const window = codeWindow({ from: clock.wall(), until: clock.wall() + 3 * 24 * 3_600_000 }, rules);
    const words = noteInWords({
      ...{ kind, says: window, isProven: true, language: spoken, property: name, zone: site?.zone ?? "UTC" },
      guest: "Ana",
      doors: (await readDoors(store.db, siteId, accessPoints)).map(({ id, name: door }) => door ?? id),
      code: new SecretString("123456"),
      link: publicUrl === undefined ? undefined : publicUrl + stayPath("…"),
      settings: { ...settings, texts },
      wifi,
      isEarlySpare: false,
    });
    return { subject: words.subject, text: words.text.reveal() };
  }

  /** The newest first; of the site, or of all that the actor may see. */
  async list(
    actor: Actor,
    { site, limit, ...filter }: Omit<MessageFilter, "sites"> & { readonly site?: string | undefined },
  ): Promise<MessagesPage> {
    const { db } = this.#parts.store;
    const sites =
      site === undefined
        ? sitesOf(actor, "stays.read")
        : [(await chosenSite(db, actor, "stays.read", site, "query")).id];
    const all = await listMessages(db, { ...filter, sites, limit: limit + 1 });
    const items = all.slice(0, limit);
    const last = all.length > limit ? items.at(-1) : undefined;
    return { items, next: last && { createdAt: last.createdAt, id: last.id } };
  }

  /** The same facts to the same guest, by whatever way reaches them now, at once. */
  async sendAgain({ actor, from }: Asker, id: string): Promise<MessageRow> {
    const { store, clock, logger } = this.#parts;
    const seen = await findMessage(store.db, id);
    if (!seen) throw notFound(`message ${id}`);
    const { siteId: site, bookingId: booking } = seen;
    demandMay(actor, "stays.change", { site, madeBy: "" }, `message ${id}`);
    const made = await store.transaction(async (tx) => {
      const now = clock.wall();
      const row = await lockBooking(tx, site, booking);
      if (!row || row.forgottenAt !== null || now >= row.endsAt)
        throw fieldProblem("path.id", "its stay is over; there is nobody to tell", 409);
      const all = await messagesOf(tx, site, booking);
      if (all.some(({ state }) => state === "waiting" || state === "sending"))
        throw fieldProblem("path.id", "a message to this guest is on its way already", 409);
      const [newest] = all;
      if (newest?.id !== id) throw fieldProblem("path.id", "the guest was told something newer; send that again", 409);
      const { kind, isProven } = newest;
      const fresh = { site, booking, kind, says: saysOf(newest), isProven, dueAt: now, askedBy: actor.id };
      const message = await putMessage(tx, fresh, now);
      await recordAudit(
        tx,
        {
          site,
          actor: actor.id,
          from,
          action: "messages.send-again",
          thing: booking,
          after: { kind, number: message.number },
        },
        now,
      );
      return message;
    });
    logger.info("message-sent-again", { site, message: made.id, by: actor.id });
    return made;
  }
}

/** `place`: where the text stands that is tried. */
function demandTexts({ texts, pinInMessage }: MessageSettings, place?: string): void {
  for (const [language, ofLanguage] of Object.entries(texts))
    for (const kind of messageKinds) {
      const text = ofLanguage[kind];
      const objection = text === undefined ? undefined : objectionTo(text, kind, pinInMessage);
      if (objection !== undefined) throw fieldProblem(place ?? `body.texts.${language}.${kind}`, objection);
    }
}

function toShown(settings: MessageSettings, property: string, seal: CredentialSeal): ShownSettings {
  const { onSince: _, wifiSealed: __, ...shown } = settings;
  return { ...shown, wifi: openWifi(settings, property, seal) };
}

const factsOf = ({ texts, wifiSealed, onSince: _, ...settings }: MessageSettings): Facts => ({
  ...settings,
  channels: [...settings.channels],
  texts: Object.entries(texts).flatMap(([language, ofLanguage]) =>
    Object.keys(ofLanguage).map((kind) => `${language} ${kind}`),
  ),
  hasWifi: wifiSealed !== null,
});
