/** What one key of the gateway's file says about another: names that must exist, be unique, or not be shared. */
import { nearest } from "./nearest.ts";
import type { GatewayFile } from "./schema.ts";
import { environmentName } from "./secret-names.ts";

export interface CrossFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export function crossChecks(file: GatewayFile): CrossFault[] {
  return [
    ...repeatedIds(file.devices, "devices"),
    ...repeatedIds(file.accessPoints, "accessPoints"),
    ...sharedVariables(file),
    ...missingDevices(file),
    ...sharedReaders(file),
    ...sharedPorts(file),
    ...unknownAddress(file),
  ];
}

function repeatedIds(entries: readonly { readonly id: string }[], list: string): CrossFault[] {
  return entries.flatMap(({ id }, index) => {
    const first = entries.findIndex((other) => other.id === id);
    return first === index
      ? []
      : [{ path: [list, index, "id"], message: `"${id}" is taken by ${list}[${first}]; give each its own id` }];
  });
}

/** Two ids that are spelled alike would read the same environment variable. */
function sharedVariables({ devices }: GatewayFile): CrossFault[] {
  return devices.flatMap(({ id }, index) => {
    const first = devices.findIndex((other) => other.id !== id && variable(other.id) === variable(id));
    if (first < 0 || first > index) return [];
    const message = `"${id}" and devices[${first}] "${devices[first]!.id}" differ only in case, - or _; their secrets could be mixed up`;
    return [{ path: ["devices", index, "id"], message }];
  });
}

const variable = (id: string) => environmentName(["devices", id]);

function missingDevices({ devices, accessPoints }: GatewayFile): CrossFault[] {
  const known = devices.map(({ id }) => id);
  const check = (id: string, path: CrossFault["path"]): CrossFault[] => {
    if (known.includes(id)) return [];
    const near = nearest(id, known);
    const help = near ? `did you mean ${near}?` : known.length > 0 ? `known: ${listed(known)}` : "there are no devices";
    return [{ path, message: `no device has the id "${id}"; ${help}` }];
  };
  return accessPoints.flatMap(({ lock, readers }, index) => [
    ...check(lock, ["accessPoints", index, "lock"]),
    ...readers.flatMap((reader, place) => check(reader, ["accessPoints", index, "readers", place])),
  ]);
}

/** What is presented at a reader is a request at one place; with two it would be nobody's guess which door is meant. */
function sharedReaders({ accessPoints }: GatewayFile): CrossFault[] {
  const owner = new Map<string, string>();
  return accessPoints.flatMap(({ id, readers }, index) =>
    readers.flatMap((reader, place): CrossFault[] => {
      const other = owner.get(reader);
      owner.set(reader, other ?? id);
      if (other === undefined) return [];
      const message =
        other === id
          ? `"${reader}" stands here twice`
          : `"${reader}" is a reader of "${other}" already; a device reads for one access point`;
      return [{ path: ["accessPoints", index, "readers", place], message }];
    }),
  );
}

function sharedPorts({ http, broker, lan }: GatewayFile): CrossFault[] {
  const ports = [
    { path: ["http", "port"], port: http.port },
    { path: ["broker", "port"], port: broker.port },
    { path: ["broker", "plainPort"], port: broker.plainPort },
    { path: ["broker", "plainLan", "port"], port: broker.plainLan?.port },
    { path: ["lan", "port"], port: lan?.port },
  ];
  return ports.flatMap(({ path, port }, index) => {
    const first = ports.findIndex((other) => other.port === port);
    if (port === undefined || port === 0 || first === index) return [];
    return [{ path, message: `${port} is ${ports[first]!.path.join(".")} already; each needs a port of its own` }];
  });
}

/** "Every address" is none that another machine could call. */
function unknownAddress({ lan }: GatewayFile): CrossFault[] {
  if (!lan || lan.advertise !== undefined || !/^[0.:]+$/.test(lan.host)) return [];
  const message = `is missing; expected the address other gateways reach this one by, such as 192.168.1.20:${lan.port}`;
  return [{ path: ["lan", "advertise"], message }];
}

function listed(words: readonly string[]): string {
  return words.length > 10 ? `${words.slice(0, 10).join(", ")} and ${words.length - 10} more` : words.join(", ");
}
