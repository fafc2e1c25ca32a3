/** What the pages read of the API's bookings, properties, alarms and messages. */
import type { CodeStatusState } from "../../domain/code-status.ts";
import type { HeldReason } from "../../domain/reconcile-bookings.ts";
import type { AlarmKind } from "../../domain/stay-alarms.ts";
import type { BookingStatus } from "../../domain/stay-planner.ts";
import { query } from "../own-api.ts";
import type { Tone } from "../parts/show.tsx";
import type { Visit } from "../visit.ts";

export interface SeenDoorOfStay {
  readonly accessPoint: string;
  readonly state: CodeStatusState;
}

export interface SeenBooking {
  readonly id: string;
  readonly site: string;
  readonly property: string;
  readonly source: string;
  readonly status: BookingStatus;
  readonly guest: {
    readonly name: string;
    readonly phone: string | null;
    readonly email: string | null;
  };
  /** null: booked from a moment to a moment. */
  readonly arrival: string | null;
  readonly departure: string | null;
  readonly begins: string;
  readonly ends: string;
  readonly isBookedTwice: boolean;
  readonly isTooTight: boolean;
  readonly extraHours: number;
  readonly held: {
    readonly since: string;
    readonly why: HeldReason;
    readonly status: BookingStatus;
    readonly arrival: string;
    readonly departure: string;
  } | null;
  readonly code: {
    readonly grant: string | null;
    readonly from: string;
    readonly until: string;
    readonly dueAt: string | null;
    readonly problem: string | null;
    readonly doors: readonly SeenDoorOfStay[];
  };
}

export interface SeenProperty {
  readonly id: string;
  readonly site: string;
  readonly name: string;
  readonly closedAt: string | null;
}

export interface SeenAlarm {
  readonly id: string;
  readonly site: string;
  readonly kind: AlarmKind;
  /** The booking, or the source. */
  readonly about: string;
  readonly raisedAt: string;
  readonly settledAt: string | null;
}

export const bookingPath = (id: string) => `/api/bookings/${encodeURIComponent(id)}`;

export const listProperties = async ({ api }: Visit, site?: string): Promise<readonly SeenProperty[]> =>
  (await api.get<{ items: readonly SeenProperty[] }>(`/api/properties${query({ site })}`)).items;

export const statusTones: Readonly<Record<BookingStatus, Tone>> = {
  confirmed: "good",
  tentative: "warn",
  cancelled: "bad",
  completed: "calm",
};

/** How a stay's code stands as a whole: the door that has come least far. */
export const codeStands = ["ready", "later", "waiting", "problem", "none", "over"] as const;
export type CodeStand = (typeof codeStands)[number];

export const standTones: Readonly<Record<CodeStand, Tone>> = {
  ready: "good",
  later: "calm",
  waiting: "warn",
  problem: "bad",
  none: "calm",
  over: "calm",
};

const standOf: Readonly<Record<CodeStatusState, CodeStand>> = {
  "on-lock": "ready",
  "gateway-decides": "ready",
  "not-due": "later",
  "waiting-lock": "waiting",
  "waiting-gateway": "waiting",
  unknown: "waiting",
  refused: "problem",
  "still-on-lock": "waiting",
  over: "over",
};
const worstFirst: readonly CodeStand[] = ["problem", "waiting", "later", "ready", "over"];

export function codeStand({ code, status }: SeenBooking): CodeStand {
  if (code.problem !== null) return "problem";
  if (code.grant === null) return code.dueAt === null || status !== "confirmed" ? "none" : "later";
  const stands = new Set(code.doors.map(({ state }) => standOf[state]));
  return worstFirst.find((stand) => stands.has(stand)) ?? "none";
}
