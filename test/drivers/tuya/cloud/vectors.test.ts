/** Signatures and enciphered digits are those of the golden vectors, byte for byte. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { pathWith, signatureOf } from "../../../../gateway/drivers/tuya/cloud/sign.ts";
import { encipherDigits, readTicket } from "../../../../gateway/drivers/tuya/cloud/ticket.ts";
import { SecretString } from "../../../../gateway/wire/secret.ts";

const file = new URL("../../../wire/golden/tuya-cloud-vectors.json", import.meta.url);
const golden = JSON.parse(readFileSync(file, "utf8"));
const secret = new SecretString(golden.accessSecret);
const { ticket } = golden;

for (const { name, method, path, body, token, sign } of golden.requests)
  test(`the signature of ${name}`, () => {
    const accessToken = token ? { accessToken: new SecretString(golden.accessToken) } : {};
    const toSign = { method, path, body, clientId: golden.clientId, at: golden.at, ...accessToken };
    assert.equal(signatureOf(toSign, secret), sign);
  });

test("a query is sorted by key, and none leaves no mark", () => {
  assert.equal(pathWith("/v1.0/a", { size: "20", after: "x", page: "1" }), "/v1.0/a?after=x&page=1&size=20");
  assert.equal(pathWith("/v1.0/a"), "/v1.0/a");
});

for (const [digits, enciphered] of Object.entries(ticket.digits))
  test(`${digits.length} digits under a ticket, whether its key is padded or not`, () => {
    for (const key of [ticket.key, ticket.key.toLowerCase(), ticket.keyWithoutPadding])
      assert.equal(encipherDigits(new SecretString(digits), key, secret), enciphered);
  });

test("a ticket of another secret enciphers nothing: nobody would notice the wrong digits", () => {
  assert.equal(encipherDigits(new SecretString("123456"), ticket.keyOfAnotherSecret, secret), undefined);
});

test("a ticket that is none is not read", () => {
  assert.deepEqual(readTicket({ ticket_id: ticket.id, ticket_key: ticket.key, expire_time: 360 }), {
    id: ticket.id,
    key: ticket.key,
  });
  for (const odd of [
    {},
    null,
    "x",
    { ticket_id: "a", ticket_key: "901C" },
    { ticket_id: "a", ticket_key: "Z".repeat(64) },
  ])
    assert.equal(readTicket(odd), undefined);
});
