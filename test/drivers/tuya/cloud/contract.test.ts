/** The passwords of a Tuya lock keep what every code store promises, on both families and however the cloud writes a delivery. */
import { codeStoreContract } from "../../../contract/code-store.ts";
import { deviceId, givenTuyaCloudLock } from "../../../support/tuya-cloud-site.ts";

const kinds = {
  "tuya cloud, a Bluetooth lock": { deliveryStatus: "text", family: "bluetooth", profile: "bluetooth" },
  "tuya cloud, a Zigbee lock": { deliveryStatus: "number", family: "bluetooth", profile: "bluetooth" },
  "tuya cloud, a Wi-Fi lock": { deliveryStatus: "absent", family: "residential", profile: "residential-wifi" },
} as const;

const hasWindow = "a temporary password always has a window";

for (const [name, { deliveryStatus, family, profile }] of Object.entries(kinds))
  codeStoreContract(
    name,
    async (t) => {
      const server = { quirks: { deliveryStatus } };
      const site = await givenTuyaCloudLock(t, {
        family,
        profile,
        cloud: { codesMax: 5, timeZone: "Europe/Madrid" },
        server,
      });
      const { codes, clock, cloud, lock, logged, pass, skip } = site;
      return {
        store: codes,
        isMasked: true,
        needsWindow: true,
        now: () => clock.wall(),
        putByHand: (label, digits) => {
          const window = { from: 0, until: 2 ** 31 - 1 };
          const kind = { once: false, weekly: [], zone: "UTC", phone: "" };
          cloud.lock(deviceId).create({ name: label, digits, ...window, ...kind });
        },
        opens: (digits) => lock.enterPassword(digits),
        settle: () => pass(8_000),
        pass: async (ms) => skip(ms),
        meet: (how) => {
          cloud.settle();
          if (how === "ignore") cloud.trouble("mute", { path: /\/temp-password/, times: Number.POSITIVE_INFINITY });
          if (how === "offline") cloud.lock(deviceId).cutLine();
        },
        changes: () =>
          cloud.calls.filter(({ method, path }) => method !== "GET" && path.includes("/temp-password")).length,
        logged,
      };
    },
    {
      "sets a code without a window: it is listed as one that always opens": hasWindow,
      "takes a window away in place": hasWindow,
      "refuses digits that stand there already, and nothing has changed":
        "the cloud tells no digits and takes them twice; the lock refuses them later, which is listed and told",
    },
  );
