/** Columns that many tables have. */
import { bigint, customType } from "drizzle-orm/pg-core";

/** Milliseconds since 1970 (domain/instant.ts). */
export const instant = (name: string) => bigint(name, { mode: "number" });
export const count = (name: string) => bigint(name, { mode: "number" });
export const bytes = customType<{ data: Uint8Array }>({ dataType: () => "bytea" });
