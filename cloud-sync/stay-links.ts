/** The link by which a guest sees their stay: for whoever sends it, and for the owner. Whoever has it sees the code while there is one. */
import type { SecretString } from "../gateway/wire/secret.ts";
import { fieldProblem } from "../web/problem.ts";
import type { Asker } from "./asker.ts";
import type { CloudParts } from "./cloud-parts.ts";
import { recordAudit } from "./store/audit-trail.ts";
import { type BookingRow, lockBooking } from "./store/bookings.ts";
import { keepStayLink } from "./store/stay-links.ts";

type StayOf = Pick<BookingRow, "siteId" | "id">;

export const stayPath = (token: string) => `/s/${token}`;

/** The whole address. `base`: the one people use. undefined: the booking is gone, or its guest is forgotten. */
export async function guestLinkOf(parts: CloudParts, of: StayOf, base: string): Promise<string | undefined> {
  const seal = await parts.siteKeys.seal(parts.store.db, of.siteId);
  const token = await parts.store.transaction(async (tx) => {
    const row = await lockBooking(tx, of.siteId, of.id);
    return row && row.forgottenAt === null ? keepStayLink(tx, row, seal) : undefined;
  });
  return token && base + stayPath(token.reveal());
}

/** For the owner; who asked is in the audit trail before it is told. `renew`: the one before leads nowhere from then on. */
export async function tellGuestLink(
  { store, siteKeys, clock }: CloudParts,
  { actor, from }: Asker,
  { siteId: site, id }: StayOf,
  renew: boolean,
): Promise<SecretString> {
  const seal = await siteKeys.seal(store.db, site);
  return store.transaction(async (tx) => {
    const row = await lockBooking(tx, site, id);
    if (!row || row.forgottenAt !== null)
      throw fieldProblem("path.id", "it is long over, and who it was for is forgotten", 409);
    const token = await keepStayLink(tx, row, seal, { renew });
    const action = renew ? "bookings.renew-link" : "bookings.link";
    await recordAudit(tx, { site, actor: actor.id, from, action, thing: id }, clock.wall());
    return token;
  });
}
