/** What Brivo says when it does not do something. */
import type { CloudAnswer } from "./cloud-port.ts";

/** Wrong verb, path or region: from the gateway before the service, and not JSON. */
export const noService: CloudAnswer = { status: 596, html: "<h1>596 Service Not Found</h1>" };
/** Without a valid api-key; from there, too. */
export const noDeveloper: CloudAnswer = { status: 403, html: "<h1>Developer Inactive</h1>" };
export const tooMany: CloudAnswer = { status: 429, html: "<h1>Developer Over Qps</h1>" };

export const badCriteria = brivoError(400, "Invalid criteria provided");
export const badListing = brivoError(400, "Invalid listing criteria provided");
export const forbidden = brivoError(403, "You are not allowed to perform that action");
export const noUser = brivoError(404, "User not found");
export const noGroup = brivoError(404, "Group not found");
export const noDoor = brivoError(404, "Unknown Access Point");
export const noSubscription = brivoError(404, "Event subscription not found");

export function brivoError(code: number, message: string): CloudAnswer {
  return { status: code, json: { code, message } };
}
