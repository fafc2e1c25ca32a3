/** Which gateway data folder a command means: --data, or the one that --config names. */
import { access } from "node:fs/promises";
import { resolve } from "node:path";
import { loadGatewayConfig } from "../config/load.ts";
import { commonOptions, UsageError } from "./command.ts";

export const dataOptions = { data: commonOptions.data, config: commonOptions.config } as const;

/** Throws UsageError when neither is given. */
export async function dataFolder(options: {
  readonly data?: string | undefined;
  readonly config?: string | undefined;
}): Promise<string> {
  if (options.data !== undefined) return resolve(options.data);
  if (options.config !== undefined) return (await loadGatewayConfig(options.config)).settings.data;
  throw new UsageError("which data folder? Give --data DIR, or --config FILE of the gateway");
}

export function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
