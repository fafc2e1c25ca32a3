/** From what zod found to what a person can act on: the path, what stands there, what is expected, the nearest known word. */
import { z } from "zod";
import { type ConfigFault, pathText, printable } from "./config-error.ts";
import { nearest } from "./nearest.ts";
import { isSecretName } from "./secret-names.ts";
import type { YamlFile } from "./yaml-file.ts";

/** `hideValues`: the file holds secrets, so no message says what was found. */
export function faultsOf(
  yaml: YamlFile,
  schema: z.ZodType,
  issues: readonly z.core.$ZodIssue[],
  hideValues = false,
): ConfigFault[] {
  const shape = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return issues.flatMap((issue) =>
    explain(issue, yaml.value, shape, hideValues).map(({ path, message }) => ({
      file: yaml.file,
      line: yaml.lineOf(path),
      path: pathText(path),
      message,
    })),
  );
}

interface Explained {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

function explain(issue: z.core.$ZodIssue, root: unknown, shape: JsonShape, hideValues: boolean): Explained[] {
  const { path } = issue;
  const value = valueAt(root, path);
  const hidden = hideValues || path.some((part) => typeof part === "string" && isSecretName(part));
  const found = describeValue(value, hidden);
  const one = (message: string): Explained[] => [{ path, message }];
  switch (issue.code) {
    case "unrecognized_keys": {
      const known = knownKeys(shape, path);
      return issue.keys.map((key) => ({ path: [...path, key], message: unknownKey(key, known) }));
    }
    case "invalid_type":
      if (value === undefined) return one(`is missing; expected ${kinds[issue.expected] ?? issue.expected}`);
      return one(
        `found ${isScalarKind(issue.expected) ? found : kindOf(value)}, expected ${kinds[issue.expected] ?? issue.expected}`,
      );
    case "invalid_value": {
      const near = typeof value === "string" ? nearest(value, issue.values.map(String)) : undefined;
      return one(`found ${found}, expected ${issue.values.join(", ")}${near ? `; did you mean ${near}?` : ""}`);
    }
    case "too_small":
      return one(
        `found ${measured(issue.origin, value, found)}, expected at least ${issue.minimum}${unit(issue.origin)}`,
      );
    case "too_big":
      return one(
        `found ${measured(issue.origin, value, found)}, expected at most ${issue.maximum}${unit(issue.origin)}`,
      );
    case "invalid_key":
      return one(
        `the name ${printable(String(path.at(-1)))} does not fit: ${issue.issues.map(({ message }) => message).join("; ")}`,
      );
    case "invalid_format":
      return one(`found ${found}, ${issue.message}`);
    default:
      return one(issue.message);
  }
}

function unknownKey(key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  return `unknown key; ${near ? `did you mean ${near}?` : `known here: ${known.join(", ")}`}`;
}

type JsonShape = z.core.JSONSchema.BaseSchema;

function knownKeys(shape: JsonShape, path: readonly PropertyKey[]): string[] {
  const inner = path.reduce<JsonShape | undefined>((at, part) => {
    const next = typeof part === "number" ? at?.items : (at?.properties?.[String(part)] ?? at?.additionalProperties);
    return typeof next === "object" && !Array.isArray(next) ? next : undefined;
  }, shape);
  return Object.keys(inner?.properties ?? {});
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, part) =>
      typeof at === "object" && at !== null && Object.hasOwn(at, part) ? Reflect.get(at, part) : undefined,
    root,
  );
}

const kinds: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map of keys",
  record: "a map of keys",
};

function isScalarKind(expected: string): boolean {
  return ["string", "number", "int", "boolean"].includes(expected);
}

function kindOf(value: unknown): string {
  if (value === null) return "nothing";
  return kinds[Array.isArray(value) ? "array" : typeof value] ?? "something else";
}

function describeValue(value: unknown, hidden: boolean): string {
  if (hidden || typeof value === "object") return kindOf(value);
  return typeof value === "string"
    ? JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
    : String(value);
}

function measured(origin: string, value: unknown, found: string): string {
  if (origin === "string" && typeof value === "string") return `${value.length}${unit(origin)}`;
  if (origin === "array" && Array.isArray(value)) return `${value.length}${unit(origin)}`;
  return found;
}

function unit(origin: string): string {
  if (origin === "string") return " characters";
  return origin === "array" ? " entries" : "";
}
