/** A YAML file as a value, with the line of every path in it. Messages leave the file's own text out: it may hold a secret. */
import { isMap, isScalar, isSeq, LineCounter, type Node, type ParsedNode, parseDocument } from "yaml";
import { ConfigError } from "./config-error.ts";

export interface YamlFile {
  readonly file: string;
  readonly value: unknown;
  /** Line of the key or list item at `path`, or of the nearest place above it that exists. */
  lineOf(path: readonly PropertyKey[]): number | undefined;
}

const bytesMax = 1_000_000;
const aliasesMax = 100;

/** Throws ConfigError for what is not one YAML document. An empty file is an empty map. */
export function parseYaml(file: string, text: string): YamlFile {
  if (text.length > bytesMax) throw new ConfigError([{ file, path: "", message: "is larger than 1 MB" }]);
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: "error" });
    const problems = [...document.errors, ...document.warnings];
    if (problems.length > 0) {
      throw new ConfigError(
        problems.map(({ code, pos }) => {
          const { line, col } = lines.linePos(pos[0]);
          const what = code.toLowerCase().replaceAll("_", " ");
          return { file, line, path: "", message: `is not valid YAML: ${what} at column ${col}` };
        }),
      );
    }
    const value: unknown = document.toJS({ maxAliasCount: aliasesMax }) ?? {};
    return { file, value, lineOf: (path) => lineOf(document.contents, path, lines) };
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const message = "is not valid YAML: nested too deeply, or an alias that cannot be resolved";
    throw new ConfigError([{ file, path: "", message }]);
  }
}

function lineOf(root: ParsedNode | null, path: readonly PropertyKey[], lines: LineCounter): number | undefined {
  let node: unknown = root;
  let offset = root?.range[0];
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
      offset = (pair?.key as Node | undefined)?.range?.[0] ?? offset;
      node = pair?.value;
    } else if (isSeq(node) && typeof part === "number") {
      node = node.items[part];
      offset = (node as Node | undefined)?.range?.[0] ?? offset;
    } else break;
  }
  return offset === undefined ? undefined : lines.linePos(offset).line;
}
