/** A door of Kisi: its controller decides by what the maker's cloud told it; it is released and asked through that cloud. Kisi has no PINs to keep, but members to let in. */
import type { DeviceId } from "../../domain/access-point.ts";
import type { Instant, Millis } from "../../domain/instant.ts";
import { GatewayError } from "../../errors.ts";
import type { DriverContext, DriverFactory } from "../../ports/driver.ts";
import { CloudDoor, type CloudDoorWays } from "../common/cloud-door.ts";
import { checkSecrets } from "../common/maker-secrets.ts";
import type { TurnKind } from "../common/request-rate.ts";
import type { WebAnswer } from "../common/web-answer.ts";
import { accountNow, type Question } from "./account.ts";
import { commandResult, describe } from "./answer.ts";
import { KisiCodes } from "./codes.ts";
import { type Options, parseOptions, secretNeeds } from "./options.ts";
import { readEventSet, readEvents, readLock, toTime, unlockAction } from "./wire.ts";

/** An event that is older when it comes is not told as one of now, so older ones need not be read. */
const sinceMs: Millis = 3_600_000;
const pageSize = 200;
/** Of one question to the log; with as many events in an hour a door has other troubles. */
const pagesMax = 5;
/** While the service still gathers them. */
const gathering = { pauseMs: 2_000, timesMax: 5 };

export const kisi: DriverFactory = {
  create: (id: DeviceId, options, context: DriverContext) => {
    const parsed = parseOptions(options);
    checkSecrets(secretNeeds, context.secret);
    const ways = waysOf(parsed, context);
    const { groupId: group } = parsed;
    if (group === undefined) return new CloudDoor(id, context, ways);
    return new CloudDoor(id, context, {
      ...ways,
      noCodes: "PINs are not possible on this lock: it opens to the accounts of Kisi's members",
      codes: (door) =>
        new KisiCodes({
          ...{ device: id, group, options: parsed, clock: context.clock },
          ask: (question, signal) => ways.ask(question, "other", signal),
          stopped: () => door.stopped,
          isConnected: (signal) => isConnected(door, parsed, signal),
        }),
    });
  },
};

async function isConnected(door: CloudDoor<Question>, { lockId }: Options, signal: AbortSignal): Promise<boolean> {
  const { answer, status } = await door.look("other", signal);
  if (status) return status.isConnected;
  const code = answer.kind === "answered" ? "device-refused" : "device-unreachable";
  throw new GatewayError(code, `lock ${lockId} of Kisi could not be read: ${describe(answer)}`);
}

function waysOf(options: Options, context: DriverContext): CloudDoorWays<Question> {
  const { lockId, url, pollMs, pollBusyMs, eventsMs, deadlineMs } = options;
  const device = {};
  const account = () => accountNow(context, device, url);
  const ask = async (question: Question, kind: TurnKind, signal: AbortSignal): Promise<WebAnswer> => {
    const its = account();
    if ("attention" in its) return { kind: "unsent", why: its.attention };
    return its.ask(question, { kind, deadlineMs, signal });
  };
  const log = new EventLog(lockId, context.clock, account, (question, signal) => ask(question, "other", signal));
  return {
    paces: { pollMs, pollBusyMs, eventsMs, deadlineMs },
    ask,
    attention: () => {
      const its = account();
      return "attention" in its ? its.attention : undefined;
    },
    status: { method: "GET", path: `/locks/${lockId}` },
    readStatus: (body) => readLock(body, lockId),
    showsBolt: true,
    pulse: { method: "POST", path: `/locks/${lockId}/unlock` },
    pulseAction: unlockAction,
    noCodes: "PINs are not possible on this lock: Kisi opens by its app, cards and links of its own",
    resultOf: commandResult,
    readEvents: (signal) => log.read(signal),
    describe,
  };
}

/** The door's log: it cannot be listed, only asked for, gathered by the service, and fetched. */
class EventLog {
  readonly #lockId: number;
  readonly #clock: DriverContext["clock"];
  readonly #account: () => ReturnType<typeof accountNow>;
  readonly #ask: (question: Question, signal: AbortSignal) => Promise<WebAnswer>;

  constructor(
    lockId: number,
    clock: DriverContext["clock"],
    account: () => ReturnType<typeof accountNow>,
    ask: (question: Question, signal: AbortSignal) => Promise<WebAnswer>,
  ) {
    this.#lockId = lockId;
    this.#clock = clock;
    this.#account = account;
    this.#ask = ask;
  }

  async read(signal: AbortSignal): ReturnType<CloudDoorWays<Question>["readEvents"]> {
    const account = this.#account();
    const late = "attention" in account ? { why: account.attention } : await account.eventSetTurn(signal);
    if (late) return late;
    const now: Instant = this.#clock.wall();
    const interval = `${toTime(now - sinceMs)}/${toTime(now + 1_000)}`;
    const event_set = { interval, event_type: "lock.unlock", event_object_id: this.#lockId };
    const all: unknown[] = [];
    let question: Question = { method: "POST", path: "/event_sets", body: { event_set } };
    let pages = 0;
    for (let looks = 0; looks < gathering.timesMax + pagesMax; looks += 1) {
      const answer = await this.#ask(question, signal);
      const set = answer.kind === "answered" && answer.status === 200 ? readEventSet(answer.body) : undefined;
      if (!set) return { why: describe(answer) };
      if (set.status === "failed") return { why: "Kisi could not gather its events" };
      const path = `/event_sets/${set.id}?limit=${pageSize}`;
      if (set.status !== "finished") {
        await this.#clock.sleep(gathering.pauseMs, signal).catch(() => undefined);
        question = { method: "GET", path };
        continue;
      }
      all.push(...set.events);
      pages += 1;
      if (set.cursor === undefined || pages === pagesMax) return readEvents(all, this.#lockId);
      question = { method: "GET", path: `${path}&cursor=${encodeURIComponent(set.cursor)}` };
    }
    return { why: "Kisi gathers its events for too long" };
  }
}
