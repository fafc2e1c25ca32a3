/** People who work at the site and may sign in at the gateway itself, with or without the cloud: who they are, and what they may do there. Pure. */
import type { Millis } from "./instant.ts";
import type { Site } from "./site.ts";

export type StaffId = string;

/** owner: of the place, its installer among them · guard: at its doors. */
export const staffRoles = ["owner", "guard"] as const;
export type StaffRole = (typeof staffRoles)[number];

export interface StaffMember {
  readonly id: StaffId;
  readonly name: string;
  /** As normalUserName() writes it; unique at the site. */
  readonly userName: string;
  readonly role: StaffRole;
  /** See wire/password-hash.ts. */
  readonly password: string;
}

/** People type their name as they like: case and spaces around it do not count. As the cloud keeps and looks names up too. */
export function normalUserName(typed: string): string {
  return typed.normalize("NFKC").trim().toLowerCase();
}

/** "no-records": the site has never arrived · "stale": nobody knows any more who still works here. */
export type StaffStanding = "good" | "no-records" | "stale";

/** Whether the gateway may go by what it knows of its staff: for as long as the site's rule for grants of the kind "staff" allows. */
export function staffStanding(
  view: { readonly site: Site | undefined; readonly suspect: boolean },
  sinceSyncMs: Millis | null,
): StaffStanding {
  if (!view.site) return "no-records";
  if (view.suspect) return "stale";
  const maxAgeMs = view.site.offlineMaxAgeMs.staff;
  if (maxAgeMs === null) return "good";
  return maxAgeMs !== undefined && sinceSyncMs !== null && sinceSyncMs <= maxAgeMs ? "good" : "stale";
}
