/** What a gateway knows of its site apart from grants: zone, modes and for how long it may decide without the cloud. */
import type { GrantKind, SiteId } from "./grant.ts";
import type { Millis } from "./instant.ts";
import type { PassKey } from "./signed-pass.ts";

export interface Site {
  readonly id: SiteId;
  readonly name: string;
  /** IANA zone; schedules are read on its wall clock. */
  readonly zone: string;
  /** A level, not an edge: while it stands nothing is admitted. */
  readonly lockdown: boolean;
  /** For how long after the last complete poll grants of a kind are honoured; null: until their validity ends. */
  readonly offlineMaxAgeMs: Readonly<Record<GrantKind, Millis | null>>;
  /** Absent: the site has no signed passes. */
  readonly passKeys?: readonly PassKey[];
}

const hour = 3_600_000;

export const defaultOfflineMaxAgeMs: Site["offlineMaxAgeMs"] = {
  stay: null,
  temporary: 24 * hour,
  visitor: 24 * hour,
  delivery: hour,
  member: 24 * hour,
  staff: 24 * hour,
};

/** Someone or something that must not enter, whatever grant it holds. */
export interface BlacklistEntry {
  readonly id: string;
  readonly subject: "person" | "document" | "grant" | "credential";
  /** The person's id, the document's number, the grant's or the credential's id. */
  readonly value: string;
}

/** Documents are typed by people: case, spaces, dots and dashes do not count. What is nothing else stays as it is. */
export function subjectWord(subject: BlacklistEntry["subject"], value: string): string {
  if (subject !== "document") return value;
  return (
    value
      .normalize("NFKC")
      .toUpperCase()
      .replace(/[^\p{L}\p{N}]/gu, "") || value
  );
}
