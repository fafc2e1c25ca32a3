/** Pages of other sites that use a visitor's cookie, and script in every text field there is: refused, written down, and shown as text. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { pages } from "../../../cloud-sync/pages/pages.tsx";
import { peopleParts } from "../../../cloud-sync/people/people-parts.ts";
import { HandClock, type TestPerson } from "../../support/cloud.ts";
import { givenPages, type PageAnswer, type PageSite } from "../../support/page-visitor.ts";

const clock = new HandClock();
let site: PageSite;
before(async () => {
  site = await givenPages({ clock });
});
after(() => site.cloud.close());

const auditLength = async () => (await site.cloud.ask("GET", "/api/audit?limit=200")).body.items.length;
const routes = () => pages(peopleParts(site.cloud.parts), (url, init) => site.cloud.app.request(url, init)).routes;

describe("a page of another origin", () => {
  const foreign: readonly Record<string, string>[] = [
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site", origin: "https://other.localhost" },
    { "sec-fetch-site": "", origin: "https://evil.example" },
    { "sec-fetch-site": "", origin: "null" },
  ];
  const noted = async () =>
    (await site.cloud.ask("GET", "/api/security-events?kind=foreign-origin")).body.items
      .map(({ count }: { count: number }) => count)
      .reduce((sum: number, count: number) => sum + count, 0);

  test("changes nothing by any form of a page, and is written down each time", async () => {
    const { admin } = site.people;
    const forms = routes().filter(({ method }) => method === "post");
    assert.ok(forms.length > 20);
    const before = { audit: await auditLength(), noted: await noted() };
    for (const { path } of forms)
      for (const headers of foreign) {
        clock.advance(1_000);
        const at = path.replace(":site", "home").replaceAll(/:\w+/g, "none-of-this-name");
        const { status } = await site.send(admin, at, { name: "x", id: "x", zone: "UTC" }, headers);
        assert.equal(status, 403, `${path} ${JSON.stringify(headers)}`);
      }
    assert.equal(await auditLength(), before.audit);
    assert.equal(await noted(), before.noted + forms.length * foreign.length);
  });

  test("changes nothing by any route of the API that a cookie opens", async () => {
    const { paths } = (await site.cloud.ask("GET", "/openapi.json")).body;
    const changing = Object.entries<object>(paths).flatMap(([path, methods]) =>
      Object.keys(methods)
        .filter((method) => method !== "get" && path.startsWith("/api/"))
        .map((method) => [method.toUpperCase(), path.replace("{site}", "home").replaceAll(/\{\w+\}/g, "x")] as const),
    );
    assert.ok(changing.length > 30);
    const before = { audit: await auditLength(), noted: await noted() };
    for (const [method, path] of changing)
      for (const headers of foreign) {
        clock.advance(1_000);
        const response = await site.cloud.app.request(path, {
          method,
          headers: { ...site.people.admin.browser, "content-type": "application/json", ...headers },
          ...(method !== "DELETE" && { body: "{}" }),
        });
        assert.equal(JSON.parse(await response.text()).code, "foreign-origin", `${method} ${path}`);
      }
    assert.equal(await auditLength(), before.audit);
    assert.equal(await noted(), before.noted + changing.length * foreign.length);
  });

  test("who asks a page for what the role may not do is written down, once", async () => {
    const { agency } = site.people;
    assert.equal((await site.visit(agency, "/people")).status, 403);
    const { items } = (await site.cloud.ask("GET", "/api/security-events?kind=permission-refused")).body;
    assert.deepEqual(
      items.map(({ subject, count }: { subject: string; count: number }) => [subject, count]),
      [[agency.id, 1]],
    );
  });
});

const script = `"'><script>alert(1)</script><img src=x onerror=alert(1)>`;

describe("script that somebody typed", () => {
  /** As text it begins with "&lt;" everywhere. */
  const assertText = ({ text }: PageAnswer, where: string) => {
    assert.ok(!/<script>alert|<img src=x/.test(text), where);
    for (const [attribute] of text.matchAll(/ [\w-]+="[^"]*alert\(1\)[^"]*"/g))
      assert.ok(!/ (?:href|src|action|hx-\w+|on\w+)="\s*javascript:/.test(attribute), `${where}: ${attribute}`);
  };

  test("is text on every page, sent by every form and stored by every way in", async () => {
    const { people } = site;
    await storeEverywhere();
    const seen = { pages: 0, fields: new Set<string>(), shown: 0 };
    for (const person of [people.admin, people.agency, people.guard, undefined])
      for (const page of await everyPage(person)) {
        seen.pages += 1;
        const where = `${page.path} for ${person?.userName ?? "nobody"}`;
        assertText(page.answer, where);
        if (page.answer.text.includes("&lt;script&gt;alert")) seen.shown += 1;
        for (const form of formsOf(page)) {
          for (const name of form.typed) seen.fields.add(name);
          clock.advance(10_000);
          const answer = await submit(person, form);
          assertText(answer, `${form.method} ${form.action} of ${where}`);
        }
      }
    assert.ok(seen.pages > 40, `${seen.pages} pages`);
    assert.ok(seen.shown > 10, `it is seen on ${seen.shown} pages`);
    for (const known of ["name", "userName", "email", "code", "password", "holder", "zone", "id", "who", "text"])
      assert.ok(seen.fields.has(known), `${known} of ${[...seen.fields].join()}`);
  });

  /** Whatever keeps a text that somebody chose: people, programs, browsers and gateways. */
  async function storeEverywhere() {
    const { cloud, gateway } = site;
    const stored = async (method: string, path: string, body: object) => {
      clock.advance(1_000);
      const { status, text } = await cloud.ask(method, path, body, { "user-agent": script });
      assert.ok(status < 300, `${method} ${path}: ${text}`);
    };
    const until = "2031-06-01T18:00:00Z";
    await stored("PATCH", "/api/sites/away", { name: script });
    await stored("PATCH", "/api/sites/home/access-points/box", { name: script });
    await stored("POST", "/api/sites/home/gateways", { name: script });
    await stored("POST", "/api/api-keys", { name: script, role: "agency", sites: ["home"], scopes: ["codes.read"] });
    await stored("POST", "/api/people", { userName: "mallory", name: script, role: "guard", sites: ["home"] });
    await stored("POST", "/api/temp-codes", { site: "home", name: script, accessPoints: ["box"], expiry: until });
    const house = {
      site: "home",
      name: script,
      accessPoints: ["box"],
      guide: { address: script, notes: { en: script } },
    };
    await stored("POST", "/api/properties", house);
    await stored("POST", "/api/booking-sources", { site: "home", kind: "webhook", name: script });
    await stored("POST", "/api/sites/home/grants", {
      kind: "visitor",
      holder: { name: script, document: script },
      accessPoints: ["box"],
      from: "2031-01-01T00:00:00Z",
      until,
      entriesAllowed: null,
      credentials: [{ kind: "pin" }],
      about: { note: script },
    });
    await stored("POST", "/api/sites/home/blacklist", { subject: "person", value: script, reason: script });
    const own = await site.people.agency.ask("PATCH", "/api/me", { name: script }, { "user-agent": script });
    assert.equal(own.status, 200);
    await cloud.ask("POST", "/auth/sign-in", { name: script, password: script }, { "user-agent": script });
    const point = { id: "box", name: script, lock: script, reads: true, noCodes: script };
    const nuki = { id: "front-door", name: script, lock: "nuki", reads: false, noCodes: script };
    assert.equal((await gateway.report([point, nuki])).status, 204);
    gateway.record(
      { type: "denied", accessPoint: script, reason: script, via: script, revision: 1, grant: script },
      { type: "staff-command", staff: script, accessPoint: script, action: script },
      { type: "bolt", device: script, state: script },
      { type: script },
    );
    assert.equal((await gateway.push(1)).status, 200);
  }

  interface SeenPage {
    readonly path: string;
    readonly answer: PageAnswer;
  }

  /** By its links, from the first pages on. */
  async function everyPage(person: TestPerson | undefined): Promise<SeenPage[]> {
    const wanted = ["/", "/sign-in", "/account", "/set-up", ...routes().map(({ path }) => path)];
    const paths = new Set(wanted.filter((path) => !path.includes(":")));
    const seen: SeenPage[] = [];
    for (const path of paths) {
      if (seen.length >= 150) break;
      clock.advance(1_000);
      const answer = await site.visit(person, path);
      if (answer.status === 303 || !answer.headers.get("content-type")?.startsWith("text/html")) continue;
      seen.push({ path, answer });
      for (const [, href = ""] of answer.text.matchAll(/ href="(\/[^"#]*)/g))
        if (!/^\/(assets|docs|sign-out)/.test(href)) paths.add(href.replaceAll("&amp;", "&"));
    }
    return seen;
  }

  interface SeenForm {
    readonly method: string;
    readonly action: string;
    /** Every field as the page has it; those that somebody types in carry the script. */
    readonly fields: Readonly<Record<string, string | string[]>>;
    readonly typed: readonly string[];
  }

  function formsOf({ path, answer }: SeenPage): SeenForm[] {
    return [...answer.text.matchAll(/<form([^>]*)>(.*?)<\/form>/gs)].flatMap(([, head = "", body = ""]) => {
      const fields: Record<string, string | string[]> = {};
      const typed: string[] = [];
      for (const [, kind, attributes = ""] of body.matchAll(/<(input|textarea|select)([^>]*)>/g)) {
        const said = (name: string) => new RegExp(` ${name}="([^"]*)"`).exec(attributes)?.[1];
        const name = said("name");
        if (name === undefined) continue;
        const type = said("type") ?? "text";
        if (kind === "select" || type === "checkbox" || type === "radio") fields[name] ??= said("value") ?? "";
        else if (type === "hidden") fields[name] = said("value") ?? "";
        else {
          fields[name] = script;
          typed.push(name);
        }
      }
      const action = / action="([^"]*)"/.exec(head)?.[1] || path;
      const method = / method="(\w+)"/.exec(head)?.[1]?.toLowerCase() ?? "get";
      return typed.length === 0 ? [] : [{ method, action: action.replaceAll("&amp;", "&"), fields, typed }];
    });
  }

  function submit(person: TestPerson | undefined, { method, action, fields }: SeenForm): Promise<PageAnswer> {
    if (method === "post") return site.send(person, action, fields);
    const query = new URLSearchParams(Object.entries(fields).map(([name, value]) => [name, String(value)]));
    return site.visit(person, `${action.split("?")[0]}?${query}`);
  }
});
