/** What a check of the stored history found, and where. */

export type FindingKind =
  /** An event is missing: the numbers of an epoch have a hole. */
  | "gap"
  /** An event's text is not what was received. */
  | "altered"
  /** The chain over a gateway's events does not give the head it signed, or the signature is not the gateway's. */
  | "head"
  /** The service itself has raised an alarm: a fork, or a journal that was cut. */
  | "alarm"
  /** More admissions than a strict limit allows. */
  | "limit"
  /** An admission on records in which it was revoked already. */
  | "revoked"
  /** A grant's count of entries is not what the events give. */
  | "count"
  /** A command was taken twice, after its life, or never issued. */
  | "command"
  /** An entry of the audit trail is missing or was altered. */
  | "audit";

export interface Finding {
  readonly kind: FindingKind;
  readonly site: string;
  readonly gateway?: string;
  readonly epoch?: number;
  readonly seq?: number;
  readonly grant?: string;
  readonly what: string;
}
