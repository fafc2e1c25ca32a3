/** What a site file may say about a lock's cloud. Its passwords are kept there; everything else stays on the local network. */
import { z } from "zod";
import { openingsOnBatteries, openingsPerWeek, zoneName } from "../../common/hours-options.ts";
import { webPlace } from "../../common/web-place.ts";

/** The maker's data centres; a project's data is in the one of the account that paired the lock. */
export const dataCentres = {
  cn: "https://openapi.tuyacn.com",
  us: "https://openapi.tuyaus.com",
  "us-east": "https://openapi-ueaz.tuyaus.com",
  eu: "https://openapi.tuyaeu.com",
  "eu-west": "https://openapi-weaz.tuyaeu.com",
  in: "https://openapi.tuyain.com",
  sg: "https://openapi-sg.iotbing.com",
} as const;
type Region = keyof typeof dataCentres;

export const cloudSchema = z
  .strictObject({
    region: z.enum(Object.keys(dataCentres) as Region[]).optional(),
    /** Instead of a region: one that is not in the list, or the simulator. */
    baseUrl: webPlace(dataCentres.eu).optional(),
    /** Of the cloud project, as its overview shows it. */
    clientId: z.string().regex(/^[\da-zA-Z]{1,64}$/, "letters and digits only, at most 64"),
    /** The lock itself in the cloud; the LAN's deviceId where that is the lock, too. */
    deviceId: z
      .string()
      .regex(/^[\w-]{1,64}$/, "letters, digits, _ and - only, at most 64")
      .optional(),
    /** How many temporary passwords the lock holds, whoever made them. */
    codesMax: z.number().int().min(1).max(500).default(20),
    /** Of the lock's wall clock, by which it keeps weekly hours; left out, it is given none to keep. */
    timeZone: zoneName.optional(),
    /** How often a week a code whose hours the lock cannot keep may be written for an opening. */
    openingsPerWeekMax: openingsPerWeek(openingsOnBatteries),
    /** How long one request to the cloud may take. */
    deadlineMs: z.number().int().min(1_000).max(14_000).default(10_000),
  })
  .refine(({ region, baseUrl }) => (region === undefined) !== (baseUrl === undefined), {
    path: ["region"],
    message: "the data centre is named by either region or baseUrl",
  });

export type CloudOptions = z.infer<typeof cloudSchema>;

export function baseUrlOf({ region, baseUrl }: CloudOptions): string {
  return baseUrl ?? dataCentres[region ?? "eu"];
}
