/** Which PINs are given out: hard to guess among the live ones, and accepted by nearly every maker's lock. */

export const pinLengths = { min: 4, usual: 6, max: 10 } as const;

/** At most one try in this many hits a live code. */
const triesPerCode = 10_000;

/** Digits a new PIN needs when `liveCodes` PINs of the site, itself included, can be hit by a guess. */
export function pinDigits(liveCodes: number, wanted: number = pinLengths.usual): number {
  let digits = Math.max(wanted, pinLengths.min);
  while (digits < pinLengths.max && liveCodes * triesPerCode > 10 ** digits) digits += 1;
  return digits;
}

/** Digits 1 to 9, not beginning with 12: what the makers' locks have in common. `randomBelow(n)` answers 0 … n − 1. */
export function makePin(digits: number, randomBelow: (bound: number) => number): string {
  for (;;) {
    const pin = Array.from({ length: digits }, () => String(1 + randomBelow(9))).join("");
    if (!pin.startsWith("12")) return pin;
  }
}
