/**
 * What a Shelly of the second or a later generation is asked by `POST /rpc`, and what it answers. Pure; what cannot be read is undefined,
 * never an error. Source: maker's API documentation, RPC protocol, Switch, Input, Shelly.GetDeviceInfo.
 */
import { z } from "zod";

export const rpcPath = "/rpc";

export interface RpcCall {
  readonly method: "Switch.Set" | "Switch.GetStatus" | "Input.GetStatus" | "Shelly.GetDeviceInfo";
  readonly params?: Readonly<Record<string, number | boolean>>;
}

/** `id`: of the frame; the answer repeats it. Which switch or input is meant stands in `params`. */
export function writeFrame(id: number, { method, params }: RpcCall): string {
  return JSON.stringify({ id, src: "postern", method, ...(params && { params }) });
}

export type RpcAnswer =
  | { readonly result: unknown }
  | { readonly error: { readonly code: number; readonly message: string } };

const errorSchema = z.object({ code: z.number(), message: z.string().max(500).default("") });

/** undefined: not the answer to frame `id`. */
export function readFrame(id: number, text: string): RpcAnswer | undefined {
  const frame = z
    .object({ id: z.literal(id), result: z.unknown().optional(), error: errorSchema.optional() })
    .safeParse(json(text));
  if (!frame.success) return undefined;
  const { error, result } = frame.data;
  if (error) return { error };
  return result === undefined ? undefined : { result };
}

const switchStatusSchema = z.object({
  output: z.boolean(),
  /** Seconds, of the timer that will turn the output round. */
  timer_duration: z.number().optional(),
  errors: z.array(z.string().max(64)).max(16).default([]),
});

export interface SwitchStatus {
  readonly output: boolean;
  readonly hasTimer: boolean;
  /** overtemp, overpower, overvoltage, undervoltage …: it does not switch as told while one stands. */
  readonly errors: readonly string[];
}

export function readSwitchStatus(result: unknown): SwitchStatus | undefined {
  const status = switchStatusSchema.safeParse(result);
  if (!status.success) return undefined;
  const { output, timer_duration, errors } = status.data;
  return { output, hasTimer: timer_duration !== undefined, errors };
}

/** `state` null: an input that is set up as a button, or has no state yet. */
export function readInputState(result: unknown): { readonly state: boolean | null } | undefined {
  const input = z.object({ state: z.boolean().nullable() }).safeParse(result);
  return input.success ? input.data : undefined;
}

export function readFirmware(result: unknown): string | undefined {
  const facts = z.object({ ver: z.string().max(64) }).safeParse(result);
  return facts.success ? facts.data.ver : undefined;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
