/** The API's documentation in real Chromium: on a phone nothing of it lies beside the screen. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { createAdaptorServer } from "@hono/node-server";
import { givenCloud } from "../support/cloud.ts";
import { desktop, phone, startBrowser } from "../support/control-page.ts";
import { missing } from "../support/needs.ts";

const skip = missing("chromium");

test("the cloud's documentation is as wide as the screen, folded and unfolded", { skip }, async (t) => {
  const cloud = await givenCloud();
  t.after(() => cloud.close());
  const server = createAdaptorServer({ fetch: cloud.app.fetch }) as Server;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const browser = await startBrowser();
  t.after(() => browser.stop());
  const page = await browser.context.newPage();
  for (const size of [phone, desktop]) {
    await page.setViewportSize(size);
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/docs`);
    const width = () => page.evaluate<number>("document.documentElement.scrollWidth");
    assert.equal(await width(), size.width);

    await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true");

    assert.equal(await width(), size.width);
  }
});
