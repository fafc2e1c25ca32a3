/** Every benchmark there is; adding one is one line here. */
import type { Benchmark } from "./row.ts";

/** Loaded one by one, so that `--only` pays for one. */
export const benchmarks: Readonly<Record<string, () => Promise<{ benchmark: Benchmark }>>> = {
  decide: () => import("./decide.ts"),
  admission: () => import("./admission.ts"),
  start: () => import("./start.ts"),
  "key-press": () => import("./key-press.ts"),
  "unattended-gate": () => import("./unattended-gate.ts"),
  "guard-scan": () => import("./guard-scan.ts"),
  "host-told": () => import("./host-told.ts"),
  "member-credential": () => import("./member-credential.ts"),
  qr: () => import("./qr.ts"),
  "entry-log": () => import("./entry-log.ts"),
  command: () => import("./command.ts"),
  feed: () => import("./feed.ts"),
  reports: () => import("./reports.ts"),
  "changed-grant": () => import("./changed-grant.ts"),
  "unruly-driver": () => import("./unruly-driver.ts"),
  "frozen-reader": () => import("./frozen-reader.ts"),
  idle: () => import("./idle.ts"),
  large: () => import("./large.ts"),
  fleet: () => import("./fleet.ts"),
  "mtls-storm": () => import("./mtls-storm.ts"),
  pages: () => import("./pages.ts"),
};
