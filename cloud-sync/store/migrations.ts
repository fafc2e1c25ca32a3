/** The steps that make the schema, oldest first. */
import { join } from "node:path";
import { readMigrationFiles } from "drizzle-orm/migrator";

export const migrationsFolder = join(import.meta.dirname, "migrations");

export interface Migration {
  /** Names it: the database remembers those it has by this moment. */
  readonly writtenAt: number;
  readonly statements: readonly string[];
}

export function migrations(): Migration[] {
  return readMigrationFiles({ migrationsFolder }).map((one) => ({ writtenAt: one.folderMillis, statements: one.sql }));
}
