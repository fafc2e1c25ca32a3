/** From words to a call of a command. Option values are never repeated in messages: one of them may be a code. */
import { parseArgs } from "node:util";
import { nearest } from "../config/nearest.ts";
import { type Command, type CommandCall, type OptionShapes, UsageError } from "./command.ts";

/** "help" when `--help` or `-h` stands anywhere. Throws UsageError. */
export function parseArguments(command: Command, words: readonly string[]): CommandCall<OptionShapes> | "help" {
  const { tokens } = parseArgs({
    args: [...words],
    options: {
      help: { type: "boolean", short: "h" },
      ...Object.fromEntries(Object.entries(command.options).map(([name, { type }]) => [name, { type }])),
    },
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  if (tokens.some((token) => token.kind === "option" && token.name === "help")) return "help";
  const options: Record<string, string | boolean> = {};
  const given: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") given.push(token.value);
    if (token.kind !== "option") continue;
    const shape = Object.hasOwn(command.options, token.name) ? command.options[token.name] : undefined;
    if (!shape) throw new UsageError(unknownOption(token.rawName, Object.keys(command.options)));
    if (Object.hasOwn(options, token.name)) throw new UsageError(`${token.rawName} stands there twice`);
    options[token.name] = shape.type === "boolean" ? flag(token) : text(token, shape.placeholder);
  }
  const wanted = command.arguments ?? [];
  if (given.length < wanted.length) throw new UsageError(`${wanted[given.length]} is missing`);
  if (given.length > wanted.length) {
    throw new UsageError(wanted.length === 0 ? "takes options only, no arguments" : `takes only ${wanted.join(" ")}`);
  }
  return { options, arguments: given };
}

interface OptionToken {
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function flag({ rawName, value }: OptionToken): true {
  if (value !== undefined) throw new UsageError(`${rawName} takes no value`);
  return true;
}

function text({ rawName, value, inlineValue }: OptionToken, placeholder = "VALUE"): string {
  const isNextOption = !inlineValue && value?.startsWith("-");
  if (!value || isNextOption) throw new UsageError(`${rawName} needs a value: ${rawName} ${placeholder}`);
  return value;
}

function unknownOption(name: string, known: readonly string[]): string {
  const near = nearest(name.replace(/^-+/, ""), [...known, "help"]);
  return `there is no option ${name}${near ? `; did you mean --${near}?` : ""}`;
}
