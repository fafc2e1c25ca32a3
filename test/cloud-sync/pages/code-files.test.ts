/** Temporary codes out to a file and in from one, by pages. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { givenPages, type PageSite } from "../../support/page-visitor.ts";

let site: PageSite;
before(async () => {
  site = await givenPages();
});
after(() => site.cloud.close());

const expiry = "2099-03-04T18:00";

test("codes go out as temp_codes.json, with digits only where they are asked for, and that is audited", async () => {
  const { agency, admin } = site.people;
  await site.send(agency, "/codes", {
    site: "home",
    name: "Cleaner",
    accessPoints: "box",
    code: "9876",
    until: expiry,
  });
  const file = await site.send(agency, "/codes/export", { site: "home" });
  assert.match(file.headers.get("content-disposition") ?? "", /attachment; filename="temp_codes\.json"/);
  const [entry] = Object.values<{ name: string; code?: string }>(JSON.parse(file.text));
  assert.deepEqual([entry?.name, entry?.code], ["Cleaner", undefined]);

  const told = await site.send(agency, "/codes/export", { site: "home", digits: "yes" });
  assert.match(told.text, /"code": "9876"/);
  assert.match((await site.visit(admin, "/audit?action=codes.export")).text, /<code>codes\.export</);
});

test("a file that does not fit imports nothing, names every entry at fault by line and field, and comes back to be mended", async () => {
  const { agency } = site.people;
  const text = [
    "{",
    '  "a1": { "code": "458723", "name": "Lift", "expiry": "2099-03-04T18:00" },',
    '  "a.2": {',
    '    "code": "458723",',
    '    "name": "",',
    '    "expiry": "tomorrow"',
    "  }",
    "}",
  ].join("\n");
  const form = { site: "home", accessPoints: "front-door" };
  const refused = await site.send(agency, "/codes/import", { ...form, text });
  assert.equal(refused.status, 422);
  const rows = [...refused.text.matchAll(/<tr><th scope="row">(.*?)<\/tr>/g)].map(([, row]) =>
    row!
      .replaceAll(/<[^>]+>/g, "|")
      .split(/\|+/)
      .slice(0, 3),
  );
  assert.deepEqual(rows, [
    ["a.2", "5", "name"],
    ["a.2", "6", "expiry"],
  ]);
  assert.match(refused.text, /&quot;Lift&quot;/);
  assert.match(refused.text, /value="front-door" checked/);
  assert.doesNotMatch((await site.visit(agency, "/codes")).text, /Lift/);

  const unfit = '{"a1": {"code": "120000", "name": "Lift", "expiry": "2099-03-04T18:00"}}';
  assert.match((await site.send(agency, "/codes/import", { ...form, text: unfit })).text, /<code>code<\/code>/);
  const torn = await site.send(agency, "/codes/import", { ...form, text: text.replace(/\}$/, "") });
  assert.match(torn.text, /This is no JSON from line \d/);
  assert.match((await site.send(agency, "/codes/import", { ...form, text: " " })).text, /Choose a file/);
  const nowhere = await site.send(agency, "/codes/import", { site: "home", text: unfit });
  assert.match(nowhere.text, /id="accessPoints-fault"/);
});

test("a file is imported, its ended entries are left out and named; too many imports leave what was typed", async () => {
  const { owner } = site.people;
  const entries = {
    a1: { code: "458723", name: "Lift", expiry },
    a2: { code: "458724", name: "Gone", expiry: "2001-03-04T18:00" },
  };
  const body = new FormData();
  body.append("site", "home");
  body.append("accessPoints", "front-door");
  body.append("text", "");
  body.append("file", new File([JSON.stringify(entries)], "temp_codes.json", { type: "application/json" }));
  const headers = owner.browser;
  const done = await site.cloud.app.request("/codes/import", { method: "POST", headers, body });
  const text = await done.text();
  assert.equal(done.status, 200, text);
  assert.match(text, /1 code is imported/);
  assert.match(text, /a2.*it has ended/s);
  assert.match((await site.visit(owner, "/codes")).text, /Lift/);

  const form = { site: "home", accessPoints: "front-door", text: JSON.stringify({ a3: entries.a1 }) };
  let last = await site.send(owner, "/codes/import", form);
  for (let times = 0; times < 6; times += 1) last = await site.send(owner, "/codes/import", form);
  assert.equal(last.status, 422);
  assert.match(last.text, /What you filled in is still here/);
  assert.match(last.text, /a3/);
});
