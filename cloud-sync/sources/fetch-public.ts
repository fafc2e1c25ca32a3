/** GET of an address that an owner has typed in: https alone, to the internet at large alone, whatever its names resolve to and wherever it leads. */
import { lookup } from "node:dns";
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { isPublicAddress } from "./public-address.ts";

export interface PublicRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly bytesMax: number;
  /** Origins that may be elsewhere and without TLS; unset: none. */
  readonly origins?: readonly string[] | undefined;
  readonly signal: AbortSignal;
}

export interface PublicAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Why it was not asked, or not to the end. Holds nothing of the address. */
export class FetchError extends Error {}

const redirectsMax = 3;
const redirects: readonly number[] = [301, 302, 303, 307, 308];

/** Rejects with a FetchError, or as the signal says. */
export async function fetchPublic(address: URL, request: PublicRequest): Promise<PublicAnswer> {
  let at = address;
  for (let hop = 0; hop <= redirectsMax; hop += 1) {
    const isNamed = request.origins?.includes(at.origin) ?? false;
    if (!isNamed) demandPublic(at);
    const { location, ...answer } = await askOnce(at, request, isNamed);
    if (!redirects.includes(answer.status) || location === undefined) return answer;
    if (!URL.canParse(location, at)) throw new FetchError("it leads nowhere");
    at = new URL(location, at);
  }
  throw new FetchError(`it leads on more than ${redirectsMax} times`);
}

function demandPublic({ protocol, hostname, username, password }: URL): void {
  if (protocol !== "https:") throw new FetchError("it leads to an address without https");
  if (username !== "" || password !== "") throw new FetchError("its address has a name and a password in it");
  const bare = hostname.replace(/^\[|\]$/g, "");
  if (isIP(bare) !== 0 && !isPublicAddress(bare)) throw isPrivate();
}

const isPrivate = () => new FetchError("its address is of a private network");

/** Looks at every address before any is connected to, so that what was looked at is what is asked. */
const publicLookup: LookupFunction = (hostname, options, done) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    const [first] = addresses ?? [];
    if (error || !first) return done(error ?? new FetchError("its name is not known"), []);
    if (!addresses.every(({ address }) => isPublicAddress(address))) return done(isPrivate(), []);
    if (options.all) done(null, addresses);
    else done(null, first.address, first.family);
  });
};

async function askOnce(
  at: URL,
  { headers, bytesMax, signal }: PublicRequest,
  isNamed: boolean,
): Promise<PublicAnswer & { readonly location: string | undefined }> {
  const request = at.protocol === "https:" ? requestHttps : requestHttp;
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = { headers, signal, agent: false, ...(!isNamed && { lookup: publicLookup }) };
      request(at, options, resolve).on("error", reject).end();
    });
    const text = Object.entries(response.headers).flatMap(([name, value]) =>
      typeof value === "string" ? [[name, value] as const] : [],
    );
    const status = response.statusCode ?? 0;
    const { location } = response.headers;
    if (status !== 200) response.destroy();
    return {
      status,
      headers: Object.fromEntries(text),
      body: status === 200 ? await bodyOf(response, bytesMax) : "",
      location,
    };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof FetchError) throw error;
    throw new FetchError("no answer");
  }
}

async function bodyOf(response: IncomingMessage, bytesMax: number): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response as AsyncIterable<Uint8Array>) {
    bytes += piece.length;
    if (bytes > bytesMax) throw new FetchError(`more than ${bytesMax / (1024 * 1024)} MB came`);
    pieces.push(piece);
  }
  if (!response.complete) throw new FetchError("what came is not whole");
  return new TextDecoder().decode(Buffer.concat(pieces));
}
