/** Why the simulator could not start; the message says what to do. */
export type SimulatorStartCode = "port-in-use" | "box-key-wrong";

export class SimulatorStartError extends Error {
  readonly code: SimulatorStartCode;

  constructor(code: SimulatorStartCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SimulatorStartError";
    this.code = code;
  }
}
