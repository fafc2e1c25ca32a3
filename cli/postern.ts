/** The command line: finds the sub-command, loads it alone, runs it, and turns what it ends with into an exit code. */
import { UsageError } from "./command.ts";
import { commands } from "./commands.ts";
import { commandsBelow, findCommand } from "./find-command.ts";
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
  const group = commandsBelow(first);
  const isCommandToo = commands.some(({ name }) => name === first);
  if (group.length > 0 && !isCommandToo && second !== undefined && helpWords.includes(second)) {
    console.log(overview(group));
    return 0;
  }
  const entry = findCommand(words);
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

// Whoever reads along may leave, as behind `| head` or when a log's reader is started anew; that ends no command and no door.
for (const output of [process.stdout, process.stderr]) output.on("error", () => undefined);

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  console.error(`postern: ${errorText(error)}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
// Nothing may keep an ended command alive, such as a connection that a failed start has left.
process.exit();
