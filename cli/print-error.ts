/** How an error ends a command: ours as its message and what to do, the system's as its message, a bug with its stack. */
import { ConfigError } from "../config/config-error.ts";
import { errorPolicy, GatewayError } from "../gateway/errors.ts";
import { diskErrorText } from "./disk-error.ts";

const saysWhatToDo = new Set(["UsageError", "CloudStartError", "SimulatorStartError", "BackupError", "CommandError"]);

export function errorText(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  if (error instanceof GatewayError) {
    return `${error.message}${reason(error.cause)}\n${errorPolicy[error.code].hint}`;
  }
  if (!(error instanceof Error)) return `failed: ${typeof error}`;
  const { name, message, stack } = error;
  if (saysWhatToDo.has(name)) return message;
  return diskErrorText(error) ?? ("syscall" in error ? message : (stack ?? message));
}

/** Only the code of a foreign cause: its message may hold what was sent. */
function reason(cause: unknown): string {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const code = inner instanceof Error && "code" in inner ? inner.code : undefined;
  return typeof code === "string" ? ` (${code})` : "";
}
