/**
 * A guard counts a visitor in through the cloud: the gate's own decision and record, asked for by a command. So there is one count, and what
 * opens for it is as young as for any command; the number of the request makes it one entry, however often it comes.
 */
import type { EntryCommand } from "../ports/cloud-link.ts";
import { sealedEntry } from "../wire/guard-api.ts";
import { logEntry } from "./guard-scan.ts";
import { type ArrivedCommand, ageOf, end, factsOf, isLate } from "./remote-command.ts";
import type { SiteParts } from "./site-parts.ts";

/** The result "refused" with an entry's number or a reason is the gate's answer; without either nobody here knows the guard or the pass. */
export async function enterByCloud(site: SiteParts, arrived: ArrivedCommand<EntryCommand>): Promise<void> {
  const { command } = arrived;
  if (command.id <= site.records.lastCommand || site.stopping.aborted) return;
  if (isLate(site, arrived)) return end(site, command, "expired");
  const staff = site.records.staff(command.staff);
  const uid = site.seal.open(sealedEntry, command.pass)?.reveal();
  const { accessPoint, nonce } = command;
  if (!site.accessPoints.has(accessPoint) || !staff || uid === undefined) return end(site, command, "refused");

  const taken = site.journal.recordEvent({ type: "command-taken", ...factsOf(command), by: command.by });
  await taken.durable;
  const word = { nonce, ageMs: ageOf(site, arrived) };
  const logged = await logEntry(site, { staff, accessPoint, uid }, word);
  switch (logged.outcome) {
    case "released":
      return end(site, command, logged.result, { of: logged.seq });
    case "void":
      return end(site, command, "refused", { of: logged.seq, ...(logged.why === "revoked" && { reason: "REVOKED" }) });
    case "denied":
      return end(site, command, "refused", { reason: logged.reason });
    case "unanswered":
      return end(site, command, "expired");
  }
}
