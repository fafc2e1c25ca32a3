/** What a demo asks of its own cloud before anybody can play: a site, its gateway's keys, and grants to try. */
import { type EnrolmentOrder, enrolGateway } from "../gateway/enrol-gateway.ts";
import type { Clock } from "../gateway/ports/clock.ts";
import { loadGatewayKeys } from "../gateway/storage/gateway-keys.ts";
import { nodeDisk } from "../gateway/storage/node-disk.ts";
import { SecretString } from "../gateway/wire/secret.ts";
import { CommandError } from "./command.ts";
import type { DemoPin } from "./demo-memory.ts";

export const site = "demo";

/** The few calls of the admin API that setting up takes. */
export class AdminApi {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  async list(path: string): Promise<readonly Record<string, unknown>[]> {
    const { items } = await this.#ask("GET", path);
    return Array.isArray(items) ? items : [];
  }

  post(path: string, body: object): Promise<Record<string, unknown>> {
    return this.#ask("POST", path, body);
  }

  patch(path: string, body: object): Promise<Record<string, unknown>> {
    return this.#ask("PATCH", path, body);
  }

  async #ask(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
    const response = await fetch(this.#url + path, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, ...(body && { "content-type": "application/json" }) },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(15_000),
    });
    if (!response.ok)
      throw new CommandError(`cloud-sync answered ${response.status} to ${method} ${path}: ${await response.text()}`);
    const text = await response.text();
    return text === "" ? {} : JSON.parse(text);
  }
}

// An earlier start may have been interrupted between any two of these steps, so each looks at what is there.

export async function makeSite(api: AdminApi): Promise<void> {
  if ((await api.list("/api/sites")).some(({ id }) => id === site)) return;
  await api.post("/api/sites", { id: site, name: "Harbour Lane 12", zone: siteZone() });
}

/** That of this machine. */
export function siteZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** A gateway that the cloud knows and that has no keys here begins anew, in its next epoch. */
export async function enrolOnce(api: AdminApi, order: Omit<EnrolmentOrder, "code" | "fetch">): Promise<void> {
  if (await loadGatewayKeys(nodeDisk, order.folder)) return;
  const gateways = `/api/sites/${site}/gateways`;
  const [known] = await api.list(gateways);
  const { code } = known
    ? await api.post(`${gateways}/${known.id}/enrolment-codes`, {})
    : await api.post(gateways, { name: "Harbour gateway" });
  await enrolGateway({ ...order, code: new SecretString(String(code)), fetch });
}

/** A guest who comes and goes, a courier who comes once, a cleaner with hours. */
export async function makeGrants(api: AdminApi, homeGateway: string, clock: Clock): Promise<DemoPin[]> {
  const from = new Date(clock.wall() - 60_000).toISOString();
  const until = new Date(clock.wall() + 30 * 24 * 3_600_000).toISOString();
  const wanted = [
    {
      label: "Guest: opens as often as they like",
      kind: "stay",
      name: "Ana Guest",
      doors: ["box-1", "box-2", "front-door", "shed", "studio", "side-door"],
      entries: null,
    },
    { label: "Courier: opens once", kind: "temporary", name: "Carl Courier", doors: ["box-1", "box-2"], entries: 1 },
    {
      label: "Neighbour: box 2 only",
      kind: "temporary",
      name: "Nia Neighbour",
      doors: ["box-2", "spare-box"],
      entries: null,
    },
  ] as const;
  const pins: DemoPin[] = [];
  for (const { label, kind, name, doors, entries } of wanted) {
    const made = await api.post(`/api/sites/${site}/grants`, {
      kind,
      holder: { name },
      accessPoints: doors,
      from,
      until,
      entriesAllowed: entries,
      homeGateway,
      credentials: [{ kind: "pin" }],
    });
    const { id, credentials } = made as { id: string; credentials: { value: string }[] };
    pins.push({ label, pin: credentials[0]!.value, grant: id, accessPoints: doors });
  }
  return pins;
}
