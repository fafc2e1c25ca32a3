/** What a sub-command is: its options and its story, typed from the options it declares. */

export interface OptionShape {
  readonly type: "string" | "boolean";
  /** What stands for the value in the help: FILE, DIR, PORT. Only for strings. */
  readonly placeholder?: string;
  readonly help: string;
}
export type OptionShapes = Readonly<Record<string, OptionShape>>;

type ValueOf<Type extends OptionShape["type"]> = Type extends "string" ? string : boolean;

export type OptionValues<O extends OptionShapes> = { readonly [Name in keyof O]?: ValueOf<O[Name]["type"]> };

export interface CommandCall<O extends OptionShapes> {
  readonly options: OptionValues<O>;
  /** As many as `arguments` names. */
  readonly arguments: readonly string[];
}

export interface Command<O extends OptionShapes = OptionShapes> {
  /** A paragraph for `--help`. */
  readonly about: string;
  /** Names of what must follow the command, such as FILE. */
  readonly arguments?: readonly string[];
  readonly options: O;
  /** A command line as one would type it. */
  readonly example: string;
  /** Returns the exit code, 0 when nothing is returned. Rejects with UsageError for what only it can check about its options. */
  run(call: CommandCall<O>): Promise<number | undefined> | Promise<void>;
}

/** Infers the options' types. */
export function defineCommand<const O extends OptionShapes>(command: Command<O>): Command<O> {
  return command;
}

/** The command line is wrong; the program ends with exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The command cannot do what it was asked, and the message says what is in the way, where, and what to do; exit code 1. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}

/** Options that several commands take, so that they read the same everywhere. */
export const commonOptions = {
  config: { type: "string", placeholder: "FILE", help: "Configuration file; see config/*.example.yaml" },
  data: { type: "string", placeholder: "DIR", help: "Data folder, instead of the one the configuration names" },
  "ready-file": {
    type: "string",
    placeholder: "FILE",
    help: "Written once all is up: JSON with URLs, ports and secrets, mode 0600; removed at the stop",
  },
} as const satisfies OptionShapes;

/** Throws UsageError. 0: any free port. */
export function portOption(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
    throw new UsageError(`--${name} is no port; expected a number from 0 to 65535, 0 for any free one`);
  }
  return Number(text);
}
