/** Which devices may log in, and how each proves that it is itself. */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { DeviceId } from "../domain/access-point.ts";
import type { MqttDialect } from "../ports/mqtt-link.ts";
import type { SecretString } from "../wire/secret.ts";
import { type ClientName, isDeviceId, type Permissions, permissionsOf } from "./permissions.ts";

export interface DeviceAccount {
  /** Also its user name, the name on its certificate and, unless its dialect says otherwise, its client id. */
  readonly id: DeviceId;
  readonly dialect: MqttDialect;
  /** Made by a machine and long; it is compared in one HMAC, not stretched. */
  readonly password?: SecretString;
  /** Whether a certificate of the gateway's authority with the device's name is enough. */
  readonly certificate?: boolean;
  /** Only the certificate with this SHA-256 fingerprint ("AB:CD:…"): an earlier one of the same device is void. */
  readonly fingerprint?: string;
}

/** What a connection offers as proof. `certificate` only when the gateway's own authority has signed it. */
export interface Proof {
  readonly username: string | undefined;
  readonly password: Uint8Array | undefined;
  readonly certificate: { readonly name: string; readonly fingerprint: string } | undefined;
}

interface Known {
  readonly dialect: MqttDialect;
  readonly permissions: Readonly<Record<ClientName["line"], Permissions>>;
  readonly passwordMac: Buffer | undefined;
  readonly certificate: boolean;
  readonly fingerprint: string | undefined;
}

export class Accounts {
  readonly #macKey = randomBytes(32);
  readonly #nobody = randomBytes(32);
  #known = new Map<DeviceId, Known>();

  /** Replaces them all; returns the devices whose account is gone or different, whose connections must end. */
  replace(accounts: readonly DeviceAccount[]): DeviceId[] {
    const before = this.#known;
    this.#known = new Map(
      accounts
        .filter(({ id }) => isDeviceId(id))
        .map(({ id, dialect, password, certificate, fingerprint }) => [
          id,
          {
            dialect,
            permissions: { own: permissionsOf("own", dialect), second: permissionsOf("second", dialect) },
            passwordMac: password && this.#mac(Buffer.from(password.reveal())),
            certificate: certificate ?? fingerprint !== undefined,
            fingerprint: fingerprint?.toUpperCase(),
          },
        ]),
    );
    return [...before].filter(([id, known]) => !same(known, this.#known.get(id))).map(([id]) => id);
  }

  has(device: DeviceId): boolean {
    return this.#known.has(device);
  }

  permissions({ device, line }: ClientName): Permissions | undefined {
    return this.#known.get(device)?.permissions[line];
  }

  /** Whether clients of this user name are called what their firmware likes. */
  namesItself(username: string): boolean {
    return this.#known.get(username)?.dialect.clientId === "any";
  }

  knowsTls(device: DeviceId): boolean {
    return this.#known.get(device)?.dialect.tls !== "never";
  }

  /** Takes as long for a device that does not exist as for a wrong password. */
  proves(device: DeviceId, proof: Proof): boolean {
    const known = this.#known.get(device);
    const { username, password, certificate } = proof;
    if (certificate)
      return (
        known?.certificate === true &&
        certificate.name === device &&
        (known.fingerprint === undefined || known.fingerprint === certificate.fingerprint)
      );
    const matches = timingSafeEqual(known?.passwordMac ?? this.#nobody, this.#mac(password ?? Buffer.alloc(0)));
    return matches && password !== undefined && username === device;
  }

  #mac(password: Uint8Array): Buffer {
    return createHmac("sha256", this.#macKey).update(password).digest();
  }
}

function same(one: Known, other: Known | undefined): boolean {
  return (
    other !== undefined &&
    isDeepStrictEqual(one.dialect, other.dialect) &&
    one.certificate === other.certificate &&
    one.fingerprint === other.fingerprint &&
    (one.passwordMac && other.passwordMac
      ? one.passwordMac.equals(other.passwordMac)
      : one.passwordMac === other.passwordMac)
  );
}
