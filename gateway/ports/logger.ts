/** A log line is an event name and fields, not a sentence. What an auditor needs is in the journal; logs may be lost. */

/** Values a log may carry. Secrets are not among them: they live in SecretString (wire/secret.ts), which prints as "[secret]". */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined | Error>>;

export interface Logger {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** A logger for one part; its fields go on every line. */
  child(fields: LogFields): Logger;
}

export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};
