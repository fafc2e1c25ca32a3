/** What the pages read of the API's visitors' passes. */
import type { WeeklySchedule } from "../../../gateway/domain/schedule.ts";
import type { historyTypes } from "../../passes.ts";
import type { GrantState } from "../../store/grants.ts";
import type { Tone } from "../parts/show.tsx";

export interface SeenPass {
  readonly id: string;
  readonly site: string;
  readonly recordUid: string | null;
  readonly visitorId: string;
  readonly visitorName: string;
  readonly visitorType: string | null;
  readonly host: string | null;
  readonly barred: boolean | null;
  readonly state: GrantState;
  readonly createdBy: string;
  readonly validFrom: string;
  readonly validUntil: string;
  readonly accessPoints: readonly string[];
  readonly windows: WeeklySchedule["windows"] | null;
  readonly entriesAllowed: number | null;
  readonly entriesUsed: number;
  readonly documentNum: string | null;
  readonly notes: string | null;
}

export interface SeenHistory {
  readonly at: string;
  readonly receivedAt: string;
  readonly isLate: boolean;
  readonly type: (typeof historyTypes)[number];
  readonly accessPoint: string | null;
  readonly guard: string | null;
  readonly reason: string | null;
  readonly photo: string | null;
}

export const passesPath = "/api/passes";
export const passPath = (id: string) => `${passesPath}/${encodeURIComponent(id)}`;

/** What a pass is for whoever waits at the gate: one that is used up is as good as over. */
export function shownState({ state, entriesAllowed, entriesUsed }: SeenPass): GrantState | "used-up" {
  const isUsedUp = entriesAllowed !== null && entriesUsed >= entriesAllowed;
  return isUsedUp && (state === "active" || state === "upcoming") ? "used-up" : state;
}

export const passTones: Readonly<Record<ReturnType<typeof shownState>, Tone>> = {
  upcoming: "warn",
  active: "good",
  ended: "calm",
  revoked: "bad",
  "used-up": "calm",
};
