/**
 * A guest opens a door of their stay from afar: they present its link, and this gateway decides as it would at a reader, from its own records,
 * and writes the admission down. The command is dead within its ten seconds, so a press is never carried out late.
 */
import type { LinkCommand } from "../ports/cloud-link.ts";
import { sealedLink } from "../wire/gateway-api.ts";
import { endAs } from "./enter-by-cloud.ts";
import { presentCredential } from "./present-credential.ts";
import { readCredential } from "./read-credential.ts";
import { type ArrivedCommand, ageOf, end, factsOf, isLate } from "./remote-command.ts";
import type { SiteParts } from "./site-parts.ts";

/** The result "refused" with a reason or an admission's number is the decision; without either nothing here can read it. */
export async function presentLink(site: SiteParts, arrived: ArrivedCommand<LinkCommand>): Promise<void> {
  const { command } = arrived;
  if (command.id <= site.records.lastCommand || site.stopping.aborted) return;
  if (isLate(site, arrived)) return end(site, command, "expired");
  const { accessPoint } = command;
  const value = site.seal.open(sealedLink, command.link)?.reveal();
  if (!site.accessPoints.has(accessPoint) || value === undefined) return end(site, command, "refused");

  const taken = site.journal.recordEvent({ type: "command-taken", ...factsOf(command), by: command.by });
  await taken.durable;
  const request = { accessPoint, presented: readCredential(site, "link", value) };
  const press = { origin: undefined, at: site.clock.monotonic() - ageOf(site, arrived) };
  const outcome = await presentCredential(site, request, undefined, press);
  endAs(site, command, outcome ?? { outcome: "unanswered", why: "too-late" });
}
