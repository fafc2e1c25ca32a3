/** PGlite with prepared statements: what it answers, that a transaction is one, and that nothing it keeps grows or goes stale. */
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { PGlite, TransactionAbortedError } from "@electric-sql/pglite";
import { PreparedPglite } from "../../cloud-sync/store/prepared-pglite.ts";

let client: PGlite;
let prepared: PreparedPglite;
before(async () => {
  client = await PGlite.create();
  prepared = new PreparedPglite(client);
});
after(() => prepared.close());
beforeEach(async () => {
  await client.exec("drop table if exists entry; create table entry (id int primary key, at int, note text)");
});

const ids = async () =>
  (await prepared.query("select id from entry order by id", [], { rowMode: "array" })).rows.flat();

test("a query answers what PGlite's own answers, the first time and the next", async () => {
  const text = `select $1::int as n, $2::bigint as big, $3::text as t, $4::bool as b, $5::json as j, $6::bytea as bytes,
    $7::text[] as words, $8::timestamptz as at, $9::float8 as f, null::text as none`;
  const values = [7, 2 ** 53 - 1, "ñ 'quoted' \u{1f511}", true, { a: [1] }, Uint8Array.of(0, 255), ["x", null, "y,z"]];
  const all = [...values, "2031-03-04T14:00:00Z", 0.1];
  const as = { parsers: { 1184: (value: string) => value } };
  for (const options of [undefined, { rowMode: "array" as const }, as]) {
    const { rows } = await client.query(text, all, options);
    for (let time = 0; time < 2; time += 1)
      assert.deepEqual((await prepared.query(text, all, options)).rows, rows, JSON.stringify(options));
  }
  assert.deepEqual((await prepared.query("select $1::text as t", [null])).rows, [{ t: null }]);
  assert.deepEqual((await prepared.query("insert into entry values ($1)", [1])).rows, []);
});

test("a transaction that throws leaves nothing, and one that went wrong on the way does not pass for committed", async () => {
  const add = "insert into entry values ($1)";
  const thrown = prepared.transaction(async (tx) => {
    await tx.query(add, [1]);
    throw new Error("thought better of it");
  });
  await assert.rejects(thrown, /thought better of it/);
  const passedOver = prepared.transaction(async (tx) => {
    await tx.query(add, [2]);
    await assert.rejects(tx.query(add, [2]), { code: "23505" });
  });
  await assert.rejects(passedOver, TransactionAbortedError);
  await prepared.transaction((tx) => tx.query(add, [3]));
  assert.deepEqual(await ids(), [3]);
});

test("a query beside a transaction waits for its end", async () => {
  const order: string[] = [];
  const begun = Promise.withResolvers<void>();
  const end = Promise.withResolvers<void>();
  const transaction = prepared.transaction(async (tx) => {
    await tx.query("insert into entry values (1)");
    begun.resolve();
    await end.promise;
    order.push("committing");
  });
  await begun.promise;
  const beside = ids().then((seen) => order.push(`saw ${seen}`));
  await new Promise((resolve) => setImmediate(resolve));
  end.resolve();
  await Promise.all([transaction, beside]);
  assert.deepEqual(order, ["committing", "saw 1"]);
});

test("of many different texts so many are kept, and a forgotten one is asked again", async () => {
  for (let number = 0; number < 600; number += 1) await prepared.query(`select ${number} as n`);
  const { rows } = await prepared.query("select count(*)::int from pg_prepared_statements", [], { rowMode: "array" });
  assert.deepEqual(rows, [[250]]);
  assert.deepEqual((await prepared.query("select 0 as n")).rows, [{ n: 0 }]);
});

test("a table that was made anew with other columns is read as it is now", async () => {
  const text = "select * from entry";
  await prepared.query(text);
  await client.exec("drop table entry; create table entry (word text); insert into entry values ('new')");
  await assert.rejects(prepared.query(text), { code: "0A000" });
  assert.deepEqual((await prepared.query(text)).rows, [{ word: "new" }]);
});

test("the plan of a table that was small is not kept for ever", async () => {
  const text = "select note from entry where id = $1";
  await client.exec("insert into entry values (0, 0, 'only'); analyze entry");
  for (let time = 0; time < 10; time += 1) await prepared.query(text, [0]);
  const plan = async () => {
    const named = await client.query<{ name: string }>("select name from pg_prepared_statements where statement = $1", [
      text,
    ]);
    const explained = await client.query(`explain execute ${named.rows[0]!.name}(0)`, [], { rowMode: "array" });
    return explained.rows.flat().join("\n");
  };
  await client.exec("insert into entry select n, n, repeat('x', 100) from generate_series(1, 20000) n");
  assert.match(await plan(), /Seq Scan/);
  for (let time = 0; time < 1_000; time += 1) await prepared.query("select 1");
  assert.match(await plan(), /Index Scan/);
});

test("a transaction that has ended asks nothing more, and what it was asking is answered before it is rolled back", async () => {
  let late: (() => Promise<unknown>) | undefined;
  let under: Promise<unknown> | undefined;
  const left = prepared.transaction(async (tx) => {
    late = () => tx.query("insert into entry values (1)");
    under = Promise.all([2, 3].map((id) => tx.query("insert into entry values ($1) returning id", [id])));
    throw new Error("left");
  });
  await assert.rejects(left, /left/);
  assert.deepEqual(
    ((await under) as { rows: unknown }[]).map(({ rows }) => rows),
    [[{ id: 2 }], [{ id: 3 }]],
  );
  await assert.rejects(late!(), /has ended/);
  assert.deepEqual(await ids(), []);
});

test("whichever statement is the thousandth, a transaction that was refused ends, and one may say how it reads", async () => {
  for (let place = 0; place < 1_003; place += 1) {
    const refused = prepared.transaction((tx) => tx.query("select no_such_column from entry"));
    await assert.rejects(refused, { code: "42703" });
    await prepared.transaction((tx) => tx.query("set transaction isolation level repeatable read"));
  }
  assert.deepEqual(await ids(), []);
});
