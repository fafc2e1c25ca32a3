/** What Brivo answers, field by field as the maker's manual has it. Empty values are left out; dates are in UTC, to the second. */
import type { SimCloudDoor } from "../sim-cloud-door.ts";
import type {
  BrivoAccount,
  BrivoAction,
  BrivoEvent,
  BrivoGroup,
  BrivoHappening,
  BrivoSubscription,
  BrivoUser,
} from "./brivo-account.ts";

type Fields = Readonly<Record<string, unknown>>;

export function accessPoint(account: BrivoAccount, door: SimCloudDoor, activationEnabled: boolean): Fields {
  return {
    id: door.id,
    name: door.name,
    controlPanelId: 10_000 + door.id,
    siteId: account.site.id,
    siteName: account.site.name,
    activationEnabled,
    twoFactorEnabled: false,
  };
}

/** What no panel tells is unknown, and without a time. */
export function liveStatus(account: BrivoAccount, door: SimCloudDoor): Fields {
  const override = account.override(door);
  const isReleased = door.strike === "released";
  const state = door.online
    ? {
        accessPointState: isReleased ? "UNLOCKED" : "LOCKED",
        accessPointScheduledState: door.mode === "held-open" ? "UNLOCK" : "LOCK",
        accessPointInputState: isReleased ? "UNLOCK" : "LOCK",
        statusUpdated: date(account.now),
      }
    : { accessPointState: "UNKNOWN", accessPointScheduledState: "UNKNOWN", accessPointInputState: "UNKNOWN" };
  return {
    accessPointName: door.name,
    ...state,
    siteName: account.site.name,
    siteTimezone: "UTC",
    panelName: `Panel ${door.id}`,
    panelCpNumber: `SIM-${door.id}`,
    canPanelSupportScheduleOverride: true,
    ...(override && {
      scheduleOverride: {
        behavior: override.behavior,
        endTimeMode: override.endTimeMode,
        ...(override.endTime !== undefined && { endTime: date(override.endTime) }),
      },
    }),
  };
}

export function user(stored: BrivoUser): Fields {
  const { pin, effectiveFrom, effectiveTo } = stored;
  return {
    ...listedUser(stored),
    ...(pin !== undefined && { pin }),
    ...(effectiveFrom !== undefined && { effectiveFrom: date(effectiveFrom) }),
    ...(effectiveTo !== undefined && { effectiveTo: date(effectiveTo) }),
  };
}

/** Without PIN and its dates. */
export function listedUser(stored: BrivoUser): Fields {
  const { id, externalId, firstName, middleName, lastName, suspended, created, updated } = stored;
  const { bleTwoFactorExempt = false, emails = [], phoneNumbers = [] } = stored;
  return {
    id,
    ...(externalId !== undefined && { externalId }),
    firstName,
    ...(middleName !== undefined && { middleName }),
    lastName,
    suspended,
    created: date(created),
    updated: date(updated),
    bleTwoFactorExempt,
    customFields: [],
    emails,
    phoneNumbers,
  };
}

export function group({ id, name }: BrivoGroup): Fields {
  return { id, name };
}

export function subscription({ id, name, url, errorEmail, criteria }: BrivoSubscription): Fields {
  return { id, name, url, ...(errorEmail !== undefined && { errorEmail }), criteria };
}

/** `actionAllowed` is false in the maker's own examples of what was allowed. */
export function event(
  account: BrivoAccount,
  { uuid, happening, actor, door, occurred, processed }: BrivoEvent,
  actions: Readonly<Record<BrivoHappening, BrivoAction>>,
): Fields {
  const { id: securityActionId, action, exception } = actions[happening];
  return {
    uuid,
    objectType: "ACCESS_POINT",
    securityAction: { securityActionId, action, exception },
    ...(actor && { actor }),
    eventObject: { id: door.id, name: door.name, deviceType: { id: 1, name: "Door" } },
    site: { id: account.site.id, siteName: account.site.name },
    occurred: new Date(occurred).toISOString(),
    processed: new Date(processed).toISOString(),
    eventData: {
      ...(actor && { actorName: actor.name }),
      objectName: door.name,
      objectGroupName: account.site.name,
      actionAllowed: false,
      objectTypeId: 2,
      deviceTypeId: 1,
    },
  };
}

export function date(at: number): string {
  return new Date(at).toISOString().replace(/\.\d{3}Z$/, "Z");
}
