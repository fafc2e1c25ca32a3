/** Who asks: an administrator by token, a gateway by a short EdDSA JWT of its own key. */
import type { Context, MiddlewareHandler } from "hono";
import { importJWK, errors as joseErrors, jwtVerify } from "jose";
import { type RateLimiter, remoteAddress } from "../web/limits.ts";
import { HttpProblem, type RequestIdEnv } from "../web/problem.ts";
import type { CloudParts } from "./cloud-parts.ts";
import { hashOf, isSameHash } from "./ids.ts";
import { gatewayRevoked } from "./poll.ts";
import { type GatewayRow, readGateway } from "./store/gateways.ts";

export interface CloudEnv extends RequestIdEnv {
  Variables: RequestIdEnv["Variables"] & {
    /** On /v1/gateways routes: who asks. */
    gateway: GatewayRow;
    /** On /api routes: whom records name as the one who did it. */
    actor: string;
  };
}

const audience = "postern-cloud";
const tokenLifeMaxS = 60;
const clockToleranceS = 5;

/** `failures`: wrong tokens are counted per address, so that nobody can try many. */
export function adminOnly(parts: CloudParts, failures: RateLimiter): MiddlewareHandler<CloudEnv> {
  return async (c, next) => {
    const token = bearer(c);
    const hash = hashOf(token ?? "");
    let known = false;
    for (const one of parts.adminTokenHashes) known = isSameHash(one, hash) || known;
    if (token === undefined || !known) {
      failures.demand(remoteAddress(c));
      throw unauthorized("Send an administrator's token as `Authorization: Bearer …`.");
    }
    c.set("actor", "admin");
    await next();
  };
}

export function gatewayOnly(parts: CloudParts, failures: RateLimiter): MiddlewareHandler<CloudEnv> {
  return async (c, next) => {
    const id = c.req.param("gateway") ?? "";
    const row = await readGateway(parts.store.db, id);
    const token = bearer(c);
    if (!row?.publicKey || token === undefined || !(await isTokenOf(row, row.publicKey, token, parts.clock.wall()))) {
      failures.demand(remoteAddress(c));
      throw unauthorized("Send a token signed by this gateway's key: iss, aud and exp at most 60 s ahead.");
    }
    if (row.revokedAt !== null) throw gatewayRevoked();
    c.set("gateway", row);
    await next();
  };
}

async function isTokenOf(row: GatewayRow, publicKey: string, token: string, nowMs: number): Promise<boolean> {
  try {
    const key = await importJWK({ kty: "OKP", crv: "Ed25519", x: publicKey }, "EdDSA");
    const { payload } = await jwtVerify(token, key, {
      algorithms: ["EdDSA"],
      issuer: row.id,
      audience,
      requiredClaims: ["exp"],
      currentDate: new Date(nowMs),
      clockTolerance: clockToleranceS,
    });
    return payload.exp !== undefined && payload.exp <= nowMs / 1000 + tokenLifeMaxS + clockToleranceS;
  } catch (error) {
    if (error instanceof joseErrors.JOSEError) return false;
    throw error;
  }
}

function bearer(c: Context): string | undefined {
  return /^Bearer ([\w.~+/=-]{1,4096})$/i.exec(c.req.header("authorization") ?? "")?.[1];
}

function unauthorized(detail: string): HttpProblem {
  return new HttpProblem(401, "unauthorized", detail, { headers: { "www-authenticate": "Bearer" } });
}
