/**
 * The secrets of a maker's account, asked for whenever something is to be sent: they stand in the gateway's secrets, or come from the cloud, change
 * and go while the device runs.
 */
import { GatewayError } from "../../errors.ts";
import type { DriverContext } from "../../ports/driver.ts";
import type { SecretString } from "../../wire/secret.ts";

export interface SecretNeed {
  /** What one looks like. */
  readonly pattern: RegExp;
  /** Where to take it from, for people. */
  readonly where: string;
}

type Needs<Name extends string> = Readonly<Record<Name, SecretNeed>>;
type Secret = DriverContext["secret"];

/** Before anything has come from the cloud. Throws `config-invalid` for one that is there and cannot be one; one that is missing may yet come. */
export function checkSecrets(needs: Needs<string>, secret: Secret): void {
  for (const [name, need] of Object.entries(needs))
    if (secret(name) && !isOne(secret(name), need))
      throw new GatewayError("config-invalid", `secret "${name}" is none; ${need.where}`, { key: name });
}

/** All of them, or what a person has to do first, in a sentence. */
export function secretsNow<Name extends string>(
  needs: Needs<Name>,
  secret: Secret,
): Readonly<Record<Name, SecretString>> | { readonly attention: string } {
  const found: Partial<Record<Name, SecretString>> = {};
  for (const name of Object.keys(needs) as Name[]) {
    const value = secret(name);
    if (!value || !isOne(value, needs[name])) return { attention: attentionOf(name, value, needs[name]) };
    found[name] = value;
  }
  return found as Readonly<Record<Name, SecretString>>;
}

function attentionOf(name: string, value: SecretString | undefined, { where }: SecretNeed): string {
  return `its secret "${name}" ${value ? "is none" : "is missing"}: give it at the cloud's page Integrations, or in the gateway's secrets; ${where}`;
}

function isOne(value: SecretString | undefined, { pattern }: SecretNeed): boolean {
  return value !== undefined && pattern.test(value.reveal());
}
