/** What Kisi answers, field by field as its OpenAPI description has them; what is deprecated there is left out unless clients still use it. */
import type { SimCloudDoor } from "../sim-cloud-door.ts";
import type { KisiAccount, KisiAssignment, KisiEvent, KisiGroup, KisiLink, KisiMember } from "./kisi-account.ts";

type Fields = Readonly<Record<string, unknown>>;

const organizationId = 1_001;

export function lock(account: KisiAccount, door: SimCloudDoor): Fields {
  const isLockedDown = door.mode === "locked-down";
  return {
    id: door.id,
    resource_type: "Lock",
    created_at: date(0),
    updated_at: date(door.modeSince),
    configured: true,
    description: null,
    latitude: null,
    longitude: null,
    locked_down: isLockedDown,
    locked_down_since: isLockedDown ? date(door.modeSince) : null,
    name: door.name,
    on_scheduled_unlock: door.mode === "held-open",
    online: door.online,
    ...account.sight(door),
    order_id: null,
    geofence_restriction_enabled: false,
    reader_restriction_enabled: false,
    time_restriction_enabled: false,
    place_id: account.placeId,
    place: { id: account.placeId, name: "Hub", latitude: null, longitude: null },
    floor_id: null,
  };
}

export function member({ id, userId, name, email, createdAt }: KisiMember): Fields {
  return {
    id,
    resource_type: "Member",
    name,
    image: null,
    access_enabled: true,
    last_accessed_at: null,
    created_at: date(createdAt),
    updated_at: date(createdAt),
    role_id: "organization_basic",
    notes: null,
    metadata: {},
    organization_id: organizationId,
    user_id: userId,
    user: { id: userId, resource_type: "User", email, name, otp_required_for_login: false },
    confirmed: true,
  };
}

export function roleAssignment(account: KisiAccount, assignment: KisiAssignment): Fields {
  const { id, userId, groupId, roleId, validFrom, validUntil, createdAt, updatedAt } = assignment;
  const holder = account.members().find((one) => one.userId === userId);
  const user = { id: userId, resource_type: "User", email: holder?.email, name: holder?.name };
  const group = groupIn(account, groupId);
  return {
    id,
    resource_type: "RoleAssignment",
    created_at: date(createdAt),
    updated_at: date(updatedAt),
    role_id: roleId,
    notify: false,
    applies_to_type: "Group",
    applies_to_id: groupId,
    applies_to: group,
    assignee_type: "User",
    assignee_id: userId,
    assignee: user,
    user_id: userId,
    user,
    group_id: groupId,
    group,
    valid_from: dateOrNull(validFrom),
    valid_until: dateOrNull(validUntil),
  };
}

/** Its secret is told once, to whoever made it. */
export function groupLink(
  account: KisiAccount,
  link: KisiLink,
  { withSecret }: { readonly withSecret: boolean },
): Fields {
  const { id, name, email, phone, groupId, validFrom, validUntil, createdAt, lastUsedAt, secret } = link;
  return {
    id,
    resource_type: "GroupLink",
    name,
    email,
    phone,
    last_used_at: dateOrNull(lastUsedAt),
    link_enabled: true,
    quick_response_code_type: null,
    valid_from: dateOrNull(validFrom),
    valid_until: dateOrNull(validUntil),
    created_at: date(createdAt),
    updated_at: date(createdAt),
    group_id: groupId,
    group: groupIn(account, groupId),
    created_by_type: "User",
    created_by_id: account.owner.id,
    ...(withSecret && { secret, quick_response_code_token: null, quick_response_code_image: null }),
  };
}

export function group(account: KisiAccount, { id, name, locks }: KisiGroup): Fields {
  return { id, resource_type: "Group", name, description: null, place_id: account.placeId, locks_count: locks.length };
}

export function groupLock(account: KisiAccount, { id, name }: KisiGroup, door: SimCloudDoor): Fields {
  return {
    id: id * 1_000 + door.id,
    resource_type: "GroupLock",
    group_id: id,
    group: { id, resource_type: "Group", name },
    lock_id: door.id,
    lock: { id: door.id, description: null, name: door.name },
    place_id: account.placeId,
  };
}

/** As a webhook brings it. */
export function event(
  account: KisiAccount,
  { uuid, type, actor, door, success, errorCode, createdAt }: KisiEvent,
): Fields {
  return {
    uuid,
    actor_type: actor?.type ?? null,
    actor_id: actor?.id ?? null,
    actor_name: actor?.name ?? null,
    object_type: "Lock",
    object_id: door.id,
    object_name: door.name,
    organization_id: organizationId,
    place_id: account.placeId,
    success,
    type,
    error_code: errorCode,
    error_message: errorCode === null ? null : "Access denied.",
    created_at: date(createdAt),
  };
}

/** As an event set has it. */
export function storedEvent(account: KisiAccount, stored: KisiEvent): Fields {
  return {
    ...event(account, stored),
    actor_email: stored.actor?.email ?? null,
    authenticated_by_type: null,
    authenticated_by_id: null,
    action: stored.type.slice(stored.type.indexOf(".") + 1),
    message: null,
    code: null,
    sequence: stored.uuid,
  };
}

function groupIn({ groups }: KisiAccount, id: number): Fields {
  return { id, resource_type: "Group", name: groups.find((one) => one.id === id)?.name };
}

/** Thousandths only where there are some. */
export function date(at: number): string {
  return new Date(at).toISOString().replace(".000Z", "Z");
}

function dateOrNull(at: number | null): string | null {
  return at === null ? null : date(at);
}
