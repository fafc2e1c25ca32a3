/** What somebody who stands at no reader may ask of an access point: release it, or let its devices show themselves. */
import type { AccessPoint } from "../domain/access-point.ts";
import type { CommandResult } from "../ports/device.ts";
import { releaseStrike } from "./release-strike.ts";
import type { SiteParts } from "./site-parts.ts";

export type DoorAction = "unlock" | "identify";

/** A lockdown holds the doors, not the beepers. */
export function isForbidden(site: SiteParts, action: DoorAction): boolean {
  return action === "unlock" && site.records.site?.lockdown === true;
}

/** In its turn at the access point. "refused": it certainly did not happen. */
export function carryOut(site: SiteParts, accessPoint: AccessPoint, action: DoorAction): Promise<CommandResult> {
  return action === "unlock" ? releaseStrike(site, accessPoint) : identify(site, accessPoint);
}

/** Every device of the access point that can shows a person where it is; "refused" when none can. The best of their results. */
async function identify(site: SiteParts, { id, lock, readers }: AccessPoint): Promise<CommandResult> {
  const locators = [...new Set([lock, ...readers])].flatMap((device) => site.devices.get(device)?.locator ?? []);
  const results = await Promise.all(
    locators.map((locator) =>
      locator.identify(site.stopping).catch((error: Error): CommandResult => {
        site.logger.warn("identify-failed", { accessPoint: id, error });
        return "unknown";
      }),
    ),
  );
  const fromBest = ["confirmed", "accepted", "unknown"] as const;
  return fromBest.find((result) => results.includes(result)) ?? "refused";
}
