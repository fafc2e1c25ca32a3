import assert from "node:assert/strict";
import { test } from "node:test";
import { format, inspect } from "node:util";
import { pino } from "pino";
import { GatewayError } from "../../gateway/errors.ts";
import { SecretString } from "../../gateway/wire/secret.ts";

const value = "canary-471122";
const secret = new SecretString(value);

test("a secret shows itself to nobody who does not ask by name", () => {
  const nested = { deep: [{ secret }], map: new Map([["pin", secret]]) };
  const logged: string[] = [];
  pino({ level: "trace" }, { write: (line: string) => logged.push(line) }).info(
    { secret, nested, error: new Error(`${secret}`) },
    `${secret}`,
  );
  const shown = [
    `${secret}`,
    String(secret),
    `${"" as string}${secret}`,
    [secret].join(),
    JSON.stringify(nested),
    JSON.stringify({ ...secret }),
    inspect(secret),
    inspect(nested, { depth: null, showHidden: true, getters: true }),
    inspect(secret, { customInspect: false, showHidden: true }),
    ...["%s", "%o", "%O", "%j", "%d", "%i", "%f"].map((how) => format(how, secret)),
    format(secret),
    new Error(`refused ${secret}`).message,
    inspect(new GatewayError("cloud-refused", `refused ${secret}`, { pin: `${secret}` }, { cause: secret })),
    JSON.stringify(structuredClone(secret)),
    JSON.stringify(Object.entries(secret)),
    ...Object.getOwnPropertyNames(secret),
    ...logged,
  ];
  assert.equal(logged.length, 1);
  for (const text of shown) assert.ok(!text.includes("471122"), text);
  assert.equal(`${secret}`, "[secret]");
  assert.equal(secret.reveal(), value);
});
