/** What a site asks of the guards at its gates. Pure. */

export interface Position {
  /** Degrees, WGS 84. */
  readonly lat: number;
  readonly lng: number;
}

export interface GuardRules {
  /** Whether a visitor is photographed at each entry. */
  readonly photo: "required" | "optional" | "off";
  /** On whose word a visitor without a pass comes in; left out: the guard's own. */
  readonly walkIns?: "guard" | "host" | undefined;
  /** Where guards are meant to stand. It warns and never blocks: a guard may be at a second gate. */
  readonly bounds?: { readonly center: Position; readonly radiusM: number } | undefined;
}

const earthRadiusM = 6_371_000;

/** How far outside its bounds, in metres from the centre; undefined: within them, or nobody knows. */
export function farOutside({ bounds }: GuardRules, position: Position | undefined): number | undefined {
  if (!bounds || !position) return undefined;
  const distance = Math.round(distanceM(bounds.center, position));
  return distance > bounds.radiusM ? distance : undefined;
}

/** Along the great circle, by the haversine formula. */
function distanceM(a: Position, b: Position): number {
  const rad = (degrees: number) => (degrees * Math.PI) / 180;
  const half = (angle: number) => Math.sin(angle / 2) ** 2;
  const h = half(rad(b.lat - a.lat)) + Math.cos(rad(a.lat)) * Math.cos(rad(b.lat)) * half(rad(b.lng - a.lng));
  return 2 * earthRadiusM * Math.asin(Math.min(1, Math.sqrt(h)));
}
