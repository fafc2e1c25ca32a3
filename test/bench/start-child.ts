/** Opens the data folder given and decides once; prints how long that took and what is resident. */
import { decide } from "../../gateway/domain/decide.ts";
import { circumstancesAt } from "../../gateway/flows/site-parts.ts";
import { openBenchSite } from "./bench-site.ts";

const began = performance.now();
const site = await openBenchSite(process.argv[2]!);
const decision = decide(site.request(99_999, 0), site.parts.records, circumstancesAt(site.parts, "door-0"));
if (decision.outcome !== "granted") throw new Error(`not granted: ${JSON.stringify(decision)}`);
const openMs = performance.now() - began;
console.log(JSON.stringify({ openMs, residentMb: process.memoryUsage().rss / 1e6 }));
