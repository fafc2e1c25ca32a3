/** A guest says on their page that it does not work: the owner is alarmed once, with what is known, and with nobody else's doings. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { attemptsOf, levelNow } from "../../../cloud-sync/domain/guest-trouble.ts";
import { HandClock } from "../../support/cloud.ts";
import { boxDoor, givenPages, nukiDoor, type PageSite } from "../../support/page-visitor.ts";

const minute = 60_000;
const hour = 60 * minute;
const clock = new HandClock();
let site: PageSite;
let property: string;

before(async () => {
  site = await givenPages({ clock });
  await site.gateway.report([nukiDoor, boxDoor], [{ id: "nuki", link: "offline", battery: 7 }]);
  const order = { site: "home", name: "Harbour flat", accessPoints: ["box", "front-door"] };
  property = (await ask("POST", "/api/properties", order, 201)).id;
});
after(() => site.cloud.close());

const ask = async (method: string, path: string, body?: unknown, status = 200) => {
  const answer = await site.cloud.ask(method, path, body);
  assert.equal(answer.status, status, answer.text);
  return answer.body;
};
const moment = (ms: number) => new Date(clock.wall() + ms).toISOString();

async function aStay(): Promise<{ id: string; page: string; code: string; grant: string }> {
  const time = { from: moment(-hour), until: moment(5 * hour) };
  const made = await ask("POST", "/api/bookings", { property, guest: { name: "Greta" }, ...time }, 201);
  const { url } = await ask("POST", `/api/bookings/${made.id}/link`, {});
  const { code } = await ask("POST", `/api/bookings/${made.id}/reveal`);
  return { id: made.id, page: new URL(url).pathname, code, grant: made.code.grant };
}
const tell = (page: string, fields: Record<string, string>) =>
  site.send(undefined, `${page}/trouble`, fields, { "accept-language": "en" });
const alarms = async (id: string) => (await ask("GET", `/api/stay-alarms?about=${id}`)).items;

test("the owner is alarmed once, with the doors, the lock, what was tried and what the guest says, and again when it goes on", async () => {
  const stay = await aStay();
  const { gateway } = site;
  await gateway.catchUp();
  const first = gateway.lines.length + 1;
  const denied = { type: "denied", accessPoint: "box", via: "pin", revision: 1, at: clock.wall() };
  gateway.record(
    { ...denied, reason: "QR_NOT_FOUND" },
    { ...denied, reason: "NOT_YET_VALID", grant: "grant-of-another", credential: "c" },
    { type: "admitted", accessPoint: "box", grant: stay.grant, credential: "c", via: "pin", revision: 1, left: null },
  );
  assert.equal((await gateway.push(first)).status, 200);

  const answer = await tell(stay.page, { door: "", said: " The keypad blinks red " });
  assert.equal(answer.status, 200);
  assert.match(answer.text, /Your host has been told\./);
  const [alarm] = await alarms(stay.id);
  assert.deepEqual([alarm.kind, alarm.level, alarm.detail.said], ["guest-says", 1, "The keypad blinks red"]);
  assert.deepEqual(
    alarm.detail.doors.map((door: Record<string, unknown>) => [door.accessPoint, door.lock, door.battery]),
    [
      ["box", "unknown", null],
      ["front-door", "offline", 7],
    ],
  );
  assert.equal(alarm.detail.doors[0].code.state, "gateway-decides");
  assert.deepEqual(alarm.detail.attempts.map(({ type, reason }: Record<string, unknown>) => [type, reason]).sort(), [
    ["admitted", null],
    ["denied", "QR_NOT_FOUND"],
  ]);
  assert.ok(!JSON.stringify(alarm).includes(stay.code));

  const again = await tell(stay.page, { door: "box", said: "" });
  assert.match(again.text, /was told a moment ago/);
  clock.advance(10 * minute);
  assert.match((await tell(stay.page, { door: "box", said: "still" })).text, /Your host has been told\./);
  const [risen, ...others] = await alarms(stay.id);
  assert.deepEqual([risen.level, risen.detail.said, risen.detail.doors.length, others], [2, "still", 1, []]);
});

test("two presses at once are one alarm", async () => {
  const stay = await aStay();
  const answers = await Promise.all([tell(stay.page, {}), tell(stay.page, {})]);
  assert.deepEqual(answers.map(({ text }) => /has been told/.test(text)).sort(), [false, true]);
  assert.equal((await alarms(stay.id)).length, 1);
});

test("a stay that is over, or a link that is none, tells nobody; what is no text is refused by its name", async () => {
  const stay = await aStay();
  for (const said of ["x".repeat(501), "bell \u0007"]) {
    const refused = await tell(stay.page, { said });
    assert.equal(refused.status, 400);
    assert.match(refused.text, /body\.said/);
  }
  await ask("PATCH", `/api/bookings/${stay.id}`, { status: "completed" });
  assert.equal((await tell(stay.page, {})).status, 409);
  assert.equal((await tell(`/s/${"x".repeat(22)}`, {})).status, 404);
  assert.deepEqual(await alarms(stay.id), []);
});

test("of very many events the newest ten are told, each once; the level rises no further than six", () => {
  const event = (seq: number) => ({
    ...{
      gatewayId: "g",
      epoch: 1,
      seq,
      at: seq,
      type: "denied",
      accessPoint: "box",
      grantId: null,
      reason: "LOCKED_OUT",
    },
  });
  const events = Array.from({ length: 30 }, (_, index) => event(index));
  const told = attemptsOf([...events, ...events], undefined);
  assert.deepEqual(
    [told.length, told[0]?.at, told.at(-1)?.at],
    [10, "1970-01-01T00:00:00.029Z", "1970-01-01T00:00:00.02Z"],
  );
  assert.deepEqual(
    [
      levelNow(undefined, 0),
      levelNow({ level: 1, roseAt: 0 }, 10 * minute - 1),
      levelNow({ level: 1, roseAt: 0 }, 10 * minute),
      levelNow({ level: 6, roseAt: 0 }, hour),
    ],
    [1, 1, 2, 6],
  );
});
