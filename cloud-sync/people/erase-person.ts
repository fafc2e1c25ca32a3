/**
 * A person asks to be forgotten: what says who it was is overwritten or deleted, and the keys by which the audit trail tells where it came
 * from are thrown away. Its id stays, in entries and events that others need and that no chain lets go, and stands for nobody.
 */
import { fieldProblem } from "../../web/problem.ts";
import type { Asker } from "../asker.ts";
import { countOriginsInClear } from "../store/audit-keys.ts";
import { recordAudit } from "../store/audit-trail.ts";
import { changePerson, lockAdmins, lockPerson, type Person } from "../store/people.ts";
import { type Erased, erasedName, eraseTraces } from "../store/personal-data.ts";
import type { PeopleParts } from "./people-parts.ts";

export interface Erasure extends Erased {
  /** Entries of the audit trail from before addresses were sealed: they keep theirs. */
  readonly auditEntriesInClear: number;
}

/** undefined: there is no such person. `userName`: by whom the asker means this person. Cannot be taken back. */
export async function erasePerson(
  { store, clock, logger }: PeopleParts,
  { actor, from }: Asker,
  id: string,
  userName: string,
): Promise<Erasure | undefined> {
  const erased = await store.transaction(async (tx) => {
    const now = clock.wall();
    const admins = await lockAdmins(tx);
    const person = await lockPerson(tx, id);
    if (!person) return undefined;
    demandNotErased(person);
    if (actor.id === id) throw fieldProblem("path.person", "nobody erases their own account", 409);
    if (admins.length === 1 && admins[0] === id)
      throw fieldProblem("path.person", "this is the last administrator", 409);
    if (person.userName !== userName)
      throw fieldProblem("body.userName", "is not this person's user name; nobody was erased");
    const traces = await eraseTraces(tx, id, now);
    const nobody = {
      // Not a name that anybody can choose.
      userName: `@${id}`,
      email: null,
      name: erasedName,
      role: "user",
      language: "en",
      passwordHash: null,
      disabledAt: person.disabledAt ?? now,
      totpSealed: null,
      totpPending: null,
      totpStep: 0,
      recoveryCodes: "[]",
      failures: 0,
      lockedUntil: null,
      erasedAt: now,
    } as const;
    // Its gateways are told as well: it is no longer of their staff.
    await changePerson(tx, id, nobody, now, []);
    const auditEntriesInClear = await countOriginsInClear(tx, id);
    const done = { ...traces, auditEntriesInClear };
    await recordAudit(tx, { actor: actor.id, from, action: "people.erase", thing: id, after: { ...done } }, now);
    return done;
  });
  if (erased) logger.info("person-erased", { person: id, by: actor.id });
  return erased;
}

/** Throws the 409 of an account that nobody has any more. */
export function demandNotErased({ erasedAt }: Person): void {
  if (erasedAt !== null) throw fieldProblem("path.person", "this person was erased", 409);
}
