/**
 * `npm run bench [-- --only NAME] [-- --json]`: measures what the design sets goals for, each beside its peer in the same run.
 * Figures that miss a goal are printed like the others; nothing here fails a build.
 */
import { parseArgs } from "node:util";
import { benchmarks } from "./benchmarks.ts";
import type { Row } from "./row.ts";

const { values } = parseArgs({ options: { only: { type: "string" }, json: { type: "boolean", default: false } } });
if (values.only !== undefined && !Object.hasOwn(benchmarks, values.only)) {
  console.error(`no benchmark is called "${values.only}"; known: ${Object.keys(benchmarks).join(", ")}`);
  process.exit(2);
}

const rows: Row[] = [];
for (const [name, load] of Object.entries(benchmarks)) {
  if (values.only !== undefined && values.only !== name) continue;
  const { benchmark } = await load();
  for (const row of await benchmark.run()) {
    rows.push(row);
    if (!values.json) console.log(line(row));
  }
}
if (values.json) console.log(JSON.stringify(rows, undefined, 2));
process.exit(0); // benchmarks leave servers behind that would keep the process alive

function line({ name, value, unit, peer, peerValue, ratio, goal, met }: Row): string {
  const beside =
    peer === null
      ? ""
      : peerValue === null
        ? `  (${peer}: not installed)`
        : `  (${peer}: ${figure(peerValue)}; ratio ${figure(ratio ?? 0)})`;
  const verdict = met === null ? "not judged" : met ? "met" : "MISSED";
  return `${name.padEnd(52)} ${figure(value).padStart(10)} ${unit}${beside}\n${" ".repeat(54)}goal: ${goal}: ${verdict}`;
}

function figure(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString("en") : value >= 10 ? value.toFixed(1) : value.toFixed(3);
}
