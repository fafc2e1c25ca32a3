/** Draws the site's time from its state and lets it leap; control.js tells it and posts what is pressed. */

const byId = (id) => document.getElementById(id);
const [minuteMs, hourMs, dayMs] = [60_000, 3_600_000, 86_400_000];
const buttons = [...document.querySelectorAll("[data-leap]")];

let time = null;
let moment;

document.addEventListener("site", ({ detail }) => {
  time = detail.time;
  byId("time").hidden = time === null;
  if (time === null) return;
  moment ??= new Intl.DateTimeFormat("en-GB", {
    ...{ weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
    timeZone: time.zone,
  });
  const { aheadMs, leap, nextCheckIn, nextCheckout } = time;
  write(byId("time-ahead"), aheadMs === 0 ? "the machine’s time" : `${span(aheadMs)} ahead`);
  drawNext([
    ["Next check-in", nextCheckIn],
    ["Next checkout", nextCheckout],
  ]);
  for (const button of buttons) {
    const { to } = JSON.parse(button.dataset.leap);
    button.disabled = leap !== null || (to === "check-in" && !nextCheckIn) || (to === "checkout" && !nextCheckout);
  }
  const progress = byId("time-progress");
  progress.hidden = leap === null;
  if (leap) {
    progress.value = (aheadMs - leap.fromMs) / (leap.toMs - leap.fromMs);
    say(`On the way to ${moment.format(Date.now() + leap.toMs)} …`);
  } else if (byId("time-words").textContent.startsWith("On the way")) say("There.");
  tick();
});

for (const button of buttons)
  button.addEventListener("click", () =>
    button.dispatchEvent(
      new CustomEvent("act", {
        bubbles: true,
        detail: { path: "/api/time/leap", body: JSON.parse(button.dataset.leap), refused: say },
      }),
    ),
  );

setInterval(tick, 1_000);

function tick() {
  if (time) write(byId("time-now"), moment.format(Date.now() + time.aheadMs));
}

function drawNext(landmarks) {
  const lines = landmarks.flatMap(([what, next]) =>
    next ? [`${what}: ${next.guest}, ${moment.format(next.at)}`] : [],
  );
  const list = byId("time-next");
  if (lines.join("\n") === [...list.children].map(({ textContent }) => textContent).join("\n")) return;
  list.replaceChildren(...lines.map((textContent) => Object.assign(document.createElement("li"), { textContent })));
}

function span(ms) {
  const whole = Math.round(ms / minuteMs) * minuteMs;
  const [days, hours, minutes] = [
    Math.floor(whole / dayMs),
    Math.floor((whole % dayMs) / hourMs),
    (whole % hourMs) / minuteMs,
  ];
  const parts = [days && `${days} d`, hours && `${hours} h`, minutes && `${minutes} min`].filter(Boolean);
  return parts.join(" ") || "seconds";
}

function say(text) {
  write(byId("time-words"), text);
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
