import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import type { FeedRow } from "../../gateway/domain/feed.ts";
import { SiteRecords } from "../../gateway/domain/site-records.ts";
import { BroughtSecrets } from "../../gateway/flows/brought-secrets.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { sealForGateway } from "../../gateway/wire/gateway-secret.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { aPage, goneRow, integrationRow, noon } from "../support/site-fixture.ts";

const key = generateKeyPairSync("ed25519");
const publicKey = key.publicKey.export({ format: "jwk" }).x ?? "";
const privateKey = new SecretString(key.privateKey.export({ format: "pem", type: "pkcs8" }).toString());

function sealedRow(
  apiKey: string,
  ver: number,
  by: { readonly gateway?: string; readonly sealedFor?: string } = {},
): FeedRow {
  const gateway = by.gateway ?? "gateway-1";
  const purpose = { site: "site-1", gateway: by.sealedFor ?? gateway, provider: "kisi" };
  const sealed = sealForGateway(publicKey, purpose, { apiKey: new SecretString(apiKey) });
  return integrationRow({ gateway, provider: "kisi", enabled: true, sealed }, ver);
}

function given() {
  const warned: string[] = [];
  const logger = { ...silentLogger, warn: (event: string) => void warned.push(event) };
  const brought = new BroughtSecrets({ site: "site-1", privateKey, logger });
  const records = new SiteRecords("gateway-1", []);
  const take = (row: FeedRow) =>
    records.apply({ kind: "page", page: aPage([row], { to: row.ver }), at: noon }, noon, 0);
  return { brought, records, take, warned, apiKey: () => brought.secret("kisi", "apiKey")?.reveal() };
}

test("a secret is the records' of the moment: nothing before they are read, then what has come, changed, gone", () => {
  const { brought, records, take, warned, apiKey } = given();
  take(sealedRow("first", 1));
  assert.equal(apiKey(), undefined);
  brought.readFrom(records);
  assert.equal(apiKey(), "first");
  assert.equal(brought.secret("kisi", "apiKey"), brought.secret("kisi", "apiKey"), "it is opened once");
  assert.deepEqual([brought.secret("kisi", "constructor"), brought.secret("brivo", "apiKey")], [undefined, undefined]);
  take(sealedRow("second", 2));
  assert.equal(apiKey(), "second");
  take(goneRow("integration", "gateway-1:kisi", 3));
  assert.deepEqual([apiKey(), warned], [undefined, []]);
});

test("what another gateway has is not looked at, and what is not for this key is told once", () => {
  const { brought, records, take, warned, apiKey } = given();
  brought.readFrom(records);
  take(sealedRow("another's", 1, { gateway: "gateway-2" }));
  assert.deepEqual([apiKey(), warned], [undefined, []]);
  take(sealedRow("another's", 2, { sealedFor: "gateway-2" }));
  assert.deepEqual([apiKey(), apiKey(), warned], [undefined, undefined, ["integration-unopened"]]);
});
