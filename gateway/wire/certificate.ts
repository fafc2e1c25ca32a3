/**
 * Writes X.509 v3 certificates (RFC 5280): the three shapes the gateway's authority issues, with P-256 keys and ECDSA over SHA-256,
 * and the one a gateway shows to its peers, with its own Ed25519 key. It only writes DER; reading and verifying is OpenSSL's, through
 * node:crypto.
 */
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";
import type { Instant } from "../domain/instant.ts";

export type CertificateUse =
  | { readonly kind: "authority" }
  /** Names and IPv4 or IPv6 addresses a client may call it by. */
  | { readonly kind: "server"; readonly hosts: readonly string[] }
  | { readonly kind: "device" }
  /** A gateway towards other gateways, as server and as client. */
  | { readonly kind: "peer" };

export interface CertificateRequest {
  /** Common name. */
  readonly name: string;
  readonly publicKey: KeyObject;
  readonly issuer: string;
  readonly issuerKey: KeyObject;
  readonly from: Instant;
  readonly until: Instant;
  readonly use: CertificateUse;
}

export function newKey(): KeyObject {
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
}

/** The certificate in PEM. */
export function writeCertificate(request: CertificateRequest): string {
  const { name, publicKey, issuer, issuerKey, from, until, use } = request;
  const isEd25519 = issuerKey.asymmetricKeyType === "ed25519";
  const algorithm = sequence(oid(isEd25519 ? "1.3.101.112" : "1.2.840.10045.4.3.2")); // or ecdsa-with-SHA256
  const facts = sequence(
    explicit(0, integer(Buffer.from([2]))), // v3
    integer(serialNumber()),
    algorithm,
    commonName(issuer),
    sequence(time(from), time(until)),
    commonName(name),
    publicKey.export({ type: "spki", format: "der" }),
    explicit(3, sequence(...extensions(use, publicKey, createPublicKey(issuerKey)))),
  );
  const signature = sign(isEd25519 ? null : "sha256", facts, issuerKey);
  const der = sequence(facts, algorithm, bitString(signature, 0));
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function extensions(use: CertificateUse, subject: KeyObject, issuer: KeyObject): Buffer[] {
  const isAuthority = use.kind === "authority";
  const digitalSignature = bitString(Buffer.from([0x80]), 7);
  const keyCertSign = bitString(Buffer.from([0x04]), 2);
  const [serverAuth, clientAuth] = ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"];
  const purposes = { server: [serverAuth], device: [clientAuth], peer: [serverAuth, clientAuth] };
  return [
    extension("2.5.29.19", sequence(...(isAuthority ? [boolean(true), integer(Buffer.from([0]))] : [])), true), // basicConstraints
    extension("2.5.29.15", isAuthority ? keyCertSign : digitalSignature, true), // keyUsage
    ...(use.kind === "authority" ? [] : [extension("2.5.29.37", sequence(...purposes[use.kind].map(oid)))]), // extKeyUsage
    ...(use.kind === "server" ? [extension("2.5.29.17", sequence(...use.hosts.map(alternativeName)))] : []), // subjectAltName
    extension("2.5.29.14", octetString(keyId(subject))), // subjectKeyIdentifier
    extension("2.5.29.35", sequence(tagged(0x80, keyId(issuer)))), // authorityKeyIdentifier
  ];
}

function alternativeName(host: string): Buffer {
  return isIP(host) ? tagged(0x87, addressBytes(host)) : tagged(0x82, Buffer.from(host, "latin1"));
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split(".").map(Number));
  // the URL parser spells every IPv6 address in one way, at most one "::" and no dotted tail
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":"));
  const before = groups(head);
  const after = groups(tail ?? "");
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0");
  return Buffer.concat([...before, ...zeros, ...after].map((group) => Buffer.from(group.padStart(4, "0"), "hex")));
}

function keyId(key: KeyObject): Buffer {
  return createHash("sha256")
    .update(key.export({ type: "spki", format: "der" }))
    .digest()
    .subarray(0, 20);
}

/** 127 random bits, positive and not beginning with a zero byte. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes;
}

function commonName(name: string): Buffer {
  return sequence(tagged(0x31, sequence(oid("2.5.4.3"), tagged(0x0c, Buffer.from(name, "utf8")))));
}

function extension(id: string, value: Buffer, critical = false): Buffer {
  return sequence(oid(id), ...(critical ? [boolean(true)] : []), octetString(value));
}

/** UTCTime until 2049, as RFC 5280 wants it, GeneralizedTime from then on. */
function time(instant: Instant): Buffer {
  const digits = new Date(instant).toISOString().replace(/[-:T]|\.\d+/g, "");
  return Number(digits.slice(0, 4)) < 2050
    ? tagged(0x17, Buffer.from(digits.slice(2), "latin1"))
    : tagged(0x18, Buffer.from(digits, "latin1"));
}

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return tagged(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let left = value >>> 7; left > 0; left >>>= 7) digits.unshift((left & 0x7f) | 0x80);
  return digits;
}

const boolean = (value: boolean) => tagged(0x01, Buffer.from([value ? 0xff : 0]));
const integer = (bytes: Buffer) => tagged(0x02, bytes);
const bitString = (bytes: Buffer, unusedBits: number) =>
  tagged(0x03, Buffer.concat([Buffer.from([unusedBits]), bytes]));
const octetString = (bytes: Buffer) => tagged(0x04, bytes);
const sequence = (...members: readonly Buffer[]) => tagged(0x30, Buffer.concat(members));
const explicit = (number: number, member: Buffer) => tagged(0xa0 | number, member);

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
