/** How a grant comes to be: its references are checked, its codes found and reserved, and it is published as one version. */
import { randomBytes, randomInt } from "node:crypto";
import type { Credential, CredentialKind } from "../gateway/domain/credential.ts";
import type { Grant, PersonRef } from "../gateway/domain/grant.ts";
import type { Instant } from "../gateway/domain/instant.ts";
import type { WeeklySchedule } from "../gateway/domain/schedule.ts";
import type { CredentialSeal } from "../gateway/wire/credential-seal.ts";
import { fieldProblem } from "../web/problem.ts";
import { type Door, findImpossible, findUnfit, type Impossible, pinShapeOf } from "./domain/doors.ts";
import { makePin, type PinShape, pinDigits, usualShape } from "./domain/pin-policy.ts";
import { newId, newPassUid, randomLetters } from "./ids.ts";
import { readDoors } from "./store/doors.ts";
import { listAccessPoints, readGateway } from "./store/gateways.ts";
import { claimCode, countLiveCodes, insertGrants, isAlone } from "./store/grants.ts";
import { readSite } from "./store/sites.ts";
import type { Transaction } from "./store/store.ts";

export interface WantedCredential {
  readonly kind: CredentialKind;
  readonly value?: string | undefined;
  /** Digits of a generated PIN. */
  readonly length?: number | undefined;
  /** Rather these than a generated one, where every lock takes them and nobody else has them. */
  readonly preferred?: readonly PreferredValue[] | undefined;
}

export interface PreferredValue {
  readonly value: string;
  /** The same holder had it: then it need not have rested. */
  readonly wasTheirs: boolean;
}

interface WantedPerson {
  /** Left out: one is made. */
  readonly id?: string | undefined;
  readonly name: string;
  readonly document?: string | undefined;
}

export interface WantedGrant
  extends Pick<Grant, "site" | "kind" | "createdBy" | "accessPoints" | "validity" | "entriesAllowed" | "limitMode"> {
  readonly holder: WantedPerson;
  readonly host?: WantedPerson | undefined;
  readonly schedule?:
    | (Pick<WeeklySchedule, "windows"> & { readonly exceptions?: WeeklySchedule["exceptions"] | undefined })
    | undefined;
  readonly homeGateway?: string | undefined;
  readonly credentials: readonly WantedCredential[];
  readonly mustUnderstand?: Grant["mustUnderstand"];
  readonly about: Grant["about"];
}

export interface CreatedGrant {
  readonly grant: Grant;
  /** Credential id → its value: told once, here, and kept only sealed. */
  readonly values: ReadonlyMap<string, string>;
}

/** A generated value is tried so often before the site is said to be full. */
const triesMax = 50;

export async function createGrant(
  tx: Transaction,
  seal: CredentialSeal,
  wanted: WantedGrant,
  now: Instant,
): Promise<CreatedGrant> {
  const homeGateway = await checkReferences(tx, wanted);
  const site = await readSite(tx, wanted.site);
  const doors = await readDoors(tx, wanted.site, wanted.accessPoints);
  const shape = shapeFor(doors, wanted, site?.zone ?? "");
  const id = newId("grant");
  const values = new Map<string, string>();
  const credentials: Credential[] = [];
  for (const [index, one] of claimOrder(seal, wanted.credentials)) {
    const credential = newId("cred");
    const claim = async (value: string, rested: boolean) =>
      !isAlone(one.kind) ||
      claimCode(
        tx,
        {
          siteId: wanted.site,
          kind: one.kind,
          index: seal.index(one.kind, value),
          credentialId: credential,
          grantId: id,
          until: wanted.validity.until,
        },
        now,
        rested,
      );
    const value =
      (await firstFree(doors, one, claim)) ??
      (await findValue(tx, wanted, one, shape, `body.credentials[${index}]`, claim, now));
    values.set(credential, value);
    credentials[index] = {
      id: credential,
      kind: one.kind,
      index: seal.index(one.kind, value),
      sealed: seal.seal(credential, value),
      revoked: false,
    };
  }
  const { holder, host, schedule } = wanted;
  const grant: Grant = {
    id,
    site: wanted.site,
    kind: wanted.kind,
    holder: personOf(holder),
    ...(host && { host: personOf(host) }),
    createdBy: wanted.createdBy,
    accessPoints: wanted.accessPoints,
    validity: wanted.validity,
    ...(schedule && { schedule: scheduleOf(schedule) }),
    entriesAllowed: wanted.entriesAllowed,
    limitMode: wanted.limitMode,
    homeGateway,
    credentials,
    revoked: false,
    ...(wanted.mustUnderstand && { mustUnderstand: wanted.mustUnderstand }),
    about: wanted.about,
  };
  await insertGrants(tx, [grant], now);
  return { grant, values };
}

function personOf({ id = newId("person"), name, document }: WantedPerson): PersonRef {
  return { id, name, ...(document !== undefined && { document }) };
}

function scheduleOf({ windows, exceptions }: NonNullable<WantedGrant["schedule"]>): WeeklySchedule {
  return { windows, ...(exceptions && { exceptions }) };
}

/** Values that are named come first and in one order, so that two grants that want the same ones do not wait for each other. */
function claimOrder(
  seal: CredentialSeal,
  credentials: readonly WantedCredential[],
): (readonly [index: number, wanted: WantedCredential])[] {
  const place = ({ kind, value }: WantedCredential) =>
    value === undefined ? "~" : `${kind} ${seal.index(kind, value)}`;
  return credentials
    .map((one, index) => ({ one, index, place: place(one) }))
    .sort((a, b) => (a.place < b.place ? -1 : a.place > b.place ? 1 : a.index - b.index))
    .map(({ one, index }) => [index, one]);
}

/** The access points must be known, and the home gateway in service; left out, it is that of the first access point. */
async function checkReferences(tx: Transaction, wanted: WantedGrant): Promise<string> {
  const known = new Map((await listAccessPoints(tx, wanted.site)).map((one) => [one.id, one]));
  for (const [index, id] of wanted.accessPoints.entries()) {
    if (!known.has(id)) throw fieldProblem(`body.accessPoints[${index}]`, `the site has no access point ${id}`);
  }
  const home = wanted.homeGateway ?? known.get(wanted.accessPoints[0] ?? "")?.gatewayId ?? "";
  const gateway = await readGateway(tx, home);
  if (gateway?.siteId !== wanted.site || gateway.publicKey === null || gateway.revokedAt !== null)
    throw fieldProblem("body.homeGateway", "the site has no such gateway in service");
  return gateway.id;
}

/** What a PIN of this grant must be. Throws for what no lock of it could honour. */
function shapeFor(doors: readonly Door[], wanted: WantedGrant, zone: string): PinShape {
  const impossible = ({ field, why, instead }: Impossible) =>
    fieldProblem(`body.${field}`, instead === undefined ? why : `${why}, ${instead}`);
  const { schedule, validity } = wanted;
  const hours = schedule && { schedule: scheduleOf(schedule), validity, zone };
  // A guard reads a visitor's pass at the gateway's page, whatever stands at the door; what is beside the pass is for the door.
  const isForGuard = wanted.kind === "visitor" && wanted.credentials.every(({ kind }) => kind === "pass");
  const found = isForGuard ? undefined : findImpossible(doors, { ...wanted, hours });
  if (found) throw impossible(found);
  const pins = wanted.credentials.flatMap((one, index) => (one.kind === "pin" ? [{ ...one, index }] : []));
  if (pins.length === 0) return usualShape;
  for (const { index, ...pin } of pins) {
    const unfit = findUnfit(doors, pin, `credentials[${index}]`);
    if (unfit) throw impossible(unfit);
  }
  const shape = pinShapeOf(doors);
  if ("why" in shape) throw impossible(shape);
  return shape;
}

async function firstFree(
  doors: readonly Door[],
  { preferred = [] }: WantedCredential,
  claim: (value: string, rested: boolean) => Promise<boolean>,
): Promise<string | undefined> {
  for (const { value, wasTheirs } of preferred)
    if (!findUnfit(doors, { value }, "") && (await claim(value, !wasTheirs))) return value;
  return undefined;
}

async function findValue(
  tx: Transaction,
  { site, kind }: Pick<WantedGrant, "site" | "kind">,
  wanted: WantedCredential,
  shape: PinShape,
  field: string,
  claim: (value: string, rested: boolean) => Promise<boolean>,
  now: Instant,
): Promise<string> {
  if (wanted.value !== undefined) {
    if (await claim(wanted.value, false)) return wanted.value;
    throw fieldProblem(`${field}.value`, `another live credential of the site has this ${wanted.kind}`, 409);
  }
  const digits =
    wanted.kind === "pin" ? pinDigits((await countLiveCodes(tx, site, "pin", now)) + 1, shape, wanted.length) : 0;
  for (let tries = 0; tries < triesMax; tries += 1) {
    const value = wanted.kind === "pass" ? newPass(kind) : generate(wanted.kind, digits, shape);
    if (value === undefined && wanted.kind === "pin") break;
    if (value === undefined) throw fieldProblem(`${field}.value`, `a ${wanted.kind} has a value of its own; name it`);
    if (await claim(value, true)) return value;
  }
  throw fieldProblem(`${field}.length`, "no free PIN of this length was found; ask for a longer one", 409);
}

/** A visitor's is short because a guard may have to type it; where a machine alone reads it, it is one that nobody finds by trying. */
function newPass(kind: Grant["kind"]): string {
  return kind === "visitor" ? newPassUid() : randomLetters(16).toUpperCase();
}

function generate(kind: Exclude<CredentialKind, "pass">, digits: number, shape: PinShape): string | undefined {
  switch (kind) {
    case "pin":
      return makePin(digits, shape, randomInt);
    case "link":
      return randomBytes(24).toString("base64url");
    case "card":
    case "provider":
      return undefined;
  }
}
