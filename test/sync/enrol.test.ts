/** Whatever answers an enrolment, the gateway says what is wrong with it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { enrol } from "../../gateway/sync/enrol.ts";
import { SecretString } from "../../gateway/wire/secret.ts";

const breaksOff = () =>
  new ReadableStream({
    start: (controller) => controller.error(new TypeError("terminated")),
  });
/** More is never asked for than is read. */
const endless = () =>
  new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(16_384).fill(0x20)) });

const answers: Record<string, [() => Response, string]> = {
  "an answer without end": [() => new Response(endless()), "cloud-refused"],
  "an answer that breaks off": [() => new Response(breaksOff()), "cloud-unreachable"],
  "an answer that is not JSON": [() => new Response("<html>"), "cloud-refused"],
  "an answer of another shape": [() => Response.json({ site: "demo" }), "cloud-refused"],
  "a refusal": [() => new Response(null, { status: 403 }), "enrolment-refused"],
  "an answer of somebody else": [() => new Response(null, { status: 404 }), "cloud-absent"],
  "an answer that it failed": [() => new Response(null, { status: 500 }), "cloud-refused"],
};

for (const [name, [answer, code]] of Object.entries(answers)) {
  test(name, async () => {
    const enrolling = enrol("http://cloud", new SecretString("demo.AAAA"), "1", async () => answer());
    await assert.rejects(enrolling, { code });
  });
}
