/** Draws the flats' guests and their telephone from the site's state; control.js tells it and posts what is pressed. */

const byId = (id) => document.getElementById(id);
const time = new Intl.DateTimeFormat("en-GB", { weekday: "short", hour: "2-digit", minute: "2-digit" });
const dayWords = new Intl.DateTimeFormat("en-GB", {
  weekday: "short",
  day: "numeric",
  month: "short",
  timeZone: "UTC",
});

let drawn = "";

document.addEventListener("site", ({ detail: { stays } }) => {
  for (const id of ["stays", "to-stays"]) byId(id).hidden = stays === null;
  const now = JSON.stringify(stays);
  if (stays === null || now === drawn) return;
  drawn = now;
  drawList(stays.stays);
  drawMessages(stays.messages);
  const unread = stays.stays.some((stay) => isUnread(stay));
  say(stays.read ?? (unread ? "Lodgify has news that Postern has not read yet." : ""));
});

for (const act of ["book", "read"])
  byId(`stay-${act}`).addEventListener("click", ({ currentTarget }) => ask(currentTarget, act));

function ask(control, path) {
  control.dispatchEvent(
    new CustomEvent("act", { bubbles: true, detail: { path: `/api/stays/${path}`, refused: say } }),
  );
}

function say(text) {
  byId("stay-read-words").textContent = text;
}

/** One that was called off before it was read is nothing to read. */
const isUnread = ({ known, isCancelled }) => (known === null ? !isCancelled : !known.isRead);

function drawList(stays) {
  const list = byId("stay-list");
  const items = new Map([...list.children].map((item) => [Number(item.dataset.stay), item]));
  const current = stays.map((stay) => {
    const item = items.get(stay.id) ?? newItem(stay);
    draw(item, stay);
    return item;
  });
  if (current.length !== items.size || current.some((item, index) => list.children[index] !== item))
    list.replaceChildren(...current);
}

function newItem({ id, guest, flat }) {
  const item = byId("stay").content.firstElementChild.cloneNode(true);
  item.dataset.stay = id;
  part(item, "guest").textContent = guest;
  part(item, "flat").textContent = flat;
  for (const button of item.querySelectorAll("[data-act]")) {
    button.setAttribute("aria-label", `${button.textContent.trim()}: ${guest}`);
    button.addEventListener("click", () => ask(button, `${id}/${button.dataset.act}`));
  }
  part(item, "page").setAttribute("aria-label", `Guest’s page: ${guest}`);
  return item;
}

function draw(item, stay) {
  const { known, isCancelled, arrival, checkIn, departure } = stay;
  part(item, "days").textContent = `${day(arrival)}${checkIn ? ` ${checkIn}` : ""} to ${day(departure)}`;
  part(item, "words").textContent = words(stay);
  item.dataset.tone = isUnread(stay) || known?.held ? "warn" : known?.hasCode && !known.isOver ? "good" : "";
  const page = part(item, "page");
  page.hidden = !known?.page;
  if (known?.page) page.href = known.page;
  item.querySelector('[data-act="agree"]').hidden = !known?.held;
  for (const act of ["extend", "cancel"])
    item.querySelector(`[data-act="${act}"]`).hidden = isCancelled || known?.isOver;
}

const held = {
  "in-house": "the guest is in the house",
  arriving: "the guest is about to arrive",
  many: "so many stays at once",
  empty: "Lodgify tells of none any more",
};

function words(stay) {
  const { known, isCancelled } = stay;
  if (known?.held) return `Lodgify says otherwise, but ${held[known.held] ?? known.held}: the owner is asked first.`;
  if (isUnread(stay)) return isCancelled ? "Cancelled at Lodgify; not read yet." : "News at Lodgify; not read yet.";
  if (!known?.hasCode) return isCancelled ? "Cancelled: its code opens nothing any more." : "No code yet.";
  if (known.isOver) return "Checked out: its code opens nothing any more.";
  const { doors, doorsReady } = known;
  return doorsReady === doors
    ? `The code is ready at all ${doors} doors.`
    : `${doorsReady} of ${doors} doors are ready.`;
}

function drawMessages(messages) {
  byId("telephone-empty").hidden = messages.length > 0;
  byId("telephone-messages").replaceChildren(
    ...messages.map(({ to, at, text }) => {
      const item = document.createElement("li");
      const head = Object.assign(document.createElement("small"), { textContent: `${to}, ${time.format(at)}` });
      const body = document.createElement("p");
      body.append(...text.split(/(https?:\/\/\S+)/).map(withLink));
      item.append(head, body);
      return item;
    }),
  );
}

/** What split() puts at odd places is an address. */
function withLink(text, index) {
  if (index % 2 === 0) return text;
  return Object.assign(document.createElement("a"), {
    href: text,
    textContent: text,
    target: "_blank",
    rel: "noopener",
  });
}

function part(root, name) {
  return root.querySelector(`[data-part="${name}"]`);
}

function day(text) {
  return dayWords.format(new Date(`${text}T00:00:00Z`));
}
