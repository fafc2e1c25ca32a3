/**
 * What tsx does not find translated by an earlier start it gives to esbuild, in a thread and a process that would stay: some 15 MB here
 * and as much again there. Nothing is imported once a service is ready; if something were, they would come back.
 */
import { createRequire } from "node:module";

/** The process's entry stays in the table, as a zombie without memory: the thread that would have waited for it is gone. */
export function endTransformer(): void {
  const ofTsx = createRequire(createRequire(import.meta.url).resolve("tsx/package.json"));
  const { stop }: { stop: () => void } = ofTsx("esbuild");
  stop();
}
