/**
 * How simulated Tuya locks are reached through their maker's cloud, on loopback and without TLS: temporary passwords under tickets,
 * opening and locking from afar, and the log. The same lock may have its own link on the LAN (links/tuya.ts).
 */
import type { Clock } from "../../gateway/ports/clock.ts";
import { Faults } from "../faults.ts";
import type { SimTuyaLock } from "../sim-tuya-lock.ts";
import { type CloudCall, CloudPort, type CloudTrouble, type CloudTroubleScope } from "./cloud-port.ts";
import { TuyaCloudAccess, type TuyaProject, tuyaRefusals } from "./tuya-cloud-access.ts";
import { promptTuyaDelivery, TuyaCloudLock, type TuyaDelivery } from "./tuya-cloud-lock.ts";
import { answerTuya, envelope, type TuyaCloudQuirks } from "./tuya-cloud-routes.ts";

export interface TuyaCloudServerOptions {
  /** By the device id. */
  readonly locks: Readonly<Record<string, SimTuyaLock>>;
  /** The one project that is admitted. */
  readonly project: TuyaProject;
  readonly clock: Clock;
  readonly faults?: Faults;
  readonly delivery?: Partial<TuyaDelivery>;
  readonly quirks?: Partial<TuyaCloudQuirks>;
}

export class TuyaCloudServer {
  /** May change at any time; hold from the next change, command or request on. */
  readonly delivery: TuyaDelivery;
  readonly quirks: TuyaCloudQuirks;
  readonly faults: Faults;
  readonly #clock: Clock;
  readonly #access: TuyaCloudAccess;
  readonly #locks = new Map<string, TuyaCloudLock>();
  readonly #port: CloudPort;
  #ids = 1_000;

  constructor({ locks, project, clock, faults = new Faults(), delivery, quirks }: TuyaCloudServerOptions) {
    this.delivery = { ...promptTuyaDelivery, ...delivery };
    this.quirks = { deliveryStatus: "text", ...quirks };
    this.faults = faults;
    this.#clock = clock;
    this.#access = new TuyaCloudAccess(project, clock);
    const nextId = () => ++this.#ids;
    for (const [id, lock] of Object.entries(locks))
      this.#locks.set(id, new TuyaCloudLock({ id, lock, clock, faults, delivery: this.delivery, nextId }));
    this.#port = new CloudPort({
      clock,
      faults,
      answer: (request) =>
        answerTuya(
          { access: this.#access, locks: this.#locks, quirks: this.quirks, now: Math.floor(clock.wall()) },
          request,
        ),
    });
  }

  get calls(): readonly CloudCall[] {
    return this.#port.calls;
  }

  /** Keeps its port over stop(). */
  async start(): Promise<{ url: string }> {
    const reached = await this.#port.start();
    for (const lock of this.#locks.values()) lock.start();
    return reached;
  }

  /** What is on its way to a lock is lost; what is in the locks stays. */
  async stop(): Promise<void> {
    for (const lock of this.#locks.values()) lock.stop();
    await this.#port.stop();
  }

  /** Throws a RangeError where the project has no such device. */
  lock(device: string): TuyaCloudLock {
    const lock = this.#locks.get(device);
    if (!lock) throw new RangeError(`there is no device ${device} in this project`);
    return lock;
  }

  trouble(what: CloudTrouble, scope?: CloudTroubleScope): void {
    this.#port.trouble(what, scope);
  }

  /** Answered so, and nothing done; without `times` until settle(). */
  refuse(reason: keyof typeof tuyaRefusals, scope: CloudTroubleScope = {}): void {
    const answer = envelope(tuyaRefusals[reason], Math.floor(this.#clock.wall()));
    this.#port.trouble({ answer }, { times: Number.POSITIVE_INFINITY, ...scope });
  }

  settle(): void {
    this.#port.settle();
  }

  expireToken(): void {
    this.#access.expireToken();
  }

  expireTickets(): void {
    this.#access.expireTickets();
  }
}
