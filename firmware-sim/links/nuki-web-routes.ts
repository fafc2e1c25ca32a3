/** The paths of Nuki Web: who asks for what, and what is answered. */
import { nukiAction } from "../sim-nuki.ts";
import { keypadCodeType, readCodeBody } from "./nuki-auth-body.ts";
import type { Acceptance, Change, NukiCloudLock } from "./nuki-cloud-lock.ts";
import { auth, logLine, smartlock, webAuth } from "./nuki-web-shapes.ts";

export interface NukiRequest {
  readonly method: string;
  /** Between the slashes. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
  /** As JSON; undefined where none was sent. */
  readonly body: unknown;
}

export interface NukiAnswer {
  readonly status: number;
  readonly body?: unknown;
}

type AskedChange =
  | { readonly kind: "create"; readonly body: unknown }
  | { readonly kind: "update"; readonly id: string; readonly body: unknown }
  | { readonly kind: "delete"; readonly id: string };
type Asked = AskedChange & { readonly cloud: NukiCloudLock };

const logLines = { usual: 20, max: 50 };
const taken: NukiAnswer = { status: 204 };
const actions: ReadonlySet<unknown> = new Set(Object.values(nukiAction));
const shortActions: Readonly<Record<string, number>> = { lock: nukiAction.lock, unlock: nukiAction.unlock };
const noPath = refusal(404, "path not found");

const refusals: Record<Exclude<Acceptance, "accepted">, NukiAnswer> = {
  "no-keypad": refusal(400, `type ${keypadCodeType} not valid`),
  "not-found": refusal(404, "auth not found"),
  exists: refusal(409, "code exists already"),
  // Which number the service has for these two is not written down anywhere; 422 is the one that users report without a reason.
  full: refusal(422, "list of codes is full"),
  "upside-down": refusal(422, "allowedUntilDate is not after allowedFromDate"),
  busy: refusal(423, "another operation is under way"),
};

export function refusal(status: number, detailMessage: string): NukiAnswer {
  return { status, body: { detailMessage, stackTrace: [], suppressedExceptions: [] } };
}

/** `clouds`: the locks of the account. */
export function answerNuki(clouds: readonly NukiCloudLock[], request: NukiRequest): NukiAnswer {
  const [root, first = "", ...others] = request.path;
  if (root !== "smartlock") return noPath;
  if (first === "" && request.method === "GET") return { status: 200, body: clouds.map(smartlock) };
  if (first === "log" && request.method === "GET") return logOf(clouds, request.query);
  if (first === "auth") return answerForAll(clouds, request);
  const cloud = clouds.find(({ lock }) => String(lock.id) === first);
  return cloud ? answerForOne(cloud, others, request) : refusal(404, "smartlock not found");
}

function answerForOne(
  cloud: NukiCloudLock,
  [part = "", last = "", ...deeper]: readonly string[],
  { method, query, body }: NukiRequest,
): NukiAnswer {
  if (deeper.length > 0) return noPath;
  switch (`${method} ${part}${last === "" ? "" : "/:"}`) {
    case "GET ":
      return { status: 200, body: smartlock(cloud) };
    case "POST action":
      return act(cloud, body);
    case "POST action/:":
      return act(cloud, { action: shortActions[last] });
    case "GET log":
      return logOf([cloud], query);
    case "GET auth":
      return { status: 200, body: authsOf(cloud, query) };
    case "GET auth/:": {
      const code = cloud.codes().find(({ id }) => id === last);
      return code ? { status: 200, body: auth(cloud, code) } : refusals["not-found"];
    }
    case "PUT auth":
      return change([{ cloud, kind: "create", body }]);
    case "POST auth/:":
      return change([{ cloud, kind: "update", id: last, body }]);
    case "DELETE auth/:":
      return change([{ cloud, kind: "delete", id: last }]);
    default:
      return noPath;
  }
}

function answerForAll(clouds: readonly NukiCloudLock[], { method, path, query, body }: NukiRequest): NukiAnswer {
  if (path.length > 2) return noPath;
  if (method === "GET") return { status: 200, body: clouds.flatMap((cloud) => authsOf(cloud, query)) };
  if (method === "PUT") return createOnSeveral(clouds, body);
  if (method !== "POST" && method !== "DELETE") return noPath;
  if (!Array.isArray(body) || body.length === 0) return refusal(400, "body is not a list");
  const asked = body.flatMap((one: unknown): Asked[] => {
    const id = method === "DELETE" ? one : (one as { readonly id?: unknown } | null)?.id;
    const cloud = clouds.find((candidate) => candidate.codes().some((code) => code.id === id));
    if (!cloud) return [];
    return [{ cloud, id: String(id), ...(method === "DELETE" ? { kind: "delete" } : { kind: "update", body: one }) }];
  });
  return asked.length === body.length ? change(asked) : refusals["not-found"];
}

function createOnSeveral(clouds: readonly NukiCloudLock[], body: unknown): NukiAnswer {
  const { smartlockIds } = (body ?? {}) as { readonly smartlockIds?: unknown };
  if (!Array.isArray(smartlockIds) || smartlockIds.length === 0) return refusal(400, "smartlockIds not valid");
  const meant = clouds.filter(({ lock }) => smartlockIds.includes(lock.id));
  if (meant.length < new Set(smartlockIds).size) return refusal(404, "smartlock not found");
  return change(meant.map((cloud) => ({ cloud, kind: "create", body })));
}

/** All that is asked of one lock or nothing of it; where several are meant, one may take it and another refuse. */
function change(asked: readonly Asked[]): NukiAnswer {
  const changes = new Map<NukiCloudLock, Change[]>();
  for (const one of asked) {
    const read = readChange(one);
    if ("wrong" in read) return refusal(400, read.wrong);
    changes.set(one.cloud, [...(changes.get(one.cloud) ?? []), read]);
  }
  const answers = [...changes].map(([cloud, ofOne]) => cloud.change(ofOne));
  const refused = answers.find((acceptance) => acceptance !== "accepted");
  return refused ? refusals[refused] : taken;
}

function readChange(asked: AskedChange): Change | { readonly wrong: string } {
  if (asked.kind === "delete") return { kind: "delete", id: asked.id };
  const read = readCodeBody(asked.body, { creates: asked.kind === "create" });
  if ("wrong" in read) return read;
  return asked.kind === "create"
    ? { kind: "create", wish: read.wish }
    : { kind: "update", id: asked.id, wish: read.wish };
}

function act(cloud: NukiCloudLock, body: unknown): NukiAnswer {
  const { action, option } = (body ?? {}) as { readonly action?: unknown; readonly option?: unknown };
  if (typeof action !== "number" || !actions.has(action)) return refusal(400, `action ${String(action)} not valid`);
  if (option !== undefined && !Number.isInteger(option)) return refusal(400, `option ${String(option)} not valid`);
  return cloud.act(action) === "accepted" ? taken : refusals.busy;
}

/** `types`: numbers with commas between. */
function authsOf(cloud: NukiCloudLock, query: URLSearchParams): readonly unknown[] {
  const types = query.get("types")?.split(",");
  const all = [webAuth(cloud), ...cloud.codes().map((code) => auth(cloud, code))];
  return types ? all.filter(({ type }) => types.includes(String(type))) : all;
}

/** Newest first. `id`: only what is older than that line. */
function logOf(clouds: readonly NukiCloudLock[], query: URLSearchParams): NukiAnswer {
  const limit = Number(query.get("limit") ?? logLines.usual);
  if (!Number.isInteger(limit) || limit < 1 || limit > logLines.max)
    return refusal(400, `limit ${query.get("limit")} not valid`);
  const [from = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY] = ["fromDate", "toDate"].map((name) => {
    const asked = query.get(name);
    return asked === null ? undefined : Date.parse(asked);
  });
  if (Number.isNaN(from) || Number.isNaN(until)) return refusal(400, "date not valid");
  const wanted = { action: query.get("action"), authId: query.get("authId") };
  const before = query.get("id");
  const lines = clouds
    .flatMap((cloud) => cloud.log().map((line) => ({ cloud, line })))
    .filter(({ line }) => line.date >= from && line.date <= until)
    .filter(({ line }) => wanted.action === null || String(line.action) === wanted.action)
    .filter(({ line }) => wanted.authId === null || line.codeId === wanted.authId)
    .filter(({ line }) => before === null || line.id < before)
    .toSorted((one, other) => (one.line.id < other.line.id ? 1 : -1))
    .slice(0, limit);
  return { status: 200, body: lines.map(({ cloud, line }) => logLine(cloud, line)) };
}
