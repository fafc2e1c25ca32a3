import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type LockboxCommand,
  lockboxCommandSchema,
  lockboxTopics,
  lockboxUplinks,
  openCommand,
  signCommand,
} from "../../gateway/wire/lockbox.ts";
import fc from "../support/fast-check.ts";

const key = Buffer.alloc(32, 7);
const count = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const facts = {
  id: fc.string({ minLength: 1, maxLength: 64 }),
  device: fc.string({ minLength: 1, maxLength: 64 }),
  boot: count,
  notAfterUp: count,
};
const commands: fc.Arbitrary<LockboxCommand> = fc.oneof(
  fc.record({ ...facts, action: fc.constant("release" as const), holdMs: fc.integer({ min: 100, max: 600_000 }) }),
  fc.record({ ...facts, action: fc.constantFrom("secure" as const, "identify" as const) }),
  fc.record({
    ...facts,
    action: fc.constant("feedback" as const),
    outcome: fc.constantFrom("granted", "denied", "locked-out"),
  }),
);

test("a signed command is opened by the device it names, with its key, and by nobody else", () => {
  fc.assert(
    fc.property(commands, (command) => {
      const payload = signCommand(command, key);
      assert.deepEqual(openCommand(payload, command.device, key), { ...command });
      assert.equal(openCommand(payload, `${command.device}x`, key), undefined);
      assert.equal(openCommand(payload, command.device, Buffer.alloc(32, 8)), undefined);
      assert.equal(JSON.parse(payload).action, command.action);
    }),
  );
});

test("a command in which any bit differs, or that is cut or lengthened, is refused", () => {
  const command = {
    action: "release",
    id: "c-1",
    device: "box-1",
    boot: 3,
    notAfterUp: 90_000,
    holdMs: 30_000,
  } as const;
  const bytes = Buffer.from(signCommand(command, key));
  for (let at = 0; at < bytes.length; at += 1) {
    for (let bit = 0; bit < 8; bit += 1) {
      const flipped = Buffer.from(bytes);
      flipped[at]! ^= 1 << bit;
      const opened = openCommand(flipped.toString("utf8"), "box-1", key);
      // Hex digits may be upper case: the same signature, the same command.
      assert.ok(
        opened === undefined || (bit === 5 && /[a-f]/i.test(String.fromCharCode(flipped[at]!))),
        `bit ${bit} of byte ${at}`,
      );
    }
    assert.equal(openCommand(bytes.subarray(0, at).toString("utf8"), "box-1", key), undefined);
  }
  assert.equal(openCommand(`${bytes} `, "box-1", key), undefined);
});

test("signed, but no command: refused", () => {
  const command = {
    action: "explode",
    id: "c-1",
    device: "box-1",
    boot: 3,
    notAfterUp: 9,
  } as unknown as LockboxCommand;
  assert.equal(openCommand(signCommand(command, key), "box-1", key), undefined);
});

test("no payload makes the reader throw", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ maxLength: 300 }), fc.json()), (text) =>
      assert.equal(openCommand(text, "box-1", key), undefined),
    ),
  );
  for (const schema of [lockboxCommandSchema, ...Object.values(lockboxUplinks)])
    fc.assert(fc.property(fc.jsonValue(), (value) => void schema.safeParse(value)));
});

test("an attempt is bounded and of a kind a keypad or scanner can hear", () => {
  const attempt = { boot: 1, seq: 1, up: 5, kind: "pin", value: "471122" };
  const fits = (change: object) => lockboxUplinks.attempt.safeParse({ ...attempt, ...change }).success;
  assert.ok(fits({}));
  for (const change of [
    { value: "" },
    { value: "1".repeat(65) },
    { kind: "link" },
    { boot: -1 },
    { seq: 1.5 },
    { up: 2 ** 60 },
    { value: 471122 },
  ])
    assert.ok(!fits(change), JSON.stringify(change));
});

test("topics name the device and what is said", () => {
  assert.equal(lockboxTopics.of("box-1", "command"), "postern/box-1/command");
});
