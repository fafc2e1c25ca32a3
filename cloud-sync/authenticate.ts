/** Who asks: a person or a program, a gateway by a short EdDSA JWT of its own key. */
import type { Context, MiddlewareHandler } from "hono";
import { errors as joseErrors, jwtVerify } from "jose";
import { isPlainText } from "../gateway/wire/gateway-api.ts";
import type { RateLimiter } from "../web/limits.ts";
import { HttpProblem, type RequestIdEnv } from "../web/problem.ts";
import type { CloudParts } from "./cloud-parts.ts";
import type { Actor } from "./domain/permissions.ts";
import { gatewayKey } from "./gateway-key.ts";
import { bearerToken } from "./ids.ts";
import { callingNetwork } from "./people/caller.ts";
import type { PeopleParts } from "./people/people-parts.ts";
import { readActor } from "./people/read-actor.ts";
import { gatewayFenced, gatewayRevoked } from "./poll.ts";
import { adoptEpoch, formerKeysOf, type GatewayRow, readGateway } from "./store/gateways.ts";

export interface CloudEnv extends RequestIdEnv {
  Variables: RequestIdEnv["Variables"] & {
    /** Where the request comes from, seen through our own proxies; "in-process" when it came by no socket. */
    address: string;
    /** On /v1/gateways routes: who asks. */
    gateway: GatewayRow;
    /** On /api routes: who asks, and whom records name as the one who did it. */
    actor: Actor;
  };
}

const audience = "postern-cloud";
const tokenLifeMaxS = 60;
const clockToleranceS = 5;

/** Wrong tokens are counted per network, so that nobody can try many. */
export function knownOnly(people: PeopleParts): MiddlewareHandler<CloudEnv> {
  return async (c, next) => {
    const actor = await readActor(people, c);
    if (!actor) {
      people.wrongTokens.demand(callingNetwork(c));
      throw unauthorized("Sign in, or send an access token or API key as `Authorization: Bearer …`.");
    }
    c.set("actor", actor);
    await next();
  };
}

export function gatewayOnly(parts: CloudParts, failures: RateLimiter): MiddlewareHandler<CloudEnv> {
  return async (c, next) => {
    const id = c.req.param("gateway") ?? "";
    const token = bearer(c);
    const row = token !== undefined && isPlainText(id) ? await readGateway(parts.store.db, id) : undefined;
    const now = parts.clock.wall();
    const claims = row?.publicKey && token !== undefined ? await claimsOf(row, row.publicKey, token, now) : undefined;
    if (!row || !claims) {
      if (row && token !== undefined && (await isOfFormerCard(row, token, now)))
        throw row.revokedAt === null ? gatewayFenced() : gatewayRevoked();
      failures.demand(callingNetwork(c));
      throw unauthorized("Send a token signed by this gateway's key: iss, aud and exp at most 60 s ahead.");
    }
    if (row.revokedAt !== null) throw gatewayRevoked();
    c.set("gateway", await inItsEpoch(parts, row, claims.epoch));
    await next();
  };
}

/** Two cards may have one key: a backup was restored while the old card still runs, or the service has lost the later epoch. */
async function inItsEpoch({ store, clock }: CloudParts, row: GatewayRow, epoch: unknown): Promise<GatewayRow> {
  if (epoch === undefined || epoch === row.epoch) return row;
  if (typeof epoch !== "number" || epoch < row.epoch) throw gatewayFenced();
  const adopted = await store.transaction((tx) => adoptEpoch(tx, row, epoch, clock.wall()));
  if (adopted?.epoch === epoch) return adopted;
  throw new HttpProblem(403, "epoch-unknown", `Epoch ${epoch} was never given; restore the gateway's backup anew.`);
}

/** The gateway was enrolled anew on another card: the former one must learn it, or it would take the 401 for trouble that passes. */
async function isOfFormerCard(row: GatewayRow, token: string, nowMs: number): Promise<boolean> {
  for (const key of formerKeysOf(row)) if (await claimsOf(row, key, token, nowMs)) return true;
  return false;
}

/** undefined: the token is not this gateway's, or not of now. */
async function claimsOf(
  row: GatewayRow,
  publicKey: string,
  token: string,
  nowMs: number,
): Promise<{ readonly epoch: unknown } | undefined> {
  try {
    const { payload } = await jwtVerify(token, gatewayKey(publicKey), {
      algorithms: ["EdDSA"],
      issuer: row.id,
      audience,
      requiredClaims: ["exp"],
      currentDate: new Date(nowMs),
      clockTolerance: clockToleranceS,
    });
    const isShort = payload.exp !== undefined && payload.exp <= nowMs / 1000 + tokenLifeMaxS + clockToleranceS;
    return isShort ? { epoch: payload.epoch } : undefined;
  } catch (error) {
    if (error instanceof joseErrors.JOSEError) return undefined;
    throw error;
  }
}

function bearer(c: Context): string | undefined {
  const token = /^Bearer (.+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
  return token !== undefined && bearerToken.test(token) ? token : undefined;
}

function unauthorized(detail: string): HttpProblem {
  return new HttpProblem(401, "unauthorized", detail, { headers: { "www-authenticate": "Bearer" } });
}
