/** A guest opens the door of their stay from its page, at a real gateway: the gate decides and writes down, and without a line nothing opens late. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { systemClock as clock } from "../../gateway/system-clock.ts";
import { until } from "../support/until.ts";
import { WholeSite } from "../support/whole-site.ts";

let site: WholeSite;
before(async () => {
  site = await WholeSite.start({ boxes: ["flat"] });
});
after(() => site.stop());

const moment = (ms: number) => new Date(clock.wall() + ms).toISOString();
const pageOf = async (path: string) => (await fetch(site.cloudUrl + path)).text();
const nonceOf = (text: string) => /name="nonce" value="([^"]+)"/.exec(text)?.[1] ?? "";
async function press(page: string, nonce: string): Promise<string> {
  const body = new URLSearchParams({ door: "flat", nonce });
  return (await fetch(`${site.cloudUrl}${page}/open`, { method: "POST", body })).text();
}

test("the button opens by the gate's own decision, the PIN of the same stay goes on; revoked, neither does, and a cut line opens nothing", async () => {
  const property = await site.admin<{ id: string }>("POST", "/api/properties", {
    name: "Flat",
    accessPoints: ["flat"],
  });
  const booking = await site.admin<{ id: string; code: { grant: string } }>("POST", "/api/bookings", {
    ...{ property: property.id, guest: { name: "Greta" }, from: moment(-3_600_000), until: moment(3_600_000) },
  });
  const { code: pin } = await site.admin<{ code: string }>("POST", `/api/bookings/${booking.id}/reveal`);
  const { url } = await site.admin<{ url: string }>("POST", `/api/bookings/${booking.id}/link`, {});
  const page = new URL(url).pathname;
  const { records } = site.gateway.site.parts;
  await until("the stay is at the gateway", () => records.grant(booking.code.grant) !== undefined);

  const nonce = nonceOf(await pageOf(page));
  assert.match(await press(page, nonce), /The door is open|The lock was told to open/);
  assert.match(await press(page, nonce), /The door is open|The lock was told to open/);
  const admitted = (await site.journalEvents()).filter((event) => event.type === "admitted");
  assert.deepEqual(
    admitted.map((event) => "via" in event && [event.grant, event.via]),
    [[booking.code.grant, "link"]],
    "the same press twice is one entry",
  );
  await site.box("flat").becomes("secured");
  assert.equal(await site.box("flat").enterPin(pin), "granted");

  const later = nonceOf(await pageOf(page));
  await site.admin("POST", `/api/sites/${site.site}/grants/${booking.code.grant}/revoke`);
  assert.match(await press(page, later), /cannot be opened from here now/);
  await until("the revocation has arrived", () => records.isRevoked(booking.code.grant));
  assert.equal((await site.journalEvents()).filter((event) => event.type === "admitted").length, 2);
});
