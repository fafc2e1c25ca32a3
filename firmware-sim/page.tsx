/** The control page: boxes to press, a cable to pull, and what gateway and cloud made of it. control.js fills it from the site's state. */
import type { Env, Hono } from "hono";
import { asset, serveAssets } from "../web/assets.ts";
import { addAssets, Page, pageHeaders } from "../web/page.tsx";
import { LockTemplate } from "./lock-template.tsx";
import { Stays } from "./stays-section.tsx";
import { Time } from "./time-section.tsx";

const style = asset(import.meta.resolve("./control.css"));
const locksStyle = asset(import.meta.resolve("./control-locks.css"));
const staysStyle = asset(import.meta.resolve("./control-stays.css"));
const script = asset(import.meta.resolve("./control.js"));
const timeStyle = asset(import.meta.resolve("./control-time.css"));
const timeScript = asset(import.meta.resolve("./control-time.js"));
const staysScript = asset(import.meta.resolve("./control-stays.js"));
const styles = [style, locksStyle, staysStyle, timeStyle];
const scripts = [staysScript, timeScript, script];

/** GET / and what it loads, with their headers. The app brings the API that control.js calls. */
export function addControlPage<E extends Env>(app: Hono<E>): void {
  app.use("/", pageHeaders());
  app.use("/assets/*", pageHeaders());
  addAssets(app);
  serveAssets(app, [...styles, ...scripts]);
  app.get("/", (c) => c.html(<ControlPage />));
}

function ControlPage() {
  return (
    <Page title="Postern demo" styles={styles.map(({ url }) => url)} scripts={scripts.map(({ url }) => url)}>
      <header class="masthead">
        <div>
          <h1>Postern: doors that keep working</h1>
          <p>
            Press a code, pull the plug, press it again. The gateway on site decides; the cloud hears of it later.{" "}
            <a id="to-stays" href="#stays" hidden>
              Guests of the flats get theirs by text message.
            </a>
          </p>
        </div>
        <a id="status-page" href="/" hidden>
          Gateway’s status page
        </a>
      </header>
      <p id="lost" role="alert" hidden>
        This page has lost the demo program. It comes back by itself once the program runs again.
      </p>
      <Line />
      <div class="bench">
        <Codes />
        <section aria-labelledby="boxes-title">
          <h2 id="boxes-title">Boxes</h2>
          <div id="boxes" class="boxes" />
        </section>
      </div>
      <Stays />
      <Time />
      <section id="makers" aria-labelledby="locks-title" hidden>
        <h2 id="locks-title">Locks of other makers</h2>
        <div id="locks" class="boxes" />
      </section>
      <SignIn />
      <Ledger />
      <LockTemplate />
      <EventTemplate />
    </Page>
  );
}

/** Gateway, cable and cloud. */
function Line() {
  return (
    <section id="line" class="line" aria-label="Gateway, internet and cloud">
      <div class="strip">
        <div class="node" id="gateway">
          <GatewayPicture />
          <strong>Gateway</strong>
          <span class="tag" data-part="state">
            …
          </span>
          <button type="button" id="kill" class="quiet" title="kill -9: it comes back by itself" hidden>
            Pull its plug
          </button>
        </div>
        <div class="cable">
          <CablePicture />
          <button type="button" id="internet" role="switch" aria-checked="true" class="switch" hidden>
            Internet
          </button>
        </div>
        <div class="node" id="cloud">
          <CloudPicture />
          <strong>Cloud</strong>
          <span class="tag" data-part="state">
            …
          </span>
          <button type="button" id="cloud-service" role="switch" aria-checked="true" class="switch quiet" hidden>
            Service
          </button>
        </div>
      </div>
      <p id="line-words" class="words" role="status" />
      <p id="refusal" class="refusal" role="alert" hidden />
      <dl class="figures">
        <Figure id="queue" name="Waiting for the cloud" />
        <Figure id="sync" name="Last complete sync" />
        <Figure id="clock" name="Gateway’s clock" />
        <Figure id="written" name="Events on its disk" />
      </dl>
    </section>
  );
}

function Figure({ id, name }: { id: string; name: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd id={id}>–</dd>
    </div>
  );
}

function Codes() {
  return (
    <section class="codes" aria-labelledby="codes-title">
      <h2 id="codes-title">Codes to try</h2>
      <fieldset id="chosen-box">
        <legend>Press them at</legend>
      </fieldset>
      <ul id="hints" />
      <p class="note">Or press a box’s keys yourself. Once one has the focus you can type.</p>
    </section>
  );
}

/** The cloud's pages, for whoever gives out codes. */
function SignIn() {
  return (
    <section id="sign-in" aria-labelledby="sign-in-title" hidden>
      <h2 id="sign-in-title">Make a code of your own</h2>
      <p>
        <a id="sign-in-page" href="/" target="_blank" rel="noopener">
          Sign in at the cloud
        </a>{" "}
        as one of these, make a code, and press it at a lock above.
      </p>
      <div class="overflow-auto">
        <table>
          <thead>
            <tr>
              <th scope="col">Who</th>
              <th scope="col">User name</th>
              <th scope="col">Password</th>
            </tr>
          </thead>
          <tbody id="sign-in-people" />
        </table>
      </div>
    </section>
  );
}

function Ledger() {
  return (
    <section aria-labelledby="ledger-title">
      <h2 id="ledger-title">What happened</h2>
      <div class="overflow-auto ledger">
        <table>
          <thead>
            <tr>
              <th scope="col">No.</th>
              <th scope="col">Time</th>
              <th scope="col">The gateway wrote down</th>
              <th scope="col">The cloud</th>
            </tr>
          </thead>
          <tbody id="events" />
        </table>
        <p id="no-events" class="note">
          Nothing yet.
        </p>
      </div>
    </section>
  );
}

/** One row of what happened; control.js clones it. */
function EventTemplate() {
  return (
    <template id="event">
      <tr>
        <td data-part="seq" />
        <td data-part="at" />
        <td data-part="words" />
        <td>
          <span class="tag" data-part="cloud" /> <small data-part="arrived" />
        </td>
      </tr>
    </template>
  );
}

function GatewayPicture() {
  return (
    <svg class="picture" viewBox="0 0 64 48" aria-hidden="true">
      <rect class="body" x="8" y="20" width="48" height="20" rx="5" />
      <path class="stroke" d="M18 20V8M46 20V8" />
      <circle class="lamp" cx="18" cy="30" r="2.6" />
      <circle class="lamp" cx="27" cy="30" r="2.6" />
      <path class="stroke thin" d="M38 30h10" />
    </svg>
  );
}

function CloudPicture() {
  return (
    <svg class="picture" viewBox="0 0 64 48" aria-hidden="true">
      <path class="body" d="M18 40a11 11 0 0 1-1.6-21.9A16 16 0 0 1 47 16.6 11.8 11.8 0 0 1 46 40z" />
    </svg>
  );
}

/** The two ends meet in the middle; pulled apart they show the prongs. */
function CablePicture() {
  return (
    <svg class="cord" viewBox="0 0 240 48" preserveAspectRatio="none" aria-hidden="true">
      <g class="end near">
        <path class="wire" d="M-600 24H94" />
        <rect class="plug" x="94" y="13" width="24" height="22" rx="4" />
        <path class="prong" d="M118 19h10M118 29h10" />
      </g>
      <g class="end far">
        <rect class="plug" x="118" y="13" width="28" height="22" rx="4" />
        <path class="wire" d="M146 24H840" />
      </g>
    </svg>
  );
}
