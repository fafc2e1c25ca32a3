/**
 * `npm run year`: a whole year of an owner, what was counted and what was wrong. Not a test file, because the test runner follows every promise
 * of which there are some hundred million here. SEED=N lives another year.
 */
import { liveYear } from "./owner-year.ts";

const { counts, wrong } = await liveYear();
console.log(JSON.stringify(counts));
for (const one of wrong) console.error(one);
console.log(wrong.length === 0 ? "nothing wrong" : `${wrong.length} wrong`);
process.exitCode = wrong.length === 0 ? 0 : 1;
