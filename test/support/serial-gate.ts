/**
 * A gate that nobody watches: the real gateway process with a scanner and a relay board on ptys, enrolled at a cloud that may go. The board has
 * a supply of its own, so that nothing but a frame secures it.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { ServiceProcess } from "../../cli/service-process.ts";
import { Faults } from "../../firmware-sim/faults.ts";
import { SerialRelayLink } from "../../firmware-sim/links/serial-relay.ts";
import { SerialScannerLink } from "../../firmware-sim/links/serial-scanner.ts";
import { SimRelayBoard } from "../../firmware-sim/sim-relay-board.ts";
import type { EntryEvent } from "../../gateway/domain/entry-event.ts";
import { nodeDisk } from "../../gateway/storage/node-disk.ts";
import { showJournal } from "../../gateway/storage/verify-journal.ts";
import { systemClock as clock } from "../../gateway/system-clock.ts";
import { until } from "./until.ts";
import { WholeSite } from "./whole-site.ts";

const readyDeadlineMs = 120_000;

interface Seen {
  readonly devices: readonly { readonly id: string; readonly link: string; readonly attention?: string }[];
  readonly sync: { readonly cursor: { readonly version: number } };
}

export class SerialGate {
  readonly site: WholeSite;
  readonly board = new SimRelayBoard(1);
  readonly scanner: SerialScannerLink;
  readonly relay: SerialRelayLink;
  /** From the next start on. */
  holdMs = 1_000;
  readonly #process: ServiceProcess;
  #url = "";

  private constructor(site: WholeSite) {
    this.site = site;
    const [scanner, relay] = [join(site.folder, "usb-scanner"), join(site.folder, "usb-relay")];
    const faults = new Faults();
    this.scanner = new SerialScannerLink({ clock, path: scanner, faults, end: "\r\n" });
    this.relay = new SerialRelayLink({
      board: this.board,
      clock,
      path: relay,
      faults,
      tellsStatus: false,
      isFedElsewhere: true,
    });
    const file = join(site.folder, "gateway.yaml");
    this.#process = new ServiceProcess("gateway", {
      logFile: join(site.folder, "gateway.log"),
      readyFile: join(site.folder, "gateway.ready.json"),
      env: {},
      config: async () => {
        const settings = {
          data: join(site.folder, "gateway"),
          cloud: { url: site.cloudUrl },
          http: { host: "127.0.0.1", port: 0 },
          broker: { host: "127.0.0.1", port: 0, hostnames: ["localhost"] },
          clock: { source: "system" },
          devices: [
            { id: "gate-scanner", driver: "serial-scanner", options: { port: scanner, repeatMs: 60_000 } },
            { id: "gate-relay", driver: "serial-relay", options: { port: relay } },
          ],
          accessPoints: [
            { id: "gate", name: "Gate", lock: "gate-relay", readers: ["gate-scanner"], holdMs: this.holdMs },
          ],
        };
        await writeFile(file, stringify(settings));
        return file;
      },
    });
  }

  /** Both plugged in, the gateway enrolled and running, the cloud there. */
  static async start(): Promise<SerialGate> {
    const site = await WholeSite.start({ boxes: [] });
    const gate = new SerialGate(site);
    try {
      await site.gateway.stop();
      await gate.scanner.plug();
      await gate.relay.plug();
      await gate.startGateway();
      await until("the cloud knows the gate", async () => {
        const { items } = await site.admin<{ items: unknown[] }>("GET", "/api/sites/demo/access-points");
        return items.length === 1;
      });
      return gate;
    } catch (error) {
      await gate.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.#process.stop();
    await this.scanner.pull();
    await this.relay.pull();
    await this.site.stop();
  }

  async startGateway(): Promise<void> {
    this.#url = String((await this.#process.start(readyDeadlineMs)).url);
    await this.isOnline("gate-scanner");
    await this.isOnline("gate-relay");
  }

  /** At any byte. */
  kill(): Promise<void> {
    return this.#process.kill();
  }

  stopGateway(): Promise<void> {
    return this.#process.stop();
  }

  /** The uid of a visitor's pass, once the gateway knows it. */
  async pass(entriesAllowed: number | null = null): Promise<string> {
    const made = await this.#grant(entriesAllowed);
    await until("the gateway knows the pass", async () => (await this.#status()).sync.cursor.version >= made.version);
    return made.credentials[0]!.value;
  }

  /** Copies of one signed pass, of which the gateway never hears: it is stopped meanwhile, and the cloud is gone afterwards. */
  async signedPass(entriesAllowed: number, copies: number): Promise<readonly string[]> {
    const { version } = await this.site.admin<{ version: number }>("PATCH", "/api/sites/demo", { signedPasses: "on" });
    await until("the gateway knows the key", async () => (await this.#status()).sync.cursor.version >= version);
    await this.stopGateway();
    const { id } = await this.#grant(entriesAllowed);
    const texts = new Set<string>();
    await until("each copy is another", async () => {
      texts.add((await this.site.admin<{ text: string }>("GET", `/api/passes/${id}/signed`)).text);
      return texts.size === copies;
    });
    await this.site.stopCloud();
    await this.startGateway();
    return [...texts];
  }

  async #grant(entriesAllowed: number | null) {
    const now = clock.wall();
    return this.site.admin<{ id: string; version: number; credentials: { value: string }[] }>(
      "POST",
      "/api/sites/demo/grants",
      {
        kind: "visitor",
        holder: { name: "Vera Visitor" },
        accessPoints: ["gate"],
        from: new Date(now - 60_000).toISOString(),
        until: new Date(now + 3_600_000).toISOString(),
        entriesAllowed,
        credentials: [{ kind: "pass" }],
      },
    );
  }

  isOnline(device: string): Promise<void> {
    return until(`${device} is online`, async () => (await this.#device(device))?.link === "online");
  }

  isOffline(device: string, attention: RegExp): Promise<void> {
    return until(`the status says that ${device} is gone`, async () => {
      const seen = await this.#device(device);
      return seen?.link === "offline" && attention.test(seen.attention ?? "");
    });
  }

  /** All that the journal holds on the disk, whatever the gateway does. */
  async journal(): Promise<EntryEvent[]> {
    const events: EntryEvent[] = [];
    for await (const { record } of showJournal(nodeDisk, join(this.site.folder, "gateway")))
      if (record.kind === "event") events.push(record.event);
    return events;
  }

  async eventsOf(...types: readonly EntryEvent["type"][]): Promise<EntryEvent[]> {
    return (await this.journal()).filter(({ type }) => types.includes(type));
  }

  /** How often the relay was told to release. */
  get releases(): number {
    return this.relay.frames.filter((frame) => frame === "a00101a2").length;
  }

  async #device(id: string) {
    return (await this.#status()).devices.find((device) => device.id === id);
  }

  async #status(): Promise<Seen> {
    const answer = await fetch(`${this.#url}/api/status`, { signal: AbortSignal.timeout(60_000) });
    // Asked too often: nothing is known of it now.
    return answer.ok ? ((await answer.json()) as Seen) : { devices: [], sync: { cursor: { version: -1 } } };
  }
}
