/** The gateway's figures for Prometheus, read from its status at each scrape. */
import { collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { GatewayStatus } from "./status.ts";

export class Metrics {
  readonly #registry = new Registry();
  readonly #gauges = new Map<string, Gauge>();

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(status: GatewayStatus, broker: Readonly<Record<string, number>>): Promise<string> {
    const { sync, journal, disk, records, clock, devices, accessPoints, wrongPins, wrongPasses } = status;
    this.#set("postern_events_durable", "Number of the newest event on the disk", journal.durableSeq);
    this.#set("postern_events_queued", "Events the cloud does not have yet", sync.queue);
    this.#set("postern_journal_open", "1 while records can be written", journal.state === "open" ? 1 : 0);
    this.#set("postern_cloud_online", "1 while the cloud answers", sync.state === "online" ? 1 : 0);
    this.#set("postern_feed_version", "Feed version the records stand at", sync.cursor.version);
    this.#set("postern_feed_rows", "Rows of the site's set held here", records.rows);
    this.#set(
      "postern_sync_age_seconds",
      "Since the request of the last complete poll; -1: never",
      (sync.lastSyncAgoMs ?? -1000) / 1000,
    );
    this.#set("postern_disk_free_bytes", "Bytes free on the data volume", disk.freeBytes);
    this.#set("postern_disk_low", "1 while less is free than the journal sets aside for itself", disk.low ? 1 : 0);
    this.#set(
      "postern_clock_trusted",
      "1 synced, 0.5 holdover, 0 unset",
      { synced: 1, holdover: 0.5, unset: 0 }[clock.trust],
    );
    for (const { id, link, battery } of devices) {
      this.#set("postern_device_online", "1 while the device is online", link === "online" ? 1 : 0, { device: id });
      if (battery !== undefined) this.#set("postern_device_battery_percent", "Battery charge", battery, { device: id });
    }
    for (const { id, lockedOutMs, passesLockedOutMs } of accessPoints) {
      this.#set("postern_scanner_locked_out", "1 while the scanner is locked out", passesLockedOutMs > 0 ? 1 : 0, {
        access_point: id,
      });
      this.#set("postern_keypad_locked_out", "1 while the keypad is locked out", lockedOutMs > 0 ? 1 : 0, {
        access_point: id,
      });
    }
    this.#set("postern_wrong_pins_last_day", "Wrong PINs in the last 24 h, over all keypads", wrongPins.lastDay);
    this.#set(
      "postern_wrong_pins_budget_spent",
      "1 while there are so many that each wrong PIN locks its keypad out",
      wrongPins.budgetSpent ? 1 : 0,
    );
    this.#set(
      "postern_wrong_passes_last_day",
      "Wrong passes in the last 24 h, over all scanners nobody watches",
      wrongPasses.lastDay,
    );
    this.#set(
      "postern_wrong_passes_budget_spent",
      "1 while there are so many that each wrong pass locks its scanner out",
      wrongPasses.budgetSpent ? 1 : 0,
    );
    for (const [name, value] of Object.entries(broker)) {
      this.#set("postern_broker", "The broker's counters and gauges, by name", value, { figure: name });
    }
    return this.#registry.metrics();
  }

  #set(name: string, help: string, value: number, labels: Record<string, string> = {}): void {
    const gauge =
      this.#gauges.get(name) ?? new Gauge({ name, help, labelNames: Object.keys(labels), registers: [this.#registry] });
    this.#gauges.set(name, gauge);
    gauge.set(labels, value);
  }
}
