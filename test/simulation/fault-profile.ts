/**
 * What befalls a site. Every sixth seed gets a little of everything; the others get much of what goes wrong together in
 * the field, because some faults need three rare things in a row.
 */
import type { Random } from "../support/random.ts";

/** How likely each fault is, drawn anew for each seed. */
export interface FaultRates {
  readonly loseRequest: number;
  readonly loseAnswer: number;
  readonly repeatRequest: number;
  readonly losePeerAnswer: number;
  readonly lockRefuses: number;
  readonly lockSilent: number;
  /** The bolt stays out after the hold time, where the lock reports it. */
  readonly boltSticks: number;
  readonly crashWhenAsked: number;
}

export type ActName =
  | "present"
  | "rush"
  | "grant"
  | "limit"
  | "revoke"
  | "revoke-at-the-door"
  | "unlock"
  | "crash"
  | "crash-soon"
  | "crash-twice"
  | "cut"
  | "heal"
  | "cut-lan"
  | "heal-lan"
  | "clean-restart"
  | "long-outage"
  | "backup"
  | "restore"
  | "replace-card"
  | "guess"
  | "clock-jump"
  | "disk-full"
  | "disk-free"
  | "newer-event";

export interface FaultProfile {
  readonly name: "mixed" | "lending" | "full" | "torn" | "clocks" | "restores";
  readonly rates: FaultRates;
  /** How often each act comes, beside the others. */
  readonly weights: Readonly<Record<ActName, number>>;
  readonly gateways: number;
  /** Without a LAN entries move through the cloud alone. */
  readonly lanAtRest: boolean;
  /** Each way, at most. */
  readonly lineDelayMs: number;
  /** How long an operation of a disk takes at most. */
  readonly diskDelayMs: number;
  /** Of a segment of the journal: a disk is full only when the next one does not fit. */
  readonly segmentBytes: number;
  /** Whether the gateways have a clock that runs through a power cut. */
  readonly hasClock: boolean;
  /** Whether a crash is of the process alone, the machine staying up. */
  readonly processDies: number;
  readonly grantKinds: readonly string[];
  /** Of the grants, and entries they have. */
  readonly limited: number;
  readonly entriesMost: number;
  readonly livesMs: readonly number[];
  /** Whether those who were in a rush come back once everything that crashed is up again. */
  readonly insists: number;
}

const hour = 3_600_000;

const usualWeights: FaultProfile["weights"] = {
  present: 30,
  rush: 10,
  grant: 12,
  limit: 3,
  revoke: 6,
  "revoke-at-the-door": 4,
  unlock: 6,
  crash: 6,
  "crash-soon": 5,
  "crash-twice": 1,
  cut: 5,
  heal: 8,
  "cut-lan": 4,
  "heal-lan": 6,
  "clean-restart": 2,
  "long-outage": 1,
  backup: 3,
  restore: 2,
  "replace-card": 1,
  guess: 2,
  "clock-jump": 3,
  "disk-full": 2,
  "disk-free": 4,
  "newer-event": 2,
};

/** In the order of the seeds, over and over. */
export const profileNames: readonly FaultProfile["name"][] = ["mixed", "lending", "full", "torn", "clocks", "restores"];

/** Every so many seeds a profile comes again; `undefined`: every seed will do. */
export function stepBetween(name: FaultProfile["name"] | undefined): number {
  return name ? profileNames.length : 1;
}

/** The first seed from this one on that has it. */
export function firstSeedOf(name: FaultProfile["name"] | undefined, from: number): number {
  let seed = from;
  while (name && profileNames[seed % profileNames.length] !== name) seed += 1;
  return seed;
}

export function profileNamed(name: string): FaultProfile["name"] | undefined {
  return profileNames.find((one) => one === name);
}

export function drawProfile(seed: number, random: Random): FaultProfile {
  const name = profileNames[seed % profileNames.length]!;
  const profile = { ...mixed(random), name };
  switch (name) {
    case "mixed":
      return profile;
    case "lending":
      return lending(profile, random);
    case "full":
      return full(profile);
    case "torn":
      return torn(profile, random);
    case "clocks":
      return clocks(profile, random);
    case "restores":
      return restores(profile, random);
  }
}

function mixed(random: Random): FaultProfile {
  const rate = (most: number) => (random.chance(0.5) ? random.next() * most : 0);
  return {
    name: "mixed",
    rates: {
      loseRequest: rate(0.2),
      loseAnswer: rate(0.2),
      repeatRequest: rate(0.1),
      losePeerAnswer: rate(0.2),
      lockRefuses: rate(0.2),
      lockSilent: rate(0.2),
      boltSticks: rate(0.6),
      crashWhenAsked: rate(0.3),
    },
    weights: usualWeights,
    gateways: random.pick([1, 1, 2, 2, 3, 4]),
    lanAtRest: random.chance(0.5),
    lineDelayMs: random.chance(0.3) ? 3_000 : 50,
    diskDelayMs: random.chance(0.3) ? 60 : 0,
    segmentBytes: 65_536,
    hasClock: random.chance(0.7),
    processDies: random.chance(0.5) ? 0.3 : 0,
    grantKinds: ["stay", "temporary", "delivery"],
    limited: 0.6,
    entriesMost: 3,
    livesMs: [120_000, 2 * hour, 30 * hour],
    insists: 0.2,
  };
}

/** Gateways lend each other entries over the LAN while they crash, answers are lost and the cloud is away. */
function lending(profile: FaultProfile, random: Random): FaultProfile {
  return {
    ...profile,
    rates: {
      ...profile.rates,
      losePeerAnswer: random.chance(0.5) ? 0.5 : 0,
      crashWhenAsked: random.chance(0.5) ? 0.5 : 0,
      lockRefuses: 0,
    },
    weights: {
      ...usualWeights,
      rush: 30,
      grant: 10,
      limit: 1,
      revoke: 1,
      "revoke-at-the-door": 1,
      unlock: 1,
      crash: 2,
      "crash-soon": 2,
      cut: 8,
      "cut-lan": 2,
      backup: 0,
      restore: 0,
      "replace-card": 0,
      guess: 0,
      "disk-full": 0,
    },
    gateways: random.pick([2, 3, 3]),
    lineDelayMs: 50,
    hasClock: true,
    grantKinds: ["stay", "temporary"],
    limited: 1,
    entriesMost: 2,
    livesMs: [30 * hour],
    insists: 0.7,
  };
}

/** One gateway's disk is full most of the time while people come and go. */
function full(profile: FaultProfile): FaultProfile {
  return {
    ...profile,
    weights: {
      ...usualWeights,
      grant: 6,
      revoke: 1,
      "revoke-at-the-door": 1,
      guess: 1,
      unlock: 8,
      "disk-full": 5,
      "disk-free": 3,
      backup: 0,
      restore: 0,
      "replace-card": 0,
    },
    gateways: 1,
    segmentBytes: 8_192,
    limited: 0.2,
    livesMs: [30 * hour],
  };
}

/** The power goes again and again while much is being written to a slow disk. */
function torn(profile: FaultProfile, random: Random): FaultProfile {
  return {
    ...profile,
    weights: { ...usualWeights, guess: 4, crash: 5, "crash-soon": 15, "crash-twice": 25, restore: 1 },
    gateways: random.pick([1, 1, 2]),
    diskDelayMs: random.pick([60, 200]),
    processDies: random.chance(0.5) ? 0.4 : 0,
  };
}

/** Nobody vouches for the machines' clocks, which jump, and the cloud is away for hours. */
function clocks(profile: FaultProfile, random: Random): FaultProfile {
  return {
    ...profile,
    weights: {
      ...usualWeights,
      grant: 14,
      revoke: 1,
      "revoke-at-the-door": 0,
      guess: 0,
      restore: 0,
      "clock-jump": 14,
      "long-outage": 8,
      "clean-restart": 4,
      backup: 0,
    },
    gateways: random.pick([1, 2]),
    hasClock: false,
    grantKinds: ["stay", "delivery", "delivery"],
    limited: 0.3,
    livesMs: [2 * hour, 30 * hour],
  };
}

/** The cloud comes back from old backups, while cards are replaced and grants revoked. */
function restores(profile: FaultProfile, random: Random): FaultProfile {
  return {
    ...profile,
    weights: {
      ...usualWeights,
      revoke: 10,
      guess: 0,
      backup: 16,
      restore: 14,
      "replace-card": 12,
      "disk-full": 0,
    },
    gateways: random.pick([1, 2, 3]),
    lineDelayMs: random.chance(0.5) ? 1_000 : 50,
    hasClock: true,
    livesMs: [30 * hour],
  };
}
