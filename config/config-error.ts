/** What is wrong with a configuration, all of it at once. Messages never carry a secret's value. */

export interface ConfigFault {
  readonly file: string;
  /** From 1; undefined when the fault has no place of its own, such as a missing file. */
  readonly line?: number | undefined;
  /** `accessPoints[1].readers`; "" for the file as a whole. */
  readonly path: string;
  /** What was found, what is expected, what to do. */
  readonly message: string;
}

export class ConfigError extends Error {
  readonly faults: readonly ConfigFault[];

  constructor(faults: readonly ConfigFault[]) {
    super(faults.map(describe).join("\n"));
    this.name = "ConfigError";
    this.faults = faults;
  }
}

function describe({ file, line, path, message }: ConfigFault): string {
  const place = line === undefined ? file : `${file}:${line}`;
  return path === "" ? `${place}: ${message}` : `${place}: ${path}: ${message}`;
}

/** `["accessPoints", 1, "readers"]` → `accessPoints[1].readers`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${printable(String(part))}`))
    .join("")
    .replace(/^\./, "");
}

/** A word from a file, fit for one line of a message. */
export function printable(word: string): string {
  const short = word.length > 60 ? `${word.slice(0, 60)}…` : word;
  return /^[\w.:/@-]+$/.test(short) ? short : JSON.stringify(short);
}
