/** What a guard's phone or a program asks about a visitor's pass, and is answered: of the same shape at a gateway and in the cloud. */
import { z } from "zod";
import { denyReasons } from "../domain/decide.ts";

export const scanFields = {
  record_uid: z.string().min(1).max(2_048).meta({
    description: "As it was read or typed; of a signed pass what its QR code holds.",
    example: "VIS-12345-ABC",
  }),
  access_point: z
    .string()
    .max(200)
    .optional()
    .meta({ description: "Left out: the only one there is.", example: "main-gate" }),
  guard_id: z
    .string()
    .max(200)
    .optional()
    .meta({ description: "Who has signed in, if it is named; an API key names its guard." }),
  geolocation: z
    .object({ lat: z.number().min(-90).max(90), lng: z.number().min(-180).max(180) })
    .optional()
    .meta({
      description: "Where the guard's phone is, in degrees. Outside the site's bounds it warns and never blocks.",
    }),
};

/** What goes with whatever is written down on a guard's word. */
export const nonceField = {
  nonce: z
    .string()
    .regex(/^[\w-]{16,64}$/, "16 to 64 letters, digits, - or _")
    .meta({ example: "4b3f6f0e-6a52-4a2f-9d0b-0d6f2f9b8c11" }),
  photo: z
    .string()
    .regex(/^[\da-f]{64}$/, "the sha256 that POST /photos has answered")
    .optional(),
  age_ms: z
    .number()
    .min(0)
    .optional()
    .meta({ description: "Since the guard pressed. Nothing opens for a word that is older than ten seconds." }),
};

export const visitorSchema = z
  .object({
    name: z.string(),
    type: z.string().nullable().meta({ example: "Guest" }),
    host_name: z.string().nullable(),
    document_num: z.string().nullable(),
    notes: z.string().nullable(),
    valid_until: z.string(),
    entries_used: z
      .number()
      .int()
      .meta({ description: "At this gateway; in the cloud: as far as the gateways have told." }),
    entries_allowed: z.number().int().nullable().meta({ description: "null: no limit." }),
    entries_left: z
      .number()
      .int()
      .nullable()
      .meta({ description: "That the gate can give, as far as is known; null: no limit." }),
    last_photo: z.string().nullable().meta({ description: "sha256 of the one taken at an earlier visit here." }),
    signed_only: z.boolean().meta({
      description:
        "A signed pass that the gateway knows by its signature alone: name and host have not arrived, and name is empty.",
    }),
  })
  .meta({ id: "Visitor" });

export const verdictFields = {
  access_granted: z.boolean(),
  reason: z.enum(denyReasons).nullable(),
  message: z.string().meta({ description: "For people, in the language that the request asks for (en, es)." }),
  warning: z.string().nullable().meta({ description: "The phone is far from the gate: told, and never in the way." }),
  visitor: visitorSchema.nullable(),
};

/** What a pass on its way to the gateway is sealed for. */
export const sealedEntry = "an entry by the cloud";

/** What an entry is answered with besides. */
export const entryAnswerFields = {
  ...verdictFields,
  entry: z
    .number()
    .int()
    .nullable()
    .meta({ description: "Number of the entry in the gateway's journal; null: none was counted." }),
  gate: z.enum(["open", "told", "unknown", "not-moved"]).nullable().meta({
    description: "unknown: look at it. not-moved: the entry was given back. null: it was not asked.",
  }),
};
