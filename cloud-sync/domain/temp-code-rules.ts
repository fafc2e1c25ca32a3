/** What a temporary code must be at the doors that were chosen: told while somebody types, and asked for when it is made. */
import {
  type Door,
  type DoorHours,
  findImpossible,
  findUnfit,
  type HoursLimits,
  hoursAt,
  pinShapeOf,
  readsKind,
  type WantedHours,
  wordsOf,
} from "./doors.ts";
import type { PinShape } from "./pin-policy.ts";

/** Digits of a code that somebody types. */
export const tempCodeLengths = { min: 4, max: 8 } as const;

const typedShape: PinShape = {
  lengths: Array.from(
    { length: tempCodeLengths.max - tempCodeLengths.min + 1 },
    (_, more) => tempCodeLengths.min + more,
  ),
  digits: "0123456789",
  forbiddenPrefixes: [],
};

/** One field at fault; `field` as in the order: "code", "windows", "accessPoints[1]". */
export interface Refusal {
  readonly field: string;
  readonly message: string;
}

export interface TempCodeRules {
  /** What all the locks together take; undefined: there is no code that they all would. */
  readonly code: PinShape | undefined;
  /** "6 digits of 123456789, not beginning with 12"; undefined as `code`. */
  readonly words: string | undefined;
  /** Whether any weekly windows can be kept at all the doors; `hours` says which. */
  readonly windows: boolean;
  /** What all the doors together let them be. */
  readonly hours: HoursLimits;
  readonly doors: readonly {
    readonly accessPoint: string;
    /** Who lets in: the gateway asks its records, the lock keeps the code itself, either, or nobody, as far as is known. */
    readonly by: "gateway" | "lock" | "both" | "nobody" | "unknown";
    /** What the lock takes; undefined: it keeps no codes. */
    readonly words: string | undefined;
    readonly hours: DoorHours;
  }[];
  /** What cannot be, whatever the code. */
  readonly refusals: readonly Refusal[];
}

/** `doors`: in the order of the order's access points. `zone`: of their site. */
export function tempCodeRules(doors: readonly Door[], zone: string): TempCodeRules {
  const shape = pinShapeOf(doors, typedShape);
  const code = "why" in shape ? undefined : shape;
  const hours = hoursOf(doors, zone);
  return {
    code,
    words: code && wordsOf(code),
    windows: hours.sameHoursMax !== 0,
    hours,
    doors: doors.map((door) => ({
      accessPoint: door.id,
      by: whoLetsIn(door),
      words: door.codes && wordsOf(door.codes),
      hours: hoursAt(door, zone),
    })),
    refusals: refusalsOf(doors, {}),
  };
}

function hoursOf(doors: readonly Door[], zone: string): HoursLimits {
  const least = (key: keyof HoursLimits) => {
    const limits = doors.flatMap((door) => hoursAt(door, zone)[key] ?? []);
    return limits.length > 0 ? Math.min(...limits) : null;
  };
  return { sameHoursMax: least("sameHoursMax"), otherHoursMax: least("otherHoursMax") };
}

export interface Typed {
  readonly code?: string | undefined;
  readonly hours?: WantedHours | undefined;
}

/** Every rule of every door that the order breaks, so that a form can show all of them at once. */
export function refusalsOf(doors: readonly Door[], typed: Typed): Refusal[] {
  const found = doors.flatMap((door, index) => {
    const refusal = refusalAt(door, typed, index);
    return refusal ? [refusal] : [];
  });
  if (found.length > 0 || typed.code !== undefined) return found;
  const shape = pinShapeOf(doors);
  return "why" in shape ? [{ field: shape.field, message: shape.why }] : [];
}

function refusalAt(door: Door, { code, hours }: Typed, index = 0): Refusal | undefined {
  const pin = { kind: "pin", value: code } as const;
  const impossible = findImpossible([door], { entriesAllowed: null, hours, credentials: [pin] });
  if (impossible)
    return impossible.field === "schedule"
      ? { field: "windows", message: impossible.why }
      : { field: `accessPoints[${index}]`, message: impossible.why };
  const unfit = findUnfit([door], pin, "code");
  return unfit && { field: "code", message: unfit.why };
}

function whoLetsIn(door: Door): TempCodeRules["doors"][number]["by"] {
  const { codes } = door;
  const reads = readsKind(door, "pin");
  if (reads === undefined) return codes ? "lock" : "unknown";
  if (reads) return codes ? "both" : "gateway";
  return codes ? "lock" : "nobody";
}
