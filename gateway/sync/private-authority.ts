/** Lets the process trust the authority of a cloud that has a private one. */
import { readFile } from "node:fs/promises";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { GatewayError } from "../errors.ts";

/** Besides those it trusts already. `caFile`: PEM; undefined changes nothing. `givenBy`: the key or option that names it. Rejects with `config-invalid` when it cannot be used. */
export async function trustAlso(caFile: string | undefined, givenBy = "cloud.caFile"): Promise<void> {
  if (caFile === undefined) return;
  try {
    setDefaultCACertificates([...getCACertificates("default"), await readFile(caFile, "utf8")]);
  } catch (cause) {
    throw new GatewayError("config-invalid", `${givenBy}: ${caFile} is no readable PEM certificate`, {}, { cause });
  }
}
