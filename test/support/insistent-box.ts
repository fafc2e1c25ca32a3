/**
 * A lockbox that never gives up: what it has to say waits in a queue, in order, until the broker has acknowledged it, over any
 * number of connections. It remembers what was acknowledged and which releases it was told, for tests of what must not be lost.
 */
import mqtt from "mqtt";
import { type Door, SimLockbox, type Uplink } from "../../firmware-sim/sim-lockbox.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { lockboxTopics, openCommand } from "../../gateway/wire/lockbox.ts";

export interface BoxLine {
  readonly port: number;
  readonly ca: string;
}

export interface InsistentBoxOptions {
  readonly id: string;
  readonly key: Uint8Array;
  readonly password: string;
}

/** What an uplink tells that the one before it did not. */
export type News =
  | { readonly type: "tamper"; readonly active: boolean }
  | { readonly type: "door"; readonly state: Door };

type Numbered = Uplink & { readonly message: { readonly seq: number } };

interface Owed {
  readonly uplink: Numbered;
  readonly news: News | undefined;
}

export class InsistentBox {
  readonly id: string;
  readonly model: SimLockbox;
  /** Uplinks with a number that the broker has acknowledged and that told something new, by that number. */
  readonly acknowledgedNews = new Map<number, News>();
  /** How often its bolt obeyed a release, by what its keypad was used for at that time. */
  readonly releases = new Map<string, number>();
  /** Whose PIN is pressed; stays the same while an earlier press may still be answered. */
  presser = "";
  #answers = 0;
  /** The release it is being told. */
  #releasing: string | undefined;
  readonly #options: InsistentBoxOptions;
  readonly #unacknowledged: Owed[] = [];
  #door: Door | undefined;
  #client: mqtt.MqttClient | undefined;
  readonly #listeners = new Set<() => void>();

  constructor(options: InsistentBoxOptions) {
    this.#options = options;
    this.id = options.id;
    this.model = new SimLockbox({ id: options.id, key: options.key, clock: systemClock });
    this.model.onUplink((uplink) => {
      if (uplink.name === "reply" && uplink.message.id === this.#releasing && uplink.message.result === "done")
        this.releases.set(this.presser, (this.releases.get(this.presser) ?? 0) + 1);
      this.#owe(uplink);
      this.#publish(uplink);
    });
  }

  /** Whether a press waits that the gateway may or may not have heard. */
  get hasPressInDoubt(): boolean {
    return this.#unacknowledged.some(({ uplink }) => uplink.name === "attempt");
  }

  /** How often its keypad was told what came of a press. */
  get answers(): number {
    return this.#answers;
  }

  get waiting(): number {
    return this.#unacknowledged.length;
  }

  /** Resolves true once the box has a connection and has said all it owed; false when the line breaks before. */
  connect({ port, ca }: BoxLine): Promise<boolean> {
    const client = mqtt.connect({
      protocol: "mqtts",
      host: "127.0.0.1",
      port,
      ca,
      servername: "localhost",
      clientId: this.id,
      username: this.id,
      password: this.#options.password,
      protocolVersion: 4,
      clean: true,
      reconnectPeriod: 0,
      connectTimeout: 60_000,
    });
    return new Promise((resolve) => {
      client.on("error", () => undefined);
      client.once("close", () => {
        client.end(true);
        if (this.#client === client) this.#client = undefined;
        for (const listener of this.#listeners) listener();
        resolve(false);
      });
      client.on("message", (_topic, payload) => this.#hear(payload.toString()));
      client.once("connect", () => {
        client.subscribe(lockboxTopics.of(this.id, "command"), { qos: 1 }, (error) => {
          if (error) return;
          this.#client = client;
          const [presence, ...standing] = this.model.greet();
          for (const uplink of standing) this.#owe(uplink);
          // In the order of their numbers: a report below the last one heard counts as a repeat.
          for (const uplink of [presence!, ...this.#unacknowledged.map((owed) => owed.uplink)]) this.#publish(uplink);
          resolve(true);
        });
      });
    });
  }

  /** Presses a PIN and waits for the answer to it; false when the line broke first, and nobody knows. */
  async press(pin: string): Promise<boolean> {
    const client = this.#client;
    const before = this.#answers;
    if (!client) return false;
    this.model.enterPin(pin);
    return new Promise((resolve) => {
      const look = () => {
        if (this.#answers === before && this.#client === client) return;
        this.#listeners.delete(look);
        resolve(this.#answers > before);
      };
      this.#listeners.add(look);
    });
  }

  async stop(): Promise<void> {
    await this.#client?.endAsync(true);
    this.model.cutPower();
  }

  #hear(payload: string): void {
    const command = openCommand(payload, this.id, this.#options.key);
    if (!command) throw new Error(`${this.id} was sent a command that is not signed for it`);
    this.#releasing = command.action === "release" ? command.id : undefined;
    this.model.receive(payload);
    if (command.action !== "feedback") return;
    this.#answers += 1;
    for (const listener of this.#listeners) listener();
  }

  #owe(uplink: Uplink): void {
    if (!isNumbered(uplink)) return;
    this.#unacknowledged.push({ uplink, news: this.#newsOf(uplink) });
  }

  #newsOf({ name, message }: Numbered): News | undefined {
    if (name === "tamper") return { type: "tamper", active: message.active };
    if (name !== "state" && name !== "reply") return undefined;
    const isNews = message.door !== this.#door;
    this.#door = message.door;
    return isNews ? { type: "door", state: message.door } : undefined;
  }

  #publish(uplink: Uplink): void {
    const topic = lockboxTopics.of(this.id, uplink.name);
    this.#client?.publish(topic, JSON.stringify(uplink.message), { qos: 1 }, (error) => {
      if (error) return;
      const index = this.#unacknowledged.findIndex((owed) => owed.uplink === uplink);
      if (index < 0) return;
      const [
        {
          uplink: { message },
          news,
        },
      ] = this.#unacknowledged.splice(index, 1) as [Owed];
      if (news) this.acknowledgedNews.set(message.seq, news);
    });
  }
}

function isNumbered(uplink: Uplink): uplink is Numbered {
  return "seq" in uplink.message;
}
