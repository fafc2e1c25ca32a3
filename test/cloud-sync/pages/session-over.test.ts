/** A session that ends while somebody fills in a form: nothing typed is lost, and nothing that fetches itself hides it. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { totpCode } from "../../../cloud-sync/people/totp.ts";
import { type TestPerson, totpSecret } from "../../support/cloud.ts";
import { type Fields, givenPages, type PageAnswer, type PageSite } from "../../support/page-visitor.ts";

const password = "a cleaner at six";
let site: PageSite;
before(async () => {
  site = await givenPages();
  for (const { id } of [site.people.agency, site.people.admin]) {
    const { body } = await site.cloud.ask("POST", `/api/people/${id}/reset-link`);
    await site.cloud.ask("POST", "/auth/link/password", { token: new URL(body.url).hash.slice(1), password });
  }
});
after(() => site.cloud.close());

/** The fields of the form that goes to `action`, as a browser would send them. */
function fieldsOf({ text }: PageAnswer, action: string): Record<string, string[]> {
  const [, form = ""] = new RegExp(`<form[^>]*action="${action}"[^>]*>(.*?)</form>`, "s").exec(text) ?? [];
  const plain = (html: string) =>
    html
      .replaceAll("&quot;", '"')
      .replaceAll("&#39;", "'")
      .replaceAll("&lt;", "<")
      .replaceAll("&gt;", ">")
      .replaceAll("&amp;", "&");
  const fields: Record<string, string[]> = {};
  const add = (name: string, value: string) => {
    fields[name] = [...(fields[name] ?? []), plain(value)];
  };
  for (const [input] of form.matchAll(/<input[^>]*>/g))
    add(/name="([^"]*)"/.exec(input)![1]!, /value="([^"]*)"/.exec(input)?.[1] ?? "");
  for (const [, name, value] of form.matchAll(/<textarea name="([^"]*)"[^>]*>\n?(.*?)<\/textarea>/gs))
    add(name!, value!);
  return fields;
}

const signIn = (answer: PageAnswer, { userName }: TestPerson, change: Fields = {}) =>
  site.send(undefined, "/sign-in", { ...fieldsOf(answer, "/sign-in"), name: userName, password, ...change });

test("a form sent after the session's end comes through the sign-in as it was, and makes one code", async () => {
  const { agency } = site.people;
  const form = {
    site: "home",
    once: "kept-1",
    name: `O'Hara & "Söhne" <b>`,
    accessPoints: ["front-door", "box"],
    until: "2099-03-04T18:00",
    code: "",
  };
  const over = await site.send(undefined, "/codes", form);
  assert.equal(over.status, 401);
  assert.match(over.text, /what you filled in is kept/);
  const wrong = await signIn(over, agency, { password: "wrong" });
  assert.equal(wrong.status, 422);
  const again = await signIn(wrong, agency);
  assert.match(again.text, /You are signed in again/);
  const kept = fieldsOf(again, "/codes");
  assert.deepEqual(kept, Object.fromEntries(Object.entries(form).map(([name, value]) => [name, [value].flat()])));
  const [cookie = ""] = (again.headers.get("set-cookie") ?? "").split(";");
  const made = await site.send(undefined, "/codes", kept, { cookie });
  assert.match(made.text, /<output[^>]*>\d{6}</);
});

test("a form comes through the second step as well, and lines stay lines", async () => {
  const { admin } = site.people;
  const text = '{\n  "a1": {}\n}';
  const over = await site.send(undefined, "/codes/import", { site: "home", accessPoints: "box", text });
  const second = await signIn(over, admin);
  const code = totpCode(totpSecret, site.cloud.parts.clock.wall());
  const again = await site.send(undefined, "/sign-in/second-step", {
    ...fieldsOf(second, "/sign-in/second-step"),
    code,
  });
  assert.deepEqual(fieldsOf(again, "/codes/import").text, [text]);
});

test("a form too large to come through the sign-in is left out, and the sign-in goes on", async () => {
  const { agency } = site.people;
  const over = await site.send(undefined, "/codes/import", {
    site: "home",
    accessPoints: "box",
    text: '"'.repeat(46_000),
  });
  assert.equal(over.status, 401);
  assert.equal((await signIn(over, agency)).status, 303);
});

test("passwords and keys do not go along, and nothing is sent to another service or by itself", async () => {
  const { agency } = site.people;
  const over = await site.send(undefined, "/account/password", { current: "old password", password: "new password" });
  assert.doesNotMatch(over.text, /old password|new password/);
  const source = await site.send(undefined, "/sources/new", { name: "Sea", key: "the source's key" });
  assert.match(source.text, /Sea/);
  assert.doesNotMatch(source.text, /the source/);
  for (const path of ["//evil.example/", "https://evil.example/", "javascript:alert(1)", 7]) {
    const answer = await signIn(over, agency, { kept: JSON.stringify({ path, fields: [] }) });
    assert.equal(answer.status, 303);
    assert.equal(answer.headers.get("location"), "/");
  }
  const foreign = { "sec-fetch-site": "cross-site" };
  assert.equal((await site.send(undefined, "/codes", { name: "x" }, foreign)).status, 403);
  assert.equal((await site.send(agency, "/sign-in/kept", { kept: "{}" }, foreign)).status, 403);
});

test("a part that fetches itself says that the session has ended, in its own place, and asks no more", async () => {
  const headers = { "hx-request": "true", "hx-target": "div#codes", "hx-current-url": "http://localhost/codes?name=a" };
  const over = await site.visit(undefined, "/codes/list", headers);
  assert.equal(over.status, 200);
  assert.match(over.text, /^<div id="codes"[^>]*role="alert"/);
  assert.match(over.text, /href="\/sign-in\?next=%2Fcodes%3Fname%3Da"/);
  assert.doesNotMatch(over.text, /hx-get|<html/);
  const odd = { ...headers, "hx-target": 'div#"><script>', "hx-current-url": "https://evil.example//evil.example/x" };
  const { text } = await site.visit(undefined, "/codes/list", odd);
  assert.doesNotMatch(text, /script|evil\.example/);
});
