import assert from "node:assert/strict";
import { test } from "node:test";
import { AccountBook } from "../../../gateway/drivers/common/account-book.ts";

test("the same proofs are one account at one gateway, others and other gateways have their own", () => {
  const book = new AccountBook<{ readonly name: string }>();
  const [here, there] = [{}, {}];
  const made: string[] = [];
  const ask = (gateway: object, key: string) =>
    book.of(gateway, {}, ["https://maker.example", key], () => {
      made.push(key);
      return { name: key };
    });
  assert.equal(ask(here, "a"), ask(here, "a"));
  assert.notEqual(ask(here, "a"), ask(here, "b"));
  assert.notEqual(ask(here, "a"), ask(there, "a"));
  assert.deepEqual(made, ["a", "b", "a"]);
});

test("an account is forgotten with the last door that uses it, by another key or by none; one in use is not", () => {
  const book = new AccountBook<object>();
  const [gateway, gym, studio] = [{}, {}, {}];
  const ask = (door: object, key: string) => book.of(gateway, door, [key], () => ({}));
  const first = ask(gym, "first");
  assert.equal(ask(studio, "first"), first);
  for (let change = 0; change < 200; change += 1) {
    ask(gym, `key ${change}`);
    assert.equal(ask(studio, "first"), first);
  }
  assert.equal(ask(gym, "first"), first);
  book.leave(gateway, studio);
  assert.equal(ask(gym, "first"), first);
  book.leave(gateway, gym);
  const second = ask(gym, "first");
  assert.notEqual(second, first);
  ask(gym, "other");
  assert.notEqual(ask(gym, "first"), second);
});
