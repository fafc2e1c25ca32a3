/** Draws the site's state as the stream tells it, and turns presses into posts. It keeps nothing but digits not yet entered. */

const wrongPins = ["736492", "826493", "918274"];
const attemptsUntilLockout = 5;
const typingMs = 90;
const verdictWaitMs = 6000;
const rattleMs = 1500;

const byId = (id) => document.getElementById(id);
const part = (root, name) => root.querySelector(`[data-part="${name}"]`);
const clockTime = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const dayTime = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
const isStill = matchMedia("(prefers-reduced-motion: reduce)");

let site;
const listeners = new Set();

// The stream.

const stream = new EventSource("/api/stream");
stream.addEventListener("open", () => hide(byId("lost"), true));
stream.addEventListener("error", () => hide(byId("lost"), false));
stream.addEventListener("message", ({ data }) => {
  site = JSON.parse(data);
  drawLine(site);
  drawLocks(site);
  drawCodes(site);
  drawSignIn(site);
  drawLedger(site);
  document.dispatchEvent(new CustomEvent("site", { detail: site }));
  for (const listener of listeners) listener();
});

/** Settles once `holds(site)` is true, or after `withinMs` whatever it is. */
function until(holds, withinMs) {
  return new Promise((resolve) => {
    const end = () => {
      listeners.delete(look);
      clearTimeout(timer);
      resolve();
    };
    const look = () => holds(site) && end();
    const timer = setTimeout(end, withinMs);
    listeners.add(look);
  });
}

/** One act at a time per control: it is busy until the answer is here. Returns the site after it, if it was taken. */
async function act(control, path, body) {
  if (control.getAttribute("aria-busy") === "true") return;
  control.setAttribute("aria-busy", "true");
  try {
    return await post(path, body);
  } finally {
    control.removeAttribute("aria-busy");
  }
}

// Other scripts of this page ask for their acts so; `refused` hears why one was not taken.
document.addEventListener("act", async ({ target, detail: { path, body = {}, refused } }) => {
  const isDone = (await act(target, path, body)) !== undefined;
  if (!isDone) refused(byId("refusal").textContent);
});

/** A refusal is told beside the line. */
async function post(path, body) {
  const refusal = byId("refusal");
  let after;
  try {
    const response = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const said = await response.json();
    if (response.ok) after = said;
    write(refusal, response.ok ? "" : (said.detail ?? ""));
  } catch {
    write(refusal, "The demo program did not answer.");
  }
  hide(refusal, refusal.textContent === "");
  return after;
}

// Gateway, cable, cloud.

function drawLine({ internet, cloud, gateway, gatewayControlled, gatewayUrl }) {
  const isPlugged = internet?.on ?? true;
  const isCloudUp = cloud?.running ?? false;
  const isGatewayUp = gateway?.reachable ?? false;
  const line = byId("line");
  line.dataset.cable = isPlugged ? "in" : "out";
  line.dataset.flow = isPlugged && isCloudUp && isGatewayUp ? "yes" : "no";

  drawNode("gateway", isGatewayUp, isGatewayUp ? "running" : gateway ? "gone, coming back" : "starting");
  drawNode("cloud", isCloudUp, cloudState(cloud));
  drawSwitch(byId("internet"), isPlugged, internet !== null);
  drawSwitch(byId("cloud-service"), cloud?.wanted ?? false, cloud?.controlled === true);
  hide(byId("kill"), !gatewayControlled);
  const link = byId("status-page");
  link.href = gatewayUrl;
  hide(link, false);

  write(byId("line-words"), lineWords({ isPlugged, isCloudUp, isGatewayUp, gateway }));
  if (!gateway) return;
  const { queue } = gateway;
  write(byId("queue"), queue === 0 ? "nothing" : queue === 1 ? "1 event" : `${queue} events`);
  byId("queue").className = queue === 0 ? "good" : "warn";
  write(byId("sync"), gateway.lastSyncAgoMs === null ? "never" : `${duration(gateway.lastSyncAgoMs)} ago`);
  write(byId("clock"), { synced: "trusted", holdover: "on its own", unset: "not set" }[gateway.clock] ?? "–");
  write(byId("written"), String(gateway.durableSeq));
}

function drawNode(id, isUp, words) {
  const node = byId(id);
  node.dataset.up = isUp ? "yes" : "no";
  const state = part(node, "state");
  write(state, words);
  state.className = isUp ? "tag good" : "tag bad";
}

function cloudState(cloud) {
  if (!cloud) return "none";
  if (cloud.running) return "running";
  return cloud.wanted ? "gone, coming back" : "stopped";
}

function lineWords({ isPlugged, isCloudUp, isGatewayUp, gateway }) {
  if (!gateway) return "The gateway has not answered yet.";
  if (!isGatewayUp)
    return "The gateway is gone: boxes stay locked until it is back, and nothing it wrote down is lost.";
  const stays = "Codes still work, used-up ones stay used up, and every entry is kept for later.";
  if (!isPlugged) return `Internet unplugged: the gateway decides alone. ${stays}`;
  if (!isCloudUp) return `The cloud is down: the gateway decides alone. ${stays}`;
  if (gateway.sync !== "online" || gateway.queue > 0) return "Connected again: the gateway hands over what it kept.";
  return "Connected: what the gateway writes down reaches the cloud at once.";
}

byId("internet").addEventListener("click", ({ currentTarget }) =>
  act(currentTarget, "/api/internet", { on: !isOn(currentTarget) }),
);
byId("cloud-service").addEventListener("click", ({ currentTarget }) =>
  act(currentTarget, "/api/cloud", { running: !isOn(currentTarget) }),
);
byId("kill").addEventListener("click", ({ currentTarget }) => act(currentTarget, "/api/gateway/kill", {}));

// Locks: boxes of ours, and those of other makers.

const drawn = new Map();
const allOf = ({ boxes, locks }) => [...boxes, ...locks];

function drawLocks({ boxes, locks, gateway }) {
  for (const [place, all] of Object.entries({ boxes, locks })) {
    for (const lock of all) {
      const view = drawn.get(lock.id) ?? newLock(lock, place);
      const lockedOutMs = gateway?.accessPoints.find(({ id }) => id === lock.id)?.lockedOutMs ?? 0;
      view.draw(lock, lockedOutMs);
    }
  }
  for (const [id, { element }] of drawn) {
    if (allOf({ boxes, locks }).some((lock) => lock.id === id)) continue;
    element.remove();
    drawn.delete(id);
  }
  hide(byId("makers"), locks.length === 0);
}

function newLock({ id, name, make, display: screen }, place) {
  const element = byId("lock").content.firstElementChild.cloneNode(true);
  const path = `/api/${place}/${encodeURIComponent(id)}`;
  const hasKeypad = screen !== undefined;
  const doorway = part(element, "door");
  const display = part(element, "display");
  const hand = part(element, "hand");
  const unlock = part(element, "unlock");
  const battery = element.querySelector('[data-act="battery"]');
  const line = element.querySelector('[data-act="line"]');
  let digits = "";
  let isTyped = false;
  let box;

  element.dataset.box = id;
  element.dataset.keypad = hasKeypad ? "yes" : "no";
  element.dataset.make = make?.driver ?? "";
  element.setAttribute("aria-label", name);
  write(part(element, "name"), name);
  write(part(element, "make"), make ? makeWords(make) : "");
  hide(part(element, "make"), !make);
  write(part(element, "no-pins"), `No PINs on this lock: ${make?.noPins}`);
  hide(part(element, "no-pins"), make?.noPins === undefined);
  write(part(element, "keypad-name"), `Keypad of ${name}`);
  hide(part(element, "keypad"), !hasKeypad);
  write(part(element, "hand-words"), make?.hand ?? "");
  hide(hand, !make);

  const press = (key) => {
    if (key === "enter") {
      if (digits !== "") post(`${path}/pin`, { digits });
      digits = "";
    } else if (key === "clear") digits = "";
    else if (digits.length < 16) digits += key;
    drawDisplay();
  };
  const drawDisplay = () => {
    write(display, digits === "" ? (box?.display ?? "") : "•".repeat(digits.length));
    display.dataset.entering = digits === "" ? "no" : "yes";
  };

  for (const key of element.querySelectorAll("[data-key]"))
    key.addEventListener("click", () => {
      isTyped = false;
      press(key.dataset.key);
    });
  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select")) return;
    const isDigit = /^\d$/.test(event.key);
    const key = isDigit ? event.key : { Backspace: "clear", Escape: "clear", Enter: isTyped ? "enter" : "" }[event.key];
    if (!key || !hasKeypad) return;
    isTyped = isDigit;
    event.preventDefault();
    press(key);
    flash(element.querySelector(`[data-key="${key}"]`));
  });
  doorway.addEventListener("click", async () => {
    const isPull = box.door !== "open";
    const after = await act(doorway, `${path}/door`, { open: isPull });
    const door = after && allOf(after).find((lock) => lock.id === id)?.door;
    if (door === (isPull ? "closed" : "open")) rattle(isPull);
  });
  const rattle = (isPull) => {
    write(part(element, "stays"), isPull ? "It is locked" : "The bolt is out");
    doorway.classList.add("rattle");
    announce(isPull ? "the door does not give way." : "the door does not shut, its bolt is out.");
    setTimeout(() => doorway.classList.remove("rattle"), rattleMs);
  };
  hand.addEventListener("click", () =>
    act(hand, `${path}/turn`, { to: box.bolt === "released" ? "secured" : "released" }),
  );
  unlock.addEventListener("click", () => act(unlock, `${path}/unlock`, {}));
  const trouble = { power: "on", online: "on", jam: "on", tamper: "active" };
  for (const [name, member] of Object.entries(trouble)) {
    const control = element.querySelector(`[data-act="${name}"]`);
    control.addEventListener("click", () => act(control, `${path}/${name}`, { [member]: !isOn(control) }));
  }
  battery.addEventListener("change", () => act(battery, `${path}/battery`, { percent: Number(battery.value) }));
  line.addEventListener("change", () => act(line, `${path}/line`, lines[line.value]));
  const rates = [...element.querySelectorAll("[data-rate]")];
  for (const rate of rates)
    rate.addEventListener("change", () =>
      act(rate, `${path}/line`, { [rate.dataset.rate]: rate.value / per[rate.dataset.unit] }),
    );

  /** Written anew each time, so that the same words twice are also read out twice. */
  const announce = (words) => {
    part(element, "verdict").textContent = `${name}: ${words}`;
  };

  const view = {
    element,
    press,
    draw(next, lockedOutMs) {
      const isNewVerdict = next.lastVerdict && next.lastVerdict.at !== box?.lastVerdict?.at;
      const isFirst = box === undefined;
      const isFound = next.display === hereText && box?.display !== hereText;
      box = next;
      if (!box.powered) digits = "";
      const { bolt, door } = box;
      Object.assign(element.dataset, { power: box.powered ? "on" : "off", bolt, door, lamp: lampOf(box, lockedOutMs) });
      drawDisplay();
      write(part(element, "door-words"), door === "open" ? "Close the door" : "Open the door");
      doorway.setAttribute("aria-label", `${door === "open" ? "Close" : "Open"} the door of ${box.name}`);
      write(part(element, "link"), !box.powered ? "no power" : box.connected ? "connected" : "no connection");
      part(element, "link").className = box.powered && box.connected ? "tag good" : "tag bad";
      write(part(element, "words"), boxWords(box, lockedOutMs));
      hide(part(element, "battery-label"), box.batteryPercent === undefined);
      write(part(element, "battery"), `${box.batteryPercent} %`);
      if (document.activeElement !== battery) battery.value = box.batteryPercent;
      line.value = lineOf(box);
      for (const rate of rates) {
        const { rate: which, unit } = rate.dataset;
        const value = Math.round(box.line[which] * per[unit]);
        write(part(element, `rate-${which}`), `${value} ${unit}`);
        if (document.activeElement !== rate) rate.value = value;
      }
      const { powered, online, jammed, tamper } = box;
      const switches = { power: powered, online, jam: jammed, tamper };
      for (const [name, on] of Object.entries(switches))
        drawSwitch(element.querySelector(`[data-act="${name}"]`), on ?? false, on !== undefined);
      hide(part(element, "afar"), box.unlock === undefined);
      write(part(element, "unlock-words"), unlockWords(box.unlock));
      drawCodesIn(element, box.codes);
      if (isNewVerdict && !isFirst) {
        element.dataset.verdict = box.lastVerdict.verdict;
        announce(verdictWords[box.lastVerdict.verdict]);
      }
      if (isFound) announce("beeps and blinks: here it is.");
    },
  };
  drawn.set(id, view);
  byId(place).append(element);
  return view;
}

function makeWords({ maker, kind, driver, reach }) {
  const way = reach === "cloud" ? "through its maker’s cloud" : "on the local network";
  return `${maker}: ${kind}, reached ${way} by the driver “${driver}”`;
}

const unlockStates = {
  asked: "Asked of the cloud …",
  taken: "The gateway tells the lock …",
  confirmed: "Unlocked, and the lock has said so",
  accepted: "Told to unlock; it does not say whether it did",
  refused: "Not unlocked: it was not reached, or said no",
  unknown: "Told to unlock, and nothing came back",
  expired: "Not unlocked: the gateway did not hear in time",
};

function unlockWords(unlock) {
  return unlock ? `${unlockStates[unlock.state]} · ${clockTime.format(unlock.at)}` : "";
}

function drawCodesIn(element, codes) {
  hide(part(element, "codes"), codes === undefined);
  if (!codes) return;
  write(
    part(element, "codes-words"),
    codes.length === 0 ? "No codes in it" : codes.length === 1 ? "1 code in it" : `${codes.length} codes in it`,
  );
  const lines = codes.map(
    ({ name, from, until, hours }) => `${name}: ${windowWords(from, until)}${hours ? `, ${hours}` : ""}`,
  );
  const list = part(element, "codes-list");
  if ([...list.children].map(({ textContent }) => textContent).join("\n") === lines.join("\n")) return;
  list.replaceChildren(...lines.map((textContent) => Object.assign(document.createElement("li"), { textContent })));
}

function windowWords(from, until) {
  if (from === null && until === null) return "always";
  const [begins, ends] = [from, until].map((at) => (at === null ? undefined : dayTime.format(at)));
  return [begins && `from ${begins}`, ends && `until ${ends}`].filter(Boolean).join(" ");
}

const verdictWords = {
  granted: "opens.",
  denied: "stays shut, wrong code.",
  "locked-out": "stays shut, the keypad is locked out.",
  "no-answer": "stays shut, nobody answered.",
};

/** What a slider shows of a rate: a share in percent, or milliseconds. */
const per = { "%": 100, ms: 1 };
const goodLine = { lose: 0, delayMs: 0, repeat: 0, garble: 0, disconnect: 0, noReply: 0, lateReplyMs: 0 };
const lines = {
  good: goodLine,
  weak: { ...goodLine, lose: 0.05, delayMs: 600, repeat: 0.1, lateReplyMs: 300 },
  bad: { ...goodLine, lose: 0.25, delayMs: 1500, repeat: 0.25, garble: 0.05, disconnect: 0.05, noReply: 0.1 },
};

/** Which of them it is; "own" when none. */
function lineOf({ line }) {
  const isSame = (one) => Object.keys(goodLine).every((rate) => lines[one][rate] === line[rate]);
  return Object.keys(lines).find(isSame) ?? "own";
}

const hereText = "I am here";

function lampOf({ powered, display, bolt }, lockedOutMs) {
  if (!powered) return "off";
  if (display === "Checking…") return "asking";
  if (display === hereText) return "here";
  if (bolt === "released") return "open";
  if (bolt === "jammed") return "refused";
  return lockedOutMs > 0 || ["Wrong code", "Locked out", "No answer"].includes(display) ? "refused" : "ready";
}

function boxWords(box, lockedOutMs) {
  const { powered, online, bolt, door, tamper, batteryPercent, display, make } = box;
  const bolted = { secured: "Locked", released: "Unlocked", jammed: "Bolt jammed" }[bolt] ?? "Bolt unknown";
  const words = [bolted, door === "open" ? "door open" : "door closed"];
  if (display === hereText) words.push("beeping and blinking");
  if (!powered) words.push("no power");
  if (online === false) words.push("off its network");
  if (tamper) words.push("pried open");
  if (lockedOutMs > 0) words.push(`keypad locked out for ${duration(lockedOutMs)}`);
  const line = lineOf(box);
  if (line !== "good") words.push(line === "own" ? "faulty line" : `${line} line`);
  if (batteryPercent <= 20 || (make && batteryPercent !== undefined)) words.push(`battery ${batteryPercent} %`);
  return words.join(" · ");
}

// Who can sign in at the cloud.

let peopleDrawn = "";

function drawSignIn({ signIn }) {
  hide(byId("sign-in"), !signIn?.people.length);
  const now = JSON.stringify(signIn);
  if (!signIn || now === peopleDrawn) return;
  peopleDrawn = now;
  byId("sign-in-page").href = signIn.url;
  byId("sign-in-people").replaceChildren(
    ...signIn.people.map(({ label, userName, password }) => {
      const row = document.createElement("tr");
      for (const [tag, text] of [
        ["th", label],
        ["td", userName],
        ["td", password],
      ])
        row.append(Object.assign(document.createElement(tag), { textContent: text }));
      row.firstElementChild.scope = "row";
      return row;
    }),
  );
}

// Codes to try.

let chosen;
let codesDrawn = "";

function drawCodes({ hints, ...site }) {
  const boxes = allOf(site).filter(({ display }) => display !== undefined);
  const now = JSON.stringify([boxes.map(({ id, name }) => [id, name]), hints]);
  if (now === codesDrawn) return;
  codesDrawn = now;
  chosen = boxes.some(({ id }) => id === chosen) ? chosen : boxes[0]?.id;
  const place = byId("chosen-box");
  place.replaceChildren(
    place.firstElementChild,
    ...boxes.map(({ id, name }) => {
      const label = document.createElement("label");
      const radio = Object.assign(document.createElement("input"), { type: "radio", name: "box", value: id });
      radio.checked = id === chosen;
      radio.addEventListener("change", () => {
        chosen = id;
      });
      label.append(radio, name);
      return label;
    }),
  );
  const wrong = wrongPins.find((pin) => hints.every((hint) => hint.pin !== pin));
  byId("hints").replaceChildren(
    ...hints.map(({ label, pin }) => hint(pin, label, (at) => enter(at, pin))),
    hint(wrong, "A wrong PIN: stays shut", (at) => enter(at, wrong)),
    hint(`${wrong} × ${attemptsUntilLockout}`, "Five wrong ones: locked out", async (at) => {
      for (let attempt = 0; attempt < attemptsUntilLockout; attempt += 1) await enter(at, wrong);
    }),
  );
}

function hint(code, label, run) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "hint" });
  const [who, what] = label.split(/:\s*/);
  for (const [tag, text] of [
    ["code", code],
    ["strong", who],
    ["small", what ?? ""],
  ])
    button.append(Object.assign(document.createElement(tag), { textContent: text }));
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    await run(chosen);
    button.removeAttribute("aria-busy");
  });
  const item = document.createElement("li");
  item.append(button);
  return item;
}

/** Presses the keys of a box one after the other and waits for its verdict. */
async function enter(id, pin) {
  const view = drawn.get(id);
  if (!view) return;
  view.element.scrollIntoView({ block: "nearest", behavior: isStill.matches ? "auto" : "smooth" });
  const before = verdictAt(id);
  view.press("clear");
  for (const digit of [...pin, "enter"]) {
    view.press(digit);
    flash(view.element.querySelector(`[data-key="${digit}"]`));
    if (!isStill.matches) await new Promise((resolve) => setTimeout(resolve, typingMs));
  }
  if (verdictAt(id) === before) await until(() => verdictAt(id) !== before, verdictWaitMs);
}

const verdictAt = (id) => allOf(site).find((lock) => lock.id === id)?.lastVerdict?.at;

// What happened: a row for each event, the gateway's word beside the cloud's.

const rows = new Map();

function drawLedger({ decided, received, gateway, ...site }) {
  const names = new Map([...allOf(site), ...(gateway?.accessPoints ?? [])].map(({ id, name }) => [id, name]));
  const arrived = new Map(received.map((event) => [event.seq, event]));
  // The cloud takes events in their order: below its oldest one shown, all have arrived.
  const oldest = Math.min(...arrived.keys());
  const body = byId("events");
  const current = decided.map((event) => {
    const key = `${event.seq} ${event.at}`;
    const row = rows.get(key) ?? newRow(event, names, rows.size > 0);
    rows.set(key, row);
    const arrival = arrived.get(event.seq);
    const isThere = arrival !== undefined || event.seq < oldest;
    row.dataset.cloud = isThere ? "there" : "waiting";
    const cloud = part(row, "cloud");
    write(cloud, isThere ? "in the cloud" : "waiting");
    cloud.className = isThere ? "tag good" : "tag warn";
    write(part(row, "arrived"), arrival ? clockTime.format(new Date(arrival.receivedAt)) : "");
    return row;
  });
  const keep = new Set(current);
  for (const [key, row] of rows) {
    if (keep.has(row)) continue;
    row.remove();
    rows.delete(key);
  }
  for (const [index, row] of current.entries())
    if (body.children[index] !== row) body.insertBefore(row, body.children[index] ?? null);
  hide(byId("no-events"), current.length > 0);
}

function newRow(event, names, isNews) {
  const row = byId("event").content.firstElementChild.cloneNode(true);
  const [tone, words] = sentence(event, (id) => names.get(id) ?? id);
  row.dataset.seq = event.seq;
  row.dataset.tone = tone;
  if (isNews) row.classList.add("news");
  write(part(row, "seq"), String(event.seq));
  write(part(row, "at"), clockTime.format(event.at));
  write(part(row, "words"), words);
  return row;
}

const reasons = {
  QR_NOT_FOUND: "there is no such code",
  OFFLINE_NO_CACHE: "the code is not in its records",
  LIMIT_REACHED: "all its entries are used up",
  LOCKED_OUT: "the keypad is locked out",
  WRONG_ACCESS_POINT: "the code is for another door",
  QR_EXPIRED: "the code has expired",
  NOT_YET_VALID: "the code is not valid yet",
  OUTSIDE_SCHEDULE: "not at this hour",
  REVOKED: "the code was withdrawn",
  BLACKLISTED: "entry is not permitted",
  OFFLINE_STALE: "its records are too old to rely on",
  CLOCK_UNTRUSTED: "it does not know the time for certain",
  LOCKDOWN: "the site is locked down",
  STORAGE_FULL: "it could not write the entry down",
};

const unansweredReasons = {
  stopped: "the gateway stopped before deciding",
  "turned-away": "too many were waiting",
  "too-late": "it was too old when it came",
  "no-access-point": "the reader belongs to no door",
};

const openers = {
  code: "by a code in the lock",
  card: "by a card",
  fingerprint: "by a fingerprint",
  key: "by a key",
  hand: "by hand",
  app: "from another program",
};

const codeAnswers = {
  accepted: "the change of its codes is on its way",
  refused: "the change of its codes was refused",
  unknown: "the change of its codes was not answered",
};

/** An event in plain English, and its tone. */
function sentence(event, nameOf) {
  const at = nameOf(event.accessPoint ?? event.device);
  switch (event.type) {
    case "admitted":
      return ["good", `${at}: code accepted${event.left === null ? "" : `, ${entriesLeft(event.left)}`}`];
    case "denied": {
      const lockout = event.lockedOutMs ? `; keypad locked out for ${duration(event.lockedOutMs)}` : "";
      return ["bad", `${at}: refused, ${reasons[event.reason] ?? event.reason}${lockout}`];
    }
    case "released":
      return ["", `${at}: ${event.result === "unknown" ? "told to unlock, no answer" : "unlocked"}`];
    case "void":
      return ["warn", `${at}: did not unlock, the entry is given back`];
    case "unanswered":
      return ["warn", `${at}: a press got no answer, ${unansweredReasons[event.why] ?? event.why}`];
    case "command-taken":
      return event.action === "identify"
        ? ["", `${at}: asked from afar where it is`]
        : ["good", `${at}: told to unlock from afar`];
    case "command-ended":
      return [
        "",
        `${at}: ${event.action === "identify" ? "showing where it is" : "unlocking from afar"} ${event.result}`,
      ];
    case "held-open":
      return ["warn", `${at}: held open`];
    case "hold-ended":
      return [
        "",
        `${at}: ${event.reason === "impossible" ? "cannot be held open" : `held open no longer: ${event.reason}`}`,
      ];
    case "opened-at-lock":
      return ["good", `${at}: opened ${openers[event.by] ?? event.by}, without asking the gateway`];
    case "code-sent":
      return ["", `${at}: ${event.change === "set" ? "puts a code into the lock" : "takes a code out of the lock"}`];
    case "code-answered":
      return [event.result === "refused" ? "warn" : "", `${at}: ${codeAnswers[event.result] ?? event.result}`];
    case "code-read":
      return [
        "",
        `${at}: ${event.state === "present" ? "the code stands in the lock" : "the code is gone from the lock"}`,
      ];
    case "code-missing":
      return ["bad", `${at}: a code that should be in the lock cannot be put there`];
    case "codes-stuck":
      return ["warn", `${at}: its codes can be neither read nor changed; tried again later`];
    case "relocked":
      return ["", `${at}: told to lock again, and locked`];
    case "relock-failed":
      return ["warn", `${at}: the bolt did not come back`];
    case "bolt":
      return boltSentence(at, event.state);
    case "door":
      return ["", `${at}: door ${event.state === "open" ? "opened" : event.state}`];
    case "presence":
      return ["", `${at}: ${event.state === "online" ? "came online" : "lost its connection"}`];
    case "boot-doubted":
      return ["warn", `${at}: its number of starts went back, or another speaks in its name`];
    case "battery":
      return ["", `${at}: battery at ${event.percent} %`];
    case "tamper":
      return event.active ? ["bad", `${at}: is being forced`] : ["", `${at}: mended`];
    case "pin-guessing":
      return ["bad", "So many wrong PINs in a day: each further one locks its keypad out"];
    case "boot":
      return ["", "The gateway started"];
    case "damage":
      return ["bad", "Some of the gateway’s records are damaged"];
    case "checksum-mismatch":
      return ["warn", "The records differ from the cloud’s; fetching them anew"];
    default:
      return ["", `${at ?? "Gateway"}: ${event.type}`];
  }
}

function boltSentence(at, state) {
  if (state === "jammed") return ["warn", `${at}: bolt jammed`];
  return ["", `${at}: ${{ released: "bolt drawn back", secured: "bolt locked again" }[state] ?? "bolt unknown"}`];
}

function entriesLeft(left) {
  if (left === 0) return "its last entry";
  return left === 1 ? "1 entry left" : `${left} entries left`;
}

// Small things of the page.

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function hide(element, isHidden) {
  if (element.hidden !== isHidden) element.hidden = isHidden;
}

function drawSwitch(control, on, isThere) {
  control.setAttribute("aria-checked", String(on));
  hide(control, !isThere);
}

function isOn(control) {
  return control.getAttribute("aria-checked") === "true";
}

function flash(key) {
  key.classList.add("pressed");
  setTimeout(() => key.classList.remove("pressed"), typingMs);
}

function duration(ms) {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
