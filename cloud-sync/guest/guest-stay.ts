/** What a guest sees of their stay, by the link they were sent; no account is asked for. */
import { randomBytes } from "node:crypto";
import type { Validity } from "../../gateway/domain/grant.ts";
import type { Instant } from "../../gateway/domain/instant.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { type Door, readsKind } from "../domain/doors.ts";
import { codeShownFrom, isLinkDead, type StayStanding, standingOf } from "../domain/guest-view.ts";
import { type HouseGuide, mapUrl } from "../domain/house-guide.ts";
import { gatherEvidence } from "../evidence.ts";
import { isHeardOf, linkOf } from "../open-for-guest.ts";
import { digitsOf } from "../own-grants.ts";
import { isSpare } from "../spare-codes.ts";
import { placeStay } from "../stay-window.ts";
import type { BookingRow } from "../store/bookings.ts";
import { readDoors } from "../store/doors.ts";
import { readGateway } from "../store/gateways.ts";
import { grantState, type PublishedGrant, readGrant, toGrant } from "../store/grants.ts";
import { findProperty, type Property } from "../store/properties.ts";
import { readSite, type SiteRow } from "../store/sites.ts";
import { findByStayLink } from "../store/stay-links.ts";
import { evidenceAtDoors } from "../temp-code.ts";

/** How its code is given: at a keypad the gateway reads · at the lock's own · by the account its member has at the lock's maker · not at all, for it has none. */
export type DoorWay = "keypad" | "lock" | "account" | "none";

/** Whether somebody who has digits has any use for them there. */
export function takesDigits({ way }: Pick<StayDoor, "way">): boolean {
  return way === "keypad" || way === "lock";
}

export interface StayDoor {
  readonly id: string;
  readonly name: string;
  readonly way: DoorWay;
  /** It is proven that its code, or where it takes none its link, opens it: now, or when the stay begins. */
  readonly isReady: boolean;
  /** Opening it from the page: by a press of this number · "no-line": the house cannot be asked · "none": not now, or not at all. */
  readonly press: { readonly nonce: string } | "no-line" | "none";
}

export interface GuestStay {
  readonly guestName: string;
  /** ISO 639-1; null: nobody has said. */
  readonly language: string | null;
  readonly property: string;
  /** IANA; the wall clock that people there read. */
  readonly zone: string;
  readonly standing: StayStanding;
  readonly window: Validity;
  /** null: it is not shown, or not yet. */
  readonly code: string | null;
  /** It was given to the stay in the place of its own. */
  readonly isSpare: boolean;
  /** When the code will be here; null: it is, it will not, or nobody can say. */
  readonly codeAt: Instant | null;
  readonly doors: readonly StayDoor[];
  readonly guide: HouseGuide;
  /** A page of a map; undefined: nobody has said where the house is. */
  readonly mapUrl: string | undefined;
}

/** A stay, its property, its site, and the grant that it has. */
export interface FoundStay {
  readonly row: BookingRow;
  readonly property: Property;
  readonly site: SiteRow;
  /** undefined: none, or one that opens nothing any more. */
  readonly grant: PublishedGrant | undefined;
  readonly window: Validity;
  readonly standing: StayStanding;
}

/** undefined: no stay has this link, or its time is over. */
export async function findStay({ store, clock }: CloudParts, token: string): Promise<FoundStay | undefined> {
  const { db } = store;
  const now = clock.wall();
  const row = await findByStayLink(db, token);
  const property = row && (await findProperty(db, row.propertyId));
  const site = row && (await readSite(db, row.siteId));
  if (!row || !property || !site) return undefined;
  const found = row.grantId === null ? undefined : await readGrant(db, site.id, row.grantId);
  const state = found && grantState(found.row, now);
  const grant = state === "active" || state === "upcoming" ? found : undefined;
  const { window: wanted } = await placeStay(db, row, property, site);
  const held = grant && toGrant(grant.row);
  // A spare may have been good for long; it is this guest's from the stay's beginning.
  const window = held ? (isSpare(held) ? { ...held.validity, from: wanted.from } : held.validity) : wanted;
  const { showCodeHours } = property.rules;
  const seen = { status: row.status, window, hasCode: grant !== undefined, showCodeHours };
  if (isLinkDead(seen, now)) return undefined;
  return { row, property, site, grant, window, standing: standingOf(seen, now) };
}

export async function showStay(parts: CloudParts, found: FoundStay): Promise<GuestStay> {
  const { store, siteKeys, clock } = parts;
  const { row, property, site, grant, window, standing } = found;
  const now = clock.wall();
  const isOn = standing === "before" || standing === "now";
  const { showCodeHours } = property.rules;
  const seen = { status: row.status, window, hasCode: grant !== undefined, showCodeHours };
  // Where it may open before the stay begins, it is not told before.
  const shownFrom = grant && isSpare(toGrant(grant.row)) ? window.from : codeShownFrom(seen);
  const doors = isOn ? await doorsOf(parts, found, now) : [];
  const takesCode = doors.some(takesDigits);
  const digits = grant && takesCode ? digitsOf(grant.row, await siteKeys.seal(store.db, site.id)) : undefined;
  const code = isOn && now >= shownFrom ? (digits?.reveal() ?? null) : null;
  const madeAt = grant ? now : row.problem === null ? row.lookAt : null;
  return {
    guestName: row.guestName,
    language: row.guestLanguage,
    property: property.name,
    zone: site.zone,
    standing,
    window,
    code,
    isSpare: grant !== undefined && isSpare(toGrant(grant.row)),
    codeAt: isOn && takesCode && code === null && madeAt !== null ? Math.max(madeAt, shownFrom) : null,
    doors,
    guide: property.guide,
    mapUrl: mapUrl(property.guide),
  };
}

async function doorsOf({ store, siteKeys }: CloudParts, found: FoundStay, now: Instant): Promise<StayDoor[]> {
  const { property, site, grant, standing } = found;
  const points = grant ? toGrant(grant.row).accessPoints : property.accessPoints;
  const doors = await readDoors(store.db, site.id, points);
  const evidence = grant ? evidenceAtDoors(grant, site, await gatherEvidence(store.db, site, [grant], now), now) : [];
  const proven = new Set(evidence.flatMap((one) => (one.opens.answer === "yes" ? [one.accessPoint] : [])));
  const mayPress = standing === "now" && grant && linkOf(grant, await siteKeys.seal(store.db, site.id)) !== undefined;
  const heard = new Map<string, boolean>();
  for (const id of mayPress ? new Set(doors.map(({ gateway }) => gateway)) : []) {
    const gateway = await readGateway(store.db, id);
    heard.set(id, gateway !== undefined && isHeardOf(gateway, now));
  }
  return doors.map((door) => ({
    id: door.id,
    name: door.name ?? door.id,
    way: wayOf(door, grant),
    isReady: proven.has(door.id),
    press: !mayPress ? "none" : heard.get(door.gateway) ? { nonce: randomBytes(16).toString("base64url") } : "no-line",
  }));
}

function wayOf(door: Door, grant: PublishedGrant | undefined): DoorWay {
  const credentials = grant ? toGrant(grant.row).credentials : [];
  if (door.accounts && credentials.some(({ kind, revoked }) => kind === "provider" && !revoked)) return "account";
  if (readsKind(door, "pin") !== false) return "keypad";
  return door.codes ? "lock" : "none";
}
