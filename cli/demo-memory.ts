/** What a demo keeps for its next start in the same folder, so that its cloud, gateway and boxes still know each other. */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { isAbsent, writeFileAtomically } from "../gateway/storage/atomic-file.ts";
import { nodeDisk } from "../gateway/storage/node-disk.ts";
import { CommandError } from "./command.ts";

const memorySchema = z.object({
  adminToken: z.string().min(1),
  boxes: z
    .array(z.object({ id: z.string(), name: z.string(), password: z.string().min(1), key: z.string().min(1) }))
    .min(1),
  pins: z.array(
    z.object({ label: z.string(), pin: z.string(), grant: z.string(), accessPoints: z.array(z.string()).readonly() }),
  ),
  people: z.array(z.object({ label: z.string(), userName: z.string(), password: z.string() })).default([]),
  /** By which the demo's cloud reads the simulated Lodgify. */
  lodgifyKey: z.string().min(8).default(secret),
  /** How far it has leapt ahead of the machine's clock: what is written down there stays in the past. */
  aheadMs: z.number().int().nonnegative().default(0),
});

export type DemoMemory = z.infer<typeof memorySchema>;
export type DemoPerson = DemoMemory["people"][number];
export type DemoPin = DemoMemory["pins"][number];

const boxNames = [
  ["box-1", "Parcel box 1"],
  ["box-2", "Parcel box 2"],
  ["spare-box", "Spare box"],
] as const;

/** In a folder without one, the beginning of a demo. Rejects with a CommandError when what is there is none. */
export async function remembered(folder: string): Promise<DemoMemory> {
  const path = pathIn(folder);
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (!isAbsent(error)) throw error;
  });
  if (text === undefined) return begun();
  const memory = memorySchema.safeParse(parsed(text));
  if (memory.success) return memory.data;
  throw new CommandError(
    `${path} is damaged, so the demo in ${folder} cannot be taken up again: move that folder away, or give --data another one`,
  );
}

/** Secrets stand in it, so only its owner reads it. */
export function remember(folder: string, memory: DemoMemory): Promise<void> {
  return writeFileAtomically(nodeDisk, pathIn(folder), [Buffer.from(`${JSON.stringify(memory, undefined, 2)}\n`)]);
}

function secret(): string {
  return randomBytes(32).toString("base64url");
}

function begun(): DemoMemory {
  return {
    adminToken: secret(),
    boxes: boxNames.map(([id, name]) => ({ id, name, password: secret(), key: secret() })),
    pins: [],
    people: [],
    lodgifyKey: secret(),
    aheadMs: 0,
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function pathIn(folder: string): string {
  return join(folder, "demo.json");
}
