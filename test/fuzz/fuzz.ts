/**
 * Inputs that nobody meant, each made from its number alone: what stands in corpus/<target>, then mutations of that and of `seeds`.
 * FUZZ=n runs n times as many. A failing input is written into the corpus when FUZZ is set; without, the failure tells its bytes.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Random } from "../support/random.ts";

export interface Fuzzing {
  /** The corpus' folder. */
  readonly target: string;
  readonly seeds: readonly (Uint8Array | string)[];
  /** Mutations, at FUZZ=1. */
  readonly runs: number;
  /** Texts that the format gives a meaning to. */
  readonly words?: readonly string[];
  /** Throws or rejects when the input does what it must not. */
  readonly check: (input: Buffer, random: Random) => void | Promise<void>;
}

const corpus = join(import.meta.dirname, "corpus");
const factor = Number(process.env.FUZZ ?? 1);
const changesMax = 6;
const edges = [0x00, 0x01, 0x0a, 0x22, 0x2c, 0x5c, 0x7b, 0x7d, 0x7f, 0x80, 0xc0, 0xe0, 0xed, 0xf0, 0xfe, 0xff];
const numbers = [
  "-1",
  "0",
  "-0",
  "1e999",
  "1e-7",
  "9007199254740993",
  "4294967296",
  "2147483648",
  "0.5",
  "NaN",
  "null",
];

const values: readonly unknown[] = [
  ...[null, true, "", "x", "front", "\u0000", "\ud800", "Mars/Phobos", "24:00", "2031-02-30", "x".repeat(300)],
  ...[-1, 0, 0.5, 1e300, 2 ** 31, Number.MAX_SAFE_INTEGER, [], {}, [[]], ["front", "front"], [null]],
];

/** How often a loop that mutates on its own goes round. */
export function times(runs: number): number {
  return Math.max(1, Math.round(runs * factor));
}

export async function fuzz({ target, seeds, runs, words = [], check }: Fuzzing): Promise<void> {
  const kept = keptIn(target);
  for (const [name, input] of kept) await checked(target, name, input, check, new Random(0));
  const from = [...kept.values(), ...seeds.map((seed) => Buffer.from(seed as Uint8Array))];
  for (const [number, seed] of from.entries()) await checked(target, `seed ${number}`, seed, check, new Random(0));
  for (let number = 1; number <= times(runs); number += 1) {
    const random = new Random(number);
    const input = mutated(random.pick(from), from, words, random);
    await checked(target, `input ${number}`, input, check, random);
  }
}

function keptIn(target: string): ReadonlyMap<string, Buffer> {
  const folder = join(corpus, target);
  if (!existsSync(folder)) return new Map();
  return new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
}

async function checked(target: string, name: string, input: Buffer, check: Fuzzing["check"], random: Random) {
  try {
    await check(Buffer.from(input), random);
  } catch (cause) {
    const folder = join(corpus, target);
    const file = join(folder, `${createHash("sha256").update(input).digest("hex").slice(0, 12)}.bin`);
    if (process.env.FUZZ !== undefined) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(file, input);
    }
    const bytes = `${input.length} bytes, in base64: ${input.toString("base64").slice(0, 4_000)}`;
    throw new Error(`${target}, ${name}: ${(cause as Error).message}\nkeep it as ${file}; ${bytes}`, { cause });
  }
}

function mutated(seed: Buffer, others: readonly Buffer[], words: readonly string[], random: Random): Buffer {
  let bytes: Buffer = Buffer.from(seed);
  const changes = random.chance(0.5) ? 1 : 1 + random.int(changesMax);
  for (let change = 0; change < changes; change += 1) bytes = mutatedOnce(bytes, others, words, random);
  return bytes;
}

function mutatedOnce(bytes: Buffer, others: readonly Buffer[], words: readonly string[], random: Random): Buffer {
  const other = random.chance(0.3) ? otherValueIn(bytes, random) : undefined;
  if (other) return other;
  const at = random.int(bytes.length + 1);
  const until = Math.min(bytes.length, at + 1 + random.int(random.chance(0.5) ? 4 : bytes.length + 1));
  const replaced = (by: Uint8Array, from = at, to = until) =>
    Buffer.concat([bytes.subarray(0, from), by, bytes.subarray(to)]);
  switch (random.int(10)) {
    case 0: {
      const flipped = Buffer.from(bytes);
      if (at < bytes.length) flipped[at]! ^= 1 << random.int(8);
      return flipped;
    }
    case 1:
      return replaced(Buffer.from([random.pick(edges)]), at, Math.min(bytes.length, at + 1));
    case 2:
      return bytes.subarray(0, at);
    case 3:
      return replaced(Buffer.alloc(0));
    case 4:
      return replaced(Buffer.concat([bytes.subarray(at, until), bytes.subarray(at, until)]));
    case 5:
      return replaced(Buffer.from(Array.from({ length: 1 + random.int(8) }, () => random.int(256))), at, at);
    case 6: {
      const donor = random.pick(others);
      const start = random.int(donor.length + 1);
      return replaced(donor.subarray(start, start + random.int(donor.length + 1)), at, random.chance(0.5) ? at : until);
    }
    case 7: {
      const found = [...bytes.toString("latin1").matchAll(/-?\d+(\.\d+)?/g)];
      if (found.length === 0) return bytes;
      const number = random.pick(found);
      return replaced(Buffer.from(random.pick(numbers)), number.index, number.index + number[0].length);
    }
    case 8:
      return replaced(Buffer.from(words.length > 0 ? random.pick(words) : random.pick(numbers)), at, at);
    default:
      return Buffer.concat([bytes, random.pick(others)]);
  }
}

/** JSON stays JSON: one value in it becomes another. undefined: it is none. */
function otherValueIn(bytes: Buffer, random: Random): Buffer | undefined {
  let root: unknown;
  try {
    root = JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
  const places: { readonly holder: Record<string, unknown>; readonly key: string }[] = [];
  const walk = (holder: unknown) => {
    if (typeof holder !== "object" || holder === null) return;
    for (const key of Object.keys(holder)) {
      places.push({ holder: holder as Record<string, unknown>, key });
      walk((holder as Record<string, unknown>)[key]);
    }
  };
  walk(root);
  if (places.length === 0) return undefined;
  const { holder, key } = random.pick(places);
  if (random.chance(0.2)) delete holder[key];
  else holder[key] = random.pick(values);
  return Buffer.from(JSON.stringify(root));
}
