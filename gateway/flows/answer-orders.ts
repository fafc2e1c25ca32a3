/** The cloud wants entries back: each order is answered exactly once, with what can be given, and told only when it is on the disk. */
import { held } from "../domain/rights.ts";
import { note, type SiteParts } from "./site-parts.ts";

/** After a page and after a start. On a full disk the order stays open, and the next page or start answers it. */
export function answerOrders(site: SiteParts): void {
  for (const { grant, order } of site.records.openOrders()) {
    const rights = site.records.registers(grant);
    const given = Math.min(order.n, Math.max(0, held(rights)));
    note(site, { type: "rights-returned", grant, total: rights.returned + given, order: order.no }).then(
      () => {
        const isAnswered = site.records.registers(grant).order >= order.no;
        if (isAnswered) site.logger.info("rights-returned", { grant, given, order: order.no });
      },
      () => undefined, // the disk failed, which the journal tells
    );
  }
}
