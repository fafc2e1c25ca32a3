/** The visitor's own page: what it shows to whoever has the link, when it says no, and what it never tells. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { hashOf } from "../../../cloud-sync/ids.ts";
import { qrSvg } from "../../../cloud-sync/qr-picture.ts";
import { passLink } from "../../../cloud-sync/store/schema.ts";
import type { LogFields, Logger } from "../../../gateway/ports/logger.ts";
import { HandClock } from "../../support/cloud.ts";
import { givenPages, type PageAnswer, type PageSite } from "../../support/page-visitor.ts";

const hour = 3_600_000;
const clock = new HandClock();
const logged: string[] = [];
const log = (event: string, fields?: LogFields) => void logged.push(JSON.stringify([event, fields]));
const logger: Logger = { debug: log, info: log, warn: log, error: log, child: () => logger };
let site: PageSite;
before(async () => {
  site = await givenPages({ clock, logger });
});
after(() => site.cloud.close());

interface Made {
  readonly id: string;
  readonly recordUid: string;
  /** Path of the visitor's page. */
  readonly page: string;
}

async function invite(more: object = {}): Promise<Made> {
  const { resident } = site.people;
  const order = { visitorName: "Lea", accessPoints: ["box"], ...more };
  const made = await resident.ask("POST", "/api/passes", order);
  assert.equal(made.status, 201, made.text);
  const { body } = await resident.ask("GET", `/api/passes/${made.body.id}/link`);
  return { ...made.body, page: new URL(body.url).pathname };
}

const shows = ({ text }: PageAnswer, uid: string) => text.includes(uid) && /<div class="qr big"/.test(text);

test("whoever has the link sees the code, when, where and from whom, without a sign-in", async () => {
  const windows = [{ days: [2], from: "08:00", until: "18:00" }];
  const { page, recordUid } = await invite({ validity: "week", entriesAllowed: 2, windows, documentNum: "X-77" });
  const answer = await site.visit(undefined, page);
  assert.equal(answer.status, 200);
  assert.ok(shows(answer, recordUid));
  for (const said of ["Harbour Lane 12", "Parcel box", "Person", "Tuesday 08:00–18:00", "10 Mar 2031", "Europe/Madrid"])
    assert.ok(answer.text.includes(said), said);
  assert.ok(!answer.text.includes("X-77"));
  assert.deepEqual(
    [answer.headers.get("referrer-policy"), answer.headers.get("cache-control"), answer.headers.get("set-cookie")],
    ["no-referrer", "no-store", null],
  );
  assert.match(
    (await site.visit(undefined, page, { "accept-language": "es-MX,en;q=0.5" })).text,
    /Le damos la bienvenida/,
  );
});

test("a pass that lets nobody in shows no code and says why", async () => {
  const withdrawn = await invite();
  await site.people.resident.ask("DELETE", `/api/passes/${withdrawn.id}`);
  const late = await invite({ validity: "custom", from: "2031-03-05T10:00", until: "2031-03-06T10:00" });
  const used = await invite({ entriesAllowed: 1 });
  const { gateway } = site;
  await gateway.catchUp();
  const first = gateway.lines.length + 1;
  const entry = { accessPoint: "box", grant: used.id, credential: "c", via: "pass", revision: 1, left: 0 };
  gateway.record({ type: "admitted", ...entry });
  assert.equal((await gateway.push(first)).status, 200);
  for (const [pass, words] of [
    [withdrawn, /This pass was withdrawn/],
    [used, /This pass is used up/],
  ] as const) {
    const answer = await site.visit(undefined, pass.page);
    assert.match(answer.text, words);
    assert.ok(!shows(answer, pass.recordUid));
  }
  const early = await site.visit(undefined, late.page);
  assert.match(early.text, /not valid yet/);
  assert.ok(shows(early, late.recordUid));
  clock.advance(3 * 24 * 3_600_000);
  const over = await site.visit(undefined, late.page);
  assert.match(over.text, /This pass has expired/);
  assert.ok(!shows(over, late.recordUid));
});

test("where the site has signed passes, the page shows that code first, until when it is good, and the short one behind it", async () => {
  const made = await invite({ validity: "week", entriesAllowed: 2 });
  const look = async (lang = "en") => (await site.visit(undefined, made.page, { "accept-language": lang })).text;
  assert.doesNotMatch(await look(), /data-signed-until/);
  const turn = (signedPasses: string) => site.cloud.ask("PATCH", "/api/sites/home", { signedPasses });
  await turn("on");
  const [, until, renew] = /data-signed-until="(\d+)" data-renew-at="(\d+)"/.exec(await look()) ?? [];
  assert.deepEqual([Number(until), Number(renew)], [clock.wall() + 23.75 * hour, clock.wall() + 1.75 * hour]);
  const { body: signed } = await site.people.resident.ask("GET", `/api/passes/${made.id}/signed`);
  const page = await look();
  assert.ok(page.includes(qrSvg(signed.text)), "what the host would hand out");
  assert.ok(page.indexOf(qrSvg(signed.text)) < page.indexOf(qrSvg(made.recordUid)));
  assert.match(page, /even where it has no internet.*<details id="short-code">.*<p class="uid">VIS-/s);
  assert.match(await look("es"), /aunque esta no tenga internet/);

  clock.advance(hour);
  const [, later] = /data-signed-until="(\d+)"/.exec(await look()) ?? [];
  assert.equal(Number(later), Number(until) + hour, "renewed at each look");
  await site.people.resident.ask("DELETE", `/api/passes/${made.id}`);
  assert.doesNotMatch(await look(), /data-signed-until|class="qr/);
  await turn("off");
});

test("the link's secret is kept as its hash, sealed beside it, and is in no log", async () => {
  const { page, id } = await invite();
  const token = page.slice("/v/".length);
  await site.visit(undefined, page);
  const rows = await site.cloud.store.db.select().from(passLink);
  assert.equal(rows.find(({ grantId }) => grantId === id)?.hash, hashOf(token));
  assert.ok(!JSON.stringify(rows).includes(token));
  assert.ok(!logged.join().includes(token));
});

test("a link that is none is told plainly; whoever tries many waits", async () => {
  for (const path of [`/v/${"x".repeat(22)}`, "/v/none", `/v/${"x".repeat(22)}/app.webmanifest`])
    assert.equal((await site.visit(undefined, path)).status, 404, path);
  assert.match((await site.visit(undefined, "/v/none")).text, /This pass is not known/);
  const statuses = [];
  for (let times = 0; times < 61; times += 1) statuses.push((await site.visit(undefined, "/v/none")).status);
  assert.ok(statuses.includes(429));
  clock.advance(60_000);
});

test("it can be put on a home screen and kept: a manifest, a worker, and all it loads within 150 kB", async () => {
  const { page } = await invite();
  const { text, bytes } = await site.visit(undefined, page);
  const manifest = JSON.parse((await site.visit(undefined, `${page}/app.webmanifest`)).text);
  assert.deepEqual([manifest.start_url, manifest.scope, manifest.display], [page, page, "standalone"]);
  assert.ok(text.includes(`<link rel="manifest" href="${page}/app.webmanifest"`));
  const [, worker] = /data-worker="([^"]+)"/.exec(text)!;
  const answer = await site.visit(undefined, worker!);
  assert.equal(answer.headers.get("content-type"), "text/javascript; charset=utf-8");
  let all = bytes + answer.bytes;
  for (const [, url] of text.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g))
    all += (await site.visit(undefined, url!)).bytes;
  assert.ok(all <= 150_000, `${all} bytes`);
});
