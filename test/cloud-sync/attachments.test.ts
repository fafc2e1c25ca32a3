/** Photos of visits and sheets of what guards wrote: named by an event, sent after it, shown to whoever may see it, and gone in time. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import { forgetOfSite } from "../../cloud-sync/jobs/retention.ts";
import { retentionSchema } from "../../config/schema.ts";
import { givenCloud, HandClock, type TestCloud, type TestGateway, type TestPerson } from "../support/cloud.ts";

const dayMs = 24 * 3_600_000;
const clock = new HandClock();
let cloud: TestCloud;
let gateway: TestGateway;
let ana: TestPerson;
let pass: string;

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text));
const nameOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const photo = bytesOf("\u00ff a photo of Lea");
const sheet = bytesOf(JSON.stringify({ name: "Tom", note: "boiler", salt: "x" }));

const attach = (bytes: Uint8Array<ArrayBuffer>, name = nameOf(bytes)) =>
  gateway.send("PUT", `/v1/gateways/${gateway.id}/attachments/${name}`, {
    body: bytes,
    type: "application/octet-stream",
  });
const push = (...events: Record<string, unknown>[]) => {
  const first = gateway.lines.length + 1;
  gateway.record(...events);
  return gateway.push(first);
};
const admitted = (facts: object) => ({
  type: "admitted",
  accessPoint: "gate",
  grant: pass,
  credential: "c",
  via: "pass",
  left: null,
  scan: { staff: "person-rosa", nonce: "scan-0000-0000-0001", ...facts },
});

before(async () => {
  cloud = await givenCloud({ clock });
  await cloud.ask("POST", "/api/sites", { id: "hill", name: "Hill", zone: "Europe/Rome" });
  gateway = await cloud.gateway("hill", ["gate"]);
  ana = await cloud.as("resident", ["hill"]);
  const made = await ana.ask("POST", "/api/passes", { visitorName: "Lea", visitorType: "Guest", validity: "today" });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  pass = made.body.id;
});
after(() => cloud.close());

test("a photo is taken once an event has named it, whole, from its own gateway", async () => {
  const early = await attach(photo);
  assert.deepEqual([early.status, early.body.code], [404, "not-named"]);
  assert.equal((await push(admitted({ photo: nameOf(photo) }))).status, 200);
  assert.equal((await attach(bytesOf("another"), nameOf(photo))).status, 400);
  assert.equal((await cloud.ask("GET", `/api/sites/hill/photos/${nameOf(photo)}`)).status, 404, "not there yet");
  assert.equal((await attach(photo)).status, 204);
  assert.equal((await attach(photo)).status, 204, "the same once more");
  const other = await cloud.gateway("hill", ["other"]);
  const path = `/v1/gateways/${other.id}/attachments/${nameOf(photo)}`;
  assert.equal((await other.send("PUT", path, { body: photo, type: "application/octet-stream" })).status, 404);
});

test("the host sees the photo of an entry with their pass, and no other resident does", async () => {
  const path = `/api/passes/${pass}/photos/${nameOf(photo)}`;
  const { status, headers } = await ana.ask("GET", path);
  assert.deepEqual([status, headers.get("content-type")], [200, "image/jpeg"]);
  const other = await cloud.as("resident", ["hill"]);
  assert.equal((await other.ask("GET", path)).status, 404);
  assert.equal((await ana.ask("GET", `/api/sites/hill/photos/${nameOf(photo)}`)).status, 403);
  const guard = await cloud.as("guard", ["hill"]);
  assert.equal((await guard.ask("GET", `/api/sites/hill/photos/${nameOf(photo)}`)).status, 200);
  const elsewhere = await cloud.as("guard", []);
  assert.equal((await elsewhere.ask("GET", `/api/sites/hill/photos/${nameOf(photo)}`)).status, 404);
});

test("a sheet is read without what keeps its hash from being guessed", async () => {
  const walkIn = { type: "staff-command", staff: "person-rosa", accessPoint: "gate" };
  await push({ ...walkIn, scan: { staff: "person-rosa", nonce: "n", sheet: nameOf(sheet) } });
  assert.equal((await attach(sheet)).status, 204);
  const { status, body } = await cloud.ask("GET", `/api/sites/hill/sheets/${nameOf(sheet)}`);
  assert.deepEqual([status, body], [200, { name: "Tom", note: "boiler" }]);
  assert.equal((await cloud.ask("GET", `/api/sites/hill/photos/${nameOf(sheet)}`)).status, 404, "it is no photo");
});

test("past their days they are gone, and the events stay", async () => {
  const parts = { ...cloud.parts, retention: retentionSchema.parse({ photosDays: 30 }) };
  clock.advance(29 * dayMs);
  await forgetOfSite(parts, "hill");
  assert.equal((await cloud.ask("GET", `/api/sites/hill/photos/${nameOf(photo)}`)).status, 200);
  clock.advance(2 * dayMs);
  await forgetOfSite(parts, "hill");
  assert.equal((await cloud.ask("GET", `/api/sites/hill/photos/${nameOf(photo)}`)).status, 404);
  assert.equal((await cloud.ask("GET", "/api/sites/hill/events?type=admitted")).body.items.length, 1);
  assert.equal((await attach(photo)).status, 404, "and does not come back");
});
