import assert from "node:assert/strict";
import { test } from "node:test";
import { AccountBook } from "../../../gateway/drivers/common/account-book.ts";

test("the same proofs are one account at one gateway, others and other gateways have their own", () => {
  const book = new AccountBook<{ readonly name: string }>();
  const [here, there] = [{}, {}];
  const made: string[] = [];
  const ask = (gateway: object, key: string) =>
    book.of(gateway, ["https://maker.example", key], () => {
      made.push(key);
      return { name: key };
    });
  assert.equal(ask(here, "a"), ask(here, "a"));
  assert.notEqual(ask(here, "a"), ask(here, "b"));
  assert.notEqual(ask(here, "a"), ask(there, "a"));
  assert.deepEqual(made, ["a", "b", "a"]);
});

test("keys that changed many times are forgotten, and one that is in use is not", () => {
  const book = new AccountBook<object>();
  const gateway = {};
  const ask = (key: string) => book.of(gateway, [key], () => ({}));
  const [inUse, once] = [ask("in use"), ask("once")];
  for (let change = 0; change < 200; change += 1) {
    ask(`key ${change}`);
    assert.equal(ask("in use"), inUse);
  }
  assert.notEqual(ask("once"), once);
});
