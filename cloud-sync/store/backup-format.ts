/**
 * A backup of the store: JSON lines, so that `zcat FILE | jq` reads it. The last line proves that all before it is there and as it was
 * written.
 *
 *   {"format":"postern-cloud-backup","version":1,"schema":<newest migration>,"madeAt":<ms>,"by":"<service's version>"}
 *   {"table":"site","columns":["site_id",…]}      a table begins; each comes once, those that others refer to first
 *   {"row":{"site_id":"demo",…}}                  its rows in the order of their keys, as the database writes them (bytes as "\\x…")
 *   {"end":{"rows":<all>,"sha256":"<of every byte before this line, base64url>"}}
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { BackupError } from "./backup-error.ts";

const headerSchema = z.strictObject({
  format: z.literal("postern-cloud-backup"),
  version: z.literal(1),
  /** When the newest migration in the database was written; a service that does not know it cannot read the tables. */
  schema: z.number().int(),
  madeAt: z.number().int(),
  by: z.string().max(32),
});
export type BackupHeader = z.infer<typeof headerSchema>;

const tableSchema = z.strictObject({
  table: z.string().regex(/^[a-z_]{1,63}$/),
  columns: z.array(z.string().regex(/^[a-z_]{1,63}$/)).min(1),
});
export type BackupTable = z.infer<typeof tableSchema>;

const endSchema = z.strictObject({ end: z.strictObject({ rows: z.number().int(), sha256: z.string().length(43) }) });

export type BackupEntry =
  | { readonly kind: "header"; readonly header: BackupHeader }
  | { readonly kind: "table"; readonly table: BackupTable }
  /** `json`: an object with the table's columns, as text. */
  | { readonly kind: "row"; readonly json: string }
  | { readonly kind: "end"; readonly rows: number };

/** A version of the feed has at most 8 MB, and escapes may double it. */
const lineBytesMax = 32 * 1024 * 1024;
const newline = 0x0a;
const rowStart = '{"row":';

export function newHeader(facts: Pick<BackupHeader, "schema" | "madeAt" | "by">): BackupHeader {
  return { format: "postern-cloud-backup", version: 1, ...facts };
}

/** The lines of a backup, several a piece, with the end that proves them. */
export async function* toBytes(
  header: BackupHeader,
  tables: AsyncIterable<{ readonly table: BackupTable } | { readonly rows: readonly string[] }>,
): AsyncGenerator<Buffer> {
  const hash = createHash("sha256");
  const sealed = (text: string) => {
    const bytes = Buffer.from(text);
    hash.update(bytes);
    return bytes;
  };
  let rows = 0;
  yield sealed(`${JSON.stringify(header)}\n`);
  for await (const part of tables) {
    if ("table" in part) yield sealed(`${JSON.stringify(part.table)}\n`);
    else {
      rows += part.rows.length;
      yield sealed(part.rows.map((json) => `${rowStart}${json}}\n`).join(""));
    }
  }
  yield Buffer.from(`${JSON.stringify({ end: { rows, sha256: hash.digest("base64url") } })}\n`);
}

/**
 * Every line in order. Rejects with a BackupError at the first that does not belong there, and at the end when anything is missing or was
 * altered: so believe none of it before the last entry has come.
 */
export async function* fromBytes(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<BackupEntry> {
  const hash = createHash("sha256");
  let rows = 0;
  let begun = false;
  let ended = false;
  for await (const line of linesOf(pieces)) {
    if (ended) throw new BackupError("the backup goes on after its end: it was altered");
    const text = line.toString();
    if (!begun) {
      yield { kind: "header", header: headerOf(text) };
      begun = true;
    } else if (text.startsWith(rowStart)) {
      rows += 1;
      yield { kind: "row", json: text.slice(rowStart.length, -1) };
    } else {
      const value = parsed(text);
      const end = endSchema.safeParse(value);
      const table = end.success ? undefined : tableSchema.safeParse(value);
      if (table?.success) yield { kind: "table", table: table.data };
      else if (!end.success) throw new BackupError("the backup has a line that is none of a backup: it was altered");
      else if (end.data.end.rows !== rows || end.data.end.sha256 !== hash.digest("base64url"))
        throw new BackupError("the backup's checksum does not fit its content: it was altered; take another one");
      else ended = true;
    }
    if (!ended) hash.update(line).update("\n");
  }
  if (!ended) throw new BackupError("the backup ends before its end: it is not whole; take another one");
  yield { kind: "end", rows };
}

function headerOf(text: string): BackupHeader {
  const value = parsed(text);
  const header = headerSchema.safeParse(value);
  if (header.success) return header.data;
  const isOurs = value instanceof Object && "format" in value && value.format === "postern-cloud-backup";
  throw new BackupError(
    isOurs
      ? "the backup is of a format this version does not know: restore it with the version that wrote it, or a newer one"
      : "the file is no backup of cloud-sync",
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Without their newlines; what follows the last newline is a line too. */
async function* linesOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let open: Buffer[] = [];
  let openBytes = 0;
  for await (const piece of pieces) {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    let from = 0;
    for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, from)) {
      yield Buffer.concat([...open, bytes.subarray(from, at)]);
      open = [];
      openBytes = 0;
      from = at + 1;
    }
    if (from === bytes.length) continue;
    open.push(bytes.subarray(from));
    openBytes += bytes.length - from;
    if (openBytes > lineBytesMax) throw new BackupError(`the backup has a line of more than ${lineBytesMax} bytes`);
  }
  if (openBytes > 0) yield Buffer.concat(open);
}
