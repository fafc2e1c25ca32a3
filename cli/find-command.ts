/** Which sub-command the first words of a command line mean. */
import { nearest } from "../config/nearest.ts";
import { UsageError } from "./command.ts";
import { type CommandEntry, commands } from "./commands.ts";

/** Throws UsageError with the nearest command when there is none. */
export function findCommand([first = "", second]: readonly string[]): CommandEntry {
  const group = commandsBelow(first);
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

/** `journal` → `journal verify`, `journal show`. */
export function commandsBelow(first: string): CommandEntry[] {
  return commands.filter(({ name }) => name.startsWith(`${first} `));
}
