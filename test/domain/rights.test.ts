import assert from "node:assert/strict";
import { test } from "node:test";
import { held, merge, noRights, type Rights } from "../../gateway/domain/rights.ts";
import fc from "../support/fast-check.ts";

const rightsArbitrary: fc.Arbitrary<Rights> = fc.record(
  {
    granted: fc.nat(9),
    returned: fc.nat(9),
    used: fc.nat(9),
    voided: fc.nat(9),
    sent: fc.dictionary(fc.constantFrom("north", "south"), fc.nat(9), { noNullPrototype: true }),
    received: fc.dictionary(fc.constantFrom("north", "south"), fc.nat(9), { noNullPrototype: true }),
    order: fc.nat(9),
  },
  { noNullPrototype: true },
);

test("nothing granted, nothing held", () => {
  assert.equal(held(noRights), 0);
});

test("what is held is what came in less what went out, and a void gives back", () => {
  const rights: Rights = {
    granted: 5,
    returned: 1,
    used: 2,
    voided: 1,
    sent: { north: 1 },
    received: { south: 2 },
    order: 0,
  };
  assert.equal(held(rights), 4);
});

test("merging is idempotent, commutative and associative, so any order of messages ends alike", () => {
  fc.assert(
    fc.property(rightsArbitrary, rightsArbitrary, rightsArbitrary, (a, b, c) => {
      assert.deepEqual(merge(a, a), a);
      assert.deepEqual(merge(a, b), merge(b, a));
      assert.deepEqual(merge(merge(a, b), c), merge(a, merge(b, c)));
    }),
  );
});
