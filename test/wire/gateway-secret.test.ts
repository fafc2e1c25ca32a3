import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  openAtGateway,
  type SecretPurpose,
  sealForGateway,
  x25519Of,
  x25519PrivateOf,
} from "../../gateway/wire/gateway-secret.ts";
import { hpkeOpen, hpkeSeal, publicBytes, x25519Private } from "../../gateway/wire/hpke.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import fc from "../support/fast-check.ts";

const vector: Readonly<Record<string, string>> = JSON.parse(
  readFileSync(join(import.meta.dirname, "golden", "hpke.json"), "utf8"),
);
const of = (name: string) => Buffer.from(vector[name] ?? "", "hex");

test("a sealing with the RFC's keys is the RFC's, and opens", () => {
  const sealed = hpkeSeal(
    of("recipientPublic"),
    of("info"),
    of("aad"),
    of("plain"),
    x25519Private(of("ephemeralPrivate")),
  );
  assert.equal(sealed.toString("hex"), `${vector.ephemeralPublic}${vector.ciphertext}`);
  const recipient = x25519Private(of("recipientPrivate"));
  assert.deepEqual(hpkeOpen(recipient, of("info"), of("aad"), sealed), of("plain"));
  assert.equal(hpkeOpen(recipient, of("info"), Buffer.from("another"), sealed), undefined);
  assert.equal(hpkeOpen(recipient, Buffer.from("another"), of("aad"), sealed), undefined);
});

const ed25519Head = "302e020100300506032b657004220420";
const keyOfSeed = (seed: Uint8Array) =>
  createPrivateKey({
    key: Buffer.concat([Buffer.from(ed25519Head, "hex"), seed]),
    format: "der",
    type: "pkcs8",
  });
const pemOf = (key: ReturnType<typeof keyOfSeed>) =>
  new SecretString(key.export({ format: "pem", type: "pkcs8" }).toString());
const publicOf = (key: ReturnType<typeof keyOfSeed>) => createPublicKey(key).export({ format: "jwk" }).x ?? "";

test("an Ed25519 key becomes the X25519 key that libsodium makes of it", () => {
  const key = keyOfSeed(Buffer.from("421151a459faeade3d247115f94aedae42318124095afabe4d1451a559faedee", "hex"));
  assert.equal(
    x25519Of(publicOf(key)).toString("hex"),
    "f1814f0e8ff1043d8a44d25babff3cedcae6c22c3edaa48f857ae70de2baae50",
  );
  const { d } = x25519PrivateOf(pemOf(key)).export({ format: "jwk" });
  assert.equal(
    Buffer.from(d ?? "", "base64url").toString("hex"),
    "8052030376d47112be7f73ed7a019293dd12ad910b654455798b4667d73de166",
  );
});

test("of any gateway's key, the public half made of the public one is that of the private half made of the private one", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (seed) => {
      const key = keyOfSeed(seed);
      assert.deepEqual(x25519Of(publicOf(key)), publicBytes(createPublicKey(x25519PrivateOf(pemOf(key)))));
    }),
    { numRuns: 50 },
  );
});

const purpose: SecretPurpose = { site: "lisbon", gateway: "gate-1", provider: "kisi" };
const gateway = generateKeyPairSync("ed25519").privateKey;
const another = generateKeyPairSync("ed25519").privateKey;
const shown = (secrets: ReturnType<typeof openAtGateway>) =>
  secrets && Object.fromEntries(Object.entries(secrets).map(([name, secret]) => [name, secret.reveal()]));

test("what is sealed opens at its own gateway, for its own purpose, unaltered; and nowhere else", () => {
  const name = fc.stringMatching(/^[a-zA-Z]{1,20}$/).filter((text) => text !== "constructor");
  const value = fc.string({ unit: "grapheme", minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(
      fc.dictionary(name, value, { minKeys: 1, maxKeys: 4, noNullPrototype: true }),
      fc.nat(),
      (plain, at) => {
        const secrets = Object.fromEntries(Object.entries(plain).map(([key, text]) => [key, new SecretString(text)]));
        const sealed = sealForGateway(publicOf(gateway), purpose, secrets);
        assert.deepEqual(shown(openAtGateway(pemOf(gateway), purpose, sealed)), plain);
        assert.equal(openAtGateway(pemOf(another), purpose, sealed), undefined);
        for (const other of [{ site: "porto" }, { gateway: "gate-2" }, { provider: "brivo" }])
          assert.equal(openAtGateway(pemOf(gateway), { ...purpose, ...other }, sealed), undefined);
        const damaged = Buffer.from(sealed, "base64url");
        damaged[at % damaged.length]! ^= 1;
        assert.equal(openAtGateway(pemOf(gateway), purpose, damaged.toString("base64url")), undefined);
        assert.notEqual(sealForGateway(publicOf(gateway), purpose, secrets), sealed);
      },
    ),
    { numRuns: 50 },
  );
});

test("any text at all is refused as a seal and never throws", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 120 }), (text) =>
      assert.equal(openAtGateway(pemOf(gateway), purpose, text), undefined),
    ),
  );
});

test("nothing is sealed to a key that nobody can hold", () => {
  const seal = (hex: string) =>
    sealForGateway(Buffer.from(hex, "hex").toString("base64url"), purpose, { apiKey: new SecretString("k") });
  const rest = "00".repeat(30);
  const smallOrder = [
    `01${rest}00`,
    `00${rest}00`,
    `00${rest}80`,
    `ec${"ff".repeat(30)}7f`,
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  ];
  for (const hex of smallOrder) assert.throws(() => seal(hex), { name: "RangeError", message: /small order/ }, hex);
  // y = 2 is of no point; y = p + 1 would be 1 in another spelling.
  for (const hex of [`02${rest}00`, `ee${"ff".repeat(30)}7f`])
    assert.throws(() => seal(hex), { name: "RangeError", message: /no point of the curve/ }, hex);
  assert.throws(() => seal("00"), { name: "RangeError", message: /32 bytes/ });
});
