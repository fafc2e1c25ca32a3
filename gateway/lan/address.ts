/** "host:port" as it stands in the feed and in the configuration; an IPv6 address wears brackets. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** undefined: it is not one. */
export function readAddress(text: string): Address | undefined {
  const [, bracketed, plain, port] = /^(?:\[([^\][]+)\]|([^:\][\s]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  return host === undefined || Number(port) > 65_535 ? undefined : { host, port: Number(port) };
}

export function writeAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
