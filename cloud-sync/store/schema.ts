/**
 * The tables, for queries; migrations/ creates them and test/cloud-sync/start.test.ts compares the two. Every key begins with
 * site_id, so that the tables shard by site. Moments are milliseconds since 1970 (domain/instant.ts); bodies are JSON as text,
 * because the feed hashes them byte by byte.
 */
import { boolean, index, integer, pgTable, primaryKey, text, unique } from "drizzle-orm/pg-core";
import { sql } from "drizzle-orm/sql";
import { attachmentKinds } from "../../gateway/ports/attachments.ts";
import { jobNames } from "../domain/job-names.ts";
import { noticeWays } from "../domain/notice-choice.ts";
import { roles } from "../domain/permissions.ts";
import { bytes, count, instant } from "./columns.ts";

export * from "./audit-schema.ts";
export * from "./integration-schema.ts";
export * from "./stay-schema.ts";

/** A site, and the state of its feed: `ver` counts writing transactions, `liveRows` and `sum` are the checksum at `ver`. */
export const site = pgTable("site", {
  id: text("site_id").primaryKey(),
  name: text("name").notNull(),
  zone: text("zone").notNull(),
  lockdown: boolean("lockdown").notNull(),
  /** JSON of Site["offlineMaxAgeMs"]. */
  offlinePolicy: text("offline_policy").notNull(),
  /** The site's 32-byte key under the service's master key. */
  sealedKey: text("sealed_key").notNull(),
  /** JSON of the KeptPassKeys (store/pass-keys.ts). */
  passKeys: text("pass_keys").notNull().default("[]"),
  createdAt: instant("created_at").notNull(),
  feed: text("feed").notNull(),
  ver: count("ver").notNull(),
  /** Tombstones up to here are gone: a cursor below it cannot be served by a delta. */
  floor: count("floor").notNull(),
  liveRows: count("live_rows").notNull(),
  sum: text("sum").notNull(),
  /** The cloud lost history then: it places no entries of older grants until every gateway has given its account. */
  auditSince: instant("audit_since"),
  /** No gateway gets an epoch as low as this: those may have been given in the history that was lost. */
  epochFloor: integer("epoch_floor").notNull(),
});

export const gateway = pgTable(
  "gateway",
  {
    siteId: text("site_id").notNull(),
    id: text("id").notNull(),
    name: text("name").notNull(),
    createdAt: instant("created_at").notNull(),
    /** Ed25519, the JWK member "x"; null until enrolled. */
    publicKey: text("public_key"),
    /** JSON of the newest keys before it: a card that still has one is told that another has taken its place. */
    formerKeys: text("former_keys").notNull().default("[]"),
    enrolledAt: instant("enrolled_at"),
    revokedAt: instant("revoked_at"),
    epoch: integer("epoch").notNull(),
    /** First event the cloud does not have, and the chain value before it. */
    next: count("next").notNull(),
    head: text("head"),
    /** The gateway's word for `head`. */
    headSignature: text("head_signature"),
    /** A different event arrived under this number: two gateways with one identity, or a restored disk. */
    forkSeq: count("fork_seq"),
    forkedAt: instant("forked_at"),
    /** JSON of the Witness: what the gateway last vouched for. */
    witness: text("witness"),
    /** Events from this number on, which it had vouched for, were gone from its journal then. */
    cutSeq: count("cut_seq"),
    cutAt: instant("cut_at"),
    /** What the last poll acknowledged. */
    cursorFeed: text("cursor_feed").notNull(),
    cursorVersion: count("cursor_version").notNull(),
    /** The site's version when the whole set began to be sent; null when none is under way. */
    resettingFrom: count("resetting_from"),
    seenAt: instant("seen_at"),
    lastCommand: count("last_command").notNull(),
    /** The last id given to a command for this gateway. */
    issuedCommand: count("issued_command").notNull(),
    /** JSON of the last report. */
    report: text("report"),
    reportedAt: instant("reported_at"),
    /** The history for which the gateway has given its account. */
    auditedFeed: text("audited_feed").notNull().default(""),
    /** Where it answers other gateways, "host:port". */
    lan: text("lan"),
  },
  (table) => [primaryKey({ columns: [table.siteId, table.id] })],
);

export const enrolmentCode = pgTable(
  "enrolment_code",
  {
    siteId: text("site_id").notNull(),
    /** SHA-256 of the code. */
    hash: text("hash").notNull(),
    gatewayId: text("gateway_id").notNull(),
    expiresAt: instant("expires_at").notNull(),
    usedAt: instant("used_at"),
  },
  (table) => [primaryKey({ columns: [table.siteId, table.hash] })],
);

/** Registered by a gateway's report; `name` is set when an administrator renamed it. */
export const accessPoint = pgTable(
  "access_point",
  {
    siteId: text("site_id").notNull(),
    id: text("id").notNull(),
    gatewayId: text("gateway_id").notNull(),
    reportedName: text("reported_name").notNull(),
    name: text("name"),
    reportedAt: instant("reported_at").notNull(),
    /** Since when the gateway does not report it any more. */
    goneAt: instant("gone_at"),
  },
  (table) => [primaryKey({ columns: [table.siteId, table.id] })],
);

export const grantRecord = pgTable(
  "grant_record",
  {
    siteId: text("site_id").notNull(),
    id: text("id").notNull(),
    kind: text("kind").notNull(),
    holderId: text("holder_id").notNull(),
    holderName: text("holder_name").notNull(),
    createdBy: text("created_by").notNull().default(""),
    accessPoints: text("access_points").array().notNull(),
    validFrom: instant("valid_from").notNull(),
    validUntil: instant("valid_until").notNull(),
    createdAt: instant("created_at").notNull(),
    revokedAt: instant("revoked_at"),
    /** It ended long ago and has left the feed. */
    retiredAt: instant("retired_at"),
    entriesUsed: count("entries_used").notNull(),
    lastUsedAt: instant("last_used_at"),
    /** What retention has taken from it: the digits of its codes, then the names of its people too. */
    forgotten: text("forgotten", { enum: ["digits", "names"] }),
    /** Admissions less voids in events that are forgotten; and of those the ones that a limit counted. */
    entriesForgotten: count("entries_forgotten").notNull().default(0),
    limitedEntriesForgotten: count("limited_entries_forgotten").notNull().default(0),
    /** JSON of the Grant. */
    body: text("body").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.siteId, table.id] }),
    index("grant_record_newest").on(table.siteId, table.createdAt, table.id),
    index("grant_record_until").on(table.siteId, table.validUntil),
    index("grant_record_temporary").on(table.siteId, table.createdAt, table.id).where(sql`kind = 'temporary'`),
    index("grant_record_temporary_own").on(table.createdBy, table.createdAt, table.id).where(sql`kind = 'temporary'`),
    index("grant_record_temporary_id").on(table.id).where(sql`kind = 'temporary'`),
    index("grant_record_visitor").on(table.siteId, table.createdAt, table.id).where(sql`kind = 'visitor'`),
    index("grant_record_visitor_own").on(table.createdBy, table.createdAt, table.id).where(sql`kind = 'visitor'`),
    index("grant_record_visitor_id").on(table.id).where(sql`kind = 'visitor'`),
    index("grant_record_known").on(table.siteId, table.validUntil).where(sql`forgotten is distinct from 'names'`),
  ],
);

/** Who holds a PIN, pass or other value now: at most one live credential of a site answers to an index. */
export const liveCode = pgTable(
  "live_code",
  {
    siteId: text("site_id").notNull(),
    kind: text("kind").notNull(),
    index: text("code_index").notNull(),
    credentialId: text("credential_id").notNull(),
    grantId: text("grant_id").notNull(),
    /** Free again from then on. */
    freeAt: instant("free_at").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.siteId, table.kind, table.index] }),
    index("live_code_free").on(table.siteId, table.kind, table.freeAt),
    index("live_code_grant").on(table.siteId, table.grantId),
  ],
);

export const feedRow = pgTable(
  "feed_row",
  {
    siteId: text("site_id").notNull(),
    kind: text("kind").notNull(),
    id: text("id").notNull(),
    ver: count("ver").notNull(),
    gone: boolean("gone").notNull(),
    writtenAt: instant("written_at").notNull(),
    /** JSON exactly as hashed and sent; null on a tombstone. */
    body: text("body"),
    sum: text("sum").notNull(),
    /** JSON array of the ids revoked for ever. */
    revoked: text("revoked"),
    /** Limited grants: JSON of RowRights. */
    rights: text("rights"),
  },
  (table) => [
    primaryKey({ columns: [table.siteId, table.kind, table.id] }),
    index("feed_row_ver").on(table.siteId, table.ver),
  ],
);

/** The entries of a limited grant at one holder; see domain/settle-rights.ts. Written under the lock of its grant. */
export const holding = pgTable(
  "holding",
  {
    siteId: text("site_id").notNull(),
    grantId: text("grant_id").notNull(),
    holder: text("holder").notNull(),
    granted: count("granted").notNull(),
    returned: count("returned").notNull(),
    used: count("used").notNull(),
    writtenOff: count("written_off").notNull(),
    orderNo: count("order_no").notNull(),
    orderN: count("order_n").notNull(),
    orderAnswered: count("order_answered").notNull(),
    placedAt: instant("placed_at"),
    askedAt: instant("asked_at"),
  },
  (table) => [primaryKey({ columns: [table.siteId, table.grantId, table.holder] })],
);

/** Entries that moved over the LAN. Written under the lock of their grant. */
export const transfer = pgTable(
  "transfer",
  {
    siteId: text("site_id").notNull(),
    grantId: text("grant_id").notNull(),
    from: text("from_holder").notNull(),
    to: text("to_holder").notNull(),
    total: count("total").notNull(),
  },
  (table) => [primaryKey({ columns: [table.siteId, table.grantId, table.from, table.to] })],
);

export const blacklist = pgTable(
  "blacklist",
  {
    siteId: text("site_id").notNull(),
    id: text("id").notNull(),
    subject: text("subject").notNull(),
    value: text("value").notNull(),
    reason: text("reason"),
    createdAt: instant("created_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.siteId, table.id] })],
);

/** Every gateway's journal as received. The columns after `hash` are copies for filters, null where the event has none. */
export const event = pgTable(
  "event",
  {
    siteId: text("site_id").notNull(),
    gatewayId: text("gateway_id").notNull(),
    epoch: integer("epoch").notNull(),
    seq: count("seq").notNull(),
    /** SHA-256 of the body's bytes, base64url. */
    hash: text("hash").notNull(),
    receivedAt: instant("received_at").notNull(),
    /** The event's own time; the time of receipt when it could not be read. */
    at: instant("at").notNull(),
    /** "unreadable" when it is not an event this version knows: see event_parked. */
    type: text("type").notNull(),
    /** The exact text; null when it is not text: then event_parked has the bytes. */
    body: text("body"),
    accessPoint: text("access_point"),
    grantId: text("grant_id"),
    credentialId: text("credential_id"),
    device: text("device"),
    reason: text("reason"),
  },
  (table) => [
    primaryKey({ columns: [table.siteId, table.gatewayId, table.epoch, table.seq] }),
    index("event_newest").on(table.siteId, table.at, table.gatewayId, table.epoch, table.seq),
    index("event_type").on(table.siteId, table.type, table.at, table.gatewayId, table.epoch, table.seq),
    index("event_door").on(table.siteId, table.accessPoint, table.at, table.gatewayId, table.epoch, table.seq),
    index("event_grant").on(table.siteId, table.grantId),
  ],
);

/** Events this version could not read: kept whole, to be read by a later one. */
export const eventParked = pgTable(
  "event_parked",
  {
    siteId: text("site_id").notNull(),
    gatewayId: text("gateway_id").notNull(),
    epoch: integer("epoch").notNull(),
    seq: count("seq").notNull(),
    why: text("why").notNull(),
    raw: bytes("raw").notNull(),
  },
  (table) => [primaryKey({ columns: [table.siteId, table.gatewayId, table.epoch, table.seq] })],
);

/** A photo or sheet that an event names by its hash; the bytes are there once the gateway has sent them. Not in backups: see backup.ts. */
export const attachment = pgTable(
  "attachment",
  {
    siteId: text("site_id").notNull(),
    gatewayId: text("gateway_id").notNull(),
    sha256: text("sha256").notNull(),
    kind: text("kind", { enum: attachmentKinds }).notNull(),
    grantId: text("grant_id"),
    namedAt: instant("named_at").notNull(),
    bytes: bytes("bytes"),
  },
  (table) => [
    primaryKey({ columns: [table.siteId, table.gatewayId, table.sha256] }),
    index("attachment_grant").on(table.siteId, table.grantId).where(sql`grant_id is not null`),
    index("attachment_named").on(table.siteId, table.namedAt),
  ],
);

/** Where an epoch's journal begins here, since what came before is forgotten. Its chain leads on to the head that the gateway signed. */
export const eventCut = pgTable(
  "event_cut",
  {
    siteId: text("site_id").notNull(),
    gatewayId: text("gateway_id").notNull(),
    epoch: integer("epoch").notNull(),
    /** The first event that is kept. */
    next: count("next").notNull(),
    /** The chain value before it. */
    chain: text("chain").notNull(),
    cutAt: instant("cut_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.siteId, table.gatewayId, table.epoch] })],
);

/** An unlock, or a wish that the devices of an access point show themselves. `state` is what is known from the gateway's events; domain/command-state.ts says what that means now. */
export const command = pgTable(
  "command",
  {
    siteId: text("site_id").notNull(),
    gatewayId: text("gateway_id").notNull(),
    id: count("id").notNull(),
    accessPoint: text("access_point").notNull(),
    /** "host-answer": moves nothing; see ./host-questions.ts · "enter": see ../gate-desk.ts · "present": see ../open-for-guest.ts. */
    action: text("action", { enum: ["unlock", "identify", "host-answer", "enter", "present"] }).notNull(),
    /** JSON of what the gateway is told besides, where the action needs it. */
    details: text("details"),
    /** Of an entry: the request's own number. */
    nonce: text("nonce"),
    /** Of an entry: JSON of what the gateway said of it besides the result. */
    outcome: text("outcome"),
    issuedBy: text("issued_by").notNull(),
    createdAt: instant("created_at").notNull(),
    ttlMs: integer("ttl_ms").notNull(),
    handedAt: instant("handed_at"),
    /** A poll asked after the command's life had ended still did not know it: it can no longer run. */
    missedAt: instant("missed_at"),
    takenAt: instant("taken_at"),
    endedAt: instant("ended_at"),
    result: text("result"),
  },
  (table) => [
    primaryKey({ columns: [table.siteId, table.gatewayId, table.id] }),
    index("command_nonce").on(table.siteId, table.gatewayId, table.nonce).where(sql`nonce is not null`),
  ],
);

/** What a POST with an Idempotency-Key was answered; the answer is sealed, because it may hold a PIN. */
export const idempotency = pgTable(
  "idempotency",
  {
    siteId: text("site_id").notNull(),
    key: text("key").notNull(),
    /** SHA-256 of method, path and body. */
    request: text("request").notNull(),
    answer: text("answer").notNull(),
    createdAt: instant("created_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.siteId, table.key] })],
);

/** Bearer tokens of administrators, hashed. `site_id` "*": every site. */
export const adminToken = pgTable(
  "admin_token",
  {
    siteId: text("site_id").notNull(),
    hash: text("hash").notNull(),
    createdAt: instant("created_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.siteId, table.hash] })],
);

/** Whoever has an account. `site_id` is "*": a person belongs to the service, and to sites by person_site. */
export const person = pgTable(
  "person",
  {
    siteId: text("site_id").notNull(),
    id: text("id").notNull(),
    /** Small letters; with an "@" only at the head of an erased person's, so that it is nobody's e-mail address. Both are unique. */
    userName: text("user_name").notNull(),
    email: text("email"),
    name: text("name").notNull(),
    role: text("role", { enum: roles }).notNull(),
    language: text("language").notNull(),
    /** PHC string; null until the person has chosen one. */
    passwordHash: text("password_hash"),
    disabledAt: instant("disabled_at"),
    /** Base 32 secret of RFC 6238, sealed; the pending one has not been confirmed by a code yet. */
    totpSealed: text("totp_sealed"),
    totpPending: text("totp_pending"),
    /** The newest time step of which a code was taken: none is good twice. */
    totpStep: count("totp_step").notNull().default(0),
    /** JSON array of HMACs of the recovery codes that are left. */
    recoveryCodes: text("recovery_codes").notNull().default("[]"),
    /** Wrong passwords and codes in a row. */
    failures: integer("failures").notNull().default(0),
    lockedUntil: instant("locked_until"),
    createdAt: instant("created_at").notNull(),
    createdBy: text("created_by").notNull(),
    /** Since when nothing here says who it was. */
    erasedAt: instant("erased_at"),
  },
  (table) => [primaryKey({ columns: [table.siteId, table.id] })],
);

/** The sites a person belongs to. */
export const personSite = pgTable(
  "person_site",
  { siteId: text("site_id").notNull(), personId: text("person_id").notNull() },
  (table) => [primaryKey({ columns: [table.siteId, table.personId] }), index("person_site_person").on(table.personId)],
);

/** A family of tokens that began with one sign-in; domain/session-rules.ts says how long it lives. No token is kept. */
export const session = pgTable(
  "session",
  {
    siteId: text("site_id").notNull(),
    id: text("id").notNull(),
    personId: text("person_id").notNull(),
    /** What the browser or program calls itself, and its address at sign-in. */
    device: text("device").notNull(),
    address: text("address").notNull(),
    createdAt: instant("created_at").notNull(),
    seenAt: instant("seen_at").notNull(),
    endedAt: instant("ended_at"),
    /** The newest token's number, and since when it is. */
    counter: count("counter").notNull(),
    rotatedAt: instant("rotated_at").notNull(),
    /** When somebody first showed to have it; null: it may have been lost on the way. */
    presentedAt: instant("presented_at"),
  },
  (table) => [
    primaryKey({ columns: [table.siteId, table.id] }),
    index("session_person").on(table.siteId, table.personId),
  ],
);

/** A link that does one thing once, or a passkey's challenge; found by the hash of its token. */
export const oneTimeLink = pgTable(
  "one_time_link",
  {
    siteId: text("site_id").notNull(),
    hash: text("hash").notNull(),
    purpose: text("purpose", { enum: ["first-admin", "invite", "reset", "passkey"] }).notNull(),
    personId: text("person_id"),
    createdAt: instant("created_at").notNull(),
    expiresAt: instant("expires_at").notNull(),
    usedAt: instant("used_at"),
  },
  (table) => [primaryKey({ columns: [table.siteId, table.hash] })],
);

/** How a program signs in: a token found by its hash. */
export const apiKey = pgTable(
  "api_key",
  {
    siteId: text("site_id").notNull(),
    id: text("id").notNull(),
    hash: text("hash").notNull(),
    name: text("name").notNull(),
    role: text("role", { enum: roles }).notNull(),
    sites: text("sites").array().notNull(),
    /** Actions of domain/permissions.ts. */
    scopes: text("scopes").array().notNull(),
    createdAt: instant("created_at").notNull(),
    createdBy: text("created_by").notNull(),
    usedAt: instant("used_at"),
    expiresAt: instant("expires_at").notNull(),
    revokedAt: instant("revoked_at"),
  },
  (table) => [primaryKey({ columns: [table.siteId, table.id] })],
);

/** A WebAuthn credential of a person. */
export const passkey = pgTable(
  "passkey",
  {
    siteId: text("site_id").notNull(),
    /** The credential's id, base64url. */
    id: text("id").notNull(),
    personId: text("person_id").notNull(),
    name: text("name").notNull(),
    /** SPKI, base64url. */
    publicKey: text("public_key").notNull(),
    counter: count("counter").notNull(),
    transports: text("transports").array().notNull(),
    createdAt: instant("created_at").notNull(),
    usedAt: instant("used_at"),
  },
  (table) => [
    primaryKey({ columns: [table.siteId, table.id] }),
    index("passkey_person").on(table.siteId, table.personId),
  ],
);

/** What is to leave the service. `site_id` is "*". */
export const outbox = pgTable(
  "outbox",
  {
    siteId: text("site_id").notNull(),
    id: text("id").notNull(),
    /** "forgot-password": not yet looked up whom it is for · "notice": not yet by which way. */
    kind: text("kind", { enum: ["forgot-password", "mail", "notice"] }).notNull(),
    /** Whom it is for, once that is known. */
    personId: text("person_id"),
    /** Sealed JSON, of a notice the bare ids; empty once it is settled. */
    body: text("body").notNull(),
    state: text("state", { enum: ["waiting", "sent", "failed"] }).notNull(),
    /** What kept it from leaving, the last time. */
    why: text("why"),
    attempts: integer("attempts").notNull().default(0),
    createdAt: instant("created_at").notNull(),
    /** When it is tried next; of what is settled, when it was. */
    dueAt: instant("due_at").notNull(),
    expiresAt: instant("expires_at").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.siteId, table.id] }),
    index("outbox_due").on(table.siteId, table.state, table.dueAt),
  ],
);

/** Where a visitor sees their pass, see ./pass-links.ts. */
export const passLink = pgTable(
  "pass_link",
  {
    siteId: text("site_id").notNull(),
    grantId: text("grant_id").notNull(),
    /** Of the token in its address. */
    hash: text("hash").notNull(),
    /** The token, by the site's key. */
    sealed: text("sealed").notNull(),
    createdAt: instant("created_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.siteId, table.grantId] }), index("pass_link_hash").on(table.hash)],
);

/** How a job of the service went, see ./job-runs.ts. */
export const jobRun = pgTable(
  "job_run",
  {
    siteId: text("site_id").notNull(),
    name: text("name", { enum: jobNames }).notNull(),
    /** null: it has not run. */
    nextAt: instant("next_at"),
    ranAt: instant("ran_at"),
    tookMs: count("took_ms"),
    /** How much there was to do. */
    done: integer("done"),
    failed: boolean("failed").notNull().default(false),
    goodAt: instant("good_at"),
  },
  (table) => [primaryKey({ columns: [table.siteId, table.name] })],
);

/** What a guard asks a host about a visitor without a pass, see ./host-questions.ts. */
export const hostQuestion = pgTable(
  "host_question",
  {
    siteId: text("site_id").notNull(),
    gatewayId: text("gateway_id").notNull(),
    /** The gateway's own, the same however often it sends it. */
    id: text("id").notNull(),
    /** Of the token in the address of its page. */
    hash: text("hash").notNull(),
    /** The token, by the site's key. */
    sealed: text("sealed").notNull(),
    hostId: text("host_id").notNull(),
    accessPoint: text("access_point").notNull(),
    staffId: text("staff_id").notNull(),
    visitorName: text("visitor_name").notNull(),
    visitorType: text("visitor_type"),
    askedAt: instant("asked_at").notNull(),
    expiresAt: instant("expires_at").notNull(),
    answeredAt: instant("answered_at"),
    approves: boolean("approves"),
    /** That took the answer to the gateway. */
    commandId: count("command_id"),
  },
  (table) => [
    primaryKey({ columns: [table.siteId, table.gatewayId, table.id] }),
    index("host_question_hash").on(table.hash),
    index("host_question_host").on(table.hostId, table.askedAt),
  ],
);

/** What somebody wants to be told, see ./notice-choices.ts. `site_id` is "*". */
export const noticeChoice = pgTable(
  "notice_choice",
  {
    siteId: text("site_id").notNull(),
    personId: text("person_id").notNull(),
    channel: text("channel", { enum: noticeWays }).notNull(),
    entries: boolean("entries").notNull(),
    denials: boolean("denials").notNull(),
  },
  (table) => [primaryKey({ columns: [table.siteId, table.personId] })],
);

/** A browser that is to be told, see ./push-subscriptions.ts. `site_id` is "*". */
export const pushSubscription = pgTable(
  "push_subscription",
  {
    siteId: text("site_id").notNull(),
    id: text("id").notNull(),
    personId: text("person_id").notNull(),
    /** In which it was made. */
    sessionId: text("session_id").notNull(),
    endpointHash: text("endpoint_hash").notNull(),
    /** Endpoint and keys, as JSON. */
    sealed: text("sealed").notNull(),
    /** What the browser calls itself. */
    device: text("device").notNull(),
    createdAt: instant("created_at").notNull(),
    usedAt: instant("used_at"),
  },
  (table) => [
    primaryKey({ columns: [table.siteId, table.id] }),
    unique().on(table.siteId, table.endpointHash),
    index("push_subscription_person").on(table.siteId, table.personId),
  ],
);

/** Keys of the service itself that others know it by. `site_id` is "*". */
export const serviceKey = pgTable(
  "service_key",
  {
    siteId: text("site_id").notNull(),
    name: text("name").notNull(),
    publicKey: text("public_key").notNull(),
    sealed: text("sealed").notNull(),
    createdAt: instant("created_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.siteId, table.name] })],
);
