/** `postern ca show`: what devices are given to trust. */
import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { defineCommand } from "./command.ts";
import { dataFolder, dataOptions } from "./data-option.ts";
import { print } from "./print.ts";

export const command = defineCommand({
  about: [
    "Prints the authority's certificate in PEM on standard output, for the devices' trust store, and its name, end and SHA-256",
    "fingerprint on standard error. It holds no secret.",
  ].join("\n"),
  options: dataOptions,
  example: "postern ca show --data /var/lib/postern > ca.crt",

  async run({ options }) {
    const path = join(await dataFolder(options), "ca", "ca.crt");
    const pem = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
      return undefined;
    });
    if (pem === undefined) {
      console.error(`${path}: there is no authority yet; postern ca init makes one`);
      return 1;
    }
    const { subject, validToDate, fingerprint256 } = new X509Certificate(pem);
    console.error(`${subject}, until ${validToDate.toISOString().slice(0, 10)}, SHA-256 ${fingerprint256}`);
    await print(pem.endsWith("\n") ? pem : `${pem}\n`);
    return 0;
  },
});
