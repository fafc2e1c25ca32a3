/** A failed query's error lists the query's values in its message: names, hashes, sealed codes. They are for no log and no screen. */
import { DrizzleQueryError } from "drizzle-orm/errors";
import type { LogFields, Logger } from "../gateway/ports/logger.ts";

/** What the database said, without the query and the row; an error of another kind as it is, with its causes cleaned. */
export function withoutValues(error: Error): Error {
  if (error instanceof DrizzleQueryError)
    return error.cause instanceof Error ? withoutValues(error.cause) : new Error("a query failed");
  if (isAboutData(error)) return toldByName(error);
  if (error.cause instanceof Error) error.cause = withoutValues(error.cause);
  return error;
}

/** https://www.postgresql.org/docs/current/protocol-error-fields.html, as pg and PGlite name them. */
interface DatabaseRefusal extends Error {
  /** SQLSTATE */
  readonly code: string;
  readonly severity: string;
  readonly constraint?: string;
  readonly table?: string;
}

/** Classes 22 and 23 are about data. */
function isAboutData(error: Error): error is DatabaseRefusal {
  const { code, severity } = error as Partial<DatabaseRefusal>;
  return typeof severity === "string" && typeof code === "string" && /^2[23][\dA-Z]{3}$/.test(code);
}

/** Its message, detail and context may quote what was asked or what stands in the row; names of the schema do not. */
function toldByName({ code, severity, constraint, table }: DatabaseRefusal): Error {
  const where = [table && `table ${table}`, constraint && `constraint ${constraint}`].filter(Boolean).join(", ");
  const text = `the database refused a query: ${severity} ${code}${where && ` (${where})`}`;
  return Object.assign(new Error(text), { code });
}

/** A logger for all of the service, so that no place that logs an error needs to think of it. */
export function loggerWithoutValues(logger: Logger): Logger {
  const clean = (fields: LogFields = {}): LogFields =>
    Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? withoutValues(value) : value]),
    );
  return {
    debug: (event, fields) => logger.debug(event, clean(fields)),
    info: (event, fields) => logger.info(event, clean(fields)),
    warn: (event, fields) => logger.warn(event, clean(fields)),
    error: (event, fields) => logger.error(event, clean(fields)),
    child: (fields) => loggerWithoutValues(logger.child(clean(fields))),
  };
}
