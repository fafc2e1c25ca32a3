/**
 * A guard's "let in" at a gateway → the push service has the host's notice: admission on the disk, push of the journal, the cloud's store on
 * PGlite, encryption, HTTP. Gateway, cloud and push service share one process here, which only makes it slower.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { givenPushPeer } from "../support/push-peer.ts";
import { until } from "../support/until.ts";
import { WholeSite } from "../support/whole-site.ts";
import { type Benchmark, median, row } from "./row.ts";

const entries = 60;
const warmUp = 5;
const holdMs = 100;
/** People come one after the other. */
const betweenMs = 250;
const password = "bench gate and garden 7";

export const benchmark: Benchmark = {
  name: "host-told",
  async run() {
    const closing: (() => unknown)[] = [];
    try {
      const peer = await givenPushPeer({ after: (close) => void closing.unshift(close as () => unknown) });
      const site = await WholeSite.start({ boxes: ["gate"], holdMs, pushServices: [peer.origin] });
      closing.unshift(() => site.stop());
      const letIn = await aGuardedGate(site, peer.browser("host").subscription);
      let told: () => void = () => undefined;
      peer.answer = () => {
        told();
        return { status: 201 };
      };
      const took: number[] = [];
      for (let entry = 0; entry < entries + warmUp; entry += 1) {
        const arrived = new Promise<void>((resolve) => {
          told = resolve;
        });
        const begun = performance.now();
        await letIn();
        await arrived;
        if (entry >= warmUp) took.push(performance.now() - begun);
        await pause(betweenMs);
      }
      const longest = Math.max(...took);
      return [
        row(
          "let in at the gate → push service has the notice, p50",
          median(took),
          "ms",
          "told beside the longest",
          null,
        ),
        row(`the same, longest of ${entries}`, longest, "ms", "≤ 1,000 ms", longest <= 1_000),
      ];
    } finally {
      for (const close of closing) await close();
    }
  },
};

/** Answers a guard's way to let the same visitor in once more. */
async function aGuardedGate(site: WholeSite, subscription: object): Promise<() => Promise<void>> {
  const person = async (userName: string, role: string) => {
    const order = { userName, name: userName, role, sites: [site.site] };
    const made = await site.admin<{ person: { id: string }; link: { url: string } }>("POST", "/api/people", order);
    await site.admin("POST", "/auth/link/password", { token: new URL(made.link.url).hash.slice(1), password });
    return made.person.id;
  };
  await person("host", "resident");
  const guard = await person("guard", "guard");
  const { accessToken } = await posted<{ accessToken: string }>(
    `${site.cloudUrl}/auth/sign-in`,
    {},
    { name: "host", password },
  );
  const asHost = { authorization: `Bearer ${accessToken}` };
  await posted(`${site.cloudUrl}/api/me/push`, asHost, subscription);
  const pass = await posted<{ recordUid: string }>(`${site.cloudUrl}/api/passes`, asHost, {
    visitorName: "Lea Visitor",
    visitorType: "Guest",
    validity: "today",
    entriesAllowed: null,
  });
  await until("the gateway knows guard and pass", () => {
    const { records, seal } = site.gateway.site.parts;
    const index = seal.index("pass", pass.recordUid);
    return records.staff(guard) !== undefined && records.candidates({ kind: "pass", index }).length === 1;
  });
  const gate = site.gateway.http.url;
  const entered = await fetch(`${gate}/sign-in`, {
    method: "POST",
    redirect: "manual",
    headers: { origin: gate },
    body: new URLSearchParams({ userName: "guard", password }),
  });
  const cookie = entered.headers.getSetCookie()[0]?.split(";", 1)[0] ?? "";
  return async () => {
    const word = { record_uid: pass.recordUid, nonce: randomUUID() };
    const { access_granted } = await posted<{ access_granted: boolean }>(`${gate}/log-entry`, { cookie }, word);
    if (!access_granted) throw new Error("the visitor was not let in");
  };
}

async function posted<T>(url: string, headers: Record<string, string>, body: object): Promise<T> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", connection: "close", ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${new URL(url).pathname}: ${response.status} ${text}`);
  return JSON.parse(text === "" ? "{}" : text) as T;
}
