/** One line of the benchmark's answer, and the arithmetic the benchmarks share. */

export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What was measured beside it, in the same run; null when there is nothing to compare with. */
  readonly peer: string | null;
  readonly peerValue: number | null;
  /** value / peerValue. */
  readonly ratio: number | null;
  /** In words, as the design asks. */
  readonly goal: string;
  /** null: cannot be told here (the peer is not installed). */
  readonly met: boolean | null;
}

export interface Benchmark {
  /** For `--only`. */
  readonly name: string;
  run(): Promise<Row[]>;
}

/** A row without a peer. */
export function row(name: string, value: number, unit: string, goal: string, met: boolean | null): Row {
  return { name, value, unit, peer: null, peerValue: null, ratio: null, goal, met };
}

/** A row beside a peer measured in the same run; `met` judges the ratio. `peerValue` null: the peer is not installed here. */
export function rowBeside(
  name: string,
  value: number,
  unit: string,
  peer: string,
  peerValue: number | null,
  goal: string,
  met: (ratio: number) => boolean,
): Row {
  const ratio = peerValue === null ? null : value / peerValue;
  return { name, value, unit, peer, peerValue, ratio, goal, met: ratio === null ? null : met(ratio) };
}

/** The value below which a share of the samples lies; 0 < share ≤ 1. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

export function median(samples: readonly number[]): number {
  return percentile(samples, 0.5);
}
