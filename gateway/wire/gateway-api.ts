/**
 * The other messages between a gateway and the cloud. Every request but the first two carries `Authorization: Bearer <JWT>`:
 * EdDSA by the gateway's key, `iss` = gateway id, `aud` = "postern-cloud", `exp` at most 60 s ahead, `epoch` = the gateway's: of
 * another than the present one it is answered 403 "gateway-fenced". Only the request for a new epoch carries none.
 *
 *   GET  /v1/time                                     → timeSchema
 *   POST /v1/enrol                      enrolSchema   → enrolledSchema
 *   GET  /v1/gateways/:gateway/feed?feed&cursor&waitMs&lastCommand&proto   → pollReplySchema (wire/feed.ts)
 *   POST /v1/gateways/:gateway/journal  NDJSON: a line of pushHeadSchema, then each event's body as its bytes stand in the journal → pushReplySchema
 *   POST /v1/gateways/:gateway/audit    auditSchema   → 204; in parts, the last with `complete`
 *   PUT  /v1/gateways/:gateway/report   reportSchema  → 204
 *   POST /v1/gateways/:gateway/questions  questionSchema → questionReplySchema; the answer comes as a command of a poll
 *   POST /v1/gateways/:gateway/epoch                  → epochSchema; the gateway comes back from its backup
 */
import { z } from "zod";

/** What a text may be that a store keeps: no control characters, and whole characters. */
export function isPlainText(text: string): boolean {
  return text.isWellFormed() && !/\p{Cc}/u.test(text);
}

const unprintable = "has characters that cannot be printed";
const text = () => z.string().refine(isPlainText, unprintable);

/** Any other text of this length would be taken for a key that no token fits. */
function isKey(value: string): boolean {
  return Buffer.from(value, "base64url").toString("base64url") === value;
}

export const timeSchema = z.looseObject({ serverTime: z.number().int() });

export const enrolSchema = z.strictObject({
  /** The one-time code, good for 15 minutes. Pasted, it comes with what stood around it. */
  code: z.string().trim().min(8).max(64).refine(isPlainText, unprintable),
  /** Ed25519 public key: the JWK member "x", 43 characters of base64url. */
  publicKey: z.string().length(43).refine(isKey, "is not 32 bytes in base64url"),
  version: text().max(32),
});

export const enrolledSchema = z.looseObject({
  site: z.string(),
  gateway: z.string(),
  name: z.string(),
  epoch: z.number().int().positive(),
  /** 32 bytes in base64url; see wire/credential-seal.ts. */
  siteKey: z.string().length(43),
});
export type Enrolled = z.infer<typeof enrolledSchema>;

/** The epoch that begins now; every other card of this gateway is fenced. */
export const epochSchema = z.looseObject({ epoch: z.number().int().positive() });

export const pushHeadSchema = z.looseObject({
  proto: z.number().int(),
  epoch: z.number().int().positive(),
  first: z.number().int().positive(),
  /** Chain value before the first event, and after the last one. */
  prev: text().length(43),
  head: text().length(43),
  /** Ed25519 over "postern head <gateway> <epoch> <last seq> <head>", base64url. */
  headSignature: text().length(86),
});
export type PushHead = z.infer<typeof pushHeadSchema>;

export const pushReplySchema = z.discriminatedUnion("outcome", [
  z.looseObject({
    outcome: z.literal("taken"),
    next: z.number().int().positive(),
    retryAfterMs: z.number().min(0).optional(),
  }),
  z.looseObject({ outcome: z.literal("fenced"), epoch: z.number().int() }),
  z.looseObject({ outcome: z.literal("fork"), seq: z.number().int() }),
]);

const totals = z.record(text().min(1).max(160), z.number().int().min(0));

/** What a gateway's disk says of the rights it was ever given, and of everything revoked for ever. */
export const auditSchema = z.looseObject({
  /** The history the gateway has adopted: it takes no answer of another from now on. */
  feed: text().min(1).max(64),
  epoch: z.number().int().positive(),
  rights: z
    .array(
      z.looseObject({
        grant: text().min(1).max(128),
        granted: z.number().int().min(0),
        returned: z.number().int().min(0),
        sent: totals.optional(),
        received: totals.optional(),
        order: z.number().int().min(0),
      }),
    )
    .max(2_000),
  revoked: z.array(text().min(1).max(128)).max(10_000),
  complete: z.boolean(),
});
export type AuditPart = z.infer<typeof auditSchema>;

/** What the lock of an access point lets a code be (domain/lock-code.ts). */
const codesSchema = z.looseObject({
  lengths: z.array(z.number().int().min(1).max(64)).min(1).max(64),
  digits: z.string().regex(/^\d{1,10}$/),
  forbiddenPrefixes: z.array(z.string().regex(/^\d{1,64}$/)).max(64),
  capacity: z.number().int().min(0),
  /** "range", "none"; a newer gateway may know more. */
  windows: text().max(32),
  /** "cloud": the maker's own keeps them; absent: a lock does, or its gateway is too old to say. */
  keptBy: text().max(32).optional(),
  /** What becomes of weekly hours; absent: nothing, or its gateway is too old to say. A newer one may know more than "one-span" and "none". */
  hours: z
    .looseObject({
      native: text().max(32),
      zone: text().max(64).optional(),
      openingsPerWeekMax: z.number().int().min(0).max(10_000),
    })
    .optional(),
});

export const reportSchema = z.looseObject({
  version: text().max(32),
  accessPoints: z
    .array(
      z.looseObject({
        id: text().max(128),
        name: text().max(200),
        /** The device that holds the door. */
        lock: text().max(128).optional(),
        /** Whether anything there reads credentials. Absent, with all that follows, from a gateway that does not say. */
        reads: z.boolean().optional(),
        /** Which kinds of credential are read there; a newer gateway may know more. Absent: any that can be read. */
        kinds: z.array(text().max(32)).max(16).optional(),
        codes: codesSchema.optional(),
        /** It opens to people's accounts at its maker, which credentials of the kind "provider" name: how many it lets in. */
        accounts: z.looseObject({ capacity: z.number().int().min(0) }).optional(),
        /** Why its lock keeps none, in a sentence for people. */
        noCodes: text().max(300).optional(),
      }),
    )
    .max(1000),
  devices: z
    .array(
      z.looseObject({
        id: text().max(128),
        link: z.enum(["online", "offline", "unknown"]),
        battery: z.number().min(0).max(100).optional(),
        firmware: text().max(64).optional(),
        driver: text().max(32).optional(),
        /** What a person has to do before it works, in a sentence. */
        attention: text().max(500).optional(),
      }),
    )
    .max(5000),
  /** Where other gateways of the site reach this one, "host:port". */
  lan: text().max(300).optional(),
});

/** A host has so long to answer, and a gateway's question is good for as long. */
export const questionLifeMs = 120_000;

/** May this visitor without a pass come in? No more than the host has to know; `id` is the same however often it is sent. */
export const questionSchema = z.strictObject({
  id: z.string().regex(/^[\w-]{16,64}$/),
  accessPoint: text().min(1).max(128),
  staff: text().min(1).max(128),
  /** Since the guard asked. */
  ageMs: z.number().min(0),
  visitor: z.strictObject({ name: text().min(1).max(200), type: text().max(60).optional() }),
  /** As the guard typed it, or the one whom the guard chose of those that an earlier reply has named. */
  host: z.union([z.strictObject({ name: text().min(1).max(200) }), z.strictObject({ id: text().min(1).max(128) })]),
});
export type WireQuestion = z.infer<typeof questionSchema>;

const hostSchema = z.looseObject({ id: z.string().min(1).max(128), name: z.string().max(200) });

/**
 * asked: the host is being told; also of one that was asked before · over: asked before, and answered or too old · choose: nobody was asked,
 * several may be meant · nobody: of that name · unreachable: wants no notices, or has no way to get them · too-many: of this host, or here.
 */
export const questionReplySchema = z.discriminatedUnion("outcome", [
  z.looseObject({ outcome: z.literal("asked"), host: hostSchema }),
  z.looseObject({ outcome: z.literal("choose"), hosts: z.array(hostSchema).max(20) }),
  z.looseObject({ outcome: z.enum(["over", "nobody", "unreachable", "too-many"]) }),
]);
export type QuestionReply = z.infer<typeof questionReplySchema>;

export const pushLimits = { maxEvents: 500, maxBytes: 256 * 1024 } as const;
export const commandTtlMs = 10_000;

/** What the value of a link is bound to in a command that presents it; see credential-seal.ts. */
export const sealedLink = "presented-link";

/** What headSignature signs. */
export function headStatement(gateway: string, epoch: number, lastSeq: number, head: string): string {
  return `postern head ${gateway} ${epoch} ${lastSeq} ${head}`;
}
