/** A guard asks the host of a visitor without a pass. The cloud is played; clock and disk are simulated, the rest of the gateway is real. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { GuardRules } from "../../gateway/domain/guard-rules.ts";
import { GatewayError } from "../../gateway/errors.ts";
import { hearHost } from "../../gateway/flows/ask-host.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import type { QuestionReply, WireQuestion } from "../../gateway/wire/gateway-api.ts";
import { aGuardedGate } from "../support/guarded-gate.ts";
import { SimDisk } from "../support/sim-disk.ts";
import { rosa } from "../support/staffed-gate.ts";
import { until } from "../support/until.ts";

const ana = { id: "person-ana", name: "Ana Resident" };
const nonce = (number: number) => `asked-0000-0000-${String(number).padStart(4, "0")}`;
const tom = { name: "Tom Plumber", type: "Service", document: "P-1", note: "boiler", host_name: "ana" };

/** A gate whose cloud answers as it is told. `answer`: the host's, as a command of a poll that was answered just now. */
async function aGateWithLine(guards: GuardRules = { photo: "off" }, disk = new SimDisk()) {
  const asked: WireQuestion[] = [];
  const cloud = { reply: async (): Promise<QuestionReply> => ({ outcome: "asked", host: ana }) };
  const link = {
    askHost: (question: WireQuestion, signal: AbortSignal) => {
      asked.push(question);
      const late = new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      return Promise.race([cloud.reply(), late]);
    },
  };
  const gate = await aGuardedGate({}, {}, disk, guards, silentLogger, link);
  let commands = 0;
  const answer = (question: string, approves: boolean, ageMs = 0) => {
    commands += 1;
    const now = gate.site.clock.monotonic();
    const facts = { id: commands, accessPoint: "front", ageMs, ttlMs: 120_000, by: ana.id };
    const command = { ...facts, action: "host-answer", question, approves } as const;
    return hearHost(gate.site, { command, askedAt: now, answeredAt: now, heldMs: 0 });
  };
  const stateOf = async (id: string) => (await gate.read(`/walk-in/ask/${id}`)).body.state;
  return { ...gate, asked, cloud, answer, stateOf };
}

test("the host is told no more than name and kind; with a yes the guard opens once, and the entry says by whom", async () => {
  const gate = await aGateWithLine();
  const waiting = await gate.askHost({ ...tom, nonce: nonce(1), age_ms: 40 });
  assert.deepEqual([waiting.status, waiting.body.state, waiting.body.host_name], [200, "waiting", "Ana Resident"]);
  assert.deepEqual(gate.asked, [
    {
      id: nonce(1),
      accessPoint: "front",
      staff: rosa.id,
      ageMs: 40,
      visitor: { name: "Tom Plumber", type: "Service" },
      host: { name: "ana" },
    },
  ]);

  await gate.answer(nonce(1), true);

  assert.equal(await gate.stateOf(nonce(1)), "approved");
  assert.deepEqual(gate.heard, [], "an answer opens nothing");
  const answered = { command: 1, accessPoint: "front", question: nonce(1), approves: true, staff: rosa.id, by: ana.id };
  assert.deepEqual(await gate.events("host-answered"), [{ type: "host-answered", ...answered }]);
  const { host_name: _, ...typed } = tom;
  const word = { ...typed, host_name: "Ana Resident", nonce: nonce(1) };
  const { body } = await gate.walkIn(word);
  assert.deepEqual([body.access_granted, body.gate], [true, "open"]);
  assert.equal((await gate.walkIn(word)).body.entry, body.entry);
  assert.equal(gate.heard.length, 1);
  const [entry] = await gate.events("staff-command");
  assert.equal(entry && "scan" in entry && entry.scan?.host, ana.id);
  assert.doesNotMatch(JSON.stringify(await gate.events("staff-command", "host-answered")), /Tom|P-1|boiler/);
});

test("asked once, however often it is sent; a no lets nobody in where the host decides, and neither does silence", async () => {
  const gate = await aGateWithLine({ photo: "off", walkIns: "host" });
  const refusedBefore = await gate.walkIn({ ...tom, nonce: nonce(1) });
  assert.deepEqual([refusedBefore.status, refusedBefore.body.code], [409, "no-host"]);
  for (let time = 0; time < 3; time += 1) await gate.askHost({ ...tom, nonce: nonce(1) });
  assert.equal(gate.asked.length, 1);
  assert.equal((await gate.walkIn({ ...tom, nonce: nonce(1) })).status, 409, "nobody has answered");
  await gate.answer(nonce(1), false);
  assert.equal(await gate.stateOf(nonce(1)), "denied");
  assert.equal((await gate.walkIn({ ...tom, nonce: nonce(1) })).status, 409);

  await gate.askHost({ ...tom, nonce: nonce(2) });
  await gate.answer(nonce(2), true);
  assert.equal(
    (await gate.walkIn({ ...tom, name: "Tim Other", nonce: nonce(2) })).status,
    409,
    "not who was asked about",
  );
  assert.deepEqual(gate.heard, []);
  assert.equal((await gate.walkIn({ ...tom, nonce: nonce(2) })).body.access_granted, true);
});

test("an answer that comes too late, to no question of this start, or after the guard has decided says nothing", async () => {
  const gate = await aGateWithLine();
  await gate.askHost({ ...tom, nonce: nonce(1) });
  gate.pass(126_000);
  assert.equal(await gate.stateOf(nonce(1)), "unanswered");
  await gate.answer(nonce(1), true);
  assert.equal(await gate.stateOf(nonce(1)), "unanswered");

  await gate.answer(nonce(9), true);
  await gate.askHost({ ...tom, nonce: nonce(2) });
  await gate.answer(nonce(2), true, 121_000);
  assert.equal(await gate.stateOf(nonce(2)), "waiting", "by its age on the way");
  await gate.walkIn({ ...tom, nonce: nonce(2) });
  await gate.answer(nonce(2), true);

  const results = (await gate.events("command-ended")).map((event) => Reflect.get(event, "result"));
  assert.deepEqual(results, ["expired", "expired", "expired", "expired"]);
  assert.deepEqual(await gate.events("host-answered"), []);
  assert.equal(gate.site.records.lastCommand, 4);
});

test("a yes is good for some minutes at the gate, not for the next visit", async () => {
  const gate = await aGateWithLine({ photo: "off", walkIns: "host" });
  await gate.askHost({ ...tom, nonce: nonce(1) });
  await gate.answer(nonce(1), true);
  gate.pass(5 * 60_000 + 1);
  assert.equal(await gate.stateOf(nonce(1)), "spent");
  assert.equal((await gate.walkIn({ ...tom, nonce: nonce(1) })).status, 409);
});

test("an answer quicker than the reply to the question counts", async () => {
  const gate = await aGateWithLine();
  gate.cloud.reply = async () => {
    await gate.answer(nonce(1), true);
    return { outcome: "asked", host: ana };
  };
  assert.equal((await gate.askHost({ ...tom, nonce: nonce(1) })).body.state, "approved");
});

test("without a line it is said at once, in the guard's language, and the guard's own word remains; a new try asks anew", async () => {
  const gate = await aGateWithLine();
  gate.cloud.reply = () => Promise.reject(new GatewayError("cloud-unreachable", "gone"));
  const { body } = await gate.askHost({ ...tom, nonce: nonce(1) }, { "accept-language": "es" });
  assert.deepEqual([body.state, body.message], ["no-line", "Ahora mismo no hay línea con el anfitrión."]);
  gate.cloud.reply = async () => ({ outcome: "choose", hosts: [ana, { id: "person-eva", name: "Ana Eva" }] });
  const choose = await gate.askHost({ ...tom, nonce: nonce(1) });
  assert.deepEqual([choose.body.state, choose.body.hosts.length], ["choose", 2]);
  gate.cloud.reply = async () => ({ outcome: "asked", host: ana });
  await gate.askHost({ ...tom, nonce: nonce(1), host: ana.id });
  assert.deepEqual(gate.asked.at(-1)?.host, { id: ana.id });
  assert.equal((await gate.walkIn({ ...tom, nonce: nonce(1) })).body.access_granted, true, "on the guard's own word");
  const [entry] = await gate.events("staff-command");
  assert.equal(entry && "scan" in entry && entry.scan?.host, undefined);
});

test("a cloud that does not answer counts as no line after five seconds, and a guard asks only so often", async () => {
  const gate = await aGateWithLine();
  gate.cloud.reply = () => new Promise(() => undefined);
  const silent = gate.askHost({ ...tom, nonce: nonce(1) });
  await until("the cloud is asked", () => gate.asked.length === 1);
  gate.pass(5_001);
  assert.equal((await silent).body.state, "no-line");
  gate.cloud.reply = async () => ({ outcome: "nobody" });
  const answers = [];
  for (let number = 2; number < 14; number += 1)
    answers.push((await gate.askHost({ ...tom, nonce: nonce(number) })).status);
  assert.ok(answers.includes(429), String(answers));
});

test("after a restart nothing is known of the question: nobody is let in by an old yes", async () => {
  const disk = new SimDisk();
  const gate = await aGateWithLine({ photo: "off", walkIns: "host" }, disk);
  await gate.askHost({ ...tom, nonce: nonce(1) });
  await gate.answer(nonce(1), true);
  await gate.events();
  const again = await aGateWithLine({ photo: "off", walkIns: "host" }, disk);
  assert.equal((await again.read(`/walk-in/ask/${nonce(1)}`)).status, 404);
  assert.equal((await again.walkIn({ ...tom, nonce: nonce(1) })).status, 409);
  again.cloud.reply = async () => ({ outcome: "over" });
  assert.equal((await again.askHost({ ...tom, nonce: nonce(1) })).body.state, "unanswered");
});

test("the guard's pages: asked, waiting, yes, let in; and no, turned away with the visitor's name; without a script", async () => {
  const gate = await aGateWithLine();
  const { cookie } = gate;
  const form = { ...tom, gate: "front", nonce: nonce(1) };
  const asked = await gate.ask("POST", "/guard/walk-in/ask", { cookie, form });
  const there = asked.headers.get("location") ?? "";
  assert.deepEqual([asked.status, there], [303, `/guard/asked?of=${nonce(1)}`]);
  const waiting = (await gate.ask("GET", there, { cookie })).text;
  for (const said of ["Asked", "Tom Plumber", "Ana Resident", 'http-equiv="refresh"', "data-waits"])
    assert.ok(waiting.includes(said), said);
  await gate.answer(nonce(1), true);
  const yes = (await gate.ask("GET", there, { cookie })).text;
  assert.match(yes, /verdict good/);
  assert.match(yes, /The host lets this visitor in\./);
  assert.doesNotMatch(yes, /http-equiv="refresh"/);
  const entered = await gate.ask("POST", "/guard/walk-in", { cookie, form });
  assert.match((await gate.ask("GET", entered.headers.get("location") ?? "", { cookie })).text, /The gate is open\./);
  assert.equal(gate.heard.length, 1);

  const second = { ...form, nonce: nonce(2) };
  await gate.ask("POST", "/guard/walk-in/ask", { cookie, form: second });
  await gate.answer(nonce(2), false);
  const no = (await gate.ask("GET", `/guard/asked?of=${nonce(2)}`, { cookie })).text;
  assert.match(no, /verdict bad/);
  assert.doesNotMatch(no, /action="\/guard\/walk-in"/, "nothing to press that lets in");
  await gate.ask("POST", "/guard/walk-in/deny", { cookie, form: second });
  const [away] = (await gate.read("/visits?state=turned-away")).body.items;
  assert.deepEqual([away.name, away.note], ["Tom Plumber", "the host says no"]);
  assert.equal((await gate.ask("GET", `/guard/asked?of=${nonce(3)}`, { cookie })).status, 404);
});

test("where the guard decides, a host's no stands for the number it was asked under, and the guard's own word is another", async () => {
  const gate = await aGateWithLine();
  await gate.askHost({ ...tom, nonce: nonce(1) });
  await gate.answer(nonce(1), false);
  const refused = await gate.walkIn({ ...tom, nonce: nonce(1) });
  assert.deepEqual([refused.status, refused.body.code, gate.heard], [409, "host-said-no", []]);
  assert.equal((await gate.walkIn({ ...tom, nonce: nonce(2) })).body.gate, "open");
});
