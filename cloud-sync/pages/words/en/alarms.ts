/** What owners are told about stays that need them: in English. */

interface Alarm {
  readonly site: string;
  /** The property's name; of a source its own. */
  readonly place: string;
  /** When the stay begins; null: it is about a source. */
  readonly from: string | null;
  /** What people call the doors; empty: none in particular. */
  readonly doors: readonly string[];
}

const stay = ({ site, place, from }: Alarm) => `${place} (${site})${from === null ? "" : `, stay from ${from}`}`;
const at = ({ doors }: Alarm) => (doors.length === 0 ? "" : `: ${doors.join(", ")}`);

export const alarms = {
  titles: {
    "no-code": (place: string) => `No working code yet: ${place}`,
    "not-told": (place: string) => `The guest does not have the code: ${place}`,
    "guest-says": (place: string) => `The guest says that it does not work: ${place}`,
    "removal-late": (place: string) => `An old code is still in a lock: ${place}`,
    "booked-twice": (place: string) => `Booked twice: ${place}`,
    "source-stale": (place: string) => `Bookings are not being read: ${place}`,
  },
  texts: {
    "no-code": (alarm: Alarm) =>
      `${stay(alarm)}. The doors have not confirmed the guest's code${at(alarm)}. Look at the gateway and the lock, or have a key ready.`,
    "not-told": (alarm: Alarm) =>
      `${stay(alarm)}. No message with the code has reached the guest. Tell them another way.`,
    "guest-says": (alarm: Alarm) => `${stay(alarm)}. The guest cannot get in${at(alarm)}. Call them, or open the door.`,
    "removal-late": (alarm: Alarm) =>
      `${stay(alarm)}. Nobody has seen that the code is gone${at(alarm)}. Until it is, whoever has it may get in. It goes as soon as the house and its locks can be reached.`,
    "booked-twice": (alarm: Alarm) =>
      `${stay(alarm)}. Another confirmed stay has the same days. Both guests would get a code.`,
    "source-stale": (alarm: Alarm) =>
      `${alarm.place} (${alarm.site}) could not be read for hours. New bookings and changes are not known here.`,
  },
  letter: (name: string, body: string, link: string | null) =>
    `Hello ${name},

${body}
${link === null ? "" : `\n${link}\n`}
You get this because you look after stays there.
`,
};
