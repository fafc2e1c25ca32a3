/** Turns a one-time code into this gateway's identity: it makes its own key pair, the private half never leaves the site. */
import { generateKeyPairSync } from "node:crypto";
import { GatewayError } from "../errors.ts";
import { type Enrolled, enrolledSchema } from "../wire/gateway-api.ts";
import { SecretString } from "../wire/secret.ts";
import { boundedBody } from "./bounded-body.ts";
import type { Fetch } from "./http-cloud-link.ts";

export interface Enrolment {
  readonly enrolled: Enrolled;
  /** Ed25519, PKCS #8 in PEM. */
  readonly privateKey: SecretString;
}

const deadlineMs = 20_000;
const answerBytesMax = 64 * 1024;

/**
 * Rejects with `enrolment-refused` when the code is wrong, used or older than 15 minutes, `cloud-unreachable`, `cloud-absent` when
 * somebody else answers, and `cloud-refused`.
 */
export async function enrol(cloudUrl: string, code: SecretString, version: string, fetch: Fetch): Promise<Enrolment> {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const { x } = publicKey.export({ format: "jwk" });
  const response = await fetch(`${cloudUrl}/v1/enrol`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ code: code.reveal(), publicKey: x, version }),
    signal: AbortSignal.timeout(deadlineMs),
    redirect: "error",
  }).catch((cause: unknown) => {
    throw new GatewayError("cloud-unreachable", `cloud-sync at ${cloudUrl} could not be reached`, {}, { cause });
  });
  const { status } = response;
  // 400: what was typed is no code.
  if (status === 403 || status === 400)
    throw new GatewayError("enrolment-refused", `cloud-sync refused the enrolment code (${status})`);
  if (status === 404) throw new GatewayError("cloud-absent", `what answers at ${cloudUrl} is no cloud-sync`);
  if (!response.ok) throw new GatewayError("cloud-refused", `cloud-sync answered ${status} to the enrolment`);
  const enrolled = enrolledSchema.safeParse(await readAnswer(cloudUrl, response));
  if (!enrolled.success)
    throw new GatewayError("cloud-refused", "cloud-sync's answer to the enrolment is not in the agreed shape");
  return {
    enrolled: enrolled.data,
    privateKey: new SecretString(privateKey.export({ format: "pem", type: "pkcs8" }).toString()),
  };
}

/** undefined: not JSON. */
async function readAnswer(cloudUrl: string, response: Response): Promise<unknown> {
  const body = await boundedBody(response, answerBytesMax).catch((cause: unknown) => {
    if (cause instanceof GatewayError) throw cause;
    throw new GatewayError("cloud-unreachable", `the answer of cloud-sync at ${cloudUrl} broke off`, {}, { cause });
  });
  try {
    return JSON.parse(Buffer.from(body).toString());
  } catch {
    return undefined;
  }
}
