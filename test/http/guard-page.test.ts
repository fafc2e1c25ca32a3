/** The guard's page without a script: what it shows, what going back to it does, and in which language. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import type { GuardRules } from "../../gateway/domain/guard-rules.ts";
import { ownPath } from "../../gateway/http/language.ts";
import { aGuardedGate, leasUid } from "../support/guarded-gate.ts";
import { SimDisk } from "../support/sim-disk.ts";

const minute = 60_000;

test("scans, tells and lets in, in the guard's language", async () => {
  const { ask, cookie, heard, walk } = await aGuard({ entriesAllowed: 1 });
  const headers = { "accept-language": "es" };
  assert.equal((await ask("GET", "/guard")).headers.get("location"), "/sign-in?next=%2Fguard");
  assert.match((await ask("GET", "/", { cookie })).text, /href="\/guard"/);
  const page = await ask("GET", "/guard", { cookie, headers });
  assert.match(page.text, /lang="es"/);
  assert.match(page.text, /Código del visitante/);
  const good = await walk("/guard/check", { uid: leasUid, gate: "front" }, headers);
  assert.match(good.text, /Puede entrar/);
  assert.match(good.text, /Lea Visitor/);
  assert.match(good.text, /invitado/);
  assert.match((await walk("/guard/enter", { of: slipIn(good.text) }, headers)).text, /La puerta está abierta/);
  assert.equal(heard.length, 1);
  const used = await walk("/guard/check", { uid: leasUid, gate: "front" });
  assert.match(used.text, /May not come in/);
  assert.match(used.text, /have been used/);
});

test("a verdict may be loaded anew: it has an address, in which no code stands, and nothing is written down again", async () => {
  const { ask, cookie, walk, events } = await aGuard({ entriesAllowed: 0 });
  const denied = await walk("/guard/check", { uid: leasUid, gate: "front" });
  assert.doesNotMatch(denied.path, /VIS-|10482/);
  for (let turn = 0; turn < 3; turn += 1)
    assert.match((await ask("GET", denied.path, { cookie })).text, /have been used/);
  assert.equal((await events("denied")).length, 1);
});

test("a page of another moment asks for the code once more, and says of no gate that it is open", async () => {
  const { ask, cookie, walk, pass, heard } = await aGuard({ entriesAllowed: 5 });
  const good = await walk("/guard/check", { uid: leasUid, gate: "front" });
  const entered = await walk("/guard/enter", { of: slipIn(good.text) });
  assert.match(entered.text, /The gate is open/);
  const sentAgain = await walk("/guard/enter", { of: slipIn(good.text) });
  assert.match(sentAgain.text, /counted before, once/);
  assert.doesNotMatch(sentAgain.text, /The gate is open/);
  pass(minute);
  const later = await ask("GET", entered.path, { cookie });
  assert.match(later.text, /Let in.*counted before, once/s);
  assert.doesNotMatch(later.text, /The gate is open/);
  pass(10 * minute);
  const old = await ask("GET", good.path, { cookie });
  assert.match(old.text, /not of this moment/);
  assert.doesNotMatch(old.text, /May come in/);
  assert.equal(heard.length, 1);
});

test("a restart between the check and the approval: after the sign-in the same page lets in, once", async () => {
  const disk = new SimDisk();
  const before = await aGuard({ entriesAllowed: 2 }, disk);
  const good = await before.walk("/guard/check", { uid: leasUid, gate: "front" });
  await before.walk("/guard/enter", { of: slipIn(good.text) });
  disk.kill();

  const after = await aGuard({ entriesAllowed: 2 }, disk);
  const form = { of: slipIn(good.text) };
  const signedOut = await after.ask("POST", "/guard/enter", { form, cookie: before.cookie });
  const signIn = new URL(signedOut.headers.get("location") ?? "", "http://localhost");
  assert.equal(signIn.pathname, "/sign-in");
  const back = await after.ask("GET", signIn.searchParams.get("next") ?? "", { cookie: after.cookie });
  assert.match(back.text, /May come in.*Lea Visitor/s);
  const again = await after.walk("/guard/enter", { of: slipIn(back.text) });
  assert.match(again.text, /Let in/);
  assert.deepEqual([before.heard.length, after.heard.length], [1, 0]);
});

test("the sign-in leads back to where it was asked for, and to no other place", async () => {
  const { ask } = await aGuard();
  const signIn = async (next: string) => {
    const form = { userName: "rosa", password: "gate and garden 7", next };
    return (await ask("POST", "/sign-in", { form })).headers.get("location");
  };
  assert.equal(await signIn("/guard?gate=front"), "/guard?gate=front");
  for (const foreign of ["https://evil.example/", "//evil.example", "/\\evil.example", "guard", ""])
    assert.equal(await signIn(foreign), "/", foreign);
  assert.match((await ask("GET", "/sign-in?next=/guard")).text, /name="next" value="\/guard"/);
});

test("the language is chosen on the page and kept", async () => {
  const { ask, cookie } = await aGuard();
  const switched = await ask("POST", "/language", { form: { language: "es", next: "/guard" }, cookie });
  assert.deepEqual([switched.status, switched.headers.get("location")], [303, "/guard"]);
  const headers = { "accept-language": "en" };
  const page = await ask("GET", "/guard", { cookie: `${cookie}; ${switched.cookie}`, headers });
  assert.match(page.text, /lang="es"/);
  assert.equal((await ask("POST", "/language", { form: { language: "xx", next: "/" } })).status, 400);
});

test("a refused form tells a person in a page, a program in a problem", async () => {
  const { ask, cookie } = await aGuard();
  const form = { uid: leasUid, gate: "<img src=x>" };
  const page = await ask("POST", "/guard/check", { cookie, form, headers: { accept: "text/html,*/*;q=0.8" } });
  assert.equal(page.status, 400);
  assert.match(page.headers.get("content-type") ?? "", /^text\/html/);
  assert.match(page.headers.get("content-security-policy") ?? "", /default-src 'none'/);
  assert.match(page.text, /no such access point/);
  const problem = await ask("POST", "/guard/check", { cookie, form });
  assert.match(problem.headers.get("content-type") ?? "", /problem\+json/);
  const unknown = await ask("GET", "/guard/enter", { cookie, headers: { accept: "text/html" } });
  assert.deepEqual([unknown.status, /<h1>Not Found/.test(unknown.text)], [404, true]);
});

test("what a hostile code says is text, and opens nothing", async () => {
  const { ask, cookie, heard, walk } = await aGuard();
  for (const hostile of [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "https://evil.example/VIS-10482-KQX",
    "\u202E‮VIS",
  ]) {
    const { text } = await walk("/guard/check", { uid: hostile, gate: "front" });
    assert.match(text, /May not come in/);
    assert.ok(!text.includes("<script>alert") && !text.includes("<img"));
  }
  const good = await walk("/guard/check", { uid: leasUid, gate: "front" });
  const headers = { origin: "https://evil.example" };
  const foreign = await ask("POST", "/guard/enter", { cookie, form: { of: slipIn(good.text) }, headers });
  assert.equal(foreign.status, 403);
  for (const of of ["", "x", slipIn(good.text).slice(0, -1), "x".repeat(4_000)])
    assert.equal((await ask("POST", "/guard/enter", { cookie, form: { of } })).status, 400);
  assert.equal((await ask("GET", "/guard/visitor?of=x", { cookie })).status, 404);
  assert.deepEqual(heard, []);
});

test("the decoder may compile itself on the guard's pages and on no other", async () => {
  const { ask, cookie } = await aGuard();
  const policy = async (path: string) =>
    (await ask("GET", path, { cookie })).headers.get("content-security-policy") ?? "";
  assert.match(await policy("/guard"), /script-src 'self' 'wasm-unsafe-eval';/);
  for (const path of ["/guard", "/", "/sign-in", "/status"])
    assert.doesNotMatch(await policy(path), /'unsafe-|default-src 'self'/, path);
  for (const path of ["/", "/sign-in"]) assert.doesNotMatch(await policy(path), /wasm/, path);
});

test("the app's manifest, icons, worker and shell are there for whoever has not signed in, and hold nobody's name", async () => {
  const { ask } = await aGuard();
  const manifest = JSON.parse((await ask("GET", "/guard.webmanifest")).text);
  assert.deepEqual([manifest.start_url, manifest.display], ["/guard", "standalone"]);
  for (const { src, type } of manifest.icons)
    assert.equal((await ask("GET", src)).headers.get("content-type"), type, src);
  const worker = await ask("GET", "/guard-worker.js");
  const shell = JSON.parse(/^self\.shell = (.*);$/m.exec(worker.text)?.[1] ?? "");
  for (const path of [...shell.assets, shell.page]) assert.equal((await ask("GET", path)).status, 200, path);
  const { text } = await ask("GET", shell.page);
  assert.match(text, /cannot be reached/);
  assert.match(text, /No se puede llegar/);
  assert.doesNotMatch(text, /Rosa/);
});

test("without a script too: a guard's own no, a visitor without a code, the list, and the way out", async () => {
  const { ask, cookie, walk, heard, events } = await aGuard({ entriesAllowed: 3 });
  const good = await walk("/guard/check", { uid: leasUid, gate: "front" });
  const no = { of: slipIn(good.text), why: "the host says no", note: "called him" };
  assert.match((await walk("/guard/deny", no)).text, /Turned away/);
  assert.match((await walk("/guard/deny", no)).text, /Turned away/);
  assert.equal((await events("turned-away")).length, 1);
  assert.deepEqual(heard, []);

  const form = await ask("GET", "/guard/walk-in", { cookie });
  const nonce = /name="nonce" value="([^"]+)"/.exec(form.text)?.[1] ?? "";
  const wim = { name: "Wim <b>", host_name: "Ana", document: "", type: "Delivery", note: "", gate: "front", nonce };
  for (let turn = 0; turn < 2; turn += 1) {
    const letIn = await walk("/guard/walk-in", wim);
    assert.match(letIn.text, /Let in.*Wim &lt;b&gt;/s);
    assert.doesNotMatch(letIn.path, /Wim/);
  }
  assert.equal(heard.length, 1);
  const nameless = await ask("POST", "/guard/walk-in", { cookie, form: { ...wim, name: " " } });
  assert.equal(nameless.status, 400);

  const list = async (query: string) => (await ask("GET", `/guard/visits${query}`, { cookie })).text;
  assert.match(await list(""), /Wim &lt;b&gt;.*inside/s);
  assert.match(
    await list("?state=turned-away&since=8&guard=me&gate=front"),
    /Lea Visitor.*the host says no: called him/s,
  );
  assert.match(await list("?gate=front&state=denied"), /Nobody\./);
  const [entry, leaving] = ["entry", "nonce"].map((name) => new RegExp(`name="${name}" value="([^"]+)"`));
  const inside = await list("");
  const leave = { entry: entry?.exec(inside)?.[1] ?? "", nonce: leaving?.exec(inside)?.[1] ?? "", gate: "front" };
  await walk("/guard/leave", leave);
  assert.match(await list(""), /Nobody\./);

  const out = { uid: leasUid, gate: "front", way: "out", nonce: "0123456789abcdef" };
  assert.match((await walk("/guard/check", out)).text, /No visit of this pass was open here/);
  const unknown = await walk("/guard/check", { ...out, uid: "VIS-00000-AAA", nonce: "0123456789abcdeg" });
  assert.match(unknown.text, /not valid/);
});

test("where the site wants no photo none is asked for, and where it wants one it says what taking one needs", async () => {
  const shown = async (photo: "required" | "off") => {
    const { ask, cookie } = await aGuardedGate({}, {}, new SimDisk(), { photo });
    return (await ask("GET", "/guard/walk-in", { cookie })).text;
  };
  assert.doesNotMatch(await shown("off"), /Photo of the visitor/);
  assert.match(await shown("required"), /needs JavaScript/);
});

test("a phone learns over the plain line how to trust the gateway, and by which fingerprint to know it", async () => {
  const { ask } = await aGuard();
  const from = "192.168.1.7";
  const signIn = await ask("GET", "/sign-in", { from });
  assert.match(signIn.text, /href="\/trust"/);
  const certificate = new X509Certificate((await ask("GET", "/ca.crt", { from })).text);
  const { text } = await ask("GET", "/trust", { from, headers: { "accept-language": "es" } });
  assert.ok(text.includes(certificate.fingerprint256));
  assert.match(text, /Certificado de CA.*Ajustes de confianza.*https:\/\/localhost:8443\/guard/s);
});

test("the sign-in, the doors and a refusal speak the language that was chosen", async () => {
  const { ask, cookie } = await aGuard();
  const headers = { "accept-language": "es", accept: "text/html" };
  assert.match((await ask("GET", "/sign-in", { headers })).text, /lang="es".*Contraseña/s);
  const wrong = await ask("POST", "/sign-in", { headers, form: { userName: "rosa", password: "x" } });
  assert.match(wrong.text, /no corresponden/);
  await ask("POST", "/doors/front/unlock", { headers, cookie, form: {} });
  assert.match((await ask("GET", "/", { headers, cookie })).text, /Front door: abierta.*Abrir Front door/s);
  assert.match((await ask("GET", "/nowhere", { headers })).text, /Puertas y estado/);
});

/** Sends a form and follows where its answer leads. */
test("a phone far from the gate is told so with the verdict, and the entry notes it; without a place all goes on", async () => {
  const bounds = { center: { lat: 41.3874, lng: 2.1686 }, radiusM: 200 };
  const { ask, cookie, walk, events } = await aGuard({}, new SimDisk(), { photo: "off", bounds });
  assert.match((await ask("GET", "/guard", { cookie })).text, /name="lat"/);
  const far = await walk("/guard/check", { uid: leasUid, gate: "front", lat: "41.3974", lng: "2.1686" });
  assert.match(far.text, /May come in.*1112 m from the gate/s);
  await walk("/guard/enter", { of: slipIn(far.text) });
  const near = await walk("/guard/check", { uid: leasUid, gate: "front", lat: "41.3875", lng: "2.1686" });
  assert.doesNotMatch(near.text, /m from the gate/);
  await walk("/guard/enter", { of: slipIn(near.text) });
  for (const place of [{}, { lat: "", lng: "" }, { lat: "north", lng: "2" }, { lat: "91", lng: "2" }])
    assert.match((await walk("/guard/check", { uid: leasUid, gate: "front", ...place })).text, /May come in/);
  const notes = (await events("admitted")).map((one) => "scan" in one && one.scan?.farM);
  assert.deepEqual(notes, [1112, undefined]);
  const nobodyAsks = await aGuard();
  assert.doesNotMatch((await nobodyAsks.ask("GET", "/guard", { cookie: nobodyAsks.cookie })).text, /name="lat"/);
});

async function aGuard(
  overrides: Parameters<typeof aGuardedGate>[0] = {},
  disk = new SimDisk(),
  guards: GuardRules = { photo: "optional" },
) {
  const gate = await aGuardedGate(overrides, {}, disk, guards);
  const { ask, cookie } = gate;
  const walk = async (to: string, form: Record<string, string>, headers: Record<string, string> = {}) => {
    const sent = await ask("POST", to, { cookie, form, headers });
    assert.equal(sent.status, 303, sent.text);
    const path = sent.headers.get("location") ?? "";
    return { path, ...(await ask("GET", path, { cookie, headers })) };
  };
  return { ...gate, walk };
}

function slipIn(page: string): string {
  return /name="of" value="([^"]+)"/.exec(page)?.[1] ?? "";
}

test("a sign-in leads back to pages of this gateway alone", () => {
  for (const own of ["/guard?gate=front", "/guard/visitor?of=x"]) assert.equal(ownPath(own), own);
  for (const foreign of [
    "/.//evil.example/x",
    "//evil.example",
    "/\\evil.example",
    "/%2e//evil.example",
    "https://evil.example",
    "guard",
    7,
  ])
    assert.equal(ownPath(foreign), "/", String(foreign));
});
