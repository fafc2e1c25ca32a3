/** The control page as a person uses it, in real Chromium: for the page's own tests and for the whole demo's. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, type BrowserContextOptions, chromium, type Locator, type Page } from "playwright-core";
import { find } from "./needs.ts";

/** Long enough for a machine that is many times slower; whatever holds is noticed at once. */
const waitMs = 60_000;
const chromiumArguments = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const phone = { width: 390, height: 844 };
export const desktop = { width: 1280, height: 900 };

export type Presence = "waiting" | "in the cloud";

/** A browser with a profile of its own, gone with it. `more`: arguments of its program. */
export async function startBrowser(
  options: BrowserContextOptions = {},
  more: readonly string[] = [],
): Promise<{ readonly context: BrowserContext; stop(): Promise<void> }> {
  const profile = await mkdtemp(join(tmpdir(), "postern-browser-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: find("chromium")!,
    args: [...chromiumArguments, ...more],
    viewport: desktop,
    timeout: waitMs,
    ...options,
  });
  context.setDefaultTimeout(waitMs);
  return {
    context,
    stop: async () => {
      await context.close();
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Verbs of the page. Each waits for what it needs and rejects when it does not come. */
export class ControlPage {
  readonly page: Page;
  /** What a browser complains of: errors in the console, refused content, requests to another origin. Empty when all is well. */
  readonly complaints: string[] = [];
  /** Complaints of these are expected, such as a connection that a test breaks on purpose. */
  readonly expected: RegExp[] = [];

  private constructor(page: Page, origin: string) {
    this.page = page;
    const complain = (text: string) => {
      if (!this.expected.some((pattern) => pattern.test(text))) this.complaints.push(text);
    };
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") complain(message.text());
    });
    page.on("pageerror", (error) => complain(String(error)));
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (url.protocol !== "data:" && url.origin !== origin) complain(`asked ${url.origin}`);
    });
  }

  /** Opens the page and waits until it shows the site. */
  static async open(context: BrowserContext, url: string): Promise<ControlPage> {
    const page = await context.newPage();
    const control = new ControlPage(page, new URL(url).origin);
    await page.goto(url, { waitUntil: "domcontentloaded" });
    await control.boxes.first().waitFor();
    return control;
  }

  get boxes(): Locator {
    return this.page.locator("article.box");
  }

  /** `name`: as the box is headed. */
  box(name: string): Locator {
    return this.page.getByRole("article", { name, exact: true });
  }

  /** Presses the keys and enter. */
  async pressPin(box: string, digits: string): Promise<void> {
    for (const digit of digits) await this.box(box).getByRole("button", { name: digit, exact: true }).click();
    await this.box(box).getByRole("button", { name: "Enter", exact: true }).click();
  }

  /** Types them with the keyboard, the focus on a key. */
  async typePin(box: string, digits: string): Promise<void> {
    await this.box(box).getByRole("button", { name: "Clear", exact: true }).focus();
    await this.page.keyboard.type(digits);
    await this.page.keyboard.press("Enter");
  }

  /** The button of a code to try. `label`: a part of its words. */
  async tryCode(box: string, label: string): Promise<void> {
    await this.page.getByRole("radio", { name: box, exact: true }).check();
    await this.page.getByRole("button", { name: label }).click();
  }

  /** Waits until the display reads `text`. */
  async display(box: string, text: string): Promise<void> {
    await this.reads(this.box(box).locator("output"), text);
  }

  /** Waits for what a screen reader is told of an attempt, such as "Parcel box 1: opens." */
  async verdict(box: string, text: string): Promise<void> {
    await this.reads(this.box(box).getByRole("status"), text);
  }

  async bolt(box: string, bolt: "secured" | "released" | "jammed"): Promise<void> {
    await this.page.locator(`article.box[aria-label="${box}"][data-bolt="${bolt}"]`).waitFor();
  }

  /** Presses on the door: opens it when it gives way, closes it when it is open. */
  async pushDoor(box: string): Promise<void> {
    await this.box(box)
      .getByRole("button", { name: /the door/ })
      .click();
  }

  async door(box: string, door: "open" | "closed"): Promise<void> {
    await this.page.locator(`article.box[aria-label="${box}"][data-door="${door}"]`).waitFor();
  }

  /** One of "Power", "Bolt jammed", "Pried open". */
  async setTrouble(box: string, name: string, on: boolean): Promise<void> {
    await this.unfold(box, "Make trouble");
    await this.#turn(this.box(box).getByRole("switch", { name }), on);
  }

  /** A part of the quality's words. */
  async setLine(box: string, quality: string): Promise<void> {
    await this.unfold(box, "Make trouble");
    const line = this.box(box).getByLabel("Its line to the gateway");
    const option = line.locator("option", { hasText: quality });
    await line.selectOption(await option.getAttribute("value"));
  }

  /** Moves a slider of the line. `name`: how it begins. */
  async setRate(box: string, name: string, value: number): Promise<void> {
    await this.unfold(box, "Make trouble");
    await this.unfold(box, "What goes wrong on it");
    await this.box(box).getByRole("slider", { name }).fill(String(value));
  }

  async unfold(box: string, summary: string): Promise<void> {
    const details = this.box(box).locator("details", { has: this.page.locator("> summary", { hasText: summary }) });
    if ((await details.getAttribute("open")) === null) await details.locator("> summary").click();
  }

  /** From afar. Resolves once the cloud has it, or has not taken it. */
  async unlock(lock: string): Promise<void> {
    const button = this.box(lock).getByRole("button", { name: "Unlock from afar" });
    await button.click();
    await button.and(this.page.locator(':not([aria-busy="true"])')).waitFor();
  }

  setInternet(on: boolean): Promise<void> {
    return this.#turn(this.page.getByRole("switch", { name: "Internet" }), on);
  }

  setCloud(running: boolean): Promise<void> {
    return this.#turn(this.page.getByRole("switch", { name: "Service" }), running);
  }

  /** Resolves once it is there again. */
  async killGateway(): Promise<void> {
    await this.page.getByRole("button", { name: "Pull its plug" }).click();
    await this.page.locator('#kill:not([aria-busy="true"])').waitFor({ timeout: 2 * waitMs });
    const refusal = this.page.locator("#refusal");
    if (await refusal.isVisible()) throw new Error(`the gateway's plug was not pulled: ${await refusal.textContent()}`);
  }

  /** Waits for the figure of that id: "queue", "sync", "clock", "written". */
  async figure(id: "queue" | "sync" | "clock" | "written", text: string | RegExp): Promise<void> {
    await this.reads(this.page.locator(`#${id}`), text);
  }

  /** Waits until an event of these words stands in the list and is where it should be. */
  async event(words: string | RegExp, presence: Presence): Promise<void> {
    await this.page.locator("#events tr", { hasText: words }).filter({ hasText: presence }).first().waitFor();
  }

  /** How many events are waiting, and how many are in the cloud. */
  async count(presence: Presence): Promise<number> {
    return await this.page.locator("#events tr", { hasText: presence }).count();
  }

  /** Fails when the page is wider than the window. */
  async fitsItsWidth(): Promise<void> {
    const { scrollWidth, clientWidth } = await this.page.locator("html").evaluate((element) => ({
      scrollWidth: element.scrollWidth,
      clientWidth: element.clientWidth,
    }));
    assert.ok(scrollWidth <= clientWidth, `the page is ${scrollWidth} px wide in a window of ${clientWidth}`);
  }

  async reads(place: Locator, text: string | RegExp): Promise<void> {
    const wanted = typeof text === "string" ? new RegExp(`^\\s*${RegExp.escape(text)}\\s*$`) : text;
    await place
      .filter({ hasText: wanted })
      .waitFor({ state: "attached" })
      .catch(async (cause: unknown) => {
        throw new Error(`reads "${await place.textContent()}" instead of ${wanted}`, { cause });
      });
  }

  async #turn(control: Locator, on: boolean): Promise<void> {
    // While an earlier act goes on, a click does nothing.
    const ready = control.and(this.page.locator(':not([aria-busy="true"])'));
    await ready.waitFor();
    if ((await control.getAttribute("aria-checked")) !== String(on)) await control.click();
    await ready.and(this.page.locator(`[aria-checked="${on}"]`)).waitFor();
  }
}
