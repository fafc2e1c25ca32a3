/** Notices when the wire changes. Additions are fine: put the new hash beside the same version. Anything else raises the version. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { z } from "zod";
import * as feed from "../../gateway/wire/feed.ts";
import * as api from "../../gateway/wire/gateway-api.ts";
import * as lockbox from "../../gateway/wire/lockbox.ts";
import { protocolVersion } from "../../gateway/wire/version.ts";

const known = { version: 1, cloud: "c68303c6ab844aec", lockbox: "e77202657713db18" };

test("the messages between gateway and cloud are those of this protocol version", () => {
  assert.deepEqual(
    { version: protocolVersion, hash: hashOf({ ...feed, ...api }) },
    { version: known.version, hash: known.cloud },
  );
});

test("the messages between gateway and lockbox are those the boxes in the field know", () => {
  const messages = { ...lockbox.lockboxUplinks, command: lockbox.lockboxCommandSchema };
  assert.equal(hashOf(messages), known.lockbox);
});

/** Over the JSON schemas of all the zod schemas among the values, by name. */
function hashOf(values: Readonly<Record<string, unknown>>): string {
  const schemas = Object.entries(values)
    .filter((entry): entry is [string, z.ZodType] => entry[1] instanceof z.ZodType)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  assert.ok(schemas.length >= 8, "the schemas are not found any more");
  const text = JSON.stringify(schemas.map(([name, schema]) => [name, z.toJSONSchema(schema, { io: "input" })]));
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
