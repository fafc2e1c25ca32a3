/**
 * Loaded before a program that uses ring-client-api (`node --import …/ring-redirect.ts`), for tests and demos: what it asks of Ring's hosts goes to
 * the simulator that POSTERN_RING_SIM_URL names, and nothing goes anywhere else. The hub's socket follows by itself, because a ticket names its
 * host. It imports nothing, so it loads without tsx.
 */
const variable = "POSTERN_RING_SIM_URL";
const simulator = process.env[variable];
if (!simulator) throw new Error(`${variable} is not set; give it the simulator's address, https://127.0.0.1:<port>`);

/** As ring-client-api 14.3 names them; they cannot be set from outside. */
const ringHosts = new Set(["oauth.ring.com", "api.ring.com", "prd-api-us.prd.rings.solutions"]);
const original = globalThis.fetch;

globalThis.fetch = (input, init) => {
  const asked = new URL(input instanceof Request ? input.url : input);
  if (ringHosts.has(asked.hostname)) return original(new URL(asked.pathname + asked.search, simulator), init);
  if (asked.origin === new URL(simulator).origin) return original(input, init);
  // Its push client asks again for ever when it is refused; a question that is never answered keeps no process alive.
  if (/\.(googleapis|google)\.com$/.test(asked.hostname)) return new Promise(() => undefined);
  return Promise.reject(
    new TypeError(`${asked.hostname} is not reachable from here: only Ring's hosts are, played by ${simulator}`),
  );
};

// A module, so that its names are its own.
export {};
