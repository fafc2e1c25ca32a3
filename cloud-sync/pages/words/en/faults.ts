/** What the API objects to, in words of the language: in English. Left out is what the API, which speaks English, says well itself. */

/** What the API says, and the same in the words of a language. */
type Said = readonly [pattern: RegExp, said: (...found: readonly string[]) => string];

export const faults = [
  [/^Too small: expected (?:string|array)/, () => "Fill this in."],
  [/^The body may have at most/, () => "This is too much at once. Send it in smaller parts."],
  [/^Too many requests/, () => "Too many at once. What you filled in is still here: wait a moment and send it again."],
  [/^Too small: expected number to be >=(\S+)/, (least) => `At least ${least}.`],
  [/^Too big: expected number to be <=(\S+)/, (most) => `At most ${most}.`],
  [/^Invalid input: expected number, received string/, () => "Write a number."],
  [/^Invalid input: expected (\w+), received undefined/, () => "It is missing."],
  [/^Too big: expected string to have <=(\d+)/, (most) => `At most ${most} characters.`],
  [/^is no date and time|^Invalid ISO datetime/, () => "Give a day and an hour."],
  [/^Invalid email/, () => "This is no e-mail address."],
] as readonly Said[];
