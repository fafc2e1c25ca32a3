/** Grants of a site say the same things over and over. What is equal is kept once, which at 100,000 grants is tens of megabytes. */
import type { FeedRow } from "../domain/feed.ts";
import type { Grant } from "../domain/grant.ts";
import type { Rights } from "../domain/rights.ts";
import type { SnapshotItem } from "../domain/site-records.ts";

/** Lists of access points remembered; a site has a few dozen combinations, a broken one should not fill the memory. */
const listsMax = 4_096;

export class SharedParts {
  readonly #lists = new Map<string, readonly string[]>();

  /** Changes the item, which must be fresh from its text. */
  share(item: SnapshotItem): SnapshotItem {
    if (item.item === "row" || item.item === "staged") this.#shareRow(item.row);
    if (item.item === "ledger") shareRights(item.rights);
    return item;
  }

  #shareRow(row: FeedRow): void {
    if (row.kind !== "grant") return;
    const body: Fresh<Grant> = row.body;
    body.id = row.id;
    body.accessPoints = this.#list(body.accessPoints);
    if (isEmpty(body.about)) body.about = nothing;
  }

  #list(list: readonly string[]): readonly string[] {
    const key = list.join("\n");
    const known = this.#lists.get(key);
    if (known) return known;
    if (this.#lists.size < listsMax) this.#lists.set(key, list);
    return list;
  }
}

type Fresh<T> = { -readonly [K in keyof T]: T[K] };

const nothing = {};

function shareRights(rights: Fresh<Rights>): void {
  if (rights.sent && isEmpty(rights.sent)) rights.sent = nothing;
  if (rights.received && isEmpty(rights.received)) rights.received = nothing;
}

function isEmpty(object: object): boolean {
  for (const _ in object) return false;
  return true;
}
