/**
 * What every lock promises that keeps codes of its own, whatever its maker. A driver's test builds a rig around it: the store, and someone
 * who plays the lock, its keypad and whatever stands between. A case that a lock cannot meet stands in the list by its name, with the reason.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, type TestContext, test } from "node:test";
import { inspect } from "node:util";
import type { CodeConstraints, CodeHours, CodeWindow, StoredCode } from "../../gateway/domain/lock-code.ts";
import type { Weekday } from "../../gateway/domain/schedule.ts";
import { GatewayError } from "../../gateway/errors.ts";
import type { CodeStore, CommandResult } from "../../gateway/ports/device.ts";
import { SecretString } from "../../gateway/wire/secret.ts";

/** The device runs and its lock can be reached. */
export interface CodeStoreRig {
  readonly store: CodeStore;
  /** The lock tells nobody its digits: codes are found by their labels. */
  readonly isMasked?: true;
  /** What it keeps are accounts and no digits: the nth of them, and what is none. Codes have no names then. */
  readonly accounts?: { nth(nth: number): string; readonly wrong: readonly string[] };
  /** There is no code without a window: where a case needs none, its code gets one that is open. */
  readonly needsWindow?: true;
  /** The lock's own time. */
  now(): number;
  /** Someone else, with the maker's own means, puts a code there that always opens. */
  putByHand(label: string, digits: string): void;
  /** Whether the keypad opens to these digits now. */
  opens(digits: string): boolean;
  /** The lock has heard all that was taken for it, and what it holds can be listed. */
  settle(): Promise<void>;
  /** Time goes by. */
  pass(ms: number): Promise<void>;
  /** "ignore": whatever is asked is heard, done and never answered · "offline": who answers cannot reach the lock. */
  meet(how: "obey" | "ignore" | "offline"): void;
  /** Requests for a change that have been heard. */
  changes(): number;
  /** Every line of the log so far, with its fields. */
  readonly logged: readonly string[];
}

export const codeStoreCases = [
  "lists what stands there, ours and others'",
  "sets a code: it opens, and is listed with label, index and window",
  "sets a code without a window: it is listed as one that always opens",
  "a code opens within its window alone",
  "changes a code in place: the ref stays, the old digits open no more",
  "takes a window away in place",
  "keeps weekly hours by itself: listed as they were set, and it opens within them alone",
  "keeps whole days by itself, also in the nights in which clocks are set",
  "takes weekly hours away in place",
  "refuses hours that its constraints do not allow, and asks nobody",
  "clears a code: it is absent then, and the others stay",
  "clears what is absent: confirmed",
  "refuses digits that stand there already, and nothing has changed",
  "refuses a change of what is absent",
  "refuses what its constraints do not allow, and asks nobody",
  "refuses more codes than it holds",
  "no answer to list rejects: nothing known is not nothing there",
  "no answer to set is unknown, and it is not sent again",
  "no answer to clear is unknown, and it is not sent again",
  "a lock that cannot be reached confirms nothing until it has heard",
  "settles when the signal fires",
  "asks nobody when the signal has fired before",
  "tells no digits: not in the log, not in an error, not in what is listed",
] as const;
export type CodeStoreCase = (typeof codeStoreCases)[number];

const never = new AbortController().signal;
const hour = 3_600_000;

export const indexOf = (digits: string): string => createHash("sha256").update(digits).digest("base64url");

/** The nth of the codes that fit, all different. */
export function fittingDigits({ lengths, digits, forbiddenPrefixes }: CodeConstraints, nth: number): string {
  const last = digits.at(-1) ?? "";
  let text = "";
  for (let rest = nth; text.length < (lengths[0] ?? 0) - 1; rest = Math.floor(rest / digits.length))
    text = `${digits[rest % digits.length]}${text}`;
  assert.ok(!forbiddenPrefixes.some((prefix) => prefix.startsWith(last)), "no code of the suite begins like that");
  return `${last}${text}`;
}

export function codeStoreContract(
  name: string,
  build: (t: TestContext) => Promise<CodeStoreRig>,
  cannot: Partial<Record<CodeStoreCase, string>> = {},
): void {
  const list = ({ store }: CodeStoreRig) => store.list(indexOf, never);
  const anOpenWindow = (rig: CodeStoreRig): CodeWindow => {
    const from = Math.floor(rig.now() / hour) * hour;
    return { from, until: from + 24 * hour };
  };
  const codeOf = (rig: CodeStoreRig, label: string, digits: string) => ({
    ...{ label, digits: new SecretString(digits) },
    ...(rig.needsWindow && { window: anOpenWindow(rig) }),
  });
  const set = (rig: CodeStoreRig, label: string, digits: string, more: { ref?: string; window?: CodeWindow } = {}) =>
    rig.store.set({ ...codeOf(rig, label, digits), ...more }, never);
  const digitsOf = (rig: CodeStoreRig, nth: number) =>
    rig.accounts ? rig.accounts.nth(nth) : fittingDigits(rig.store.constraints, nth);
  const indexIn = (rig: CodeStoreRig, digits: string) => (rig.isMasked ? "masked" : indexOf(digits));
  const found = (rig: CodeStoreRig, codes: readonly StoredCode[], label: string, digits: string) =>
    codes.filter((code) => code.index === indexIn(rig, digits) && (!rig.isMasked || code.label === label));
  const isTaken = (result: CommandResult) => assert.match(result, /^(accepted|confirmed)$/);
  /** Sets a code and waits until it stands in the lock. */
  const given = async (rig: CodeStoreRig, label: string, digits: string, window?: CodeWindow): Promise<StoredCode> => {
    isTaken(await set(rig, label, digits, window ? { window } : {}));
    await rig.settle();
    const [code] = found(rig, await list(rig), label, digits);
    assert.ok(code, `${label} is listed`);
    return code;
  };
  const aWindow = (rig: CodeStoreRig): CodeWindow => {
    const from = Math.ceil(rig.now() / hour) * hour + hour;
    return { from, until: from + 24 * hour };
  };
  /** The day after now on the lock's wall. */
  const tomorrow = (rig: CodeStoreRig) => {
    const { zone = "" } = rig.store.constraints.hours ?? {};
    const today = Temporal.Instant.fromEpochMilliseconds(Math.floor(rig.now())).toZonedDateTimeISO(zone).toPlainDate();
    const date = today.add({ days: 1 });
    const at = (time: string, days = 0) =>
      date.add({ days }).toZonedDateTime({ timeZone: zone, plainTime: time }).epochMilliseconds;
    return { weekday: date.dayOfWeek as Weekday, at };
  };
  const withHours = (rig: CodeStoreRig, hours: CodeHours): CodeWindow => {
    const { from } = anOpenWindow(rig);
    return { from, until: from + 366 * 24 * hour, hours };
  };
  /** The keypad opens from the one moment on, and not from the other on. */
  const opensBetween = async (rig: CodeStoreRig, digits: string, from: number, until: number) => {
    for (const [edge, before, after] of [
      [from, false, true],
      [until, true, false],
    ] as const) {
      await rig.pass(edge - 60_000 - rig.now());
      assert.equal(rig.opens(digits), before, new Date(rig.now()).toISOString());
      await rig.pass(edge - rig.now());
      assert.equal(rig.opens(digits), after, new Date(rig.now()).toISOString());
    }
  };
  const isUnreachable = (error: unknown) =>
    error instanceof GatewayError && (error.code === "device-unreachable" || error.code === "device-refused");

  const cases: Record<CodeStoreCase, (rig: CodeStoreRig) => Promise<void>> = {
    "lists what stands there, ours and others'": async (rig) => {
      assert.deepEqual(await list(rig), []);
      rig.putByHand("cleaner", digitsOf(rig, 1));
      const ours = await given(rig, "guest", digitsOf(rig, 2));

      const codes = await list(rig);

      assert.equal(codes.length, 2);
      assert.equal(new Set(codes.map(({ ref }) => ref)).size, 2);
      assert.equal(found(rig, codes, "cleaner", digitsOf(rig, 1)).length, 1);
      assert.deepEqual(found(rig, codes, "guest", digitsOf(rig, 2)), [ours]);
    },

    "sets a code: it opens, and is listed with label, index and window": async (rig) => {
      const window = anOpenWindow(rig);
      const code = await given(rig, "guest 7", digitsOf(rig, 3), window);

      assert.ok(code.label === "guest 7" || (rig.accounts && code.label === undefined));
      assert.deepEqual(code.window, window);
      assert.ok(!code.pending);
      assert.ok(rig.opens(digitsOf(rig, 3)));
    },

    "sets a code without a window: it is listed as one that always opens": async (rig) => {
      const code = await given(rig, "owner", digitsOf(rig, 3));
      assert.equal(code.window, null);
      assert.ok(rig.opens(digitsOf(rig, 3)));
    },

    "a code opens within its window alone": async (rig) => {
      const window = aWindow(rig);
      await given(rig, "guest", digitsOf(rig, 4), window);
      assert.ok(!rig.opens(digitsOf(rig, 4)));
      await rig.pass(window.from - rig.now());
      assert.ok(rig.opens(digitsOf(rig, 4)));
      await rig.pass(window.until - rig.now());
      assert.ok(!rig.opens(digitsOf(rig, 4)));
    },

    "changes a code in place: the ref stays, the old digits open no more": async (rig) => {
      const before = await given(rig, "guest", digitsOf(rig, 5), anOpenWindow(rig));
      const window = { from: before.window?.from ?? 0, until: aWindow(rig).until + hour };

      isTaken(await set(rig, "guest", digitsOf(rig, 6), { ref: before.ref, window }));
      await rig.settle();

      const [after, ...others] = await list(rig);
      assert.deepEqual(others, []);
      assert.deepEqual(after, { ...before, index: indexIn(rig, digitsOf(rig, 6)), window });
      assert.ok(rig.opens(digitsOf(rig, 6)));
      assert.ok(!rig.opens(digitsOf(rig, 5)));
    },

    "takes a window away in place": async (rig) => {
      const { ref } = await given(rig, "guest", digitsOf(rig, 5), aWindow(rig));
      isTaken(await set(rig, "guest", digitsOf(rig, 5), { ref }));
      await rig.settle();
      assert.equal((await list(rig))[0]?.window, null);
      assert.ok(rig.opens(digitsOf(rig, 5)));
    },

    "keeps weekly hours by itself: listed as they were set, and it opens within them alone": async (rig) => {
      const { weekday, at } = tomorrow(rig);
      const days = [1, 4, 5].includes(weekday) ? ([1, 4, 5] as const) : ([weekday] as const);
      const window = withHours(rig, { days, from: 8 * 60, until: 9 * 60 + 30 });
      const code = await given(rig, "cleaner", digitsOf(rig, 4), window);
      assert.deepEqual(code.window, window);
      assert.ok(!rig.opens(digitsOf(rig, 4)));
      await opensBetween(rig, digitsOf(rig, 4), at("08:00"), at("09:30"));
      await opensBetween(rig, digitsOf(rig, 4), at("08:00", 7), at("09:30", 7));
    },

    "keeps whole days by itself, also in the nights in which clocks are set": async (rig) => {
      const window = withHours(rig, { days: [7], from: 0, until: 24 * 60 });
      const code = await given(rig, "cleaner", digitsOf(rig, 4), window);
      assert.deepEqual(code.window, window);
      const { zone = "" } = rig.store.constraints.hours ?? {};
      let clocksSet: Temporal.ZonedDateTime | null = Temporal.Instant.fromEpochMilliseconds(
        Math.floor(rig.now()),
      ).toZonedDateTimeISO(zone);
      const lengths = new Set<number>();
      for (let night = 0; night < 2; night += 1) {
        clocksSet = clocksSet?.getTimeZoneTransition("next") ?? null;
        assert.equal(clocksSet?.dayOfWeek, 7);
        const [begin, end] = [0, 1].map((days) => clocksSet!.startOfDay().add({ days }).epochMilliseconds) as [
          number,
          number,
        ];
        lengths.add((end - begin) / hour);
        await opensBetween(rig, digitsOf(rig, 4), begin, end);
      }
      assert.deepEqual([...lengths].sort(), [23, 25]);
    },

    "takes weekly hours away in place": async (rig) => {
      const window = withHours(rig, { days: [1], from: 60, until: 120 });
      const { ref } = await given(rig, "cleaner", digitsOf(rig, 5), window);
      const { from, until } = window;
      isTaken(await set(rig, "cleaner", digitsOf(rig, 5), { ref, window: { from, until } }));
      await rig.settle();
      assert.deepEqual((await list(rig))[0]?.window, { from, until });
      assert.ok(rig.opens(digitsOf(rig, 5)));
    },

    "refuses hours that its constraints do not allow, and asks nobody": async (rig) => {
      const night = { days: [1], from: 22 * 60, until: 6 * 60 } as const;
      const evening = { days: [1], from: 18 * 60, until: 24 * 60 } as const;
      const noDay = { days: [], from: 60, until: 120 };
      const any = { days: [1], from: 60, until: 120 } as const;
      const isNative = rig.store.constraints.hours?.native === "one-span";
      for (const hours of isNative ? [night, evening, noDay] : [any])
        assert.equal(await set(rig, "guest", digitsOf(rig, 1), { window: withHours(rig, hours) }), "refused");
      assert.equal(rig.changes(), 0);
    },

    "clears a code: it is absent then, and the others stay": async (rig) => {
      rig.putByHand("cleaner", digitsOf(rig, 1));
      const { ref } = await given(rig, "guest", digitsOf(rig, 2));

      isTaken(await rig.store.clear(ref, never));
      await rig.settle();

      const codes = await list(rig);
      assert.equal(codes.length, 1);
      assert.equal(found(rig, codes, "cleaner", digitsOf(rig, 1)).length, 1);
      assert.ok(!rig.opens(digitsOf(rig, 2)));
    },

    "clears what is absent: confirmed": async (rig) => {
      const { ref } = await given(rig, "guest", digitsOf(rig, 2));
      isTaken(await rig.store.clear(ref, never));
      await rig.settle();
      assert.equal(await rig.store.clear(ref, never), "confirmed");
    },

    "refuses digits that stand there already, and nothing has changed": async (rig) => {
      rig.putByHand("cleaner", digitsOf(rig, 1));
      const before = await list(rig);
      assert.equal(await set(rig, "guest", digitsOf(rig, 1)), "refused");
      await rig.settle();
      assert.deepEqual(await list(rig), before);
    },

    "refuses a change of what is absent": async (rig) => {
      const { ref } = await given(rig, "guest", digitsOf(rig, 2));
      isTaken(await rig.store.clear(ref, never));
      await rig.settle();
      assert.equal(await set(rig, "guest", digitsOf(rig, 3), { ref }), "refused");
      await rig.settle();
      assert.deepEqual(await list(rig), []);
    },

    "refuses what its constraints do not allow, and asks nobody": async (rig) => {
      const { digits, forbiddenPrefixes, lengths } = rig.store.constraints;
      const fitting = digitsOf(rig, 1);
      const wrong = rig.accounts?.wrong ?? [
        "",
        fitting.slice(1, lengths[0]),
        fitting.padEnd((lengths.at(-1) ?? 0) + 1, digits),
        ...["0", "9", "a", " "].filter((sign) => !digits.includes(sign)).map((sign) => fitting.slice(0, -1) + sign),
        ...forbiddenPrefixes.map((prefix) => prefix + fitting.slice(prefix.length)),
      ];
      for (const text of wrong) assert.equal(await set(rig, "guest", text), "refused", JSON.stringify(text));
      assert.equal(await set(rig, "x".repeat(21), fitting), "refused");
      assert.equal(rig.changes(), 0);
    },

    "refuses more codes than it holds": async (rig) => {
      const { capacity } = rig.store.constraints;
      for (let nth = 1; nth <= capacity; nth++) rig.putByHand(`by hand ${nth}`, digitsOf(rig, nth));
      assert.equal((await list(rig)).length, capacity);
      assert.equal(await set(rig, "guest", digitsOf(rig, capacity + 1)), "refused");
      await rig.settle();
      assert.ok(!rig.opens(digitsOf(rig, capacity + 1)));
    },

    "no answer to list rejects: nothing known is not nothing there": async (rig) => {
      rig.meet("ignore");
      await assert.rejects(list(rig), isUnreachable);
    },

    "no answer to set is unknown, and it is not sent again": async (rig) => {
      rig.meet("ignore");
      assert.equal(await set(rig, "guest", digitsOf(rig, 2)), "unknown");
      await rig.settle();
      assert.equal(rig.changes(), 1);
      rig.meet("obey");
      assert.equal(found(rig, await list(rig), "guest", digitsOf(rig, 2)).length, 1, "it had been heard");
    },

    "no answer to clear is unknown, and it is not sent again": async (rig) => {
      const { ref } = await given(rig, "guest", digitsOf(rig, 2));
      rig.meet("ignore");
      assert.equal(await rig.store.clear(ref, never), "unknown");
      await rig.settle();
      assert.equal(rig.changes(), 2);
      rig.meet("obey");
      assert.deepEqual(await list(rig), []);
    },

    "a lock that cannot be reached confirms nothing until it has heard": async (rig) => {
      rig.meet("offline");
      assert.notEqual(await set(rig, "guest", digitsOf(rig, 2)), "confirmed");
      const listed = await list(rig).catch((error: unknown) => {
        assert.ok(isUnreachable(error));
        return [];
      });
      assert.ok(found(rig, listed, "guest", digitsOf(rig, 2)).every(({ pending }) => pending));
      assert.ok(!rig.opens(digitsOf(rig, 2)));
    },

    "settles when the signal fires": async (rig) => {
      rig.meet("ignore");
      for (const [ask, expected] of [
        [(signal: AbortSignal) => rig.store.list(indexOf, signal), isUnreachable],
        [(signal: AbortSignal) => rig.store.clear("any", signal), "unknown"],
      ] as const) {
        const abort = new AbortController();
        const result = Promise.resolve(ask(abort.signal)).catch((error: unknown) => error);
        setImmediate(() => abort.abort());
        const got = await result;
        if (typeof expected === "function") assert.ok(expected(got), inspect(got));
        else assert.match(String(got), /^(unknown|refused)$/);
      }
    },

    "asks nobody when the signal has fired before": async (rig) => {
      const code = codeOf(rig, "guest", digitsOf(rig, 2));
      assert.equal(await rig.store.set(code, AbortSignal.abort()), "refused");
      assert.equal(await rig.store.clear("any", AbortSignal.abort()), "refused");
      await assert.rejects(rig.store.list(indexOf, AbortSignal.abort()));
      assert.equal(rig.changes(), 0);
    },

    "tells no digits: not in the log, not in an error, not in what is listed": async (rig) => {
      const digits = [1, 2, 3].map((nth) => digitsOf(rig, nth));
      const [byHand = "", ours = "", unanswered = ""] = digits;
      rig.putByHand("cleaner", byHand);
      await given(rig, "guest", ours);
      const told: unknown[] = [await list(rig), await set(rig, "guest", byHand)];
      rig.meet("ignore");
      told.push(await set(rig, "guest", unanswered));
      told.push(await list(rig).catch((error: unknown) => error));

      const said = [...rig.logged, inspect(told, { depth: 10, showHidden: true })].join("\n");

      for (const each of digits) assert.ok(!said.includes(each), said);
    },
  };

  describe(`code store: ${name}`, () => {
    for (const what of codeStoreCases) {
      const reason = cannot[what];
      if (reason !== undefined) {
        // Not a skip: nobody forgot it, and no other machine could run it.
        test(`${what} (not possible: ${reason})`, () => undefined);
        continue;
      }
      test(what, async (t) => cases[what](await build(t)));
    }
  });
}
