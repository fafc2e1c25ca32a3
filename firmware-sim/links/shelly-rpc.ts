/** What a Shelly answers to a method: the procedures of a relay with one switch and one input, with the maker's error codes. */
import type { SimRelay } from "../sim-relay.ts";

export type RpcParams = Readonly<Record<string, unknown>>;
export interface RpcError {
  readonly code: number;
  readonly message: string;
}
export type RpcAnswer = { readonly result: Readonly<Record<string, unknown>> } | { readonly error: RpcError };

/** Source: the maker's page "Common Errors" (gen2/General); 404 is what an unknown method brings. */
const codes = { invalidArgument: -103, notFound: -105, failedPrecondition: -109, noHandler: 404 };

type Procedure = (relay: SimRelay, params: RpcParams) => RpcAnswer;

const procedures: Readonly<Record<string, Procedure>> = {
  "Shelly.GetDeviceInfo": (relay) => ({ result: { id: relay.id, model: "SNSW-001X16EU", gen: 2, ver: "2.0.0" } }),
  "Shelly.GetStatus": (relay) => ({ result: { "switch:0": switchStatus(relay), "input:0": inputStatus(relay) } }),
  "Switch.GetStatus": (relay, { id }) => wrongId(id) ?? { result: switchStatus(relay) },
  "Input.GetStatus": (relay, { id }) => wrongId(id) ?? { result: inputStatus(relay) },
  "Switch.Set": (relay, { id, on, toggle_after }) => {
    if (typeof on !== "boolean") return wrongId(id) ?? refuse(codes.invalidArgument, "Missing required 'on'");
    return wrongId(id) ?? switchTo(relay, on, toggle_after);
  },
  "Switch.Toggle": (relay, { id }) => wrongId(id) ?? switchTo(relay, !relay.output),
  "Switch.SetConfig": (relay, { id, config }) => {
    const { auto_off, auto_off_delay } = (config ?? {}) as RpcParams;
    if (typeof auto_off === "boolean")
      relay.autoOffMs = auto_off ? (typeof auto_off_delay === "number" ? auto_off_delay : 60) * 1_000 : undefined;
    return wrongId(id) ?? { result: { restart_required: false } };
  },
};

export function answer(relay: SimRelay, method: string, params: RpcParams): RpcAnswer {
  const procedure = Object.hasOwn(procedures, method) ? procedures[method] : undefined;
  return procedure?.(relay, params) ?? refuse(codes.noHandler, `No handler for ${method}`);
}

function switchTo(relay: SimRelay, on: boolean, toggleAfter?: unknown): RpcAnswer {
  if (toggleAfter !== undefined && !(typeof toggleAfter === "number" && toggleAfter > 0))
    return refuse(codes.invalidArgument, "Argument 'toggle_after' is not a number above 0");
  if (on && relay.hot) return refuse(codes.failedPrecondition, "overtemp");
  const wasOn = relay.set(on, toggleAfter === undefined ? undefined : toggleAfter * 1_000);
  return { result: { was_on: wasOn } };
}

function switchStatus(relay: SimRelay): Readonly<Record<string, unknown>> {
  const timer = relay.timer();
  return {
    id: 0,
    source: "HTTP_in",
    output: relay.output,
    ...(timer && { timer_started_at: timer.startedAt / 1_000, timer_duration: timer.durationMs / 1_000 }),
    temperature: relay.hot ? { tC: 96.4, tF: 205.5 } : { tC: 41.2, tF: 106.2 },
    ...(relay.hot && { errors: ["overtemp"] }),
  };
}

function inputStatus(relay: SimRelay): Readonly<Record<string, unknown>> {
  return { id: 0, state: relay.contact };
}

/** The component's id, not the frame's; there is one switch and one input. */
function wrongId(id: unknown): RpcAnswer | undefined {
  if (id === undefined) return refuse(codes.invalidArgument, "Missing required 'id'");
  return id === 0 ? undefined : refuse(codes.notFound, `Bad id=${String(id)}`);
}

function refuse(code: number, message: string): RpcAnswer {
  return { error: { code, message } };
}
