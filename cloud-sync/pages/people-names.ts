/** Records name people by their ids alone; whoever may read people reads their names. */
import { reachOf } from "../domain/permissions.ts";
import { query } from "./own-api.ts";
import type { Visit } from "./visit.ts";

/** Names of more people are not looked up for one page: their ids stand there. */
const pagesMax = 5;

/** By id; of nobody for a visitor who may not read people. */
export async function namesOf(visit: Visit): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  if (reachOf(visit.actor!, "people.read") === undefined) return names;
  let after: string | null = "";
  for (let page = 0; page < pagesMax && after !== null; page += 1) {
    const found: { items: readonly { id: string; name: string }[]; next: string | null } = await visit.api.get(
      `/api/people${query({ limit: 200, after })}`,
    );
    for (const { id, name } of found.items) names.set(id, name);
    after = found.next;
  }
  return names;
}
