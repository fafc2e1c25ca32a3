/** A gate where Rosa has signed in, and where Lea's visitor's pass is known. */

import type { Grant } from "../../gateway/domain/grant.ts";
import type { GuardRules } from "../../gateway/domain/guard-rules.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import type { QuestionLink } from "../../gateway/ports/question-link.ts";
import { passKeys } from "./signed-passes.ts";
import { SimDisk } from "./sim-disk.ts";
import { aCredential, aGrant, grantRow, siteRow } from "./site-fixture.ts";
import { aGate, anySite, rosa, rosasPassword, staffRow } from "./staffed-gate.ts";

export const leasUid = "VIS-10482-KQX";

/** `overrides`: of Lea's grant. `disk`: goes on with what is on it. The site has signed passes (signed-passes.ts). */
export async function aGuardedGate(
  overrides: Partial<Grant> = {},
  maxAgeMs: Record<string, number> = {},
  disk = new SimDisk(),
  guards: GuardRules = { photo: "optional" },
  logger = silentLogger,
  questionLink?: QuestionLink,
) {
  const rules = { ...anySite().offlineMaxAgeMs, visitor: null, ...maxAgeMs };
  const site = anySite({ offlineMaxAgeMs: rules, passKeys });
  const gate = await aGate(site, disk, guards, logger, questionLink);
  const pass = aGrant("pass", {
    kind: "visitor",
    holder: { id: "person-lea", name: "Lea Visitor", document: "X-77" },
    host: { id: "person-ana", name: "Ana Resident" },
    credentials: [aCredential("pass", { kind: "pass", index: gate.site.seal.index("pass", leasUid) })],
    about: { visitorType: "Guest", notes: "brings a dog" },
    ...overrides,
  });
  await gate.send([siteRow(site, 5), staffRow(rosa, 6), grantRow(pass, 7)]);
  const cookie = await gate.signIn("rosa", rosasPassword);
  const post =
    (path: string) =>
    async (json: object, headers: Record<string, string> = {}) => {
      const { status, text } = await gate.ask("POST", path, { cookie, json, headers });
      return { status, body: JSON.parse(text) };
    };
  const read = async (path: string) => {
    const { status, text } = await gate.ask("GET", path, { cookie });
    return { status, body: JSON.parse(text) };
  };
  return {
    ...gate,
    cookie,
    read,
    check: post("/validate-qr"),
    enter: post("/log-entry"),
    turnAway: post("/deny-entry"),
    leave: post("/log-exit"),
    walkIn: post("/walk-in"),
    askHost: post("/walk-in/ask"),
    photo: async (jpeg: Uint8Array) => {
      const { status, text } = await gate.ask("POST", "/photos", { cookie, jpeg });
      return { status, body: JSON.parse(text) };
    },
  };
}
