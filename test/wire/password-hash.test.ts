/** Passwords: the form in which they are kept is everybody's, and checking them has bounds. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PasswordHasher, TooManyPasswords } from "../../gateway/wire/password-hash.ts";
import { SecretString } from "../../gateway/wire/secret.ts";

const cheap = { memoryKiB: 64, passes: 1 };
const secret = (text: string) => new SecretString(text);

describe("a kept password", () => {
  test("of the reference implementation is understood", async () => {
    // argon2's own test program: 64 MiB, 2 passes, "password", "somesalt".
    const kept = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    const hasher = new PasswordHasher({ cost: cheap });
    assert.equal(await hasher.matches(secret("password"), kept), true);
    assert.equal(await hasher.matches(secret("passwore"), kept), false);
  });

  test("fits its password alone, and is never the same twice", async () => {
    const hasher = new PasswordHasher({ cost: cheap });
    const [one, other] = [await hasher.hash(secret("a long password")), await hasher.hash(secret("a long password"))];
    assert.notEqual(one, other);
    assert.match(one, /^\$argon2id\$v=19\$m=64,t=1,p=1\$/);
    assert.equal(await hasher.matches(secret("a long password"), one), true);
    assert.equal(await hasher.matches(secret("a long passwore"), one), false);
  });

  test("may be typed in either form of an accented letter", async () => {
    const hasher = new PasswordHasher({ cost: cheap });
    const kept = await hasher.hash(secret("contrase\u00f1a larga"));
    assert.equal(await hasher.matches(secret("contrasen\u0303a larga"), kept), true);
  });

  test("that is none, or would cost too much to check, fits nothing", async () => {
    const hasher = new PasswordHasher({ cost: cheap });
    const fine = await hasher.hash(secret("password"));
    const dear = fine.replace("m=64,t=1", "m=9999999,t=1");
    for (const kept of [
      undefined,
      "",
      "password",
      dear,
      fine.replace("t=1", "t=99"),
      fine.replace("argon2id", "argon2i"),
    ])
      assert.equal(await hasher.matches(secret("password"), kept), false, kept ?? "none");
  });

  test("longer than any password is refused, and what it would hash to is not kept", async () => {
    const hasher = new PasswordHasher({ cost: cheap });
    const long = secret("x".repeat(2_000));
    assert.equal(await hasher.matches(long, await hasher.hash(long)), false);
  });

  test("made with other work than is usual now is told apart", async () => {
    const kept = await new PasswordHasher({ cost: cheap }).hash(secret("password"));
    assert.equal(new PasswordHasher({ cost: cheap }).isOutdated(kept), false);
    assert.equal(new PasswordHasher({ cost: { memoryKiB: 128, passes: 1 } }).isOutdated(kept), true);
  });
});

test("so many checks wait, and whoever comes then is refused at once", async () => {
  const hasher = new PasswordHasher({ cost: cheap, atOnce: 1, waitingMax: 2 });
  const answers = await Promise.allSettled(Array.from({ length: 5 }, () => hasher.matches(secret("x"), undefined)));
  assert.deepEqual(
    answers.map((one) => (one.status === "fulfilled" ? one.value : one.reason instanceof TooManyPasswords)),
    [false, false, false, true, true],
  );
  assert.equal(await hasher.matches(secret("x"), undefined), false);
});
