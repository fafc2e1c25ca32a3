import assert from "node:assert/strict";
import { test } from "node:test";
import { denyReasons } from "../../gateway/domain/decide.ts";
import { denialTexts } from "../../gateway/domain/denial-text.ts";

const languages = ["en", "es"] as const;

test("every reason has its own text in English and Spanish, and no other text exists", () => {
  assert.deepEqual(Object.keys(denialTexts).sort(), [...denyReasons].sort());
  for (const language of languages) {
    const texts = denyReasons.map((reason) => denialTexts[reason][language]);
    assert.equal(new Set(texts).size, denyReasons.length);
    for (const text of texts) assert.match(text, /^\p{Lu}.{20,}\.$/u);
  }
  for (const reason of denyReasons) assert.notEqual(denialTexts[reason].en, denialTexts[reason].es);
});

test("no text has room for a value: neither digits nor a placeholder nor the name of a secret", () => {
  for (const reason of denyReasons)
    for (const language of languages)
      assert.doesNotMatch(denialTexts[reason][language], /\d|[{}$%<>]|\bPIN\b|token|clave|contraseña|password/i);
});
