/** What the pages read of the API's temporary codes. */

import type { CodeStatusState } from "../../domain/code-status.ts";
import type { HoursLimits } from "../../domain/doors.ts";
import type { PinShape } from "../../domain/pin-policy.ts";

export type CodeState = "upcoming" | "active" | "ended" | "revoked";

export interface SeenCode {
  readonly id: string;
  readonly site: string;
  readonly name: string;
  readonly state: CodeState;
  readonly from: string;
  readonly expiry: string;
  readonly createdBy: string;
  readonly lastUsed: string | null;
  readonly doors: readonly {
    readonly accessPoint: string;
    readonly state: CodeStatusState;
    readonly since: string | null;
    readonly words: string;
  }[];
}

/** In the answer that makes it, and to whoever asks to see it. */
export interface CodeDigits {
  readonly code: string;
}

export interface SeenRules {
  /** null: no code fits all the locks. */
  readonly code: PinShape | null;
  readonly hours: HoursLimits;
  readonly refusals: readonly { readonly field: string; readonly message: string }[];
}

export const codesPath = "/api/temp-codes";
export const codePath = (id: string) => `${codesPath}/${encodeURIComponent(id)}`;
