/** What of a database's refusal may be told. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PGlite } from "@electric-sql/pglite";
import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/pglite";
import { withoutValues } from "../../cloud-sync/query-values.ts";

const refused: readonly (readonly [string, ReturnType<typeof sql>, RegExp])[] = [
  ["a value that is no number", sql`select ${"hush-1"}::text::int`, /^the database refused a query: ERROR 22P02$/],
  [
    "a row that is there",
    sql`insert into code values (${"hush-1"})`,
    /^the database refused a query: ERROR 23505 \(table code, constraint code_pkey\)$/,
  ],
  ["a table that is not", sql`select * from nowhere where name = ${"hush-1"}`, /^relation "nowhere" does not exist$/],
];

test("the names of the schema and the kind of the refusal, and no value of a query or a row", async (t) => {
  const client = await PGlite.create();
  t.after(() => client.close());
  await client.exec("create table code (name text primary key); insert into code values ('hush-1')");
  const db = drizzle({ client });
  for (const [what, query, expected] of refused) {
    const error = await db.execute(query).then(
      () => assert.fail(what),
      (thrown: Error) => withoutValues(thrown),
    );
    assert.match(error.message, expected, what);
    assert.doesNotMatch(String(error.stack), /hush/, what);
  }
});
