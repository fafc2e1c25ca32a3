/**
 * A visitor without a pass, let in on a guard's word, with or without the host's (ask-host.ts): a staff command at the gate with a sheet that
 * says for whom. What is typed goes on the sheet and never into the event, which cannot be unwritten.
 */
import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { GuardRules } from "../domain/guard-rules.ts";
import type { Visit } from "../domain/visits.ts";
import { GatewayError } from "../errors.ts";
import type { AttachmentId, Attachments } from "../ports/attachments.ts";
import { approvalOf, wasDenied } from "./ask-host.ts";
import { type GuardWord, type ScannedPass, turnAway } from "./guard-scan.ts";
import type { SiteParts } from "./site-parts.ts";
import { carryOutForStaff, type StaffCommandResult } from "./staff-command.ts";

/** What a guard writes of a visit. */
export interface VisitSheet {
  readonly name?: string;
  readonly type?: string;
  readonly document?: string;
  /** Whom the visitor wants to see. */
  readonly hostName?: string;
  readonly note?: string;
}

/**
 * With something that cannot be guessed, so that the hash in the event tells nothing of what is on the sheet. undefined: there is no room for it,
 * and people come and go without.
 */
export async function keepSheet(attachments: Attachments, sheet: VisitSheet): Promise<AttachmentId | undefined> {
  const text = JSON.stringify({ ...sheet, salt: randomBytes(16).toString("base64url") });
  try {
    return await attachments.put({ kind: "sheet", bytes: Buffer.from(text) });
  } catch (error) {
    if (error instanceof GatewayError && error.code === "storage-full") return undefined;
    throw error;
  }
}

export async function readSheet(attachments: Attachments, id: AttachmentId | undefined): Promise<VisitSheet> {
  // A medium that gives one sheet back no more must not hide the others.
  const kept = id === undefined ? undefined : await attachments.read(id).catch(() => undefined);
  if (kept?.kind !== "sheet") return {};
  const { salt: _, ...sheet } = JSON.parse(Buffer.from(kept.bytes).toString());
  return sheet;
}

/** "number-used": another visitor was written down under it · "no-host": the site wants the host's word, and there is none · "host-said-no":
 * of this visitor, when asked under this number. */
export type WalkInResult = StaffCommandResult | "blacklisted" | "number-used" | "no-host" | "host-said-no";

/** Rejects with `journal-failed` or, for want of room in the journal, `storage-full`, in which case nothing has moved. */
export async function admitWalkIn(
  site: SiteParts,
  attachments: Attachments,
  at: Omit<ScannedPass, "uid">,
  visitor: VisitSheet & { readonly name: string },
  word: GuardWord,
  { walkIns }: Pick<GuardRules, "walkIns">,
): Promise<WalkInResult> {
  const { staff, accessPoint } = at;
  const { document } = visitor;
  const host = approvalOf(site, word.nonce, { name: visitor.name, accessPoint });
  // The same request again needs no sheet of its own.
  const before = site.records.visits.withNonce(word.nonce);
  if (before && (before.accessPoint !== accessPoint || !(await isOf(attachments, before, visitor))))
    return "number-used";
  if (!before && wasDenied(site, word.nonce)) return "host-said-no";
  if (!before && walkIns === "host" && host === undefined) return "no-host";
  const sheet = before ? undefined : await keepSheet(attachments, visitor);
  if (document !== undefined && site.records.isDocumentBlacklisted(document)) {
    await turnAway(site, { ...at, uid: undefined }, word, { sheet, why: "blacklisted" });
    return "blacklisted";
  }
  const { nonce, photo, farM } = word;
  const scan = {
    staff: staff.id,
    nonce,
    ...(photo !== undefined && { photo }),
    ...(sheet !== undefined && { sheet }),
    ...(farM !== undefined && { farM }),
    ...(host !== undefined && { host }),
  };
  return carryOutForStaff(site, { staff, accessPoint, action: "unlock", scan, ageMs: word.ageMs });
}

/** Whether this visit was written down of this visitor, as far as can still be told. */
async function isOf(attachments: Attachments, { grant, sheet: id }: Visit, visitor: VisitSheet): Promise<boolean> {
  if (grant !== undefined) return false;
  const sheet = await readSheet(attachments, id);
  return sheet.name === undefined || isDeepStrictEqual(sheet, visitor);
}
