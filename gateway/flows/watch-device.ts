/**
 * What devices report: a credential becomes a request, everything else an event. Acknowledged once it is on the disk; what finds no room
 * there is not, so that the device keeps it and reports it again.
 */
import type { AccessPoint } from "../domain/access-point.ts";
import type { EventBody } from "../domain/entry-event.ts";
import type { Device, DeviceReport, Unsubscribe } from "../ports/device.ts";
import { FloodGate } from "./flood-gate.ts";
import { presentCredential, pressLifeMs } from "./present-credential.ts";
import { readCredential } from "./read-credential.ts";
import { note, type SiteParts } from "./site-parts.ts";

/** Begins to listen to a device. */
export function watchDevice(site: SiteParts, device: Device): Unsubscribe {
  const accessPoint = [...site.accessPoints.values()].find(({ readers }) => readers.includes(device.id));
  const gate = new FloodGate(device.id, site.clock, site.logger);
  // What has a number of its own comes through the broker, which paces it and makes its sender wait instead.
  return device.subscribe((report) =>
    "origin" in report && report.origin ? take(report) : gate.pass(() => take(report)),
  );

  async function take(report: DeviceReport): Promise<void> {
    // The first copy may still be on its way to the disk, and an acknowledged copy is the last one that comes.
    if ("origin" in report && report.origin && site.records.isRepeat(report.origin)) return site.journal.flushed();
    if (report.type === "credential-presented") await present(site, device, accessPoint, report);
    else if (report.type === "presence" || report.type === "boot-doubted") {
      // Noticed by the gateway itself: the device has nothing to keep.
      await note(site, eventOf(site, device, report), { importance: "low" });
    } else {
      // As weighty as an admission: what the bolt and the door did belongs to it, and a box that is refused one report is cut off.
      const options = "origin" in report && report.origin ? { origin: report.origin } : {};
      await site.journal.recordEvent(eventOf(site, device, report), options).durable;
    }
  }
}

/**
 * The press is written down (without its digits) in the same group commit as the decision it leads to, when that comes at once. One that
 * cannot be is not decided either: it comes again, and would be decided twice.
 */
async function present(
  site: SiteParts,
  device: Device,
  accessPoint: AccessPoint | undefined,
  report: DeviceReport & { type: "credential-presented" },
): Promise<void> {
  const { origin: press } = report;
  let seen: Promise<void> | undefined;
  try {
    seen = press && site.journal.record({ kind: "seen", origin: press, accessPoint: accessPoint?.id ?? null }).durable;
  } catch (error) {
    // The person is told while there is still a line: a report that is not taken in ends it.
    await device.reader
      ?.feedback("denied", site.stopping)
      .catch(() => site.logger.debug("feedback-lost", { device: device.id }));
    throw error;
  }
  const leave = async (why: (EventBody & { type: "unanswered" })["why"]) => {
    site.logger.warn("press-unanswered", { device: device.id, why });
    const event: EventBody = {
      type: "unanswered",
      device: device.id,
      ...(accessPoint && { accessPoint: accessPoint.id }),
      why,
      ...(press && { press }),
    };
    // Of a press without a number there is no other record that its acknowledgement could stand on.
    if (press) await note(site, event, { importance: "low" });
    else await site.journal.recordEvent(event).durable;
  };
  if (!accessPoint) await leave("no-access-point");
  else if (site.clock.monotonic() - report.pressedAt > pressLifeMs) await leave("too-late");
  else {
    const presented = readCredential(site, report.kind, report.value.reveal());
    const request = { accessPoint: accessPoint.id, presented };
    const outcome = presentCredential(site, request, device.reader, { origin: press, at: report.pressedAt });
    // The device must not wait for the door: its next message may be the lock's own answer.
    outcome
      ?.then((ended) => (ended.outcome === "unanswered" ? leave(ended.why) : undefined))
      .catch((error: Error) => site.logger.error("request-failed", { accessPoint: accessPoint.id, error }));
    if (!outcome) await leave("turned-away");
  }
  await seen;
}

function eventOf(
  site: SiteParts,
  device: Device,
  report: Exclude<DeviceReport, { type: "credential-presented" }>,
): EventBody {
  switch (report.type) {
    case "opened-at-lock": {
      const { by, code } = report;
      const whose = code === undefined ? undefined : site.records.codes.at(device.id, code);
      return {
        type: "opened-at-lock",
        device: device.id,
        by,
        ...(code !== undefined && { code }),
        ...(whose && { grant: whose.grant, credential: whose.credential }),
      };
    }
    case "bolt":
      return { type: "bolt", device: device.id, state: report.state };
    case "door":
      return { type: "door", device: device.id, state: report.state };
    case "tamper":
      return { type: "tamper", device: device.id, active: report.active };
    case "battery":
      return { type: "battery", device: device.id, percent: report.percent };
    case "boot-doubted":
      return { type: "boot-doubted", device: device.id, deviceBoot: report.boot, otherBoot: report.other };
    case "presence":
      return {
        type: "presence",
        device: device.id,
        state: report.state,
        ...(report.firmware !== undefined && { firmware: report.firmware }),
      };
  }
}
