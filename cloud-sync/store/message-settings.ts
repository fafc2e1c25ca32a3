/** How the guests of each property are told. */
import { and, eq } from "drizzle-orm";
import type { Instant } from "../../gateway/domain/instant.ts";
import type { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import { type ChannelName, channelNames } from "../channels/guest-channel.ts";
import type { MessageKind } from "../domain/guest-messages.ts";
import { messageSettings } from "./schema.ts";
import type { Queries, Transaction } from "./store.ts";

export interface MessageSettings {
  /** Guests are told. */
  readonly on: boolean;
  /** Since when; null: it is off. */
  readonly onSince: Instant | null;
  /** Of guests whose own is not known, or not spoken here. */
  readonly language: string;
  /** ISO 3166, for numbers without a country; null: such are no numbers. */
  readonly country: string | null;
  /** The first that may do is taken. */
  readonly channels: readonly ChannelName[];
  /** The digits stand in messages, also where there is a page behind a link. */
  readonly pinInMessage: boolean;
  /** By the site's key, see openWifi(). */
  readonly wifiSealed: string | null;
  /** Nobody is woken between the two, by the wall clock at the site. */
  readonly quietFrom: string;
  readonly quietUntil: string;
  /** The owner's own words, by language and kind. */
  readonly texts: Readonly<Record<string, Readonly<Partial<Record<MessageKind, string>>>>>;
}

export const usualSettings: MessageSettings = {
  on: false,
  onSince: null,
  language: "en",
  country: null,
  channels: channelNames,
  pinInMessage: false,
  wifiSealed: null,
  quietFrom: "22:00",
  quietUntil: "08:00",
  texts: {},
};

/** What the seal is bound to. */
const wifiPlace = (property: string) => `wifi-of-${property}`;

export function sealWifi(property: string, wifi: string, seal: CredentialSeal): string {
  return seal.seal(wifiPlace(property), wifi);
}

/** null: there is none, or it was sealed under another key. */
export function openWifi({ wifiSealed }: MessageSettings, property: string, seal: CredentialSeal): string | null {
  return wifiSealed === null ? null : (seal.open(wifiPlace(property), wifiSealed)?.reveal() ?? null);
}

const its = (siteId: string, property: string) =>
  and(eq(messageSettings.siteId, siteId), eq(messageSettings.propertyId, property));

export async function readSettings(db: Queries, siteId: string, property: string): Promise<MessageSettings> {
  const [row] = await db.select().from(messageSettings).where(its(siteId, property));
  return row ? { ...usualSettings, ...JSON.parse(row.body) } : usualSettings;
}

export async function keepSettings(
  tx: Transaction,
  siteId: string,
  propertyId: string,
  settings: MessageSettings,
  now: Instant,
): Promise<void> {
  const fresh = { body: JSON.stringify(settings), changedAt: now };
  await tx
    .insert(messageSettings)
    .values({ siteId, propertyId, ...fresh })
    .onConflictDoUpdate({ target: [messageSettings.siteId, messageSettings.propertyId], set: fresh });
}
