/** The signed form of a visitor's pass (gateway/wire/signed-pass.ts): what its home gate needs to know when it cannot be told. */
import type { Grant, Validity } from "../gateway/domain/grant.ts";
import type { Instant, Millis } from "../gateway/domain/instant.ts";
import { openingAt } from "../gateway/domain/opening.ts";
import { holderId } from "../gateway/domain/rights.ts";
import { signedLifeMaxMs } from "../gateway/domain/signed-pass.ts";
import { type SignedText, signPass } from "../gateway/wire/signed-pass.ts";
import type { CloudParts } from "./cloud-parts.ts";
import { holdingOf } from "./domain/settle-rights.ts";
import { listedOf } from "./store/blacklist.ts";
import { listAccessPoints, readGateway } from "./store/gateways.ts";
import { type GrantRow, toGrant } from "./store/grants.ts";
import { signingKeyOf } from "./store/pass-keys.ts";
import { readAccounts } from "./store/rights.ts";
import type { SiteRow } from "./store/sites.ts";
import type { Queries } from "./store/store.ts";

/** A gate that was cut off for a day may be behind us by its crystal, or by a battery clock that nobody has set. */
const behindMaxMs: Millis = 15 * 60_000;

/**
 * undefined: it has none. The site has no signed passes, or this one lets nobody in within the day, or is barred, or its home gate is out of
 * service or has been given no entry of it.
 */
export async function signedFormOf(
  { store, siteKeys, clock }: CloudParts,
  row: GrantRow,
  site: SiteRow,
): Promise<SignedText | undefined> {
  const key = signingKeyOf(siteKeys, site);
  const grant = toGrant(row);
  const credential = grant.credentials.find(({ kind, revoked }) => kind === "pass" && !revoked);
  if (!key || !credential || row.revokedAt !== null || grant.mustUnderstand?.length) return undefined;
  const validity = spanOf(grant, site.zone, clock.wall());
  if (!validity) return undefined;
  const { db } = store;
  const listed = await listedOf(db, site.id, [grant]);
  if (listed.has(grant.id) || listed.has(credential.id)) return undefined;
  const home = await readGateway(db, grant.homeGateway);
  if (!home || home.publicKey === null || home.revokedAt !== null) return undefined;
  const entries = await entriesAt(db, grant, holderId(home.id, home.epoch));
  const points = await listAccessPoints(db, site.id);
  const isAtHome = (id: string) => points.some((point) => point.id === id && point.gatewayId === home.id);
  return signPass(
    {
      site: site.id,
      home: { gateway: home.id, epoch: home.epoch },
      grant: grant.id,
      credential: credential.id,
      validity,
      entries,
      accessPoints: [...grant.accessPoints].sort((a, b) => Number(isAtHome(b)) - Number(isAtHome(a))),
    },
    key,
  );
}

/** The part of its validity that lies within a day from now and, of weekly hours, within one opening: hours are not told. */
function spanOf({ validity, schedule }: Grant, zone: string, now: Instant): Validity | undefined {
  const open = schedule ? openingAt(schedule, validity, zone, now, signedLifeMaxMs) : validity;
  if (!open) return undefined;
  const from = open.from > now ? open.from : now - behindMaxMs;
  return { from, until: Math.min(open.until, now + signedLifeMaxMs) };
}

/** What the cloud has placed there and not been given back; a gate that has not heard of the pass has all of it. null: no limit. */
async function entriesAt(db: Queries, grant: Grant, holder: string): Promise<number | null> {
  if (grant.entriesAllowed === null) return null;
  const account = (await readAccounts(db, grant.site, [grant])).get(grant.id);
  if (!account) return 0;
  const { granted, returned } = holdingOf(account, holder);
  return Math.max(0, Math.min(granted - returned, grant.entriesAllowed));
}
