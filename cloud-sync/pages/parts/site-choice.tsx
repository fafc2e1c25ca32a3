/** Which site a page is about: that of its address, else the visitor's first; a list to change it where there are several. */
import { HttpProblem } from "../../../web/problem.ts";
import type { SeenSite } from "../sites.tsx";
import type { Words } from "../words/words.ts";
import { Select } from "./form.tsx";

/** undefined: there is none yet. */
export function chosenSite(sites: readonly SeenSite[], wanted: string | undefined): SeenSite | undefined {
  if (wanted === undefined || wanted === "") return sites[0];
  const site = sites.find(({ id }) => id === wanted);
  if (!site) throw new HttpProblem(404, "not-found", "There is no such site.");
  return site;
}

interface SiteChoiceProps {
  readonly sites: readonly SeenSite[];
  readonly site: SeenSite;
  readonly words: Words;
}

export function SiteChoice({ sites, site, words }: SiteChoiceProps) {
  if (sites.length === 1) return <input type="hidden" name="site" value={site.id} />;
  return (
    <Select
      name="site"
      label={words.common.site}
      words={words}
      value={site.id}
      choices={sites.map(({ id, name }) => ({ value: id, label: name }))}
    />
  );
}

/** Above a form that is about one site: shows the page for another. Nothing where there is one alone. */
export function SiteSwitch({ action, sites, site, words }: SiteChoiceProps & { readonly action: string }) {
  if (sites.length === 1) return null;
  return (
    <form class="filter" action={action}>
      <SiteChoice sites={sites} site={site} words={words} />
      <button type="submit" class="secondary">
        {words.common.show}
      </button>
    </form>
  );
}
