/** Runs one seed from begin to calm and says how it went. */
import { createHash } from "node:crypto";
import { SiteKeys } from "../../cloud-sync/store/site-keys.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { memoryStore } from "../support/memory-store.ts";
import { type CloudGround, World, type WorldOptions } from "./world.ts";

const stepsPerSeed = 40;

export interface SeedResult {
  readonly failure: Error | undefined;
  readonly steps: number;
  readonly crashes: number;
  readonly powerCuts: number;
  readonly cuts: number;
  readonly restores: number;
  readonly opened: number;
  readonly simulatedMs: number;
  readonly trace: readonly string[];
  /** Of the trace: the same seed gives the same. */
  readonly digest: string;
}

/** One database for many seeds; each has a site of its own in it. */
export async function openGround(): Promise<CloudGround> {
  const store = await memoryStore();
  return { store, siteKeys: new SiteKeys(new SecretString(Buffer.alloc(32).toString("base64url"))) };
}

export async function runSeed(
  seed: number,
  ground: CloudGround,
  options: Pick<WorldOptions, "bendDisk"> = {},
): Promise<SeedResult> {
  const world = new World({ seed, ground, ...options });
  let failure: Error | undefined;
  try {
    await world.begin();
    for (let step = 0; step < stepsPerSeed; step += 1) await world.step();
    await world.calm();
  } catch (error) {
    failure = error as Error;
  }
  const { steps, crashes, powerCuts, cuts, restores, opened, trace } = world;
  const digest = createHash("sha256").update(trace.join("\n")).digest("hex");
  return {
    failure,
    steps,
    crashes,
    powerCuts,
    cuts,
    restores,
    opened,
    simulatedMs: world.clock.monotonic(),
    trace,
    digest,
  };
}
