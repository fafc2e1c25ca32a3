/** Whom a guard means by a name that was said at the gate. Pure. */

export type NamedHost = { readonly id: string; readonly name: string };

/** Without accents, case and signs, by words. */
function wordsOf(name: string): string[] {
  const plain = name.normalize("NFD").replaceAll(/\p{M}/gu, "").toLowerCase();
  return plain.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== "");
}

/** One host is meant only by the whole name; by parts of it each who may be, at most `max`. One letter is no name. */
export function findHosts(
  hosts: readonly NamedHost[],
  said: string,
  max: number,
): { readonly meant: NamedHost } | { readonly candidates: readonly NamedHost[] } {
  const wanted = wordsOf(said);
  if (wanted.join("").length < 2) return { candidates: [] };
  const whole = hosts.filter(({ name }) => wordsOf(name).join(" ") === wanted.join(" "));
  const [only] = whole;
  if (only && whole.length === 1) return { meant: only };
  const isMeant = (name: string) => {
    const words = wordsOf(name);
    return wanted.every((part) => words.some((word) => word.startsWith(part)));
  };
  return { candidates: hosts.filter(({ name }) => isMeant(name)).slice(0, max) };
}
