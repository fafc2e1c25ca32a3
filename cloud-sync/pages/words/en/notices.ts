/** What hosts are told and asked of their visitors, and how they choose it: in English. */

interface AtGate {
  readonly visitor: string;
  readonly gate: string;
  readonly time: string;
  readonly guard: string | null;
  /** null: no limit. */
  readonly left: number | null;
  /** Later than it happened; null: at once. */
  readonly learntAt: string | null;
}

const where = ({ gate, time, guard, learntAt }: AtGate) =>
  `${gate}, ${time}${guard === null ? "" : `, by ${guard}`}${learntAt === null ? "" : ` (learnt only ${learntAt})`}`;
const entriesLeft = (left: number) => (left === 1 ? "1 entry is left." : `${left} entries are left.`);

export const notices = {
  title: "Notifications",
  lead: "What you are told when a visitor of yours is at the gate.",
  arrived: (visitor: string) => `${visitor} has arrived`,
  letIn: (at: AtGate) => `${at.visitor} was let in: ${where(at)}.${at.left === null ? "" : ` ${entriesLeft(at.left)}`}`,
  refused: (visitor: string) => `${visitor} was not let in`,
  notLetIn: (at: AtGate) => `${at.visitor} was not let in: ${where(at)}. Look at their pass, or call the gate.`,
  letter: (name: string, body: string, link: string | null) =>
    `Hello ${name},

${body}
${link === null ? "" : `\n${link}\n`}
You get this because you invited them. Under “Notifications” in your account you choose otherwise.
`,
  way: "How",
  ways: {
    push: "on my devices, and by e-mail where none is reached",
    email: "by e-mail",
    none: "not at all",
  },
  about: "About what",
  entries: "a visitor was let in",
  denials: "a visitor was not let in",
  browsers: "Devices that are told",
  browsersEmpty: "None yet.",
  device: "Device",
  since: "Since",
  lastTold: "Last told",
  add: "Notify me on this device",
  added: "This device is told from now on.",
  removed: "That device is told no more.",
  remove: "Tell it no more",
  cannot:
    "This browser cannot be told. On an iPhone or iPad, put this page on the home screen first (Share, Add to Home Screen), and open it there.",
  blocked: "This browser does not allow notifications of this page. Allow them in its settings, and try again.",
};

interface Asked {
  readonly visitor: string;
  readonly type: string | null;
  readonly site: string;
  readonly gate: string;
  readonly guard: string | null;
  readonly time: string;
}

export const asked = {
  title: (visitor: string) => `${visitor} is at the gate`,
  question: ({ visitor, site, gate, guard, time }: Asked) =>
    `${visitor} has no invitation and wants to visit you: ${site}, ${gate}, ${time}${guard === null ? "" : `, ${guard} asks`}. You have two minutes to answer.`,
  letter: (name: string, body: string, link: string | null) =>
    `Hello ${name},

${body}
${link === null ? "" : `\nAnswer here:\n${link}\n`}
Whoever has this link can answer for you: do not pass it on.
`,
  lead: "May this visitor come in?",
  approve: "Let in",
  deny: "Do not let in",
  hint: "The guard opens the gate, not this page.",
  standings: {
    sent: {
      approved: "You let this visitor in. The gate is being told.",
      denied: "You do not let this visitor in. The gate is being told.",
    },
    told: {
      approved: "You let this visitor in. The guard knows.",
      denied: "You do not let this visitor in. The guard knows.",
    },
    late: "Your answer came too late: the guard had decided by then, or the time was up.",
    over: "It is too late to answer: the two minutes are over. The guard decides, or asks again.",
  },
  unknown: "This question is not known",
  unknownText: "The link is wrong, or too old.",
};
