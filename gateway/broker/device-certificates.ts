/**
 * The certificates devices bring. Whose they are is for the authority's signature to say, not for the machine's clock: a board that
 * boots in 1970, or ten years ahead, must not turn its boxes away. They end by a time that has certainly come.
 */
import { X509Certificate } from "node:crypto";
import type { DeviceId } from "../domain/access-point.ts";
import type { Instant, Millis } from "../domain/instant.ts";

const clientAuth = "1.3.6.1.5.5.7.3.2";
/** A device is told of this long before its certificate ends: somebody has to go there. */
const warnBeforeMs: Millis = 60 * 86_400_000;

export interface EndingCertificate {
  readonly device: DeviceId;
  readonly endsAt: Instant;
}

export class DeviceCertificates {
  readonly #authority: X509Certificate;
  readonly #passedTime: () => Instant;
  /** The one each device brought last. */
  readonly #ends = new Map<DeviceId, Instant>();

  /** `authority`: PEM. `passedTime`: a time that has certainly come. */
  constructor(authority: string, passedTime: () => Instant) {
    this.#authority = new X509Certificate(authority);
    this.#passedTime = passedTime;
  }

  /** What is wrong with a certificate. Asked at every login: a resumed TLS session does without the handshake that would look at it. */
  objectionTo(certificate: X509Certificate): string | undefined {
    if (!certificate.checkIssued(this.#authority) || !certificate.verify(this.#authority.publicKey))
      return "certificate of another authority";
    if (certificate.ca || !certificate.keyUsage?.includes(clientAuth)) return "certificate is not for a device";
    const endsAt = certificate.validToDate.getTime();
    this.#ends.set(certificate.subject.replace(/^CN=/, ""), endsAt);
    return endsAt < this.#passedTime()
      ? `certificate ended on ${new Date(endsAt).toISOString().slice(0, 10)}; issue a new one`
      : undefined;
  }

  /** The device signs in without one. */
  forget(device: DeviceId): void {
    this.#ends.delete(device);
  }

  /** Those that end within 60 days, or have ended. */
  ending(): EndingCertificate[] {
    const soon = this.#passedTime() + warnBeforeMs;
    return [...this.#ends].flatMap(([device, endsAt]) => (endsAt < soon ? [{ device, endsAt }] : []));
  }
}
