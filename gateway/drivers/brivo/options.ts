/** What a site file may say about a door of Brivo Access. */
import { z } from "zod";
import { GatewayError } from "../../errors.ts";
import { type DriverContext, parseDriverOptions } from "../../ports/driver.ts";
import type { SecretString } from "../../wire/secret.ts";
import { openingsPerWeek } from "../common/hours-options.ts";
import { type SecretNeed, secretsNow } from "../common/maker-secrets.ts";
import { webPlace } from "../common/web-place.ts";

const id = z.number().int().positive();
const visible = z.string().regex(/^[\x21-\x7e]{1,256}$/, "must be 1 to 256 visible characters");
/** No PIN of Brivo's is longer, and none shorter. */
const pinDigits = z.number().int().min(4).max(8);

export const optionsSchema = z.strictObject({
  /** The door's number at Brivo. */
  accessPointId: id,
  /** The group whose users the gateway keeps, and whose schedule and doors they get; of this door alone. Without it no codes are kept. */
  groupId: id.optional(),
  /** Of the application that the account's owner made for the gateway. */
  clientId: visible,
  /** The administrator on whose behalf the gateway acts; left out where the application gave a refresh token. */
  username: visible.optional(),
  region: z.enum(["us", "eu"]).default("us"),
  /** Other addresses for trials; both are those of the region otherwise. */
  authUrl: webPlace("https://auth.brivo.com").optional(),
  apiUrl: webPlace("https://api.brivo.com/v1/api").optional(),
  /** How many digits the account lets a PIN have, and the door's keypad takes. */
  pinDigitsMin: pinDigits.default(4),
  pinDigitsMax: pinDigits.default(8),
  /** With so many users with a PIN in the group, whoever put them there, no more are added. */
  codesMax: z.number().int().min(1).max(500).default(200),
  /** How often a week a code with weekly hours may be written for an opening: a panel has mains, the service bears a change now and then. */
  openingsPerWeekMax: openingsPerWeek(14),
  /** What becomes of a user whose code is cleared and who is in no other group. */
  removal: z.enum(["delete", "suspend"]).default("delete"),
  /** By which verb a user is changed. PATCH is for accounts that refuse PUT; both are in the maker's manual. */
  changeVerb: z.enum(["PUT", "PATCH"]).default("PUT"),
  /** Whether the panel tells how the door stands; without it nothing a command does is proven. */
  liveStatus: z.boolean().default(true),
  /** Whether the door can be held open, and by which verb it is overridden; needs an account administrator and panel firmware 6.1.4. */
  override: z.enum(["off", "POST", "PUT"]).default("off"),
  requestsPerSecond: z.number().int().min(1).max(20).default(5),
  /** How often the door's state and events are read. */
  pollMs: z.number().int().min(5_000).max(3_600_000).default(60_000),
  /** The same after a command. */
  pollBusyMs: z.number().int().min(500).max(60_000).default(1_000),
  /** How long a request may take; a command with its proof as well. */
  deadlineMs: z.number().int().min(1_000).max(14_000).default(12_000),
});

export type Options = Omit<z.infer<typeof optionsSchema>, "authUrl" | "apiUrl" | "region"> & {
  readonly authUrl: string;
  readonly apiUrl: string;
};

const places = {
  us: { authUrl: "https://auth.brivo.com", apiUrl: "https://api.brivo.com/v1/api" },
  eu: { authUrl: "https://auth.eu.brivo.com", apiUrl: "https://api.eu.brivo.com/v1/api" },
} as const;

export function parseOptions(options: unknown): Options {
  const { region, authUrl, apiUrl, ...parsed } = parseDriverOptions(optionsSchema, options);
  if (parsed.pinDigitsMin > parsed.pinDigitsMax)
    throw new GatewayError("config-invalid", "pinDigitsMin: must not be more than pinDigitsMax", {
      key: "pinDigitsMin",
    });
  return { ...parsed, authUrl: authUrl ?? places[region].authUrl, apiUrl: apiUrl ?? places[region].apiUrl };
}

export interface Secrets {
  readonly apiKey: SecretString;
  readonly clientSecret: SecretString;
  /** The password of the administrator whom `username` names; without one a refresh token. */
  readonly login: SecretString;
}

const pattern = /^[\x20-\x7e]{1,4096}$/;
const application = "take it from the application's details in Brivo Access, menu Configuration, Integrations";
const everybody = {
  apiKey: { pattern, where: "take it from the account's page at developer.brivo.com" },
  clientSecret: { pattern, where: application },
} as const;
const byPassword = {
  ...everybody,
  password: { pattern, where: `it is the one of the administrator that "username" names` },
} as const;
const byToken = {
  ...everybody,
  refreshToken: {
    pattern,
    where: "it comes with the first token of an application with three-legged login; or name `username` and its secret",
  },
} as const;

export function secretNeeds({ username }: Options): Readonly<Record<string, SecretNeed>> {
  return username === undefined ? byToken : byPassword;
}

/** As they are now; what is to be done first where one is missing. */
export function brivoSecrets(
  { username }: Options,
  { secret }: Pick<DriverContext, "secret">,
): Secrets | { readonly attention: string } {
  if (username === undefined) {
    const found = secretsNow(byToken, secret);
    return "attention" in found ? found : { ...found, login: found.refreshToken };
  }
  const found = secretsNow(byPassword, secret);
  return "attention" in found ? found : { ...found, login: found.password };
}
