/** The JSON cache on the site: records in memory, their snapshot on the disk. The journal stays the truth. */
import type { SiteRecords } from "../domain/site-records.ts";

export interface GrantCache {
  /** Live; decisions read it, the journal changes it. */
  readonly records: SiteRecords;
  /** Writes a new snapshot generation without stalling the loop, and drops journal segments it makes needless. */
  snapshot(): Promise<void>;
}
