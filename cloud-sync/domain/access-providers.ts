/** Makers whose accounts are given here and used by gateways: by their drivers' names, with the secrets of an account. Pure. */

export const accessProviders = ["kisi", "brivo"] as const;
export type AccessProvider = (typeof accessProviders)[number];

export const providerNames: Readonly<Record<AccessProvider, string>> = { kisi: "Kisi", brivo: "Brivo" };

export const secretNames = ["apiKey", "clientSecret", "password", "refreshToken"] as const;
export type SecretName = (typeof secretNames)[number];

/** Of Brivo one of the last two: which, the gateway's file says by naming a user or not. */
const needed: Readonly<Record<AccessProvider, readonly (readonly SecretName[])[]>> = {
  kisi: [["apiKey"]],
  brivo: [["apiKey"], ["clientSecret"], ["password", "refreshToken"]],
};

export interface Refusal {
  readonly field: SecretName;
  readonly message: string;
}

/** What is wrong with these secrets being all that the account has: what was given before cannot be read again, so none is taken from there. */
export function refusedSecrets(provider: AccessProvider, given: readonly SecretName[]): readonly Refusal[] {
  const known = needed[provider].flat();
  const strange = given
    .filter((name) => !known.includes(name))
    .map((field) => ({ field, message: `${providerNames[provider]} has none` }));
  const missing = needed[provider]
    .filter((names) => !names.some((name) => given.includes(name)))
    .map(([field = "apiKey", other]) => {
      const or = other ? `, or ${other}` : "";
      return { field, message: `is needed${or}: what was given before cannot be read again` };
    });
  const twice = needed[provider]
    .filter((names) => names.filter((name) => given.includes(name)).length > 1)
    .map(([field = "apiKey", other = field]) => ({ field: other, message: `give it or ${field}, not both` }));
  return [...strange, ...missing, ...twice];
}

/** What a key, a secret or a password may be: printable, and no longer than what the gateway's driver takes. */
export function isSecret(provider: AccessProvider, value: string): boolean {
  return (provider === "kisi" ? /^[\x21-\x7e]{1,512}$/ : /^[\x20-\x7e]{1,4096}$/).test(value);
}
