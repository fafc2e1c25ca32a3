/** What an owner tells the guests of a property: how to find it, and notes on the house in their languages. Plain text throughout. */

export interface HouseGuide {
  /** As on a letter. */
  readonly address: string | null;
  /** Of the door that guests look for, in degrees (WGS 84). */
  readonly place: { readonly latitude: number; readonly longitude: number } | null;
  /** By ISO 639-1. */
  readonly notes: Readonly<Record<string, string>>;
}

export const noGuide: HouseGuide = { address: null, place: null, notes: {} };

export const guideLimits = { addressMax: 300, noteMax: 4_000, languagesMax: 10 } as const;

/** Where a map shows it, at a site of its own that nothing is told of the guest; undefined: nobody has said where it is. */
export function mapUrl({ address, place }: HouseGuide): string | undefined {
  const map = "https://www.openstreetmap.org/";
  if (place) {
    const { latitude, longitude } = place;
    return `${map}?mlat=${latitude}&mlon=${longitude}#map=18/${latitude}/${longitude}`;
  }
  return address === null ? undefined : `${map}search?query=${encodeURIComponent(address)}`;
}
