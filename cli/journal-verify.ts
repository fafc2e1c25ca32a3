/** `postern journal verify`: can this data folder be believed? */
import { resolve } from "node:path";
import { nodeDisk } from "../gateway/storage/node-disk.ts";
import { verifyFolder } from "../gateway/storage/verify-journal.ts";
import { defineCommand } from "./command.ts";

export const command = defineCommand({
  about: [
    "Reads every line of a data folder's journal and every snapshot, changes nothing, and names each line whose checksum or chain",
    "does not fit. Exit code 1 when anything was found, harmless or not. The gateway should be stopped meanwhile: a line that is",
    "just being written may look torn.",
  ].join("\n"),
  arguments: ["FOLDER"],
  options: { json: { type: "boolean", help: "One JSON object instead of sentences" } },
  example: "postern journal verify /var/lib/postern",

  async run({ options, arguments: [folder = ""] }) {
    const result = await verifyFolder(nodeDisk, resolve(folder));
    if (result.segments === 0 && result.snapshots === 0) {
      console.error(`${folder}: there is no journal in this folder`);
      return 1;
    }
    if (options.json) console.log(JSON.stringify(result, undefined, 2));
    else {
      for (const { what, harmless } of result.findings) console.log(`${harmless ? "harmless" : "DAMAGE"}  ${what}`);
      const { segments, snapshots, records, events, lastSeq, head } = result;
      console.log(
        `${segments} segments, ${snapshots} snapshots, ${records} records, ${events} events up to ${lastSeq}, chain ${head}: ` +
          (result.findings.length === 0 ? "ok" : `${result.findings.length} findings`),
      );
    }
    return result.findings.length === 0 ? 0 : 1;
  },
});
