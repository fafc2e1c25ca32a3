/** Messages for one browser: the example of RFC 8291, section 5, and what no browser's key is. */
import assert from "node:assert/strict";
import { createECDH } from "node:crypto";
import { describe, test } from "node:test";
import { areBrowserKeys, encryptFor, plaintextBytesMax } from "../../../cloud-sync/channels/push-encryption.ts";

const keys = {
  p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
  auth: "BTBZMqHH6r4Tts7J_aSIgg",
};

test("the example of RFC 8291 comes out byte for byte", () => {
  const sender = createECDH("prime256v1");
  sender.setPrivateKey(Buffer.from("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw", "base64url"));
  const salt = Buffer.from("DGv6ra1nlYgDCS1FRnbzlw", "base64url");
  const message = encryptFor(keys, "When I grow up, I want to be a watermelon", { sender, salt });
  assert.equal(
    message.toString("base64url"),
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
  );
});

test("no message is like another, and none is longer than push services take", () => {
  assert.notDeepEqual(encryptFor(keys, "x"), encryptFor(keys, "x"));
  assert.ok(encryptFor(keys, "x".repeat(plaintextBytesMax)).length <= 4_096);
  assert.throws(() => encryptFor(keys, "x".repeat(plaintextBytesMax + 1)), /at most 3000 bytes/);
});

describe("keys of a browser", () => {
  for (const [what, wrong] of [
    ["a point that is on no curve", { ...keys, p256dh: Buffer.alloc(65, 4).toString("base64url") }],
    ["a compressed point", { ...keys, p256dh: "AyVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcx" }],
    ["nothing", { ...keys, p256dh: "" }],
    ["an authenticator that is too short", { ...keys, auth: "BTBZ" }],
  ] as const)
    test(`are not: ${what}`, () => assert.equal(areBrowserKeys(wrong), false));

  test("are those of the example", () => assert.equal(areBrowserKeys(keys), true));
});
