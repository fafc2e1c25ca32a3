/** The audit trail as stored: each site's entries without a hole, each as it was written, and their chain up to the head. */
import { chainNext } from "../../gateway/wire/journal-line.ts";
import type { StoredAuditBody } from "../domain/audit-body.ts";
import { auditStart } from "../store/audit-trail.ts";
import { readBackup } from "../store/backup-file.ts";
import { type ForgottenEvents, forgetAction } from "../store/forget-events.ts";
import type { Finding } from "./finding.ts";
import { type CutFacts, epochKey } from "./ledger.ts";

type Row = ReturnType<typeof JSON.parse>;

interface Chain {
  next: number;
  head: string;
}

export interface CheckedAudit {
  readonly entries: number;
  /** Where retention has cut journals last, by epochKey(). */
  readonly cuts: ReadonlyMap<string, Pick<CutFacts, "next" | "chain">>;
}

/** The order of the entries in the backup is that of their keys. */
export async function checkAudit(path: string, tell: (finding: Finding) => void): Promise<CheckedAudit> {
  const cuts = new Map<string, Pick<CutFacts, "next" | "chain">>();
  const chains = new Map<string, Chain>();
  const ends = new Map<string, Chain>();
  let entries = 0;
  let take: ((row: Row) => void) | undefined;
  const takers: Record<string, (row: Row) => void> = {
    audit_chain: ({ site_id, next, head }) => ends.set(site_id, { next, head }),
    audit_entry: (row) => {
      entries += 1;
      checkEntry(chainOf(chains, row.site_id), row, tell);
      if (row.action === forgetAction) noteCut(cuts, row);
    },
  };
  for await (const entry of readBackup(path)) {
    if (entry.kind === "table") take = takers[entry.table.table];
    if (entry.kind === "row") take?.(JSON.parse(entry.json));
  }
  for (const site of new Set([...chains.keys(), ...ends.keys()]))
    checkEnd(site, chainOf(chains, site), ends.get(site), tell);
  return { entries, cuts };
}

function noteCut(cuts: Map<string, Pick<CutFacts, "next" | "chain">>, { thing, body }: Row): void {
  try {
    const { after } = JSON.parse(body) as { readonly after: ForgottenEvents | null };
    if (after) cuts.set(epochKey(thing, after.epoch), { next: after.next, chain: after.chain });
  } catch {
    // It was told as altered.
  }
}

function chainOf(chains: Map<string, Chain>, site: string): Chain {
  const known = chains.get(site) ?? { next: 1, head: auditStart(site) };
  chains.set(site, known);
  return known;
}

function checkEntry(chain: Chain, row: Row, tell: (finding: Finding) => void): void {
  const found = (seq: number, what: string) => tell({ kind: "audit", site: row.site_id, seq, what });
  if (row.seq !== chain.next) found(chain.next, "is missing from the audit trail");
  else if (chainNext(chain.head, row.body) !== row.chain) found(row.seq, "does not fit the entry before it");
  if (!saysTheSame(row)) found(row.seq, "its columns are not what its text says");
  chain.next = row.seq + 1;
  // From here on by its own word, so that one bad entry is told once.
  chain.head = row.chain;
}

function checkEnd(site: string, chain: Chain, end: Chain | undefined, tell: (finding: Finding) => void): void {
  const found = (seq: number, what: string) => tell({ kind: "audit", site, seq, what });
  if (!end) found(chain.next, "the head of the audit trail is gone");
  else if (chain.next < end.next) found(chain.next, "and what follows is missing from the audit trail");
  else if (chain.next > end.next || chain.head !== end.head) found(chain.next - 1, "is not where the audit trail ends");
}

function saysTheSame({ site_id, seq, at, actor, action, thing, body }: Row): boolean {
  try {
    const said: StoredAuditBody = JSON.parse(body);
    const [its, columns] = [
      [said.site, said.seq, said.at, said.actor, said.action, said.thing],
      [site_id, seq, at, actor, action, thing],
    ];
    return its.every((one, index) => one === columns[index]);
  } catch {
    return false;
  }
}
