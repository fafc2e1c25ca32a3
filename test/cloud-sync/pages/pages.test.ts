/** The pages without a script: who may see which, what a form answers, and that nothing anybody typed becomes markup. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { may, roles } from "../../../cloud-sync/domain/permissions.ts";
import { ownPath } from "../../../cloud-sync/pages/page-book.tsx";
import { pages } from "../../../cloud-sync/pages/pages.tsx";
import { isLanguage, languages } from "../../../cloud-sync/pages/words/words.ts";
import { peopleParts } from "../../../cloud-sync/people/people-parts.ts";
import { preferredLanguage } from "../../../web/language.ts";
import { everyEvent } from "../../support/every-event.ts";
import { givenPages, type PageSite } from "../../support/page-visitor.ts";

let site: PageSite;
before(async () => {
  site = await givenPages();
});
after(() => site.cloud.close());

const routes = () => pages(peopleParts(site.cloud.parts), (url, init) => site.cloud.app.request(url, init)).routes;
/** As an address: of the visitor's own site, or another's. */
const addressOf = (path: string, siteId: string) =>
  path.replace(":site", siteId).replaceAll(/:\w+/g, "none-of-this-name");

test("every page, every role: as the table of permissions says; nobody is sent to the sign-in", async () => {
  const wrong: string[] = [];
  for (const { method, path, action } of routes()) {
    const ask = method === "get" ? site.visit : site.send;
    if (action === "everybody") continue;
    const nobody = await ask(undefined, addressOf(path, "home"));
    const isLed =
      method === "get"
        ? nobody.status === 303 && nobody.headers.get("location")?.startsWith("/sign-in")
        : nobody.status === 401 && nobody.text.includes('action="/sign-in"');
    if (!isLed) wrong.push(`${method} ${path} nobody: ${nobody.status}`);
    for (const role of roles) {
      const actor = { id: "x", role, sites: role === "admin" || role === "support" ? [] : ["home"] };
      for (const of of path.includes(":site") ? ["home", "away"] : [undefined]) {
        const { status } = await ask(site.people[role], addressOf(path, of ?? "home"));
        const isRight = !may(actor, action)
          ? status === 403
          : may(actor, action, { site: of })
            ? status !== 403 && status < 500
            : status === 404;
        if (!isRight) wrong.push(`${method} ${path} ${role} at ${of}: ${status}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

test("an address where nothing is: a page for a browser in its language, a problem for a program", async () => {
  const accept = "text/html,application/xhtml+xml,*/*;q=0.8";
  const spanish = { accept, "accept-language": "es-ES" };
  for (const person of [undefined, site.people.agency]) {
    const { status, headers, text } = await site.visit(person, "/no/such/page?x=<b>", spanish);
    assert.equal(status, 404);
    assert.match(headers.get("content-type") ?? "", /^text\/html/);
    assert.match(headers.get("content-security-policy") ?? "", /script-src 'self'/);
    assert.match(text, person ? /There is nothing here/ : /Aquí no hay nada/);
    assert.doesNotMatch(text, /<b>/);
  }
  for (const [path, headers] of [
    ["/no/such/page", { accept: "*/*" }],
    ["/no/such/page", { accept: "application/json" }],
    ["/auth/no-such-path", { accept }],
    ["/v1/no-such-path", { accept }],
  ] as const) {
    const answer = await site.visit(undefined, path, headers);
    assert.deepEqual([answer.status, JSON.parse(answer.text).code], [404, "not-found"], path);
    assert.equal(answer.headers.get("content-type"), "application/problem+json");
  }
});

test("a code for a Nuki: the form names the lock's rules, comes back with what is wrong, and shows the digits once", async () => {
  const { agency } = site.people;
  const form = { site: "home", name: "Cleaner", accessPoints: "front-door", until: "2099-03-04T18:00" };

  const rules = await site.send(agency, "/codes/rules", { ...form, code: "123450" });
  assert.match(rules.text, /6 digits/);
  assert.match(rules.text, /without 0/);
  assert.match(rules.text, /not beginning with 12/);
  assert.match(rules.text, /does not fit/);

  const refused = await site.send(agency, "/codes", { ...form, name: "", code: "123450" });
  assert.equal(refused.status, 422);
  assert.match(refused.text, /id="name-fault"/);

  const unfit = await site.send(agency, "/codes", { ...form, code: "123450" });
  assert.equal(unfit.status, 422);
  assert.match(unfit.text, /id="code-fault"/);
  assert.match(unfit.text, /the lock of Front door takes 6 digits/);
  assert.match(unfit.text, /value="123450"/);

  const made = await site.send(agency, "/codes", { ...form, code: "987654" });
  assert.equal(made.status, 200);
  assert.match(made.text, /<output[^>]*>987654</);
  const [, id] = /href="\/codes\/([^"]+)"/.exec(made.text.slice(made.text.indexOf("987654"))) ?? [];
  const seen = await site.visit(agency, `/codes/${id}`);
  assert.doesNotMatch(seen.text, /987654/);
  assert.match((await site.visit(agency, "/codes")).text, /Cleaner/);
  const other = await site.cloud.as("agency", ["home"]);
  assert.equal((await site.visit(other, `/codes/${id}`)).status, 404);
  assert.doesNotMatch((await site.visit(other, "/codes")).text, /Cleaner/);

  assert.match((await site.send(agency, `/codes/${id}/reveal`)).text, /987654/);
  assert.equal((await site.send(agency, `/codes/${id}/change`, { name: "Cleaner", until: "" })).status, 422);
  assert.equal(
    (await site.send(agency, `/codes/${id}/change`, { name: "Cleaner 2", until: "2099-03-05T18:00" })).status,
    303,
  );
  const deleted = await site.send(agency, `/codes/${id}/delete`);
  assert.equal(deleted.headers.get("location"), "/codes?done=deleted");
  assert.match((await site.visit(site.people.admin, "/codes?state=revoked")).text, /Cleaner 2/);
});

test("weekly hours for a Nuki: the form names what the lock keeps, and comes back with what it cannot", async () => {
  const { agency } = site.people;
  const form = { site: "home", name: "Cleaner", accessPoints: "front-door", until: "2099-03-04T18:00" };
  const rules = await site.send(agency, "/codes/rules", { ...form, code: "" });
  assert.match(rules.text, /the same on each day, ending before midnight; others 2 times a week at most/);
  const workdays = { ...form, days: ["1", "2", "3", "4", "5"] };
  const nightly = await site.send(agency, "/codes", { ...workdays, hoursFrom: "22:00", hoursUntil: "06:00" });
  assert.equal(nightly.status, 422);
  assert.match(nightly.text, /id="days-fault"/);
  assert.match(nightly.text, /this schedule has 5 openings a week/);
  const made = await site.send(agency, "/codes", { ...workdays, hoursFrom: "09:00", hoursUntil: "12:00" });
  assert.equal(made.status, 200, made.text);
});

test("hours without a day make no code that opens at any hour", async () => {
  const { agency } = site.people;
  const form = { site: "home", name: "Dayless", accessPoints: "box", until: "2099-03-04T18:00" };
  for (const field of ["hoursFrom", "hoursUntil"]) {
    const { status, text } = await site.send(agency, "/codes", { ...form, [field]: "09:15" });
    assert.equal(status, 422);
    assert.match(text, /id="days-fault"[^>]*>Tick the days/);
    assert.match(text, /value="09:15"/);
  }
  assert.doesNotMatch((await site.visit(agency, "/codes")).text, /Dayless/);
});

test("a form sent twice makes one code", async () => {
  const { agency } = site.people;
  const form = { site: "home", once: "key-1", name: "Twice", accessPoints: "box", until: "2099-03-04T18:00" };
  const [first, second] = [await site.send(agency, "/codes", form), await site.send(agency, "/codes", form)];
  const digits = (text: string) => /<output[^>]*>(\d+)</.exec(text)?.[1];
  assert.equal(digits(second.text), digits(first.text));
});

test("the audit finds what a person did by the person's name", async () => {
  const zelda = await site.cloud.as("agency", ["home"], { name: "Zelda Zimmer" });
  await site.send(zelda, "/codes", { site: "home", name: "Hers", accessPoints: "box", until: "2099-03-04T18:00" });
  const { text } = await site.visit(site.people.admin, "/audit?who=zelda");
  assert.match(text, /<code>codes\.create</);
  assert.doesNotMatch(text, /sites\.create/);
});

test("what somebody typed stays text, wherever it is shown", async () => {
  const { admin } = site.people;
  const markup = `"><script>alert(1)</script>`;
  const typed = [
    "name",
    "id",
    "zone",
    "userName",
    "email",
    "code",
    "until",
    "from",
    "token",
    "password",
    "site",
    "next",
  ];
  const fields = Object.fromEntries(typed.map((name) => [name, markup]));
  await site.send(admin, "/codes", { site: "home", name: markup, accessPoints: "box", until: "2099-03-04T18:00" });
  await site.cloud.ask("PATCH", "/api/sites/away", { name: markup });
  await site.cloud.ask("PATCH", "/api/sites/home/access-points/box", { name: markup });
  await site.send(admin, "/people", { name: markup, userName: "markup", role: "user", language: "en" });
  for (const { method, path } of routes()) {
    const at = addressOf(path, "home");
    const answers =
      method === "get"
        ? [await site.visit(admin, at), await site.visit(admin, `${at}?${new URLSearchParams(fields)}`)]
        : path.includes("sign-out")
          ? []
          : [await site.send(admin, at, fields), await site.send(undefined, at, fields)];
    for (const { text } of answers) assert.ok(!text.includes("<script>alert"), `${method} ${path}`);
  }
  assert.match((await site.visit(admin, "/people")).text, /&lt;script&gt;alert/);
});

test("no page leaves the way open: nothing is stored, framed or loaded from elsewhere, and foreign forms are refused", async () => {
  const { admin } = site.people;
  const { headers } = await site.visit(admin, "/codes");
  assert.equal(headers.get("cache-control"), "no-store");
  assert.match(headers.get("content-security-policy") ?? "", /frame-ancestors 'none'/);
  assert.doesNotMatch(headers.get("content-security-policy") ?? "", /unsafe/);
  const foreign = { "sec-fetch-site": "cross-site" };
  assert.equal((await site.send(admin, "/sites", { id: "x", name: "x", zone: "UTC" }, foreign)).status, 403);
  assert.equal((await site.send(undefined, "/sign-in", { name: "x", password: "x" }, foreign)).status, 403);
});

test("each page is at most 100 kB on the line, with all that it loads", async () => {
  const { admin } = site.people;
  const paths = routes()
    .filter(({ method, path }) => method === "get" && !path.includes(":") && path !== "/")
    .map(({ path }) => path);
  for (const path of [...paths, "/sites/home", `/people/${site.people.agency.id}`]) {
    const { status, text } = await site.visit(admin, path);
    // Whoever is signed in is led away from there; a list of no site has nothing to say.
    if (["/sign-in", "/events/list"].includes(path)) continue;
    assert.equal(status, 200, path);
    const loaded = [...text.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(([, url]) => url!);
    let bytes = Buffer.byteLength(text);
    for (const url of loaded) {
      const asset = await site.visit(admin, url, { "accept-encoding": "gzip" });
      assert.equal(asset.headers.get("content-encoding"), "gzip", url);
      bytes += asset.bytes;
    }
    assert.ok(bytes <= 100_000, `${path}: ${bytes}`);
  }
});

test("a part of a page that asks for itself anew says that nobody made the request", async () => {
  const { admin } = site.people;
  const parts: string[] = [];
  for (const path of ["/codes", "/events", "/set-up"]) {
    const { text } = await site.visit(admin, path);
    parts.push(...(text.match(/<[^>]* hx-trigger="every [^>]*>/g) ?? []));
  }
  assert.ok(parts.length > 0);
  for (const part of parts) assert.match(part, /x-by-itself/);
});

test("the language is the person's, else the one chosen, else the browser's", async () => {
  const spanish = await site.cloud.as("agency", ["home"], { language: "es" });
  assert.match((await site.visit(spanish, "/codes", { "accept-language": "en" })).text, /<html lang="es">/);
  assert.match((await site.visit(undefined, "/sign-in", { "accept-language": "es-MX" })).text, /<html lang="es">/);
  const chosen = await site.send(undefined, "/language", { language: "es" });
  assert.match(chosen.headers.get("set-cookie") ?? "", /postern-language=es/);
  for (const [accepted, language] of [
    [undefined, "en"],
    ["fr, es;q=0.8, en;q=0.9", "en"],
    ["es;q=0", "en"],
    ["ES-ar,en;q=0.5", "es"],
  ] as const)
    assert.equal(preferredLanguage(accepted, isLanguage, "en"), language);
});

test("after the sign-in one is led to a page of this service and nowhere else", () => {
  assert.equal(ownPath("/codes?state=active"), "/codes?state=active");
  for (const path of [
    "//evil.example",
    "/\\evil.example",
    "https://evil.example",
    "javascript:alert(1)",
    "",
    undefined,
  ])
    assert.equal(ownPath(path), "/");
});

test("every event a gateway can tell has words in every language", () => {
  for (const { events } of Object.values(languages))
    assert.deepEqual(
      everyEvent.map(({ type }) => type).filter((type) => !(type in events.types)),
      [],
    );
});
