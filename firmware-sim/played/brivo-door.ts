/** A door on a Brivo panel on the control page: its keypad opens by what the panel was told last, with or without its maker's cloud. */
import { Faults } from "../faults.ts";
import { BrivoServer } from "../links/brivo.ts";
import type { MakersLock, MakersLockOptions } from "../played-lock.ts";
import { SimCloudDoor } from "../sim-cloud-door.ts";
import { cloudDoor, unlockMs } from "./cloud-door.ts";

const accessPointId = 408_023_598;
const groupId = 76_336;
const clientId = "ABC-123-456";
/** A month: a call that a leap of the site's time falls into keeps its token. */
const tokenLifeS = 30 * 86_400;
const username = "gateway@example.com";

export function brivoDoor({ id, name, clock, internet, secret }: MakersLockOptions): MakersLock {
  const door = new SimCloudDoor({ id: accessPointId, name, clock, unlockMs });
  const faults = new Faults();
  const secrets = { apiKey: secret(24), clientSecret: secret(32), password: secret(20) };
  const { apiKey, clientSecret, password } = secrets;
  const web = new BrivoServer({
    ...{ doors: [door], groups: [{ id: groupId, name: "Guests", doors: [accessPointId] }], clock, faults },
    ...{ clientId, clientSecret, apiKey, admin: { username, password } },
    quirks: { tokenLifeS },
  });
  const nameOf = (holder: number) => web.users().find((user) => user.id === holder)?.firstName ?? "nobody any more";
  const { end, ...played } = cloudDoor({ door, clock, faults, nameOf });
  return {
    ...{ id, name, ...played },
    make: {
      maker: "Brivo",
      kind: "door with a keypad on a panel",
      driver: "brivo",
      reach: "cloud",
      hand: "Press the exit button",
    },
    start: async () => {
      const { hostname, port } = new URL((await web.start()).authUrl);
      const authUrl = await internet.reach({ targetHost: hostname, targetPort: Number(port) });
      const urls = { authUrl, apiUrl: `${authUrl}/v1/api` };
      return { options: { accessPointId, groupId, clientId, username, ...urls, pollMs: 5_000 }, secrets };
    },
    stop: async () => {
      end();
      await web.stop();
    },
  };
}
