/** Does anything vouch for the system's clock? A Pi without a battery clock boots in the past, or in 1970. */
import { access, readFile } from "node:fs/promises";
import type { Millis } from "./domain/instant.ts";

export interface ClockSettings {
  /** "system": the operator vouches · "cloud": believe nobody else · "auto": a time service or a battery clock must be seen. */
  readonly source: "auto" | "system" | "cloud";
  readonly systemWithinMs: Millis;
}

/** systemd-timesyncd touches this once it has set the clock from the network. */
const timeServiceMark = "/run/systemd/timesync/synchronized";
/** "1" where the kernel set the system's clock from this battery clock at boot. */
const batteryClockMark = "/sys/class/rtc/rtc0/hctosys";
const batteryClockWithinMs: Millis = 60_000;

/** How far the system's clock may be off; undefined: nobody knows. */
export async function vouchedClock({ source, systemWithinMs }: ClockSettings): Promise<Millis | undefined> {
  if (source === "cloud") return undefined;
  if (source === "system") return systemWithinMs;
  const synchronized = await access(timeServiceMark).then(
    () => true,
    () => false,
  );
  if (synchronized) return systemWithinMs;
  const battery = await readFile(batteryClockMark, "utf8").catch(() => "0");
  return battery.trim() === "1" ? batteryClockWithinMs : undefined;
}
