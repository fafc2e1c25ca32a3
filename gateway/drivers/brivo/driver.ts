/** A door of Brivo Access: its panel decides by what the maker's cloud told it; commands, codes and what is known of it go through that cloud. */
import type { DeviceId } from "../../domain/access-point.ts";
import { GatewayError } from "../../errors.ts";
import type { Device, DeviceStatus, Lock, ReportListener, Unsubscribe } from "../../ports/device.ts";
import type { DriverContext, DriverFactory } from "../../ports/driver.ts";
import { CloudDoor, type CloudDoorWays, type OpenedAtLock } from "../common/cloud-door.ts";
import { checkSecrets } from "../common/maker-secrets.ts";
import { resultOf, type WebAnswer } from "../common/web-answer.ts";
import { type AskOptions, accountNow, type BrivoAccount, claimGroup, leaveGroup, type Question } from "./account.ts";
import { describe, unread } from "./answer.ts";
import { BrivoCodes } from "./codes.ts";
import { endHold, holdUntil, pulse, readDoor, readEventsSince } from "./door.ts";
import { type Options, parseOptions, secretNeeds } from "./options.ts";
import { adminPulse, type DoorEvent, readEvents, readStatus } from "./wire.ts";

/** An event that is older when it comes is not told as one of now, so older ones need not be read. */
const eventsMs = 3_600_000;

export const brivo: DriverFactory = {
  create: (id, options, context) => {
    const parsed = parseOptions(options);
    checkSecrets(secretNeeds(parsed), context.secret);
    return new Brivo(id, parsed, context);
  },
};

class Brivo implements Device {
  readonly id: DeviceId;
  readonly lock: Lock;
  readonly codes?: BrivoCodes;
  readonly #options: Options;
  readonly #context: DriverContext;
  /** The last that anything was asked of. */
  #account: BrivoAccount | undefined;
  readonly #door: CloudDoor<Question>;

  constructor(id: DeviceId, options: Options, context: DriverContext) {
    const { clock } = context;
    this.id = id;
    this.#options = options;
    this.#context = context;
    this.#door = new CloudDoor(id, context, this.#ways());
    this.lock = this.#door.lock;
    const stopped = () => this.#door.stopped;
    const isConnected = (signal: AbortSignal) => this.#isConnected(signal);
    if (options.groupId !== undefined)
      this.codes = new BrivoCodes({
        group: options.groupId,
        ...{ options, clock, stopped, isConnected },
        ask: (question, asked) => this.#ask(question, asked),
      });
  }

  async start(signal: AbortSignal): Promise<void> {
    if (this.#door.stopped) return;
    this.#isOthers();
    this.codes?.forget();
    await this.#door.start(signal);
  }

  async stop(): Promise<void> {
    await this.#door.stop();
    const { groupId } = this.#options;
    if (groupId !== undefined) leaveGroup(this.#context, this.#options, groupId, this.id);
    await this.#account?.settled();
  }

  status(): DeviceStatus {
    return this.#door.status();
  }

  subscribe(listener: ReportListener): Unsubscribe {
    return this.#door.subscribe(listener);
  }

  #ways(): CloudDoorWays<Question> {
    const { accessPointId, override, liveStatus, pollMs, pollBusyMs, deadlineMs } = this.#options;
    const { clock } = this.#context;
    const end = endHold(accessPointId);
    return {
      paces: { pollMs, pollBusyMs, eventsMs: pollMs, deadlineMs },
      ask: (question, kind, signal) => this.#ask(question, { kind, signal }),
      attention: () => {
        const its = accountNow(this.#context, this, this.#options);
        return "attention" in its ? its.attention : undefined;
      },
      status: readDoor(accessPointId),
      readStatus: (body) => {
        const status = readStatus(body);
        if (!status || !liveStatus) return status && { isConnected: true };
        return { isConnected: status.bolt !== undefined, ...(status.bolt && { bolt: status.bolt }) };
      },
      showsBolt: liveStatus,
      pulse: pulse(accessPointId),
      pulseAction: adminPulse,
      ...(override !== "off" && {
        hold: { begin: (windowMs) => holdUntil(accessPointId, override, clock.wall() + windowMs), end },
      }),
      resultOf: (answer, to) => {
        // There was nothing to be ended.
        const isEnded = to === "secured" && answer.kind === "answered" && answer.status === 412;
        return isEnded ? "accepted" : resultOf(answer);
      },
      readEvents: (signal) => this.#readEvents(signal),
      describe,
    };
  }

  async #ask(question: Question, asked: Omit<AskOptions, "deadlineMs">): Promise<WebAnswer> {
    const account = accountNow(this.#context, this, this.#options);
    if ("attention" in account) return { kind: "unsent", why: account.attention };
    // Of another account's users nothing is known.
    if (this.#account && this.#account !== account) this.codes?.forget();
    this.#account = account;
    return account.ask(question, { ...asked, deadlineMs: this.#options.deadlineMs });
  }

  /** Whether another door keeps the group; as soon as that one stops it is this one's. */
  #isOthers(): boolean {
    const { groupId } = this.#options;
    return groupId !== undefined && !claimGroup(this.#context, this.#options, groupId, this.id);
  }

  async #isConnected(signal: AbortSignal): Promise<boolean> {
    const { groupId, accessPointId } = this.#options;
    if (this.#door.stopped?.aborted === false && this.#isOthers())
      throw new GatewayError("device-refused", `groupId ${groupId} is another door's, too: each needs one of its own`);
    const { answer, status } = await this.#door.look("other", signal);
    if (!status) throw unread(answer, `the status of door ${accessPointId}`);
    return status.isConnected;
  }

  async #readEvents(signal: AbortSignal): ReturnType<CloudDoorWays<Question>["readEvents"]> {
    const { accessPointId } = this.#options;
    const { clock } = this.#context;
    const question = readEventsSince(accessPointId, clock.wall() - eventsMs);
    const answer: WebAnswer = await this.#ask(question, { kind: "other", signal });
    const events =
      answer.kind === "answered" && answer.status === 200 ? readEvents(answer.body, accessPointId) : undefined;
    if (!events) return { why: describe(answer) };
    return events.map((event) => ({ ...event, opened: this.#openingOf(event) }));
  }

  #openingOf({ action, actor, credentialType = "" }: DoorEvent): OpenedAtLock {
    if (action === adminPulse) return { type: "opened-at-lock", by: "app" };
    const code = actor === undefined ? undefined : this.codes?.refOf(actor);
    if (code !== undefined) return { type: "opened-at-lock", by: "code", code };
    if (/pin/i.test(credentialType)) return { type: "opened-at-lock", by: "code" };
    return { type: "opened-at-lock", by: /mobile|pass|phone/i.test(credentialType) ? "app" : "card" };
  }
}
