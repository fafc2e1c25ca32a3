/** Tells scripts that all is up, and where: JSON with URLs, ports and secrets, so only its owner may read it. */
import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { resolve } from "node:path";

/** The file appears whole or not at all. It is no record, so it is not synced. */
export async function writeReadyFile(path: string, facts: object): Promise<void> {
  const target = resolve(path);
  const draft = `${target}.${randomBytes(6).toString("hex")}`;
  try {
    const file = await open(draft, "wx", 0o600);
    try {
      await file.writeFile(`${JSON.stringify(facts, undefined, 2)}\n`);
    } finally {
      await file.close();
    }
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

export async function removeReadyFile(path: string): Promise<void> {
  await rm(resolve(path), { force: true });
}
