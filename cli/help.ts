/** What `--help` prints. */
import type { Command } from "./command.ts";
import { type CommandEntry, commands } from "./commands.ts";

export function overview(entries: readonly CommandEntry[] = commands, prefix = "postern"): string {
  const width = Math.max(...entries.map(({ name }) => name.length));
  return [
    `Usage: ${prefix} COMMAND [OPTIONS]`,
    "",
    ...entries.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    "",
    "`postern COMMAND --help` tells more; `postern --version` prints the version.",
  ].join("\n");
}

export function commandHelp({ name, summary }: CommandEntry, command: Command): string {
  const options = Object.entries({ ...command.options, help: { type: "boolean", help: "This text" } as const }).map(
    ([option, shape]) => ({
      left: `--${option}${"placeholder" in shape && shape.placeholder ? ` ${shape.placeholder}` : ""}`,
      help: shape.help,
    }),
  );
  const width = Math.max(...options.map(({ left }) => left.length));
  return [
    `postern ${name}: ${summary}`,
    "",
    `Usage: ${["postern", name, ...(command.arguments ?? []), "[OPTIONS]"].join(" ")}`,
    "",
    command.about,
    "",
    "Options:",
    ...options.map(({ left, help }) => `  ${left.padEnd(width)}  ${help}`),
    "",
    "Example:",
    `  ${command.example}`,
    ...subCommands(name),
  ].join("\n");
}

/** Of a command that is one by itself and begins others too. */
function subCommands(name: string): string[] {
  const others = commands.filter((each) => each.name.startsWith(`${name} `));
  return others.length === 0
    ? []
    : ["", "See also:", ...others.map((each) => `  postern ${each.name}: ${each.summary}`)];
}
