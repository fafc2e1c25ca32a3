/** The paths of Tuya's cloud for door locks: who asks for what, and what is answered. Refusals come with HTTP 200, as there. */
import type { CloudAnswer, CloudRequest } from "./cloud-port.ts";
import { type TuyaCloudAccess, type TuyaRefusal, tuyaRefusals } from "./tuya-cloud-access.ts";
import type { CloudPassword, TuyaCloudLock } from "./tuya-cloud-lock.ts";

/** What differs, or is not known for certain, of the service. */
export interface TuyaCloudQuirks {
  /** How a password's `delivery_status` is written: as one of the maker's pages says, as another, or not at all. `phase` is always there. */
  deliveryStatus: "text" | "number" | "absent";
}

export interface TuyaCloudContext {
  readonly access: TuyaCloudAccess;
  readonly locks: ReadonlyMap<string, TuyaCloudLock>;
  readonly quirks: TuyaCloudQuirks;
  /** Milliseconds since 1970. */
  readonly now: number;
}

type Result = { readonly result: unknown } | TuyaRefusal;
type Fields = Readonly<Record<string, unknown>>;

const done: Result = { result: true };
const statusNumber = { ONGOING: 1, SUCCESS: 2, FAILED: 3, exists: 4, full: 5 };
const pageMax = 100;

export function answerTuya(context: TuyaCloudContext, request: CloudRequest): CloudAnswer {
  const objection = context.access.objection(request);
  return envelope(objection ?? answer(context, request), context.now);
}

export function envelope(result: Result, now: number): CloudAnswer {
  const tid = now.toString(16).padStart(32, "0");
  if ("code" in result) return { status: 200, json: { success: false, ...result, t: now, tid } };
  return { status: 200, json: { success: true, result: result.result, t: now, tid } };
}

function answer(context: TuyaCloudContext, request: CloudRequest): Result {
  const { method, path, query, body: sent } = request;
  const [version, ...rest] = path;
  if (version !== "v1.0") return tuyaRefusals.pathInvalid;
  if (rest[0] === "token") return token(context.access, method, rest[1], query);
  const isNewer = rest[0] === "smart-lock";
  const [collection, id, ...asked] = isNewer ? rest.slice(1) : rest;
  if (collection !== "devices" || (!isNewer && asked[0] !== "door-lock")) return tuyaRefusals.pathInvalid;
  const lock = context.locks.get(id ?? "");
  if (!lock) return tuyaRefusals.permissionDeny;
  const body = readJson(sent);
  if (body === undefined) return tuyaRefusals.paramIllegal;
  const words = isNewer ? asked : asked.slice(1);
  return answerForLock(context, lock, { method, words, query, body });
}

function token(access: TuyaCloudAccess, method: string, refresh: string | undefined, query: URLSearchParams): Result {
  if (method !== "GET") return tuyaRefusals.pathInvalid;
  if (refresh !== undefined) {
    const renewed = access.refreshToken(refresh);
    return renewed ? { result: renewed } : tuyaRefusals.tokenInvalid;
  }
  return query.get("grant_type") === "1" ? { result: access.grantToken() } : tuyaRefusals.paramIllegal;
}

interface LockRequest {
  readonly method: string;
  readonly words: readonly string[];
  readonly query: URLSearchParams;
  readonly body: Fields;
}

function answerForLock(context: TuyaCloudContext, lock: TuyaCloudLock, request: LockRequest): Result {
  const { method, words, query, body } = request;
  const id = Number(words[1]);
  const shape = `${method} ${words.map((word) => (/^\d+$/.test(word) ? ":" : word)).join("/")}`;
  switch (shape) {
    case "POST password-ticket":
      return { result: context.access.issueTicket(lock.id) };
    case "POST temp-password":
      return create(context, lock, body);
    case "GET temp-passwords":
      return { result: list(lock, query.get("valid"), context.now).map((one) => shown(context, lock, one)) };
    case "GET temp-password/:": {
      const password = lock.passwords().find((one) => one.id === id);
      return password ? { result: shown(context, lock, password) } : tuyaRefusals.paramIllegal;
    }
    case "PUT temp-passwords/:/modify-password":
      return modify(context, lock, id, body);
    case "DELETE temp-passwords/:":
      return lock.remove(id) ? done : tuyaRefusals.paramIllegal;
    case "POST temp-passwords/rest-password":
      for (const password of lock.passwords()) lock.remove(password.id);
      return done;
    case "POST password-free/open-door":
      return operate(context, lock, { ...body, open: true });
    case "POST password-free/door-operate":
      return operate(context, lock, body);
    case "GET open-logs":
      return openLogs(lock, query);
    default:
      return tuyaRefusals.pathInvalid;
  }
}

type Wish = Omit<CloudPassword, "id" | "operate" | "status">;

function create(context: TuyaCloudContext, lock: TuyaCloudLock, body: Fields): Result {
  const wish = readWish(context, lock, body);
  return wish ? { result: { id: lock.create(wish) } } : tuyaRefusals.paramIllegal;
}

function modify(context: TuyaCloudContext, lock: TuyaCloudLock, id: number, body: Fields): Result {
  const wish = readWish(context, lock, body);
  return wish && lock.modify(id, wish) ? done : tuyaRefusals.paramIllegal;
}

/** undefined: something in it is not as it must be. */
function readWish({ access, now }: TuyaCloudContext, lock: TuyaCloudLock, body: Fields): Wish | undefined {
  const { name, password, password_type: passwordType, ticket_id: ticket } = body;
  const { effective_time: from, invalid_time: until, type = 0, phone = "", time_zone: zone = "" } = body;
  const digits = access.openUnderTicket(ticket, lock.id, password);
  const weekly = readWeekly(body.schedule_list);
  if (typeof name !== "string" || name === "" || passwordType !== "ticket") return undefined;
  if (digits?.length !== lock.digits || !isSeconds(from) || !isSeconds(until)) return undefined;
  if (until <= from || until * 1_000 <= now || (type !== 0 && type !== 1) || !weekly) return undefined;
  if (weekly.length > 0 && !isZone(zone)) return undefined;
  return { name, digits, from, until, once: type === 1, phone: String(phone), zone: String(zone), weekly };
}

function readWeekly(list: unknown): Wish["weekly"] | undefined {
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list)) return undefined;
  const weekly = list.map((one: Fields | null) => ({
    from: Number(one?.effective_time),
    until: Number(one?.invalid_time),
    days: Number(one?.working_day),
  }));
  const fits = weekly.every(
    ({ from, until, days }) => from >= 0 && from < until && until <= 1_440 && days > 0 && days < 128,
  );
  return fits ? weekly : undefined;
}

/** Ten digits: seconds, not milliseconds. */
function isSeconds(value: unknown): value is number {
  return Number.isInteger(value) && /^\d{10}$/.test(String(value));
}

function isZone(zone: unknown): boolean {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(String(zone));
    return true;
  } catch {
    return false;
  }
}

/** `valid`: "true" those that still count, "false" those that do no more; else all that are not deleted. */
function list(lock: TuyaCloudLock, valid: string | null, now: number): readonly CloudPassword[] {
  return lock.passwords().filter(({ operate, status, until }) => {
    const isDeleted = operate === "DELETE" && status === "SUCCESS";
    const counts = !isDeleted && until * 1_000 > now;
    return valid === "true" ? counts : valid === "false" ? !counts : !isDeleted;
  });
}

function shown({ quirks }: TuyaCloudContext, lock: TuyaCloudLock, password: CloudPassword): object {
  const { id, name, phone, zone, from, until, once, weekly, status, operate, cause } = password;
  return {
    id,
    name,
    phone,
    time_zone: zone,
    effective_time: from,
    invalid_time: until,
    type: once ? 1 : 0,
    phase: phaseOf(lock, password),
    ...(quirks.deliveryStatus === "text" && { delivery_status: status, operate }),
    ...(quirks.deliveryStatus === "number" && { delivery_status: statusNumber[cause ?? status] }),
    ...(weekly.length > 0 && {
      schedule_list: weekly.map((hours) => ({
        effective_time: hours.from,
        invalid_time: hours.until,
        working_day: hours.days,
      })),
    }),
  };
}

/** 0 deleted · 1 to be sent · 2 sent · 3 to be deleted · 7 not sent, of Bluetooth locks alone. */
function phaseOf({ lock }: TuyaCloudLock, { operate, status }: CloudPassword): number {
  if (operate === "DELETE") return status === "SUCCESS" ? 0 : 3;
  if (status === "SUCCESS") return 2;
  return status === "FAILED" && lock.family === "bluetooth" ? 7 : 1;
}

function operate({ access }: TuyaCloudContext, lock: TuyaCloudLock, { ticket_id: ticket, open }: Fields): Result {
  if (typeof open !== "boolean" || !access.spendTicket(ticket, lock.id)) return tuyaRefusals.paramIllegal;
  if (!lock.online) return tuyaRefusals.deviceOffline;
  lock.operate(open ? "released" : "secured");
  return done;
}

/** Newest first; `start_time` and `end_time` in seconds or milliseconds. */
function openLogs(lock: TuyaCloudLock, query: URLSearchParams): Result {
  const [page = 0, size = 0, start = 0, end = 0] = ["page_no", "page_size", "start_time", "end_time"].map((name) =>
    Number(query.get(name) ?? Number.NaN),
  );
  if (!(page >= 1 && size >= 1 && size <= pageMax && start >= 0 && end >= start)) return tuyaRefusals.paramIllegal;
  const ms = (time: number) => (time < 1e11 ? time * 1_000 : time);
  const meant = lock
    .openings()
    .filter(({ at }) => at >= ms(start) && at <= ms(end))
    .toReversed();
  const logs = meant.slice((page - 1) * size, page * size).map(({ code, value, at }) => ({
    update_time: at,
    status: { code, value },
    user_id: "0",
    unlock_name: "",
    nick_name: "",
  }));
  return { result: { total: meant.length, logs } };
}

/** undefined: neither nothing nor a JSON object. */
function readJson(text: string): Fields | undefined {
  if (text === "") return {};
  try {
    const read: unknown = JSON.parse(text);
    return typeof read === "object" && read !== null && !Array.isArray(read) ? (read as Fields) : undefined;
  } catch {
    return undefined;
  }
}
