/** The decision alone, at 1,000 and at 100,000 grants: known PINs, unknown PINs, schedules and limits mixed. */
import { decide } from "../../gateway/domain/decide.ts";
import { SiteRecords } from "../../gateway/domain/site-records.ts";
import { Random } from "../support/random.ts";
import { aGrant, aPage, aSite, grantRow, noon, siteRow } from "../support/site-fixture.ts";
import { type Benchmark, median, percentile, row, rowBeside } from "./row.ts";

const asked = 200_000;

export const benchmark: Benchmark = {
  name: "decide",
  async run() {
    const small = measure(1_000);
    const large = measure(100_000);
    return [
      row("decide, 100,000 grants, p99", percentile(large, 0.99), "µs", "≤ 20 µs", percentile(large, 0.99) <= 20),
      rowBeside(
        "decide, 100,000 grants, p50",
        median(large),
        "µs",
        "the same at 1,000 grants",
        median(small),
        "≤ 2 × at 1,000",
        (ratio) => ratio <= 2,
      ),
    ];
  },
};

/** Microseconds of each decision. */
function measure(grants: number): number[] {
  const records = filled(grants);
  const random = new Random(grants);
  const now = { time: { earliest: noon, latest: noon + 5 }, sinceSyncMs: 1_000, lockedOutMs: 0 };
  const requests = Array.from({ length: asked }, () => ({
    accessPoint: "front",
    presented: { kind: "pin" as const, index: `grant-${random.int(grants + grants / 10)}`.padEnd(43, "_") },
  }));
  for (const request of requests.slice(0, 20_000)) decide(request, records, now); // warm
  return requests.map((request) => {
    const before = performance.now();
    decide(request, records, now);
    return (performance.now() - before) * 1000;
  });
}

function filled(grants: number): SiteRecords {
  const records = new SiteRecords("gateway-1", ["front"]);
  const rows = Array.from({ length: grants }, (_, number) =>
    grantRow(
      aGrant(`grant-${number}`, {
        ...(number % 4 === 0 && {
          schedule: { windows: [{ days: [1, 2, 3, 4, 5], from: "08:00", until: "18:00" }] },
        }),
        entriesAllowed: number % 3 === 0 ? 3 : null,
      }),
    ),
  );
  records.apply({ kind: "page", page: aPage([siteRow(aSite()), ...rows]), at: noon }, 0, 1);
  return records;
}
