/**
 * Temporary codes as a file, in the shape of the source system's temp_codes.json:
 *
 *   {"<id>":{"code":"458723","name":"Cleaner","created_by":"ana","created_at":"…","expiry":"…","is_active":true,"last_used":null,"auth_id":"…"}}
 *
 * An entry of ours also has "from" where it begins later, and "windows", its weekly hours: without them it would come back as a code that
 * opens now and at any hour.
 */
import { z } from "@hono/zod-openapi";
import type { Instant } from "../gateway/domain/instant.ts";
import { RateLimiter } from "../web/limits.ts";
import { type FieldError, HttpProblem } from "../web/problem.ts";
import type { Asker } from "./asker.ts";
import type { CloudParts } from "./cloud-parts.ts";
import { createGrant } from "./create-grant.ts";
import { may, ownOnly } from "./domain/permissions.ts";
import { refusalsOf } from "./domain/temp-code-rules.ts";
import { doorsOf } from "./own-grants.ts";
import { weeklyWindows } from "./routes/schedule-shape.ts";
import { idText, iso, isoOrNull, siteMoment, toInstantAt, words } from "./routes/shapes.ts";
import { recordAudit } from "./store/audit-trail.ts";
import { type GrantState, grantState, toGrant } from "./store/grants.ts";
import { listOnes } from "./store/grants-of-kind.ts";
import type { SiteRow } from "./store/sites.ts";
import type { Transaction } from "./store/store.ts";
import { noteTaken } from "./temp-codes.ts";

const entrySchema = z.strictObject({
  /** An entry that is over needs none. */
  code: z
    .string()
    .regex(/^\d{4,8}$/, "4 to 8 digits")
    .optional(),
  name: words(200),
  created_by: words(200).nullish(),
  created_at: siteMoment.nullish(),
  from: siteMoment.optional(),
  expiry: siteMoment,
  windows: weeklyWindows.min(1).optional(),
  is_active: z.boolean().default(true),
  last_used: siteMoment.nullish(),
  auth_id: z.union([idText, z.number()]).nullish(),
});

export const importedMax = 200;
/** So many codes fit an answer; more are exported site by site, or by their state. */
export const exportedMax = 5_000;
/** In the words of the shape that checks all else. */
const missing = "Invalid input: expected string, received undefined";
/** So many ids fit an entry of the audit trail. */
const toldAtOnce = 200;

export const tempCodeFile = z
  .record(idText, entrySchema)
  .refine(
    (file) => Object.keys(file).length > 0 && Object.keys(file).length <= importedMax,
    `1 to ${importedMax} codes at a time`,
  );
export type TempCodeFile = z.infer<typeof tempCodeFile>;

/** As in the file; `code` is left out where the digits are not told. */
export const exportedFile = z.record(
  z.string(),
  z.object({
    code: z.string().optional(),
    name: z.string(),
    created_by: z.string(),
    created_at: z.string(),
    from: z.string().optional(),
    expiry: z.string(),
    windows: weeklyWindows.optional(),
    is_active: z.boolean(),
    last_used: z.string().nullable(),
    auth_id: z.union([z.string(), z.number()]).nullable(),
  }),
);
export type ExportedFile = z.infer<typeof exportedFile>;

export interface Imported {
  readonly imported: readonly { readonly entry: string; readonly id: string }[];
  /** Ended or switched off: there is nothing to make of them. */
  readonly left: readonly { readonly entry: string; readonly why: "ended" | "not-active" }[];
}

export class TempCodeFiles {
  readonly #parts: CloudParts;
  /** An import tells which digits are taken, as typing a code does. */
  readonly #imports: RateLimiter;

  constructor(parts: CloudParts) {
    this.#parts = parts;
    this.#imports = new RateLimiter({ burst: 5, perSecond: 1 / 300 }, () => parts.clock.monotonic());
  }

  /** All entries or none: a problem names every one at fault. They become codes of whoever imports them, at these doors. */
  async import(
    { actor, from }: Asker,
    site: SiteRow,
    accessPoints: readonly string[],
    file: TempCodeFile,
  ): Promise<Imported> {
    const { store, siteKeys, clock, logger } = this.#parts;
    this.#imports.demand(actor.id);
    const seal = await siteKeys.seal(store.db, site.id);
    const entries = Object.entries(file).map(([entry, said]) => ({
      entry,
      said,
      expiry: toInstantAt(said.expiry, site.zone),
    }));
    let taken = false;
    const imports = store.transaction(async (tx) => {
      const now = clock.wall();
      const doors = await doorsOf(tx, site.id, accessPoints);
      const errors: FieldError[] = [];
      const imported: { entry: string; id: string }[] = [];
      const left: Imported["left"][number][] = [];
      for (const { entry, said, expiry } of entries) {
        if (!said.is_active || expiry <= now) {
          left.push({ entry, why: said.is_active ? "ended" : "not-active" });
          continue;
        }
        const validity = { from: said.from === undefined ? now : toInstantAt(said.from, site.zone), until: expiry };
        const schedule = said.windows && { windows: said.windows };
        const hours = schedule && { schedule, validity, zone: site.zone };
        const refusals = refusalsOf(doors, { code: said.code, hours });
        if (said.code === undefined) refusals.push({ field: "code", message: missing });
        if (validity.from >= expiry) refusals.push({ field: "from", message: "must be before the expiry" });
        if (refusals.length > 0) {
          errors.push(...refusals.map(({ field, message }) => ({ field: `body.${entry}.${field}`, message })));
          continue;
        }
        const order = {
          site: site.id,
          kind: "temporary",
          createdBy: actor.id,
          holder: { name: said.name },
          accessPoints,
          validity,
          ...(schedule && { schedule }),
          entriesAllowed: null,
          limitMode: "strict",
          credentials: [{ kind: "pin", ...(said.code !== undefined && { value: said.code }) }],
          about: { imported: factsOf(entry, said) },
        } as const;
        const made = await createGrant(tx, seal, order, now).catch((error: Error) => {
          if (!(error instanceof HttpProblem)) throw error;
          taken ||= error.status === 409;
          const place = (field: string) => (field.startsWith("body.schedule") ? "windows" : "code");
          errors.push(
            ...error.errors.map(({ field, message }) => ({ field: `body.${entry}.${place(field)}`, message })),
          );
        });
        if (made) imported.push({ entry, id: made.grant.id });
      }
      if (errors.length > 0) throw refused(errors);
      await this.#note(
        tx,
        { actor, from },
        "codes.import",
        site.id,
        imported.map(({ id }) => id),
        now,
      );
      return { imported, left };
    });
    const done = await imports.catch(async (error: Error) => {
      if (taken) await noteTaken(this.#parts, site.id, { actor, from });
      throw error;
    });
    logger.info("temp-codes-imported", { site: site.id, count: done.imported.length, by: actor.id });
    return done;
  }

  /** `digits`: with them, for those codes whose digits the asker may see; that is a reveal of each and audited as one. */
  async export(
    { actor, from }: Asker,
    site: SiteRow,
    { digits, state }: { readonly digits: boolean; readonly state?: GrantState | undefined },
  ): Promise<ExportedFile> {
    const { store, siteKeys, clock } = this.#parts;
    const now = clock.wall();
    const madeBy = ownOnly(actor, "codes.read");
    const filter = { sites: [site.id], madeBy, state, limit: exportedMax + 1 };
    const found = await listOnes(store.db, "temporary", filter, now);
    if (found.length > exportedMax)
      throw new HttpProblem(400, "invalid-request", `query.state: more than ${exportedMax} codes; ask for one state`, {
        errors: [{ field: "query.state", message: `more than ${exportedMax} codes; ask for one state` }],
      });
    const seal = await siteKeys.seal(store.db, site.id);
    const told: string[] = [];
    const file: ExportedFile = {};
    for (const { row } of found) {
      const grant = toGrant(row);
      const isLive = ["active", "upcoming"].includes(grantState(row, now));
      const pin = grant.credentials.find(({ kind }) => kind === "pin");
      const isTold = digits && isLive && may(actor, "codes.reveal", { site: site.id, madeBy: row.createdBy });
      const code = isTold && pin?.sealed !== undefined ? seal.open(pin.id, pin.sealed)?.reveal() : undefined;
      if (code !== undefined) told.push(row.id);
      const before = importedOf(grant.about);
      const { windows } = grant.schedule ?? {};
      file[row.id] = {
        ...(code !== undefined && { code }),
        name: grant.holder.name,
        created_by: row.createdBy,
        created_at: iso(row.createdAt),
        ...(row.validFrom > now && { from: iso(row.validFrom) }),
        expiry: iso(row.validUntil),
        ...(windows && { windows: windows.map(({ days, ...span }) => ({ days: [...days], ...span })) }),
        is_active: isLive,
        last_used: isoOrNull(row.lastUsedAt) ?? before.last_used ?? null,
        auth_id: before.auth_id ?? null,
      };
    }
    await store.transaction(async (tx) => {
      for (let begin = 0; begin < told.length; begin += toldAtOnce)
        await this.#note(tx, { actor, from }, "codes.export", site.id, told.slice(begin, begin + toldAtOnce), now);
    });
    return file;
  }

  async #note(
    tx: Transaction,
    { actor, from }: Asker,
    action: string,
    site: string,
    codes: readonly string[],
    now: Instant,
  ): Promise<void> {
    await recordAudit(tx, { site, actor: actor.id, from, action, thing: site, after: { codes } }, now);
  }
}

/** What the grant itself does not say, kept for whoever looks the old entry up. */
function factsOf(entry: string, { created_by, created_at, last_used, auth_id, is_active }: TempCodeFile[string]) {
  return { entry, created_by, created_at, last_used, auth_id, is_active };
}

function importedOf(about: Readonly<Record<string, unknown>>): {
  readonly last_used?: string;
  readonly auth_id?: string | number;
} {
  return (about.imported as object | undefined) ?? {};
}

function refused(errors: readonly FieldError[]): HttpProblem {
  const entries = new Set(errors.map(({ field }) => field));
  return new HttpProblem(400, "invalid-request", `Nothing was imported: ${[...entries].slice(0, 20).join(", ")}`, {
    errors,
  });
}
