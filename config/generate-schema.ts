/** Writes config/schema.json, by which editors complete and check the configuration: `tsx config/generate-schema.ts`. */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { cloudFileSchema, gatewayFileSchema, secretsFileSchema } from "./schema.ts";

export const schemaFile = fileURLToPath(new URL("schema.json", import.meta.url));

/** The gateway's schema; cloud-sync.schema.json and secrets.schema.json beside it refer to the other two in here. */
export function editorSchema(): string {
  const schemas = { gateway: gatewayFileSchema, "cloud-sync": cloudFileSchema, secrets: secretsFileSchema };
  const definitions = Object.entries(schemas).map(([name, schema]) => {
    const { $schema: _, ...definition } = z.toJSONSchema(schema, { io: "input" });
    return [name, definition];
  });
  const root = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $ref: "#/$defs/gateway",
    $defs: Object.fromEntries(definitions),
  };
  return `${JSON.stringify(root, undefined, 2)}\n`;
}

if (import.meta.main) await writeFile(schemaFile, editorSchema());
