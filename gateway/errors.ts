/** Failed operations. Expected answers (denied, stale, conflict) are values; bugs are failed assertions and stop the program. */

export const errorPolicy = {
  "config-invalid": { retry: "never", status: 422, hint: "Fix the named key in the configuration file." },
  "backup-invalid": { retry: "never", status: 422, hint: "Take another backup, or the passphrase it was made with." },
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
  "cloud-unreachable": { retry: "backoff", status: 503, hint: "Decisions go on from the local records." },
  "cloud-refused": { retry: "backoff", status: 502, hint: "The cloud answered with an error; see its log." },
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
