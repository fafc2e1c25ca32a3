/** Failed operations. Expected answers (denied, stale, conflict) are values; bugs are failed assertions and stop the program. */

export const errorPolicy = {
  "config-invalid": {
    retry: "never",
    status: 422,
    hint: "Fix what is named, in the configuration file or the command.",
  },
  "backup-invalid": { retry: "never", status: 422, hint: "Take another backup, or the passphrase it was made with." },
  "not-enrolled": {
    retry: "never",
    status: 422,
    hint: "Make a code in the cloud (POST /api/sites/{site}/gateways), then run `postern enrol --config FILE`.",
  },
  "data-taken": {
    retry: "never",
    status: 409,
    hint: "A data folder belongs to one gateway; nothing in this one was changed.",
  },
  "data-newer": { retry: "never", status: 500, hint: "Install the version that wrote it, or a later one." },
  "keys-exposed": {
    retry: "never",
    status: 500,
    hint: "Whoever has read the keys can pass for this gateway: if that may be, declare it lost and enrol anew.",
  },
  "authority-damaged": {
    retry: "never",
    status: 500,
    hint: "The devices trust one authority, so another is never made in its place by itself.",
  },
  "keys-damaged": {
    retry: "never",
    status: 500,
    hint: "Move keys.json, journal and snapshot out of the data folder; then put a backup back by `postern gateway restore`, or enrol anew.",
  },
  "port-in-use": { retry: "never", status: 500, hint: "Set the named key to a free port, or stop what uses it." },
  "data-locked": { retry: "never", status: 500, hint: "Another gateway runs on this data folder; stop it first." },
  "journal-damaged": {
    retry: "never",
    status: 500,
    hint: "Run `postern journal verify`; the damaged part is kept aside.",
  },
  "events-released": {
    retry: "never",
    status: 410,
    hint: "The cloud's backup is older than the events kept here; the gateway begins a new epoch by itself.",
  },
  "journal-failed": {
    retry: "never",
    status: 503,
    hint: "The disk failed; the gateway denies and restarts from its journal.",
  },
  "storage-full": { retry: "backoff", status: 507, hint: "Free disk space; until then entries are denied." },
  "device-unreachable": { retry: "backoff", status: 504, hint: "See the device's line, power and keys." },
  "device-refused": {
    retry: "backoff",
    status: 502,
    hint: "The device or its maker answered with an error; see the log.",
  },
  "device-floods": {
    retry: "backoff",
    status: 429,
    hint: "It reports more than a door can do; what it says counts again once it has calmed down.",
  },
  "cloud-unreachable": {
    retry: "backoff",
    status: 503,
    hint: "See whether cloud.url is right, cloud-sync runs there and this machine has a line to it.",
  },
  "cloud-absent": { retry: "backoff", status: 502, hint: "Set cloud.url to where cloud-sync answers." },
  "cloud-refused": { retry: "backoff", status: 502, hint: "The cloud answered with an error; see its log." },
  "enrolment-refused": {
    retry: "never",
    status: 403,
    hint: "A code is good once, for 15 minutes. A new one for the same gateway: POST /api/sites/{site}/gateways/{gateway}/enrolment-codes.",
  },
  "gateway-fenced": {
    retry: "never",
    status: 403,
    hint: "Another card has taken this gateway's place: switch this one off.",
  },
  "gateway-revoked": { retry: "never", status: 403, hint: "This gateway was revoked; enrol it anew." },
} as const satisfies Record<string, { retry: "never" | "backoff"; status: number; hint: string }>;

export type ErrorCode = keyof typeof errorPolicy;

/** A failed operation. `detail` may be logged, so it never carries a PIN, a token or a whole card number. */
export class GatewayError extends Error {
  readonly code: ErrorCode;
  readonly detail: Readonly<Record<string, string | number>>;

  constructor(
    code: ErrorCode,
    message: string,
    detail: Readonly<Record<string, string | number>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = "GatewayError";
    this.code = code;
    this.detail = detail;
  }
}
