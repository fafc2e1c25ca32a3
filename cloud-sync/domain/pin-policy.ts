/** Which PINs are given out: hard to guess among the live ones, and accepted by nearly every maker's lock. */
import type { CodeConstraints } from "../../gateway/domain/lock-code.ts";

export const pinLengths = { min: 4, usual: 6, max: 10 } as const;

/** What a PIN must be. */
export type PinShape = Pick<CodeConstraints, "lengths" | "digits" | "forbiddenPrefixes">;

/** Digits 1 to 9, not beginning with 12: what the makers' locks have in common. */
export const usualShape: PinShape = {
  lengths: Array.from({ length: pinLengths.max - pinLengths.min + 1 }, (_, more) => pinLengths.min + more),
  digits: "123456789",
  forbiddenPrefixes: ["12"],
};

/** At most one try in this many hits a live code. */
const triesPerCode = 10_000;

/**
 * Digits a new PIN gets when `liveCodes` PINs of the site, itself included, can be hit by a guess: at least `wanted` and as many as that
 * takes, as far as the shape lets it.
 */
export function pinDigits(
  liveCodes: number,
  { lengths }: Pick<PinShape, "lengths"> = usualShape,
  wanted: number = pinLengths.usual,
): number {
  const isEnough = (digits: number) => digits >= wanted && liveCodes * triesPerCode <= 10 ** digits;
  return lengths.find(isEnough) ?? lengths.at(-1) ?? wanted;
}

/** Prefixes that leave hardly a PIN leave none: whoever reports such a lock must not keep this process busy. */
const drawsMax = 1_000;

/** `randomBelow(n)` answers 0 … n − 1. undefined: the forbidden prefixes leave hardly a PIN. */
export function makePin(
  length: number,
  { digits, forbiddenPrefixes }: PinShape,
  randomBelow: (bound: number) => number,
): string | undefined {
  for (let draws = 0; draws < drawsMax; draws += 1) {
    const pin = Array.from({ length }, () => digits[randomBelow(digits.length)]).join("");
    if (!forbiddenPrefixes.some((prefix) => pin.startsWith(prefix)) && !isWeakPin(pin)) return pin;
  }
  return undefined;
}

/** What whoever guesses tries first: one digit over and over, a run up or down, the same two or three digits again. */
export function isWeakPin(pin: string): boolean {
  const steps = new Set(Array.from({ length: pin.length - 1 }, (_, at) => Number(pin[at + 1]) - Number(pin[at])));
  const [step = 0] = steps;
  if (steps.size === 1 && Math.abs(step) <= 1) return true;
  return [2, 3].some(
    (part) => pin.length >= 2 * part && pin === pin.slice(0, part).repeat(pin.length).slice(0, pin.length),
  );
}
