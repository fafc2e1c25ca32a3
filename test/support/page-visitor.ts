/** A cloud with a site behind its pages, and visitors that ask for them as browsers do, without a port. */
import { type Role, roles } from "../../cloud-sync/domain/permissions.ts";
import { type CloudSurroundings, givenCloud, type TestCloud, type TestGateway, type TestPerson } from "./cloud.ts";

/** What a Nuki lets a code be. */
export const nukiDoor = {
  id: "front-door",
  name: "Front door",
  lock: "nuki",
  reads: false,
  codes: {
    ...{ lengths: [6], digits: "123456789", forbiddenPrefixes: ["12"], capacity: 100, windows: "range" },
    hours: { native: "one-span", zone: "Europe/Madrid", openingsPerWeekMax: 2 },
  },
};
/** The gateway decides there. */
export const boxDoor = { id: "box", name: "Parcel box", lock: "box", reads: true };

export interface PageAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** On the line, compressed as it comes. */
  readonly bytes: number;
}

export interface PageSite {
  readonly cloud: TestCloud;
  readonly gateway: TestGateway;
  /** One of each role; those that belong to sites belong to "home". */
  readonly people: Readonly<Record<Role, TestPerson>>;
  /** As whoever opened the page in a browser and sent its form; nobody: not signed in. */
  visit(person: TestPerson | undefined, path: string, headers?: Record<string, string>): Promise<PageAnswer>;
  send(
    person: TestPerson | undefined,
    path: string,
    fields?: Fields,
    headers?: Record<string, string>,
  ): Promise<PageAnswer>;
}

export type Fields = Readonly<Record<string, string | readonly string[]>>;

/** Site "home" with two doors, site "away" with nothing. */
export async function givenPages(surroundings: CloudSurroundings = {}): Promise<PageSite> {
  const cloud = await givenCloud(surroundings);
  await cloud.ask("POST", "/api/sites", { id: "home", name: "Harbour Lane 12", zone: "Europe/Madrid" });
  await cloud.ask("POST", "/api/sites", { id: "away", name: "Hill Road 3", zone: "Europe/Madrid" });
  const gateway = await cloud.gateway("home");
  await gateway.report([nukiDoor, boxDoor]);
  const people = {} as Record<Role, TestPerson>;
  for (const role of roles) people[role] = await cloud.as(role, role === "admin" || role === "support" ? [] : ["home"]);
  const ask = async (
    person: TestPerson | undefined,
    path: string,
    init: RequestInit,
    headers: Record<string, string>,
  ) => {
    const from = { "sec-fetch-site": "same-origin", ...person?.browser, ...headers };
    const response = await cloud.app.request(path, { ...init, headers: from });
    const body = Buffer.from(await response.arrayBuffer());
    return { status: response.status, headers: response.headers, text: body.toString("utf8"), bytes: body.length };
  };
  return {
    cloud,
    gateway,
    people,
    visit: (person, path, headers = {}) => ask(person, path, { method: "GET" }, headers),
    send: (person, path, fields = {}, headers = {}) => {
      const body = new URLSearchParams();
      for (const [name, value] of Object.entries(fields))
        for (const one of typeof value === "string" ? [value] : value) body.append(name, one);
      return ask(person, path, { method: "POST", body }, headers);
    },
  };
}
