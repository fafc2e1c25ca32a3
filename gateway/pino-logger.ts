/**
 * The logger on pino: one JSON object a line on standard output, or short lines for people when that is a terminal. Secrets stay
 * out by construction: fields are primitives and errors, what is named like a secret is replaced, an error shows only what
 * GatewayError promises to keep clean.
 */
import { pino } from "pino";
import type { LogFields, Logger } from "./ports/logger.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface LogTarget {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export interface LeveledLogger extends Logger {
  /** Takes effect at once, for the children too. */
  setLevel(level: LogLevel): void;
}

export function pinoLogger(level: LogLevel, target: LogTarget = process.stdout): LeveledLogger {
  const output = { write: (line: string) => target.write(target.isTTY ? lineForPeople(line) : line) };
  const root = pino(
    {
      level: "debug",
      base: null,
      messageKey: "event",
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    output,
  );
  const threshold = { level };
  return { ...onPino(root, threshold), setLevel: (next) => (threshold.level = next) };
}

const severity: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

function onPino(target: pino.Logger, threshold: { readonly level: LogLevel }): Logger {
  const at = (level: LogLevel) => (event: string, fields?: LogFields) => {
    if (severity[level] >= severity[threshold.level]) target[level](safeFields(fields), event);
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (fields) => onPino(target.child(safeFields(fields)), threshold),
  };
}

type SafeValue = string | number | boolean | null | SafeError;

interface SafeError {
  readonly name: string;
  readonly code?: string;
  readonly message: string;
  readonly detail?: Readonly<Record<string, string | number | boolean | null>>;
  readonly cause?: SafeError;
}

const hidden = "[secret]";
const textMax = 2000;
const causesMax = 4;
/** What pino writes itself; a field of that name would stand in the line twice. */
const reserved = new Set(["level", "time", "event"]);
const secretWords = new Set([
  "pin",
  "pins",
  "password",
  "passphrase",
  "token",
  "key",
  "secret",
  "secrets",
  "authorization",
  "cookie",
  "value",
]);

/** Whether any word of a field's name, as in `adminToken` or `site_key`, is a secret's. */
function isSecretName(name: string): boolean {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .split(/[^A-Za-z0-9]+/)
    .some((word) => secretWords.has(word.toLowerCase()));
}

function safeFields(fields: LogFields = {}): Record<string, SafeValue> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]): [string, SafeValue][] => {
      if (value === undefined) return [];
      const field = reserved.has(name) ? `${name}_` : name;
      return [[field, isSecretName(name) ? hidden : value instanceof Error ? safeError(value) : primitive(value)]];
    }),
  );
}

/** Types keep objects out; this holds where a caller's types were wrong. */
function primitive(value: unknown): string | number | boolean | null {
  if (typeof value === "string") return value.length > textMax ? `${value.slice(0, textMax)}…` : value;
  return typeof value === "number" || typeof value === "boolean" || value === null ? value : "[object]";
}

/** Name, code, message, detail and causes; whatever else hangs on an error (requests, responses, configurations) is left out. */
function safeError(error: Error, depth = 0): SafeError {
  const { code, detail } = error as { readonly code?: unknown; readonly detail?: unknown };
  return {
    name: error.name,
    ...((typeof code === "string" || typeof code === "number") && { code: String(code) }),
    message: String(primitive(error.message)),
    ...(typeof detail === "object" && detail !== null && { detail: safeDetail(detail) }),
    ...(error.cause instanceof Error && depth < causesMax && { cause: safeError(error.cause, depth + 1) }),
  };
}

function safeDetail(detail: object): Record<string, string | number | boolean | null> {
  return Object.fromEntries(
    Object.entries(detail).map(([name, value]) => [name, isSecretName(name) ? hidden : primitive(value)]),
  );
}

const colours: Readonly<Record<string, string>> = { debug: "90", info: "32", warn: "33", error: "31" };

/** `12:30:05 info  strike-released  accessPoint=front-door grant=g-1` */
function lineForPeople(line: string): string {
  const { level, time, event, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const named = Object.entries(fields).map(([name, value]) => `${name}=${fieldForPeople(value)}`);
  const colour = colours[String(level)] ?? "0";
  return `${String(time).slice(11, 19)} \u001b[${colour}m${String(level).padEnd(5)}\u001b[0m ${[event, ...named].join("  ")}\n`;
}

function fieldForPeople(value: unknown): string {
  if (typeof value === "object" && value !== null && "message" in value) return JSON.stringify(value.message);
  return typeof value === "string" && /^[\w.:/@+-]+$/.test(value) ? value : JSON.stringify(value);
}
