/** The accounts of a maker, each one the same for all devices of a gateway that name the same: what the maker counts and gives is by account. */
import { createHash } from "node:crypto";

/** Keys change while a gateway runs: the account that nobody has asked for longest goes first. More than a gateway has at once. */
const accountsMax = 64;

export class AccountBook<Account> {
  /** By what all devices of one gateway have in common, and a hash of what makes the account. */
  readonly #accounts = new WeakMap<object, Map<string, Account>>();

  of(gateway: object, proofs: readonly (string | number | undefined)[], make: () => Account): Account {
    const ofGateway = this.#accounts.getOrInsertComputed(gateway, () => new Map<string, Account>());
    const key = createHash("sha256").update(JSON.stringify(proofs)).digest("base64url");
    const account = ofGateway.get(key) ?? make();
    ofGateway.delete(key);
    ofGateway.set(key, account);
    const [eldest] = ofGateway.keys();
    if (ofGateway.size > accountsMax && eldest !== undefined) ofGateway.delete(eldest);
    return account;
  }
}
