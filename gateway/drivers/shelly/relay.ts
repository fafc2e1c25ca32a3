/** What the driver asks of the relay, in the words of Shelly's components; each call settles when its signal fires. */
import type { Millis } from "../../domain/instant.ts";
import type { RpcOutcome, ShellyRpc } from "./rpc.ts";
import { type RpcCall, readFirmware, readInputState, readSwitchStatus, type SwitchStatus } from "./wire.ts";

export type Failure = Exclude<RpcOutcome, { readonly kind: "result" }>;

export class Relay {
  readonly #rpc: ShellyRpc;
  readonly #id: number;

  /** `id`: of the switch. */
  constructor(rpc: ShellyRpc, id: number) {
    this.#rpc = rpc;
    this.#id = id;
  }

  /** `toggleAfterMs`: the relay turns the output round by itself after that, as a new beginning of a timer that runs. */
  async set(on: boolean, toggleAfterMs: Millis | undefined, signal: AbortSignal): Promise<Failure | undefined> {
    const timer = toggleAfterMs === undefined ? {} : { toggle_after: toggleAfterMs / 1_000 };
    const outcome = await this.#rpc.call({ method: "Switch.Set", params: { id: this.#id, on, ...timer } }, signal);
    return outcome.kind === "result" ? undefined : outcome;
  }

  status(signal: AbortSignal): Promise<SwitchStatus | Failure> {
    return this.#read({ method: "Switch.GetStatus", params: { id: this.#id } }, readSwitchStatus, signal);
  }

  async input(id: number, signal: AbortSignal): Promise<{ readonly state: boolean | null } | Failure> {
    return this.#read({ method: "Input.GetStatus", params: { id } }, readInputState, signal);
  }

  /** Asked without a password; undefined when it does not tell. */
  async firmware(signal: AbortSignal): Promise<string | undefined> {
    const outcome = await this.#rpc.call({ method: "Shelly.GetDeviceInfo" }, signal);
    return outcome.kind === "result" ? readFirmware(outcome.result) : undefined;
  }

  async #read<T>(call: RpcCall, read: (result: unknown) => T | undefined, signal: AbortSignal): Promise<T | Failure> {
    const outcome = await this.#rpc.call(call, signal);
    if (outcome.kind !== "result") return outcome;
    return read(outcome.result) ?? { kind: "lost", why: `an answer to ${call.method} that cannot be read` };
  }
}
