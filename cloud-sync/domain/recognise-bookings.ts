/**
 * Which of the known bookings a told one is, purely, where its source gives it no number that lasts: by the platform's code, else by the
 * calendar's UID, else by dates that overlap under the same name. Platforms renew UIDs and move dates, and neither may cost a guest the code.
 */

/** What a booking is known by besides its id at the source. */
export interface BookingName {
  /** The platform's own code of it, "HMABCDEFGH". */
  readonly code?: string | null | undefined;
  /** RFC 5545. */
  readonly uid?: string | null | undefined;
}

export interface Recognisable extends BookingName {
  readonly externalId: string;
  readonly days: { readonly arrival: string; readonly departure: string };
  readonly guest: { readonly name: string };
  /** Its name says of nobody who it is. */
  readonly mayBeBlock?: boolean | undefined;
  /** It is cancelled: whoever books the same days is somebody else, unless code or UID says who. */
  readonly isOff?: boolean | undefined;
}

/** One way to recognise: what both must have alike, and what else must hold. */
interface Likeness {
  readonly key: (one: Recognisable) => string | null;
  readonly holds: (known: Recognisable, told: Recognisable) => boolean;
}

/** From told to known; whatever is not in it is new. Each of both is in it once at most. */
export function recognise<K extends Recognisable, T extends Recognisable>(
  known: readonly K[],
  told: readonly T[],
): ReadonlyMap<T, K> {
  const found = new Map<T, K>();
  const taken = new Set<K>();
  for (const { key, holds } of likenesses) {
    const byKey = Map.groupBy(known, key);
    for (const one of told) {
      const own = found.has(one) ? null : key(one);
      const match = own === null ? undefined : byKey.get(own)?.find((other) => !taken.has(other) && holds(other, one));
      if (!match) continue;
      found.set(one, match);
      taken.add(match);
    }
  }
  return found;
}

type Both = Likeness["holds"];
const isOfCalendar = ({ code, uid }: BookingName) => code != null || uid != null;
const areOtherCodes: Both = (known, told) => known.code != null && told.code != null && known.code !== told.code;
const isSameName: Both = (known, told) => known.guest.name === told.guest.name;
const areSameDays: Both = ({ days: a }, { days: b }) => a.arrival === b.arrival && a.departure === b.departure;
const doOverlap: Both = ({ days: a }, { days: b }) => a.arrival < b.departure && b.arrival < a.departure;
const mayBeOne: Both = (known, told) => !known.isOff && !areOtherCodes(known, told) && doOverlap(known, told);
/** Whoever books days that somebody of no name has given back is another guest, and must not get that one's code. */
const isNobody = ({ mayBeBlock }: Recognisable) => mayBeBlock === true;
const mayHaveMoved: Both = (known, told) =>
  mayBeOne(known, told) && (!(isNobody(known) || isNobody(told)) || known.days.arrival === told.days.arrival);
const nameInCalendar = (one: Recognisable) => (isOfCalendar(one) ? one.guest.name : null);

/** The first that holds decides. */
const likenesses: readonly Likeness[] = [
  // Sources with numbers of their own tell neither code nor UID.
  { key: (one) => (isOfCalendar(one) ? null : one.externalId), holds: () => true },
  { key: ({ code }) => code ?? null, holds: () => true },
  {
    key: ({ uid }) => uid ?? null,
    // A calendar that has one UID for whoever comes next tells another guest at another time.
    holds: (known, told) =>
      !areOtherCodes(known, told) && (isSameName(known, told) || (!known.isOff && doOverlap(known, told))),
  },
  { key: nameInCalendar, holds: (known, told) => mayBeOne(known, told) && areSameDays(known, told) },
  { key: nameInCalendar, holds: mayHaveMoved },
];
