/** `postern cloud verify`: does the stored history of all gateways hold together? */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Finding } from "../cloud-sync/verify/finding.ts";
import { cannotBeTold, verifyBackup } from "../cloud-sync/verify/verify-backup.ts";
import { adminNote, adminOptions } from "./cloud-admin.ts";
import { defineCommand } from "./command.ts";
import { fetchBackup } from "./fetch-backup.ts";

export const command = defineCommand({
  about: [
    "Takes a backup of a running cloud-sync, or the one in --file, and checks it against itself: the hash chain over every gateway's events",
    "and the head it signed, that no event is missing, that no strict limit was exceeded, that nothing was admitted on records in which",
    "it was revoked, that counts are those of the events, that each command was taken once and in time, and the chains of the audit",
    "trail. Prints each finding with its",
    "gateway, epoch and number, then what cannot be told. Exit code 1 when anything was found.",
    adminNote,
  ].join("\n"),
  options: {
    ...adminOptions,
    file: { type: "string", placeholder: "FILE", help: "A backup to check, instead of a running service's own data" },
    json: { type: "boolean", help: "One JSON object a finding instead of sentences" },
  },
  example: "postern cloud verify --url https://cloud.example",

  async run({ options }) {
    const folder = await mkdtemp(join(tmpdir(), "postern-verify-"));
    try {
      const file = options.file === undefined ? join(folder, "backup") : resolve(options.file);
      if (options.file === undefined) await fetchBackup(options, file);
      let findings = 0;
      const { events, gateways, grants, audited } = await verifyBackup(file, (finding) => {
        findings += 1;
        console.log(options.json ? JSON.stringify(finding) : sentence(finding));
      });
      console.error(
        `${events} events of ${gateways} gateways, ${grants} grants and ${audited} entries of the audit trail: ${findings} findings`,
      );
      if (!options.json) for (const what of cannotBeTold) console.error(`Cannot be told from here: ${what}.`);
      return findings > 0 ? 1 : 0;
    } finally {
      await rm(folder, { recursive: true });
    }
  },
});

function sentence({ kind, site, gateway, epoch, seq, grant, what }: Finding): string {
  const event = gateway && `gateway ${gateway}, epoch ${epoch}${seq === undefined ? "" : `, event ${seq}`}`;
  const entry = kind === "audit" && `entry ${seq} of the audit trail`;
  const place = [`site ${site}`, event, entry, grant && `grant ${grant}`].filter(Boolean).join(", ");
  return `${kind}: ${place}: ${what}`;
}
