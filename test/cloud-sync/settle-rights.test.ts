import assert from "node:assert/strict";
import { test } from "node:test";
import {
  heldAt,
  heldBy,
  holdingOf,
  isLowering,
  isSpent,
  noHolding,
  noteReturned,
  noteTransfer,
  outstanding,
  placements,
  type RightsAccount,
  settle,
  withHolding,
} from "../../cloud-sync/domain/settle-rights.ts";
import { held, merge, noRights, type Rights } from "../../gateway/domain/rights.ts";
import fc from "../support/fast-check.ts";

const [a, b, c] = ["gw-a.1", "gw-b.1", "gw-c.1"];
const everyone = new Map([a, b, c].map((holder) => [holder, 0]));
const none: RightsAccount = { allowed: 3, home: "gw-a", holdings: [], transfers: [] };
const asking = (account: RightsAccount, holder: string, askedAt: number) =>
  withHolding(account, { ...holdingOf(account, holder), askedAt });
const orderTo = (account: RightsAccount, holder: string) => placements(account).get(holder)?.order;

test("all entries of a new grant are placed at its home gateway", () => {
  const account = settle(none, everyone, 0);
  assert.deepEqual(Object.fromEntries(placements(account)), { [a]: { granted: 3 } });
  assert.deepEqual(heldBy(account), ["gw-a"]);
});

test("it is spent when every entry is used that was ever placed, and not before one that is used is placed", () => {
  const placed = settle(none, everyone, 0);
  const using = (used: number) => withHolding(placed, { ...holdingOf(placed, a), used });
  assert.deepEqual([none, placed, using(2), using(3)].map(isSpent), [false, false, false, true]);
  const moved = noteTransfer(using(2), { from: a, to: b, total: 1 });
  assert.equal(isSpent(moved), false, "the last one is at another gate");
  assert.equal(isSpent({ ...using(3), allowed: 4 }), false, "the limit was raised");
});

test("an entry at a gateway that has told nothing, because it was only sent it over the LAN, is found and asked back", () => {
  const moved = noteTransfer(settle(none, everyone, 0), { from: a, to: b, total: 3 });
  assert.deepEqual(heldBy(moved), ["gw-b"]);
  const account = settle(asking(moved, c, 40_000), everyone, 40_000);
  assert.deepEqual(orderTo(account, b), { no: 1, n: 1 });
  assert.ok(isLowering({ ...moved, allowed: 2 }));
});

test("nothing is placed at a home gateway that is out of service, and all of it once its next card is", () => {
  const waiting = settle(none, new Map([[b, 0]]), 0);
  assert.equal(outstanding(waiting), 0);
  assert.equal(placements(settle(waiting, new Map([["gw-a.2", 0]]), 0)).get("gw-a.2")?.granted, 3);
});

test("an ask is answered with an order to who holds some, and with the entry once that is home", () => {
  let account = settle(asking(settle(none, everyone, 0), b, 40_000), everyone, 40_000);
  assert.deepEqual(orderTo(account, a), { no: 1, n: 1 });
  assert.equal(orderTo(settle(account, everyone, 41_000), a)?.no, 1, "it is not ordered twice");
  account = settle(noteReturned(account, a, 1, 1), everyone, 42_000);
  assert.equal(placements(account).get(b)?.granted, 1);
  assert.equal(orderTo(account, a), undefined);
  assert.equal(outstanding(account), 3);
});

test("an entry that moved stays half a minute, and an ask nobody repeats is forgotten: what comes back goes home", () => {
  let account = settle(asking(settle(none, everyone, 0), b, 10_000), everyone, 10_000);
  assert.equal(orderTo(account, a), undefined, "it was placed ten seconds ago");
  account = settle(asking(account, b, 40_000), everyone, 40_000);
  account = settle(noteReturned(account, a, 1, 1), everyone, 40_000 + 121_000);
  assert.equal(placements(account).get(b)?.granted ?? 0, 0);
  assert.equal(placements(account).get(a)?.granted, 4);
  assert.equal(outstanding(account), 3);
});

test("an order answered with nothing is not given again, and what should have been there is written off", () => {
  let account = settle(asking(settle(none, everyone, 0), b, 40_000), everyone, 40_000);
  account = settle(noteReturned(account, a, 0, 1), everyone, 41_000);
  assert.equal(heldAt(account, holdingOf(account, a)), 0);
  assert.equal(orderTo(account, a), undefined);
  assert.equal(outstanding(account), 3, "and it is not placed again");
});

test("a lower limit asks back what is too much, wherever it lies, and is pending until then", () => {
  let account: RightsAccount = { ...settle(none, everyone, 0), allowed: 1 };
  account = settle(account, everyone, 1_000);
  assert.equal(isLowering(account), true);
  assert.deepEqual(orderTo(account, a), { no: 1, n: 2 });
  account = settle(noteReturned(account, a, 2, 1), everyone, 2_000);
  assert.equal(isLowering(account), false);
  assert.equal(outstanding(account), 1);
});

test("a limit lowered below what was used is settled once nobody holds any", () => {
  const used = withHolding(settle(none, everyone, 0), { ...noHolding(a), granted: 3, used: 3 });
  assert.equal(isLowering(settle({ ...used, allowed: 1 }, everyone, 0)), false);
});

test("a transfer is known by either end's word", () => {
  const account = noteTransfer(settle(none, everyone, 0), { from: a, to: c, total: 2 });
  assert.deepEqual(placements(account).get(c), { granted: 0, incoming: { [a]: 2 } });
  assert.deepEqual([heldAt(account, holdingOf(account, a)), heldAt(account, holdingOf(account, c))], [1, 2]);
  const late = noteTransfer(account, { from: a, to: c, total: 1 });
  assert.equal(placements(late).get(c)?.incoming?.[a], 2);
});

/** Three gateways with registers of their own, messages that are lost, repeated and late. */
class Model {
  account: RightsAccount = { allowed: 3, home: "gw-a", holdings: [], transfers: [] };
  readonly rights = new Map<string, Rights>([a, b, c].map((holder) => [holder, noRights]));
  admitted = 0;
  now = 0;

  constructor() {
    this.settle();
  }

  settle(): void {
    this.account = settle(this.account, everyone, this.now);
  }

  /** The holder hears of its placement; answers an order it had not answered. */
  hear(holder: string, placement = placements(this.account).get(holder)): void {
    if (!placement) return;
    const { granted, incoming, order } = placement;
    this.raise(holder, { ...noRights, granted, ...(incoming && { received: incoming }) });
    const rights = this.of(holder);
    if (!order || order.no <= rights.order) return;
    const given = Math.min(order.n, Math.max(0, held(rights)));
    this.raise(holder, { ...noRights, returned: rights.returned + given, order: order.no });
  }

  /** The cloud hears of the holder's registers, whole or after a crash of nothing: each is larger than before or the same. */
  tell(holder: string, { returned, order, used, sent } = this.of(holder)): void {
    const before = holdingOf(this.account, holder);
    this.account = withHolding(this.account, { ...before, used: Math.max(before.used, used) });
    for (const [to, total] of Object.entries(sent))
      this.account = noteTransfer(this.account, { from: holder, to, total });
    this.account = noteReturned(this.account, holder, returned, order);
    this.settle();
  }

  admit(holder: string): void {
    const rights = this.of(holder);
    if (held(rights) < 1) {
      this.account = asking(this.account, holder, this.now);
      this.settle();
      return;
    }
    this.raise(holder, { ...noRights, used: rights.used + 1 });
    this.admitted += 1;
  }

  /** `have`: what the asking side had received when it asked, which may be long ago. */
  send(from: string, to: string, arrives: boolean): void {
    const have = this.of(to).received[from] ?? 0;
    const giver = this.of(from);
    let total = giver.sent[to] ?? 0;
    if (total <= have && held(giver) >= 1) total += 1;
    this.raise(from, { ...noRights, sent: { [to]: total } });
    if (arrives) this.raise(to, { ...noRights, received: { [from]: total } });
  }

  raise(holder: string, by: Rights): void {
    this.rights.set(holder, merge(this.of(holder), by));
  }

  of(holder: string): Rights {
    return this.rights.get(holder) ?? noRights;
  }
}

test("whatever is lost, late or repeated, all gateways together never admit more than the limit", () => {
  const holder = fc.constantFrom(a, b, c);
  const act = fc.oneof(
    fc.record({ act: fc.constant("hear" as const), holder }),
    fc.record({ act: fc.constant("hear-late" as const), holder }),
    fc.record({ act: fc.constant("tell" as const), holder }),
    fc.record({ act: fc.constant("admit" as const), holder }),
    fc.record({ act: fc.constant("send" as const), holder, to: holder, arrives: fc.boolean() }),
    fc.record({ act: fc.constant("limit" as const), allowed: fc.integer({ min: 3, max: 5 }) }),
    fc.record({ act: fc.constant("wait" as const), ms: fc.nat(60_000) }),
  );
  fc.assert(
    fc.property(fc.array(act, { maxLength: 80 }), (acts) => {
      const model = new Model();
      let largest = model.account.allowed;
      const late = new Map<string, ReturnType<typeof placements>>();
      for (const one of acts) {
        if (one.act === "hear") {
          late.set(one.holder, placements(model.account));
          model.hear(one.holder);
        }
        if (one.act === "hear-late") model.hear(one.holder, late.get(one.holder)?.get(one.holder));
        if (one.act === "tell") model.tell(one.holder);
        if (one.act === "admit") model.admit(one.holder);
        if (one.act === "send" && one.holder !== one.to) model.send(one.holder, one.to, one.arrives);
        if (one.act === "limit") {
          model.account = { ...model.account, allowed: one.allowed };
          largest = Math.max(largest, one.allowed);
          model.settle();
        }
        if (one.act === "wait") model.now += one.ms;
        assert.ok(model.admitted <= largest, `${model.admitted} admitted, the limit was at most ${largest}`);
        const placed = outstanding(model.account);
        assert.ok(placed <= largest, `${placed} placed, the limit was at most ${largest}`);
      }
    }),
    { numRuns: 400 },
  );
});
