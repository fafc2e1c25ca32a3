/** Carries out what the stay planner finds: a booking's code is made, follows its booking, and goes with it. */
import { normalizeSecret } from "../gateway/domain/credential.ts";
import type { Grant, Validity } from "../gateway/domain/grant.ts";
import type { Instant, Millis } from "../gateway/domain/instant.ts";
import type { CredentialSeal } from "../gateway/wire/credential-seal.ts";
import { HttpProblem } from "../web/problem.ts";
import { bookingFacts } from "./booking-facts.ts";
import type { CloudParts } from "./cloud-parts.ts";
import { createGrant, type PreferredValue } from "./create-grant.ts";
import { type Door, findUnfit } from "./domain/doors.ts";
import { endAccount, liveAccount, takenAccountOf } from "./domain/member-account.ts";
import { isWeakPin } from "./domain/pin-policy.ts";
import { phoneDigits, planStay, type StayProblem, type WantedStay } from "./domain/stay-planner.ts";
import { newId } from "./ids.ts";
import { digitsOf, revokeGrant } from "./own-grants.ts";
import { accountAddress } from "./routes/shapes.ts";
import { placeStay } from "./stay-window.ts";
import { recordAudit } from "./store/audit-trail.ts";
import { type BookingRow, lockBooking, lockDue, watchWake, writeBooking } from "./store/bookings.ts";
import { readDoors } from "./store/doors.ts";
import { changeGrant, type GrantRow, keepCodes, lockGrant, readGrant, toGrant } from "./store/grants.ts";
import { findProperty, type Property } from "./store/properties.ts";
import { readSite } from "./store/sites.ts";
import type { Store, Transaction } from "./store/store.ts";

/** A code that could not be made is tried again. */
const tryAgainMs: Millis = 5 * 60_000;

const unexpected = "it could not be looked at; the service's log says why";

/** What the property says, and the booking with its moments by that. */
interface Stay {
  readonly booking: BookingRow;
  readonly property: Property;
  readonly wanted: WantedStay;
  readonly seal: CredentialSeal;
  /** Of its member, where a door opens to accounts. */
  readonly email: string | undefined;
  /** What names the account that somebody has taken its right by hand. */
  readonly takenAccount: string | undefined;
}

/** Now, rather than when its turn comes. Rejects only for the store's own errors: what stands in the way is written beside the booking. */
export async function provisionStay(parts: CloudParts, site: string, id: string): Promise<void> {
  await provision(parts, (tx) => lockBooking(tx, site, id));
}

/** The booking that has been due for longest; false: none is. */
export function provisionDue(parts: CloudParts): Promise<boolean> {
  return provision(parts, (tx) => lockDue(tx, parts.clock.wall()));
}

type Take = (tx: Transaction) => Promise<BookingRow | undefined>;

async function provision(parts: CloudParts, take: Take): Promise<boolean> {
  const { store, clock, logger } = parts;
  let site: string | undefined;
  let id = "";
  try {
    const done = await store.transaction(async (tx) => {
      const booking = await take(tx);
      if (!booking) return undefined;
      site = booking.siteId;
      id = booking.id;
      return carryOut(parts, tx, booking, clock.wall());
    });
    if (done !== undefined && done !== "nothing") logger.info("stay-provisioned", { site, booking: id, step: done });
    return done !== undefined;
  } catch (error) {
    if (site === undefined) throw error;
    const problem = error instanceof HttpProblem ? inWords(error) : unexpected;
    // Whatever it is, it must not keep the bookings behind it waiting.
    await noteProblem(store, { site, id, problem, now: clock.wall() });
    if (problem === unexpected) logger.error("stay-not-provisioned", { site, booking: id, error: error as Error });
    else logger.warn("stay-has-no-code", { site, booking: id, why: problem });
    return true;
  }
}

/** The field's name is of an order that nobody has written. */
export function inWords({ errors, message }: HttpProblem): string {
  return errors.length > 0 ? errors.map((one) => one.message).join("; ") : message;
}

async function noteProblem(
  store: Store,
  { site, id, problem, now }: { site: string; id: string; problem: string; now: Instant },
): Promise<void> {
  await store.transaction(async (tx) => {
    const row = await lockBooking(tx, site, id);
    if (!row) return;
    await writeBooking(tx, row, { problem, lookAt: now + tryAgainMs, watchAt: now });
    tx.touch(watchWake);
  });
}

type Done = "nothing" | "make" | "change" | "renew" | "revoke";

async function carryOut(parts: CloudParts, tx: Transaction, row: BookingRow, now: Instant): Promise<Done> {
  const [property, site] = [await findProperty(tx, row.propertyId), await readSite(tx, row.siteId)];
  if (!property || !site) throw new HttpProblem(409, "no-property", "its property is gone");
  const { stay: moments, window } = await placeStay(tx, row, property, site);
  const booking = { ...row, beginsAt: moments.from, endsAt: moments.until };
  const { accessPoints, rules } = property;
  const { status, guestName: guest } = row;
  const seal = await parts.siteKeys.seal(tx, row.siteId);
  const grant = row.grantId === null ? undefined : await lockGrant(tx, row.siteId, row.grantId);
  const had = grant && asStayGrant(grant);
  const takenAccount = grant && takenAccountOf(toGrant(grant));
  const doors = await readDoors(tx, row.siteId, accessPoints);
  const member = memberAt(doors, row, had?.account !== undefined);
  const named = member.email && seal.index("provider", member.email);
  const isTaken = named !== undefined && named === takenAccount;
  const [email, account] = isTaken ? [] : [member.email, named];
  const noAccount = isTaken ? accountTaken : member.problem;
  const aheadHours = row.kind === "member" ? Number.POSITIVE_INFINITY : rules.aheadHours;
  const wanted = { status, window, accessPoints, guest, account, aheadHours };
  const stay = { booking, property, wanted, seal, email, takenAccount };
  const step = planStay(wanted, had, now);
  const isOn = status === "confirmed" && now < window.until;
  const problem = isOn ? (noAccount ?? null) : null;
  const base = { beginsAt: moments.from, endsAt: moments.until, lookAt: null, watchAt: now, problem };
  tx.touch(watchWake);
  switch (step.do) {
    case "nothing": {
      const inTheWay: string | null = step.problem ? problemWords[step.problem] : problem;
      await writeBooking(tx, row, { ...base, problem: inTheWay, lookAt: step.lookAt });
      return "nothing";
    }
    case "revoke":
      await endFormer(tx, row, now);
      await revokeGrant(tx, grant!, now);
      await writeDown(tx, row, { ...base, problem: null, grantId: null, formerGrantId: grant!.id }, now);
      return "revoke";
    case "make": {
      const made = await makeCode(tx, stay, step.window, row.formerGrantId, now);
      await writeDown(tx, row, { ...base, grantId: made, keyCodeAt: null }, now);
      return "make";
    }
    case "change": {
      await endFormer(tx, row, now);
      if (await changeCode(tx, stay, step.window, grant!, now)) {
        await writeDown(tx, row, base, now);
        return "change";
      }
      await revokeGrant(tx, grant!, now);
      const renewed = await makeCode(tx, stay, step.window, grant!.id, now);
      await writeDown(tx, row, { ...base, grantId: renewed, formerGrantId: grant!.id, keyCodeAt: null }, now);
      return "renew";
    }
  }
}

/** The code that a stay had before it was given a spare one goes on until the stay changes. */
async function endFormer(tx: Transaction, { siteId, formerGrantId }: BookingRow, now: Instant): Promise<void> {
  const former = formerGrantId === null ? undefined : await lockGrant(tx, siteId, formerGrantId);
  if (former && former.revokedAt === null && former.validUntil > now) await revokeGrant(tx, former, now);
}

const problemWords: Readonly<Record<StayProblem, string>> = {
  revoked: "somebody has revoked its code; it gets no other by itself",
  "no-time": "by its property's hours it ends before it begins",
};

const accountTaken = "somebody has revoked its member's account there; it gets no other by itself";

/** The booking, and an entry of the audit trail: nobody has asked for this but the planner. */
async function writeDown(tx: Transaction, row: BookingRow, change: Partial<BookingRow>, now: Instant): Promise<void> {
  const after = await writeBooking(tx, row, change);
  const facts = { before: bookingFacts(row), after: bookingFacts(after) };
  await recordAudit(tx, { ...planner, site: row.siteId, action: "bookings.provision", thing: row.id, ...facts }, now);
}

export const planner = { actor: "planner", from: { address: "service", device: "service" } } as const;

function asStayGrant(row: GrantRow) {
  const { validity, accessPoints, holder, credentials } = toGrant(row);
  const pins = credentials.filter(({ kind }) => kind === "pin");
  const isRevoked = row.revokedAt !== null || pins.every(({ revoked }) => revoked);
  const account = liveAccount({ credentials })?.index;
  return { validity, accessPoints, guest: holder.name, account, revoked: isRevoked };
}

/**
 * The address by which doors let a member in; a problem where they want one that nobody has told. One who has an account keeps it (`isIn`) while
 * no door says that it opens to it: a gateway that starts has not yet heard of all its devices.
 */
function memberAt(
  doors: readonly Door[],
  { kind, guestEmail }: BookingRow,
  isIn: boolean,
): { email?: string; problem?: string } {
  const names = doors.flatMap(({ id, name = id, accounts }) => (accounts ? [name] : []));
  if (kind !== "member" || (names.length === 0 && !isIn)) return {};
  const email = guestEmail === null ? "" : normalizeSecret("provider", guestEmail);
  if (accountAddress.safeParse(email).success) return { email };
  if (names.length === 0) return {};
  const which = `guest.email is ${email === "" ? "missing" : "none"}`;
  return {
    problem: `${which}, and ${names.join(", ")} opens to members' accounts by it: add it to the booking; until then there is the button of its page`,
  };
}

/** With the account of the member as it is now; one that was another's stays in the grant as revoked. */
function withAccount({ wanted, seal, email }: Stay, before: Grant, now: Instant): Pick<Grant, "credentials" | "about"> {
  if (liveAccount(before)?.index === wanted.account) return before;
  const { credentials, about } = endAccount(before, now);
  if (email === undefined) return { credentials, about };
  const id = newId("cred");
  const sealed = seal.seal(id, email);
  const index = seal.index("provider", email);
  return { credentials: [...credentials, { id, kind: "provider", index, sealed, revoked: false }], about };
}

/** A gateway reads no grant of more than 32: one whose member's address changed so often is made anew. */
const credentialsMax = 30;

/** false: it has had too many accounts, its digits are somebody else's by now, or the locks of the new doors do not take them. */
async function changeCode(
  tx: Transaction,
  stay: Stay,
  window: Validity,
  row: GrantRow,
  now: Instant,
): Promise<boolean> {
  const before = toGrant(row);
  const { wanted, seal } = stay;
  const { credentials, about } = withAccount(stay, before, now);
  const grant: Grant = {
    ...before,
    ...{ credentials, about },
    holder: { ...before.holder, name: wanted.guest },
    accessPoints: wanted.accessPoints,
    validity: window,
  };
  const value = digitsOf(row, seal)?.reveal();
  if (value === undefined || credentials.length > credentialsMax) return false;
  const doors = await readDoors(tx, row.siteId, wanted.accessPoints);
  if (doors.length < wanted.accessPoints.length || findUnfit(doors, { value }, "code")) return false;
  if (!(await keepCodes(tx, grant))) return false;
  await changeGrant(tx, row, grant, { retiredAt: null }, now);
  return true;
}

/** The digits it had before, else those of the guest's telephone where the property wants that, else any. Answers the grant's id. */
async function makeCode(
  tx: Transaction,
  stay: Stay,
  window: Validity,
  former: string | null,
  now: Instant,
): Promise<string> {
  const { booking, property, wanted, seal, email, takenAccount } = stay;
  const { siteId: site, createdBy } = booking;
  const { codeFrom, codeLength } = property.rules;
  const before = former === null ? undefined : (await readGrant(tx, site, former))?.row;
  const theirs = before && digitsOf(before, seal)?.reveal();
  const ofPhone = codeFrom === "phone" ? phoneDigits(booking.guestPhone, codeLength) : undefined;
  const preferred: PreferredValue[] = [
    ...(theirs === undefined ? [] : [{ value: theirs, wasTheirs: true }]),
    ...(ofPhone === undefined || isWeakPin(ofPhone) ? [] : [{ value: ofPhone, wasTheirs: false }]),
  ];
  const doors = await readDoors(tx, site, wanted.accessPoints);
  const length = findUnfit(doors, { length: codeLength }, "") ? undefined : codeLength;
  const { grant } = await createGrant(
    tx,
    seal,
    {
      site,
      kind: booking.kind,
      createdBy,
      holder: { ...(before && { id: before.holderId }), name: wanted.guest },
      accessPoints: wanted.accessPoints,
      validity: window,
      entriesAllowed: null,
      limitMode: "strict",
      // The link is what the guest's page presents at a gateway; nobody is told it.
      credentials: [
        { kind: "pin", length, preferred },
        { kind: "link" },
        ...(email === undefined ? [] : [{ kind: "provider", value: email } as const]),
      ],
      about: {
        ...{ booking: booking.id, property: property.id },
        ...(former !== null && { formerGrant: former }),
        ...(takenAccount !== undefined && { takenAccount }),
      },
    },
    now,
  );
  return grant.id;
}
