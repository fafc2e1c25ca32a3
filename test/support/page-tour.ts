/** Every page of the cloud, one after the other as people reach it: for what must hold of each of them, and for their pictures. */
import type { Page } from "playwright-core";
import type { Role } from "../../cloud-sync/domain/permissions.ts";
import type { Language } from "../../cloud-sync/pages/words/words.ts";
import { raiseAlarm } from "../../cloud-sync/stay-alarms.ts";
import { addPasskey } from "../../cloud-sync/store/passkeys.ts";
import { recordSecurity } from "../../cloud-sync/store/security-events.ts";
import type { CloudSurroundings } from "./cloud.ts";
import { boxDoor, nukiDoor, type PageSite } from "./page-visitor.ts";

type Who = "nobody" | "admin" | "agency" | "resident" | "newcomer";

export interface Stop {
  /** Of its picture. */
  readonly name: string;
  readonly who: Who;
  readonly path: string;
  /** From the page at `path` to the one that is meant. */
  readonly go?: (page: Page) => Promise<unknown>;
}

const unfitFile = `{
  "a1": { "code": "458723", "name": "Cleaner", "expiry": "2099-03-04T18:00" },
  "a2": { "code": "12", "name": "Painter", "expiry": "tomorrow" }
}`;
const password = "harbour lane twelve";
const send = (page: Page) => page.locator("main form.sheet[action] button[type=submit]").last().click();

const names: Readonly<Record<Role, string>> = {
  admin: "Ada Keeper",
  support: "Sam Helper",
  owner: "Olga Owner",
  agency: "Lisa Agent",
  resident: "Rosa Flores",
  guard: "Gus Gate",
  user: "Uma Looker",
};

/** Of the cloud the tour leads through: it sends mail, to nowhere. */
export const tourSurroundings: CloudSurroundings = {
  publicUrl: "http://127.0.0.1",
  mail: { send: async () => ({ outcome: "sent" }) },
};

/** Fills the cloud with what the pages show, and answers the pages. */
export async function pageTour(site: PageSite, language: Language): Promise<readonly Stop[]> {
  const { cloud, people } = site;
  const { agency, guard } = people;
  const keyed = await cloud.as("admin");
  for (const [role, { id }] of Object.entries(people))
    await cloud.ask("PATCH", `/api/people/${id}`, { language, name: names[role as Role] });
  for (const { id } of [keyed, guard]) {
    const { body: link } = await cloud.ask("POST", `/api/people/${id}/reset-link`);
    await cloud.ask("POST", "/auth/link/password", { token: new URL(link.url).hash.slice(1), password });
  }
  const codes = [
    { name: "Cleaner, flat 4", accessPoints: ["front-door"], expiry: "2099-03-04T18:00:00Z" },
    { name: "Painter", accessPoints: ["box"], expiry: "2099-03-06T18:00:00Z" },
  ];
  const made = await Promise.all(codes.map((one) => agency.ask("POST", "/api/temp-codes", { site: "home", ...one })));
  const code = made[0]!.body.id;
  const { body: gateways } = await cloud.ask("GET", "/api/sites/home/gateways");
  const [gateway] = gateways.items;
  const { body: grants } = await cloud.ask("GET", "/api/sites/home/grants");
  const [grant] = grants.items;
  const invited = await invite(site, language);
  const stay = await book(site, language);
  const { body: key } = await cloud.ask("POST", "/api/api-keys", {
    name: "Channel manager",
    role: "owner",
    sites: ["home"],
    scopes: ["codes.read", "codes.change", "doors.read"],
  });
  const from = { address: "192.0.2.7", device: "Mozilla/5.0 (X11; Linux x86_64)" };
  for (const event of [
    { kind: "session-replayed", severity: "alarm", subject: agency.id },
    { kind: "account-locked", severity: "warning", subject: guard.id },
    { kind: "account-locked", severity: "warning", subject: guard.id },
  ] as const)
    await recordSecurity(cloud.store.db, { ...event, ...from }, cloud.parts.clock.wall());
  await tell(site, grants.items, invited.id);
  const passkey = {
    id: "cGhvbmU",
    personId: people.admin.id,
    name: "Ada's phone",
    publicKey: "",
    counter: 0,
    transports: [],
  };
  await cloud.store.transaction((tx) => addPasskey(tx, passkey, cloud.parts.clock.wall()));
  const newCode = async (page: Page, digits: string) => {
    await page.locator("#name").fill("Cleaner, flat 4");
    await page.locator('input[value="front-door"]').check();
    await page.locator("#code").fill(digits);
    await send(page);
  };
  return [
    { name: "sign-in", who: "nobody", path: "/sign-in" },
    {
      name: "sign-in-refused",
      who: "nobody",
      path: "/sign-in",
      go: async (page) => {
        await page.locator("#name").fill("nobody");
        await page.locator("#password").fill("wrong");
        await send(page);
        await page.locator("div[role=alert]").waitFor();
      },
    },
    {
      name: "second-step",
      who: "nobody",
      path: "/sign-in",
      go: async (page) => {
        await page.locator("#name").fill(keyed.userName);
        await page.locator("#password").fill(password);
        await send(page);
        await page.locator("#code").waitFor();
      },
    },
    { name: "forgot-password", who: "nobody", path: "/forgot-password" },
    {
      name: "forgot-password-asked",
      who: "nobody",
      path: "/forgot-password",
      go: async (page) => {
        await page.locator("#email").fill("ada@example.org");
        await send(page);
        await page.locator(".notice").waitFor();
      },
    },
    { name: "first-admin", who: "nobody", path: "/first-admin#token" },
    { name: "choose-password", who: "nobody", path: "/link#token" },
    { name: "codes", who: "agency", path: "/codes" },
    { name: "codes-empty", who: "newcomer", path: "/codes" },
    { name: "code-new", who: "agency", path: "/codes/new" },
    {
      name: "code-refused",
      who: "agency",
      path: "/codes/new",
      go: async (page) => {
        await newCode(page, "123450");
        await page.locator("#code-fault").waitFor();
      },
    },
    {
      name: "code-made",
      who: "agency",
      path: "/codes/new",
      go: async (page) => {
        await newCode(page, "");
        await page.locator("output").waitFor();
      },
    },
    {
      name: "session-over",
      who: "agency",
      path: "/codes/new",
      go: async (page) => {
        await page.locator("#name").fill("Cleaner, flat 4");
        await page.context().clearCookies();
        await send(page);
        await page.locator("#password").waitFor();
      },
    },
    { name: "codes-export", who: "agency", path: "/codes/export" },
    { name: "codes-import", who: "agency", path: "/codes/import" },
    {
      name: "codes-import-refused",
      who: "agency",
      path: "/codes/import",
      go: async (page) => {
        await page.locator('input[value="front-door"]').check();
        await page.locator("#text").fill(unfitFile);
        await send(page);
        await page.locator("div[role=alert]").waitFor();
      },
    },
    { name: "code", who: "agency", path: `/codes/${code}` },
    { name: "code-delete", who: "agency", path: `/codes/${code}/delete` },
    { name: "passes", who: "resident", path: "/passes" },
    { name: "pass-new", who: "resident", path: "/passes/new" },
    {
      name: "pass-refused",
      who: "resident",
      path: "/passes/new",
      go: async (page) => {
        await page.locator("#visitorName").fill("Lea Sommer");
        await page.locator('input[value="custom"]').check();
        await page.locator("#until").fill("2020-01-01T10:00");
        await page.locator('input[value="box"]').check();
        await send(page);
        await page.locator("#until-fault").waitFor();
      },
    },
    { name: "pass", who: "resident", path: `/passes/${invited.id}` },
    { name: "pass-edit", who: "resident", path: `/passes/${invited.id}/edit` },
    { name: "pass-withdraw", who: "resident", path: `/passes/${invited.id}/withdraw` },
    { name: "pass-bar", who: "admin", path: `/passes/${invited.id}/bar` },
    { name: "guest-pass", who: "nobody", path: invited.page },
    { name: "guest-pass-unknown", who: "nobody", path: "/v/none" },
    { name: "guest-stay", who: "nobody", path: stay.page },
    { name: "guest-stay-unknown", who: "nobody", path: "/s/none" },
    { name: "stays", who: "admin", path: "/stays" },
    { name: "stays-month", who: "admin", path: "/stays/month" },
    {
      name: "stay-new-refused",
      who: "admin",
      path: "/stays/new",
      go: async (page) => {
        await page.locator("#name").fill("Greta Sommer");
        await send(page);
        await page.locator("#arrival-fault").waitFor();
      },
    },
    { name: "stay", who: "admin", path: `/stays/${stay.id}` },
    { name: "stay-new-code", who: "admin", path: `/stays/${stay.id}/new-code` },
    { name: "stay-cancel", who: "admin", path: `/stays/${stay.id}/cancel` },
    { name: "alarms", who: "admin", path: "/alarms" },
    { name: "jobs", who: "admin", path: "/jobs" },
    ...lettingStops(stay),
    { name: "set-up", who: "admin", path: "/set-up" },
    { name: "sites", who: "admin", path: "/sites" },
    { name: "site-new", who: "admin", path: "/sites/new" },
    { name: "site", who: "admin", path: "/sites/home" },
    {
      name: "gateway-code",
      who: "admin",
      path: "/sites/away",
      go: async (page) => {
        await page.locator("#name").fill("Hill gateway");
        await send(page);
        await page.locator("output").waitFor();
      },
    },
    { name: "gateway-revoke", who: "admin", path: `/sites/home/gateways/${gateway.id}/revoke` },
    { name: "integrations", who: "admin", path: "/integrations" },
    {
      name: "integration-refused",
      who: "admin",
      path: `/integrations/new?gateway=${gateway.id}&provider=BRIVO`,
      go: async (page) => {
        await page.locator("#apiKey").fill("a key");
        await send(page);
        await page.locator("#clientSecret-fault").waitFor();
      },
    },
    { name: "integration-remove", who: "admin", path: `/integrations/${gateway.id}:kisi/remove` },
    { name: "grants", who: "admin", path: "/grants?site=home" },
    { name: "grant-revoke", who: "admin", path: `/grants/home/${grant.id}/revoke` },
    { name: "events", who: "admin", path: "/events?site=home" },
    { name: "numbers", who: "admin", path: "/numbers?site=home" },
    { name: "numbers-empty", who: "admin", path: "/numbers?site=away" },
    { name: "events-empty", who: "admin", path: "/events?site=away" },
    { name: "people", who: "admin", path: "/people" },
    { name: "person", who: "admin", path: `/people/${agency.id}` },
    { name: "person-factor", who: "admin", path: `/people/${keyed.id}/second-factor` },
    { name: "person-disable", who: "admin", path: `/people/${agency.id}/disable` },
    { name: "person-erase", who: "admin", path: `/people/${agency.id}/erase` },
    { name: "person-new", who: "admin", path: "/people/new" },
    { name: "agencies", who: "admin", path: "/agencies" },
    {
      name: "agency-made",
      who: "admin",
      path: "/agencies/new",
      go: async (page) => {
        await page.locator("#name").fill("Hill Agency");
        await page.locator("#userName").fill(`hill-${crypto.randomUUID().slice(0, 8)}`);
        await send(page);
        await page.locator("output").waitFor();
      },
    },
    { name: "keys", who: "admin", path: "/api-keys" },
    { name: "key-new", who: "admin", path: "/api-keys/new" },
    {
      name: "key-made",
      who: "admin",
      path: "/api-keys/new",
      go: async (page) => {
        await page.locator("#name").fill("Booking import");
        await page.locator('input[value="codes.read"]').check();
        await send(page);
        await page.locator("output").waitFor();
      },
    },
    { name: "key-end", who: "admin", path: `/api-keys/${key.key.id}/end` },
    { name: "audit", who: "admin", path: "/audit" },
    { name: "security", who: "admin", path: "/security" },
    { name: "security-quiet", who: "admin", path: "/security?severity=notice" },
    { name: "account", who: "admin", path: "/account" },
    { name: "notices", who: "resident", path: "/account/notices" },
    { name: "app-remove", who: "admin", path: "/account/app/remove" },
    { name: "passkey-remove", who: "admin", path: `/account/passkeys/${passkey.id}/remove` },
    {
      name: "app-scan",
      who: "nobody",
      path: "/sign-in?next=/account/app",
      go: async (page) => {
        await page.locator("#name").fill(guard.userName);
        await page.locator("#password").fill(password);
        await send(page);
        await page.waitForURL("**/account/app");
        await page.locator("#password").fill(password);
        await send(page);
        await page.locator(".qr").waitFor();
      },
    },
    { name: "not-found", who: "admin", path: "/codes/none" },
  ];
}

/** A resident's guest. Answers the pass's id, and the path of the guest's own page. */
async function invite({ people: { resident } }: PageSite, language: Language) {
  const notes = { en: "Comes with a dog.", es: "Viene con un perro." }[language];
  const order = { visitorName: "Lea Sommer", visitorType: "Family", accessPoints: ["box"], entriesAllowed: 3, notes };
  const { body: pass } = await resident.ask("POST", "/api/passes", { ...order, validity: "week" });
  const { body: link } = await resident.ask("GET", `/api/passes/${pass.id}/link`);
  return { id: pass.id as string, page: new URL(link.url).pathname };
}

interface BookedStay {
  readonly id: string;
  /** Of its guest. */
  readonly page: string;
  readonly property: string;
  readonly source: string;
}

/** What is let, where its bookings come from, and what guests are told. */
function lettingStops({ property, source }: BookedStay): readonly Stop[] {
  const who = "admin";
  return [
    { name: "messages", who, path: "/messages" },
    { name: "properties", who, path: "/properties" },
    { name: "property-new", who, path: "/properties/new" },
    { name: "property", who, path: `/properties/${property}` },
    {
      name: "property-refused",
      who,
      path: `/properties/${property}`,
      go: async (page) => {
        await page.locator("#aheadHours").fill("9999");
        await page.locator('form[action$="/rules"] button').click();
        await page.locator("#aheadHours-fault").waitFor();
      },
    },
    { name: "property-close", who, path: `/properties/${property}/close` },
    { name: "property-messages", who, path: `/properties/${property}/messages` },
    {
      name: "property-preview",
      who,
      path: `/properties/${property}/messages`,
      go: async (page) => {
        await page.locator("details > summary").first().click();
        await page.locator("#text-en-code").fill("Hello {guest}, the way into {property}: {link}");
        await page.locator('button[value="text-en-code"]').click();
        await page.locator("section.notice").waitFor();
      },
    },
    { name: "sources", who, path: "/sources" },
    { name: "source-kinds", who, path: "/sources/new" },
    { name: "source-new", who, path: "/sources/new?kind=ical" },
    {
      name: "source-made",
      who,
      path: "/sources/new?kind=webhook",
      go: async (page) => {
        await page.locator("#name").fill("Our own system");
        await send(page);
        await page.locator("#hook-url").waitFor();
      },
    },
    { name: "source", who, path: `/sources/${source}` },
    { name: "source-places", who, path: `/sources/${source}/places` },
    { name: "source-close", who, path: `/sources/${source}/close` },
  ];
}

/** A stay that has begun. Answers the path of its guest's page. */
async function book({ people: { owner }, cloud }: PageSite, language: Language): Promise<BookedStay> {
  const notes = {
    en: "Wi-Fi: harbour-guests\nThe bins are behind the house.",
    es: "Wifi: harbour-guests\nLa basura va detrás de la casa.",
  }[language];
  const guide = { address: "Harbour Lane 12, Cádiz", notes: { [language]: notes } };
  const order = { site: "home", name: "Harbour flat", accessPoints: ["box", "front-door"], guide };
  const { body: property } = await owner.ask("POST", "/api/properties", order);
  const now = cloud.parts.clock.wall();
  const moment = (instant: number) => Temporal.Instant.fromEpochMilliseconds(instant).toString();
  const time = { from: moment(now - 3_600_000), until: moment(now + 48 * 3_600_000) };
  const { body: booking } = await owner.ask("POST", "/api/bookings", {
    ...{ property: property.id, guest: { name: "Greta Sommer" }, ...time },
  });
  const { body: link } = await owner.ask("POST", `/api/bookings/${booking.id}/link`, {});
  const next = { from: moment(now + 72 * 3_600_000), until: moment(now + 144 * 3_600_000) };
  await owner.ask("POST", "/api/bookings", { property: property.id, guest: { name: "Tom Winter" }, ...next });
  await cloud.store.transaction((tx) =>
    raiseAlarm(tx, { site: "home", booking: booking.id, kind: "guest-says", detail: {} }, now),
  );
  const hub = { site: "home", kind: "webhook", name: "Booking hub", places: { "flat/3": property.id } };
  const { body: source } = await owner.ask("POST", "/api/booking-sources", hub);
  return { id: booking.id, page: new URL(link.url).pathname, property: property.id, source: source.id };
}

/** What the gateway tells: its devices, that the code is in the Nuki and was used there, and what happened at the box. */
async function tell({ cloud, gateway }: PageSite, grants: readonly SeenGrant[], pass: string): Promise<void> {
  await gateway.report(
    [nukiDoor, boxDoor],
    [
      { id: "nuki", link: "online", battery: 84 },
      { id: "box", link: "offline", battery: 12 },
      { id: "studio", link: "online", driver: "kisi" },
      { id: "yard", link: "unknown", driver: "kisi", attention: 'its secret "apiKey" is missing: give it' },
      { id: "office", link: "unknown", driver: "brivo" },
    ],
  );
  await cloud.ask("POST", "/api/integrations/access/configure", { site: "home", provider: "KISI", apiKey: "key" });
  const inNuki = grants.find(({ accessPoints }) => accessPoints.includes("front-door"))!;
  await gateway.catchUp();
  await gateway.poll();
  const of = { device: "nuki", grant: inNuki.id, credential: inNuki.credentials[0]!.id };
  const facts = { ...of, index: "x", window: null };
  gateway.record(
    { type: "code-sent", change: "set", ...facts },
    { type: "code-read", change: "set", state: "present", ref: "31", ...facts },
    { type: "opened-at-lock", by: "code", code: "31", accessPoint: "front-door", ...of },
    { type: "code-sent", change: "set", ...facts, device: "studio" },
    { type: "code-read", change: "set", state: "present", ref: "81", ...facts, device: "studio" },
    { type: "code-missing", ...of, device: "yard", why: "late" },
    {
      type: "denied",
      accessPoint: "box",
      reason: "QR_NOT_FOUND",
      via: "pin",
      revision: 4,
      press: { device: "box", boot: 1, seq: 7 },
    },
    {
      type: "admitted",
      accessPoint: "box",
      grant: pass,
      credential: "pass",
      via: "pass",
      left: 2,
      revision: 5,
      at: cloud.parts.clock.wall() - 3_600_000,
    },
  );
  await gateway.push(1);
}

interface SeenGrant {
  readonly id: string;
  readonly accessPoints: readonly string[];
  readonly credentials: readonly { readonly id: string }[];
}

/** The browser becomes whoever opens the next page. */
export async function comeAs(page: Page, url: string, site: PageSite, who: Who, newcomer: string): Promise<void> {
  await page.context().clearCookies();
  const cookie = {
    admin: site.people.admin.browser.cookie,
    agency: site.people.agency.browser.cookie,
    resident: site.people.resident.browser.cookie,
    newcomer,
    nobody: undefined,
  }[who];
  const [name, value] = cookie?.split("=") ?? [];
  if (name !== undefined && value !== undefined) await page.context().addCookies([{ name, value, url }]);
}
