/** What a visitor sees of their own pass, by the link they were sent; no account is asked for. */
import type { Grant } from "../../gateway/domain/grant.ts";
import type { Instant } from "../../gateway/domain/instant.ts";
import type { WeeklySchedule } from "../../gateway/domain/schedule.ts";
import type { SecretString } from "../../gateway/wire/secret.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { signedFormOf } from "../sign-pass.ts";
import { readDoors } from "../store/doors.ts";
import { readGateway } from "../store/gateways.ts";
import { type GrantState, grantState, readGrant, toGrant } from "../store/grants.ts";
import { findByPassLink } from "../store/pass-links.ts";
import { readSite, type SiteRow } from "../store/sites.ts";
import type { Queries } from "../store/store.ts";

export interface GuestPass {
  readonly visitorName: string;
  readonly host: string | null;
  readonly site: string;
  /** IANA; the wall clock that people there read. */
  readonly zone: string;
  readonly doors: readonly string[];
  /** "used-up": as far as the gateways have told. */
  readonly state: GrantState | "used-up";
  readonly validFrom: Instant;
  readonly validUntil: Instant;
  readonly windows: WeeklySchedule["windows"] | null;
  /** null: no limit. */
  readonly entriesLeft: number | null;
  /** What stands in the QR code; null: it would let nobody in. */
  readonly recordUid: string | null;
  /** What stands in the second one, and until when; null: its home gate knows the pass, the site has none, or it is not good within a day. */
  readonly signed: { readonly text: string; readonly until: Instant } | null;
}

export const guestPath = (token: string) => `/v/${token}`;
/** `base`: the address people use. */
export const guestUrl = (base: string, token: SecretString) => base + guestPath(token.reveal());

/** undefined: no pass has this link. */
export async function readGuestPass(parts: CloudParts, token: string): Promise<GuestPass | undefined> {
  const { store, siteKeys, clock } = parts;
  const { db } = store;
  const row = await findByPassLink(db, token);
  const site = row && (await readSite(db, row.siteId));
  if (!site) return undefined;
  const grant = toGrant(row);
  const entriesLeft = grant.entriesAllowed === null ? null : Math.max(0, grant.entriesAllowed - row.entriesUsed);
  const dated = grantState(row, clock.wall());
  const isGood = dated === "active" || dated === "upcoming";
  const state = isGood && entriesLeft === 0 ? "used-up" : dated;
  const credential = grant.credentials.find(({ kind }) => kind === "pass");
  const seal = await siteKeys.seal(db, site.id);
  const uid = credential?.sealed === undefined ? undefined : seal.open(credential.id, credential.sealed);
  const doors = await readDoors(db, site.id, grant.accessPoints);
  const mayOpen = isGood && state !== "used-up";
  const isKnown = await hasArrived(db, site, grant);
  const signed = mayOpen && !isKnown ? await signedFormOf(parts, row, site) : undefined;
  return {
    visitorName: grant.holder.name,
    host: grant.host?.name ?? null,
    site: site.name,
    zone: site.zone,
    doors: doors.map(({ id, name = id }) => name),
    state,
    validFrom: grant.validity.from,
    validUntil: grant.validity.until,
    windows: grant.schedule?.windows ?? null,
    entriesLeft,
    recordUid: mayOpen ? (uid?.reveal() ?? null) : null,
    signed: signed ? { text: signed.text, until: signed.validity.until } : null,
  };
}

/** Its home gate has confirmed the pass as it is now: the short code opens there, and what is withdrawn later is heard by itself. */
async function hasArrived(db: Queries, site: SiteRow, { id, homeGateway }: Grant): Promise<boolean> {
  const [home, published] = [await readGateway(db, homeGateway), await readGrant(db, site.id, id)];
  return home?.cursorFeed === site.feed && published !== undefined && published.version <= home.cursorVersion;
}
