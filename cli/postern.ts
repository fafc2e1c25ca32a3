/** The command line: finds the sub-command, loads it alone, runs it, and turns what it ends with into an exit code. */
import { nearest } from "../config/nearest.ts";
import { UsageError } from "./command.ts";
import { type CommandEntry, commands } from "./commands.ts";
import { commandHelp, overview } from "./help.ts";
import { parseArguments } from "./parse-arguments.ts";
import { errorText } from "./print-error.ts";

const helpWords = ["--help", "-h", "help"];

async function run(words: readonly string[]): Promise<number> {
  const [first, second] = words;
  if (first === undefined) {
    console.error(overview());
    return 2;
  }
  if (first === "--version") {
    const { version } = await import("./version.ts");
    console.log(version);
    return 0;
  }
  if (helpWords.includes(first)) {
    console.log(overview());
    return 0;
  }
  const group = commands.filter(({ name }) => name.startsWith(`${first} `));
  const isCommandToo = commands.some(({ name }) => name === first);
  if (group.length > 0 && !isCommandToo && second !== undefined && helpWords.includes(second)) {
    console.log(overview(group));
    return 0;
  }
  const entry = entryOf(first, second, group);
  const { command } = await entry.load();
  try {
    const call = parseArguments(command, words.slice(entry.name.split(" ").length));
    if (call !== "help") return (await command.run(call)) ?? 0;
    console.log(commandHelp(entry, command));
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${entry.name}: ${error.message}\nSee postern ${entry.name} --help`);
  }
}

function entryOf(first: string, second: string | undefined, group: readonly CommandEntry[]): CommandEntry {
  const name = group.length > 0 ? `${first} ${second ?? ""}`.trim() : first;
  const entry = commands.find((each) => each.name === name) ?? commands.find((each) => each.name === first);
  if (entry) return entry;
  if (group.length > 0) {
    const known = group.map((each) => each.name);
    const near = second === undefined ? undefined : nearest(name, known);
    throw new UsageError(
      near ? `there is no command ${name}; did you mean ${near}?` : `${first} takes one of: ${known.join(", ")}`,
    );
  }
  const near = nearest(first, [...new Set(commands.flatMap((each) => [each.name, each.name.split(" ")[0]!]))]);
  throw new UsageError(`there is no command ${first}; ${near ? `did you mean ${near}?` : "see postern --help"}`);
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  console.error(`postern: ${errorText(error)}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
// Nothing may keep an ended command alive, such as a connection that a failed start has left.
process.exit();
