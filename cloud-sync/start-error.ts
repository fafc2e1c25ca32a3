/** Why the service could not start; the message says what to do. */
export type CloudStartCode =
  | "data-locked"
  | "port-in-use"
  | "store-unreachable"
  | "store-broken"
  | "master-key-missing"
  | "master-key-wrong"
  | "admin-token-wrong";

export class CloudStartError extends Error {
  readonly code: CloudStartCode;

  constructor(code: CloudStartCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CloudStartError";
    this.code = code;
  }
}
