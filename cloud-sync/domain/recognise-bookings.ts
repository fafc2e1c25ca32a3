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
  /** It is cancelled: whoever books the same days is somebody else, unless code or UID says who. */
  readonly isOff?: boolean | undefined;
}

type IsSame = (known: Recognisable, told: Recognisable) => boolean;

/** From told to known; what is in it twice or not at all is new. Each of both is in it once at most. */
export function recognise<K extends Recognisable, T extends Recognisable>(
  known: readonly K[],
  told: readonly T[],
): ReadonlyMap<T, K> {
  const found = new Map<T, K>();
  const free = new Set(known);
  for (const isSame of [hasItsId, hasItsCode, hasItsUid, hasItsDays, overlaps])
    for (const one of told) {
      if (found.has(one)) continue;
      const match = [...free].find((other) => isSame(other, one));
      if (!match) continue;
      found.set(one, match);
      free.delete(match);
    }
  return found;
}

/** Sources with numbers of their own tell neither code nor UID. */
const hasItsId: IsSame = (known, told) => known.externalId === told.externalId && told.code == null && told.uid == null;

const hasItsCode: IsSame = (known, told) => known.code != null && known.code === told.code;

/** A calendar that has one UID for whoever comes next tells another guest at another time. */
const hasItsUid: IsSame = (known, told) =>
  known.uid != null &&
  known.uid === told.uid &&
  !areOtherCodes(known, told) &&
  (isSameName(known, told) || doOverlap(known, told));

const hasItsDays: IsSame = (known, told) => overlaps(known, told) && areSameDays(known, told);

const overlaps: IsSame = (known, told) =>
  !known.isOff &&
  isOfCalendar(known) &&
  isOfCalendar(told) &&
  !areOtherCodes(known, told) &&
  isSameName(known, told) &&
  doOverlap(known, told);

const isOfCalendar = ({ code, uid }: BookingName) => code != null || uid != null;
const areOtherCodes: IsSame = (known, told) => known.code != null && told.code != null && known.code !== told.code;
const isSameName: IsSame = (known, told) => known.guest.name === told.guest.name;
const areSameDays: IsSame = ({ days: a }, { days: b }) => a.arrival === b.arrival && a.departure === b.departure;
const doOverlap: IsSame = ({ days: a }, { days: b }) => a.arrival < b.departure && b.arrival < a.departure;
