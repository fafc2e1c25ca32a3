/** A failed query's error lists the query's values in its message: names, hashes, sealed codes. They are for no log and no screen. */
import { DrizzleQueryError } from "drizzle-orm/errors";
import type { LogFields, Logger } from "../gateway/ports/logger.ts";

/** What the database said, without the query; an error of another kind as it is, with its causes cleaned. */
export function withoutValues(error: Error): Error {
  if (error instanceof DrizzleQueryError)
    return error.cause instanceof Error ? withoutValues(error.cause) : new Error("a query failed");
  if (error.cause instanceof Error) error.cause = withoutValues(error.cause);
  return error;
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
