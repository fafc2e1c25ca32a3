/** Who can sign in at the demo's cloud. Their passwords are made at the first start and shown on the demo's page. */
import { randomInt } from "node:crypto";
import type { AdminApi } from "./demo-cloud.ts";
import type { DemoPerson } from "./demo-memory.ts";

/** Of letters nobody mixes up, in groups that are quickly typed: 60 bits. */
const letters = "abcdefghjkmnpqrstvwxyz23456789";
const groups = 3;
const groupLength = 4;

/** Those who are not `made` yet. An interrupted start may have left some of them: they get a new password. */
export async function makePeople(api: AdminApi, site: string, made: readonly DemoPerson[]): Promise<DemoPerson[]> {
  const all = [
    {
      label: "Agency: makes codes, sees its own alone",
      userName: "agency",
      name: "Lisa, Harbour Agency",
      role: "agency",
      sites: [site],
    },
    {
      label: "Owner: sees all that happens at the site",
      userName: "owner",
      name: "Omar Owner",
      role: "owner",
      sites: [site],
    },
    {
      label: "Resident: invites visitors, who show a QR code",
      userName: "resident",
      name: "Ana Resident",
      role: "resident",
      sites: [site],
    },
    {
      label: "Guard: lets visitors in, at the gateway's own page",
      userName: "guard",
      name: "Rosa Guard",
      role: "guard",
      sites: [site],
    },
    {
      label: "Administrator: asks for an authenticator app first",
      userName: "admin",
      name: "Alma Admin",
      role: "admin",
      sites: [],
    },
  ];
  const wanted = all.filter(({ userName }) => !made.some((one) => one.userName === userName));
  const known = wanted.length === 0 ? [] : await api.list("/api/people");
  const people: DemoPerson[] = [];
  for (const { label, ...person } of wanted) {
    const there = known.find(({ userName }) => userName === person.userName);
    const link = there
      ? await api.post(`/api/people/${there.id}/reset-link`, {})
      : ((await api.post("/api/people", person)).link as Record<string, unknown>);
    const password = newPassword();
    await api.post("/auth/link/password", { token: new URL(String(link.url)).hash.slice(1), password });
    people.push({ label, userName: person.userName, password });
  }
  return [...made, ...people];
}

function newPassword(): string {
  const group = () => Array.from({ length: groupLength }, () => letters[randomInt(letters.length)]).join("");
  return Array.from({ length: groups }, group).join("-");
}
