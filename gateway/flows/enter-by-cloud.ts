/**
 * A guard counts a visitor in through the cloud: the gate's own decision and record, asked for by a command. So there is one count, and what
 * opens for it is as young as for any command; the number of the request makes it one entry, however often it comes.
 */
import type { CloudCommand, EntryCommand } from "../ports/cloud-link.ts";
import { sealedEntry } from "../wire/guard-api.ts";
import { type LoggedEntry, logEntry } from "./guard-scan.ts";
import type { Outcome } from "./present-credential.ts";
import { type ArrivedCommand, ageOf, type Ended, end, factsOf, isLate } from "./remote-command.ts";
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
  endAs(site, command, logged);
}

/** What became of it, as the cloud is told. */
export function endAs(site: SiteParts, command: CloudCommand, outcome: Outcome | LoggedEntry): void {
  const { result, ...entry } = endOf(outcome);
  end(site, command, result, entry);
}

function endOf(outcome: Outcome | LoggedEntry): { readonly result: Ended } & Parameters<typeof end>[3] {
  switch (outcome.outcome) {
    case "released":
      return { result: outcome.result, of: outcome.seq };
    case "void":
      return { result: "refused", of: outcome.seq, ...(outcome.why === "revoked" && { reason: "REVOKED" }) };
    case "denied":
      return { result: "refused", reason: outcome.reason };
    case "unanswered":
      return { result: "expired" };
  }
}
