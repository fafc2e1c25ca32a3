/** `postern journal show`: what is written in a data folder. */
import { resolve } from "node:path";
import { nodeDisk } from "../gateway/storage/node-disk.ts";
import { type ShownRecord, showJournal } from "../gateway/storage/verify-journal.ts";
import { defineCommand } from "./command.ts";
import { print } from "./print.ts";

export const command = defineCommand({
  about: [
    "Prints a journal's records in order, a line each: place in the file, time in UTC, what happened. Damaged lines are left out;",
    "`postern journal verify` names them.",
  ].join("\n"),
  arguments: ["FOLDER"],
  options: {
    events: { type: "boolean", help: "Only what the cloud is told: entries, doors, devices" },
    json: { type: "boolean", help: "Each record as JSON with its file and line" },
  },
  example: "postern journal show /var/lib/postern --events",

  async run({ options, arguments: [folder = ""] }) {
    let shown = 0;
    for await (const record of showJournal(nodeDisk, resolve(folder))) {
      shown += 1;
      if (options.events && record.record.kind !== "event") continue;
      const line = options.json ? JSON.stringify(record) : lineOf(record);
      if (!(await print(`${line}\n`))) return 0;
    }
    if (shown > 0) return 0;
    console.error(`${folder}: there is no readable journal in this folder`);
    return 1;
  },
});

function lineOf({ file, line, record }: ShownRecord): string {
  const { kind, ...facts } = record.kind === "event" ? { kind: "event", ...record.event } : record;
  const { at, type, seq, ...rest } = facts as Readonly<Record<string, unknown>>;
  const time = typeof at === "number" ? new Date(at).toISOString() : " ".repeat(24);
  const what = kind === "event" ? `#${seq} ${type}` : kind;
  return [
    `${file}:${line}`,
    time,
    what,
    ...Object.entries(rest).map(([name, value]) => `${name}=${short(value)}`),
  ].join("  ");
}

function short(value: unknown): string {
  if (Array.isArray(value)) return `[${value.length}]`;
  if (typeof value !== "object" || value === null) return String(value);
  return `{${Object.entries(value)
    .map(([name, inner]) => `${name}: ${short(inner)}`)
    .join(", ")}}`;
}
