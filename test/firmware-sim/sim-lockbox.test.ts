/** The laws of the simulated box: at most once, never late, never for another, never open beyond its window unless jammed. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { answerMs, rememberedMax, SimLockbox, type Uplink } from "../../firmware-sim/sim-lockbox.ts";
import { type LockboxCommand, lockboxUplinks, signCommand } from "../../gateway/wire/lockbox.ts";
import fc from "../support/fast-check.ts";
import { SimClock } from "../support/sim-clock.ts";

const key = Buffer.alloc(32, 7);
type Act = {
  readonly [A in LockboxCommand["action"]]: Omit<Extract<LockboxCommand, { action: A }>, Envelope>;
}[LockboxCommand["action"]];
type Envelope = "id" | "device" | "boot" | "notAfterUp";

class Bench {
  readonly clock = new SimClock(Date.UTC(2031, 2, 4, 12));
  readonly box = new SimLockbox({ id: "box-1", key, clock: this.clock });
  readonly said: Uplink[] = [];
  boot = 1;
  bootedAt = 0;
  #ids = 0;

  constructor() {
    this.box.onUplink((uplink) => this.said.push(uplink));
  }

  get up(): number {
    return this.clock.monotonic() - this.bootedAt;
  }

  /** Signs and hands over a command; answers the box's reply. */
  command(act: Act, envelope: Partial<Pick<LockboxCommand, Envelope>> = {}, signedWith: Uint8Array = key) {
    const facts = {
      id: `c-${++this.#ids}`,
      device: "box-1",
      boot: this.boot,
      notAfterUp: this.up + 3_000,
      ...envelope,
    };
    return this.receive(signCommand({ ...facts, ...act } as LockboxCommand, signedWith));
  }

  receive(payload: string): string | undefined {
    const before = this.said.length;
    this.box.receive(payload);
    const reply = this.said.slice(before).find(({ name }) => name === "reply");
    return reply?.name === "reply" ? reply.message.result : undefined;
  }

  release(holdMs = 5_000, envelope: Partial<Pick<LockboxCommand, Envelope>> = {}): string | undefined {
    return this.command({ action: "release", holdMs }, envelope);
  }

  async pass(ms: number): Promise<void> {
    const until = this.clock.monotonic() + ms;
    do await new Promise((resolve) => setImmediate(resolve));
    while (this.clock.step(until));
  }

  power(on: boolean): void {
    if (on && !this.box.powered) {
      this.boot += 1;
      this.bootedAt = this.clock.monotonic();
    }
    if (on) this.box.restorePower();
    else this.box.cutPower();
  }

  get states(): string[] {
    return this.said.flatMap((uplink) =>
      uplink.name === "state" ? [`${uplink.message.bolt} ${uplink.message.door}`] : [],
    );
  }
}

describe("a lockbox", () => {
  test("releases for its window and locks itself", async () => {
    const bench = new Bench();

    assert.equal(bench.release(5_000), "done");
    assert.equal(bench.box.view().display, "Welcome");
    await bench.pass(4_999);
    assert.equal(bench.box.view().bolt, "released");
    await bench.pass(1);

    assert.equal(bench.box.view().bolt, "secured");
    assert.deepEqual(bench.states, ["released closed", "secured closed"]);
  });

  test("opens only while the bolt is back, and an open door stays open when the bolt returns", async () => {
    const bench = new Bench();
    assert.equal(bench.box.pushDoor(), false);

    bench.release(5_000);
    assert.equal(bench.box.pushDoor(), true);
    await bench.pass(5_000);
    bench.box.closeDoor();

    assert.equal(bench.box.pushDoor(), false);
    assert.deepEqual(bench.states, ["released closed", "released open", "secured open", "secured closed"]);
  });

  test("a second release begins a new window, a command to secure ends it", async () => {
    const bench = new Bench();
    bench.release(5_000);
    await bench.pass(4_000);
    bench.release(5_000);
    await bench.pass(4_000);
    assert.equal(bench.box.view().bolt, "released");

    assert.equal(bench.command({ action: "secure" }), "done");

    assert.equal(bench.box.view().bolt, "secured");
  });

  test("told again and again it stays open without a move or a word, and locks itself once nobody tells it", async () => {
    const bench = new Bench();
    for (let told = 0; told < 5; told += 1) {
      assert.equal(bench.release(60_000), "done");
      assert.equal(bench.box.view().beeps > 0, told === 0);
      await bench.pass(20_000);
    }
    assert.deepEqual(bench.states, ["released closed"]);

    bench.box.enterPin("471199");
    bench.release(60_000);
    assert.equal(bench.box.view().display, "Welcome");
    await bench.pass(60_000);
    assert.deepEqual(bench.states, ["released closed", "secured closed"]);
  });

  test("a jam while secured refuses the release; a jam while released keeps it from locking until it is freed", async () => {
    const bench = new Bench();
    bench.box.jam();
    assert.equal(bench.release(), "refused");
    assert.equal(bench.box.view().bolt, "jammed");
    bench.box.unjam();
    assert.equal(bench.box.view().bolt, "secured");

    bench.release(5_000);
    bench.box.jam();
    await bench.pass(5_000);
    assert.equal(bench.box.view().bolt, "jammed");
    assert.equal(bench.box.pushDoor(), true);
    bench.box.unjam();
    assert.equal(bench.box.view().bolt, "secured");
  });

  test("without power it is dark, deaf and secured; with power it is a new boot with a clock from zero", async () => {
    const bench = new Bench();
    bench.release();
    await bench.pass(1_000);
    bench.power(false);
    assert.deepEqual(
      { ...bench.box.view(), lastVerdict: null },
      {
        powered: false,
        bolt: "secured",
        door: "closed",
        batteryPercent: 100,
        tamper: false,
        jammed: false,
        display: "",
        beeps: 0,
        lastVerdict: null,
      },
    );
    const before = bench.said.length;
    bench.box.enterPin("123456");
    assert.equal(bench.release(), undefined);
    assert.equal(bench.said.length, before);

    bench.power(true);

    assert.deepEqual(bench.box.greet()[0], {
      name: "presence",
      message: { online: true, boot: 2, up: 0, firmware: "sim-1.0" },
    });
    assert.equal(bench.release(5_000, { boot: 1 }), "expired");
    assert.equal(bench.release(), "done");
  });

  test("an empty battery is a power cut, and new ones come with the power", () => {
    const bench = new Bench();
    bench.box.drainBattery(20);
    bench.box.drainBattery(0);
    assert.equal(bench.box.powered, false);
    bench.power(true);
    assert.equal(bench.box.view().batteryPercent, 100);
    bench.box.drainBattery(0);
    bench.box.drainBattery(60);
    assert.deepEqual([bench.box.powered, bench.box.view().batteryPercent], [true, 60]);
    bench.power(false);
    bench.box.drainBattery(50);
    assert.equal(bench.box.powered, false);
    assert.throws(() => bench.box.drainBattery(101), /0 to 100 percent, not 101/);
  });

  test("force opens the door and is told at once", () => {
    const bench = new Bench();
    bench.box.pryOpen();
    bench.box.mend();
    const told = bench.said.map(({ name, message }) => [name, "active" in message ? message.active : undefined]);
    assert.deepEqual(told, [
      ["tamper", true],
      ["state", undefined],
      ["state", undefined],
      ["tamper", false],
    ]);
  });

  test("the keypad shows what became of a press", async () => {
    const bench = new Bench();
    const press = () => bench.box.enterPin("123456");
    press();
    assert.equal(bench.box.view().display, "Checking…");
    await bench.pass(answerMs);
    assert.equal(bench.box.view().lastVerdict?.verdict, "no-answer");
    for (const [outcome, text] of [
      ["granted", "Welcome"],
      ["denied", "Wrong code"],
      ["locked-out", "Locked out"],
    ] as const) {
      press();
      assert.equal(bench.command({ action: "feedback", outcome }), "done");
      assert.equal(bench.box.view().display, text);
      await bench.pass(answerMs);
      assert.equal(bench.box.view().display, "Enter code");
      assert.equal(bench.box.view().lastVerdict?.verdict, outcome);
    }
    assert.throws(() => bench.box.enterPin(""), /1 to 64 digits/);
  });

  test("heartbeat and battery come as often as configured", async () => {
    const bench = new Bench();
    assert.equal(bench.command({ action: "configure", heartbeatMs: 60_000, batteryMs: 120_000 }), "done");
    await bench.pass(240_000);
    const count = (wanted: string) => bench.said.filter(({ name }) => name === wanted).length;
    assert.deepEqual([count("heartbeat"), count("battery")], [4, 2]);
  });

  test("a command of another key or for another box, or with any byte changed, is as if it had not come", () => {
    const bench = new Bench();
    assert.equal(bench.command({ action: "release", holdMs: 5_000 }, {}, Buffer.alloc(32, 8)), undefined);
    assert.equal(bench.release(5_000, { device: "box-2" }), undefined);
    const good = signCommand(
      { id: "a", device: "box-1", boot: 1, notAfterUp: 3_000, action: "release", holdMs: 5_000 },
      key,
    );
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, character) => {
        const bad = good.slice(0, at) + character + good.slice(at + 1);
        fc.pre(bad.toLowerCase() !== good.toLowerCase());
        assert.equal(bench.receive(bad), undefined);
      }),
    );
    assert.equal(bench.box.view().bolt, "secured");
  });

  test("it remembers every id that is still valid, and refuses what it could not remember", async () => {
    const bench = new Bench();
    for (let i = 0; i < rememberedMax; i += 1) assert.equal(bench.command({ action: "identify" }), "done");
    assert.equal(bench.release(), "refused");
    assert.equal(bench.command({ action: "identify" }, { id: "c-1" }), "repeated");
    await bench.pass(3_001);
    assert.equal(bench.release(), "done");
  });

  test("whatever happens, no release is late, doubled or longer than its window unless jammed", async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("release" as const), holdMs: fc.integer({ min: 100, max: 8_000 }) }),
      fc.record({ kind: fc.constant("replay" as const), which: fc.nat(9) }),
      fc.record({
        kind: fc.constant("old" as const),
        lateMs: fc.integer({ min: 1, max: 10_000 }),
        boots: fc.integer({ min: 0, max: 1 }),
      }),
      fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 6_000 }) }),
      fc.constantFrom(
        ...(["secure", "jam", "unjam", "cut", "restore", "push", "close", "press"] as const).map((kind) => ({ kind })),
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const bench = new Bench();
        const { box } = bench;
        const sent: { readonly payload: string; readonly holdMs: number; done: boolean }[] = [];
        let windowEndsAt = -1;
        const give = (command: (typeof sent)[number]) => {
          if (bench.receive(command.payload) !== "done") return;
          assert(!command.done, `executed twice: ${command.payload}`);
          command.done = true;
          windowEndsAt = bench.clock.monotonic() + command.holdMs;
        };
        for (const one of steps) {
          if (one.kind === "release") {
            const { holdMs } = one;
            const facts = { id: `r-${sent.length}`, device: "box-1", boot: bench.boot, notAfterUp: bench.up + 3_000 };
            const command = { payload: signCommand({ ...facts, action: "release", holdMs }, key), holdMs, done: false };
            sent.push(command);
            give(command);
          } else if (one.kind === "replay") {
            const command = sent[one.which];
            if (command) give(command);
          } else if (one.kind === "old") {
            const notAfterUp = one.boots === 0 ? bench.up - one.lateMs : bench.up + one.lateMs;
            if (notAfterUp >= 0) {
              const result = bench.release(5_000, { boot: bench.boot - one.boots, notAfterUp });
              assert.equal(result, box.powered ? "expired" : undefined);
            }
          } else if (one.kind === "wait") await bench.pass(one.ms);
          else if (one.kind === "secure") bench.command({ action: "secure" });
          else if (one.kind === "jam") box.jam();
          else if (one.kind === "unjam") box.unjam();
          else if (one.kind === "cut") bench.power(false);
          else if (one.kind === "restore") bench.power(true);
          else if (one.kind === "push") box.pushDoor();
          else if (one.kind === "close") box.closeDoor();
          else box.enterPin("111111");
          const { bolt, jammed } = box.view();
          if (bolt === "released")
            assert(jammed || bench.clock.monotonic() < windowEndsAt, "released after its window");
          if (bolt === "jammed") assert(jammed);
          if (!box.powered && !jammed) assert.equal(bolt, "secured");
        }
        for (const { name, message } of bench.said) assert(lockboxUplinks[name].safeParse(message).success, name);
        const places = bench.said.flatMap(({ message }) => ("seq" in message ? [[message.boot, message.seq]] : []));
        assert.deepEqual(
          places,
          places.toSorted(([a, b], [c, d]) => a! - c! || b! - d!),
        );
      }),
      { numRuns: 200 },
    );
  });
});
