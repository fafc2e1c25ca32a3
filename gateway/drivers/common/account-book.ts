/** The accounts of a maker, each one the same for all devices of a gateway that name the same: what the maker counts and gives is by account. */
import { createHash } from "node:crypto";

interface Entry<Account> {
  readonly account: Account;
  readonly users: Set<object>;
}

type Entries<Account> = Map<string, Entry<Account>>;

export class AccountBook<Account> {
  /** By what all devices of one gateway have in common, and a hash of what makes the account. */
  readonly #entries = new WeakMap<object, Entries<Account>>();

  /** A user has one at a time: with the last of its users an account is forgotten, and its keys with it. */
  of(gateway: object, user: object, proofs: readonly (string | number | undefined)[], make: () => Account): Account {
    const entries = this.#entries.getOrInsertComputed(gateway, (): Entries<Account> => new Map());
    const key = createHash("sha256").update(JSON.stringify(proofs)).digest("base64url");
    const entry = entries.get(key) ?? { account: make(), users: new Set() };
    if (!entry.users.has(user)) {
      leave(entries, user);
      entry.users.add(user);
      entries.set(key, entry);
    }
    return entry.account;
  }

  /** It has none any more. */
  leave(gateway: object, user: object): void {
    leave(this.#entries.get(gateway) ?? new Map(), user);
  }
}

function leave(entries: Entries<unknown>, user: object): void {
  for (const [key, { users }] of entries) if (users.delete(user) && users.size === 0) entries.delete(key);
}
