/** Which of the languages there are a visitor gets. */

/** The first of the visitor's languages that is known, else `otherwise`. `accepted`: an Accept-Language header. */
export function preferredLanguage<L extends string>(
  accepted: string | undefined,
  isKnown: (language: string | undefined) => language is L,
  otherwise: L,
): L {
  const wanted = (accepted ?? "")
    .slice(0, 500)
    .split(",")
    .map((entry, place) => {
      const [tag = "", ...parameters] = entry.trim().split(";");
      const weight = parameters.map((one) => /^\s*q=([\d.]+)\s*$/.exec(one)?.[1]).find((one) => one !== undefined);
      return { language: tag.toLowerCase().split("-")[0], weight: Number(weight ?? 1), place };
    })
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight || a.place - b.place);
  for (const { language } of wanted) if (isKnown(language)) return language;
  return otherwise;
}
