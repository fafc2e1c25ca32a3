import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type CredentialKind, credentialKinds, normalizeSecret } from "../../gateway/domain/credential.ts";
import { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import fc from "../support/fast-check.ts";

const read = (name: string) => JSON.parse(readFileSync(join(import.meta.dirname, "golden", name), "utf8"));
const key = Buffer.alloc(32, 7);
/** What keypads, scanners and people write, full-width digits and typographic dashes among it. */
const typed = fc.oneof(
  fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 1 }),
  fc.constantFrom(..."０９Ａｚ–—\u00a0\u2009ñÉ"),
);
const kinds = fc.constantFrom(...credentialKinds);

test("each spelling of a secret has the golden index", () => {
  const { siteKey, site, indexes } = read("credential-index.json");
  const seal = new CredentialSeal(site, Buffer.from(siteKey, "base64url"));
  for (const { kind, normalized, spellings, index } of indexes)
    for (const spelling of spellings) {
      assert.equal(normalizeSecret(kind, spelling), normalized);
      assert.equal(seal.index(kind, spelling), index);
    }
});

test("the golden seal opens, for its own credential alone", () => {
  const { siteKey, site, credential, value, sealed } = read("credential-seal.json");
  const seal = new CredentialSeal(site, Buffer.from(siteKey, "base64url"));
  assert.equal(seal.open(credential, sealed)?.reveal(), value);
  assert.equal(seal.open("credential-2", sealed), undefined);
});

test("what is sealed opens; moved to another credential, site or key, or damaged, it does not", () => {
  const seal = new CredentialSeal("site-1", key);
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.string({ minLength: 1 }), fc.nat(), (value, credential, at) => {
      const sealed = seal.seal(credential, value);
      assert.equal(seal.open(credential, sealed)?.reveal(), value.toWellFormed());
      assert.equal(seal.open(`${credential}x`, sealed), undefined);
      assert.equal(new CredentialSeal("site-2", key).open(credential, sealed), undefined);
      assert.equal(new CredentialSeal("site-1", Buffer.alloc(32, 8)).open(credential, sealed), undefined);
      const damaged = Buffer.from(sealed, "base64url");
      damaged[at % damaged.length]! ^= 1;
      assert.equal(seal.open(credential, damaged.toString("base64url")), undefined);
      assert.notEqual(seal.seal(credential, value), sealed);
    }),
  );
});

test("any text at all is refused as a seal and never throws", () => {
  const seal = new CredentialSeal("site-1", key);
  fc.assert(fc.property(fc.string({ maxLength: 80 }), (text) => assert.equal(seal.open("c", text), undefined)));
});

test("spelling once more changes nothing, and what differs beyond spelling stays different", () => {
  fc.assert(
    fc.property(kinds, fc.string({ unit: typed }), (kind, value) => {
      const once = normalizeSecret(kind, value);
      assert.equal(normalizeSecret(kind, once), once);
    }),
  );
  const digits = fc.stringMatching(/^\d{4,8}$/);
  fc.assert(
    fc.property(digits, digits, (a, b) =>
      assert.equal(normalizeSecret("pin", a) === normalizeSecret("pin", b), a === b),
    ),
  );
  assert.notEqual(normalizeSecret("link", "aB"), normalizeSecret("link", "ab"));
});

test("one value has another index for each kind, site and key", () => {
  const indexes = credentialKinds.flatMap((kind: CredentialKind) => [
    new CredentialSeal("site-1", key).index(kind, "471122"),
    new CredentialSeal("site-2", key).index(kind, "471122"),
    new CredentialSeal("site-1", Buffer.alloc(32, 8)).index(kind, "471122"),
  ]);
  assert.equal(new Set(indexes).size, indexes.length);
  for (const index of indexes) assert.match(index, /^[\w-]{43}$/);
});

test("a key of another length is refused without being printed", () => {
  assert.throws(() => new CredentialSeal("site-1", Buffer.from("too short")), {
    message: "a site key has 32 bytes, this one 9",
  });
});
