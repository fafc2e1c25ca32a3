/** Which keys hold secrets, and what a secret is called in the environment (the rule is told in secrets.ts). */

export const secretPrefix = "POSTERN_SECRET_";

export function environmentName(path: readonly string[]): string {
  return secretPrefix + path.map((part) => part.toUpperCase().replace(/[^A-Z0-9]/g, "_")).join("_");
}

const secretWords = new Set(["password", "passphrase", "key", "token", "pin", "secret"]);

/** Whether a key of this name holds a secret: its last word says so, as in `apiToken` or `private_key`. */
export function isSecretName(name: string): boolean {
  const words = name.replace(/([a-z0-9])([A-Z])/g, "$1 $2").split(/[^A-Za-z0-9]+/);
  return secretWords.has(words.at(-1)?.toLowerCase() ?? "");
}
