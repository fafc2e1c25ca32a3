/** The audit, and what looks like an attack: in English. */

export const audit = {
  title: "Audit",
  lead: "Every change: who, when, from where, what was and what is. Nothing here can be altered.",
  empty: "No entries",
  emptyText: "Nothing fits this search.",
  action: "Action",
  thing: "Thing",
  from: "From day",
  until: "To day",
  before: "Before",
  after: "After",
  address: "From where",
  csv: "Download as CSV",
  details: "Details",
  show: "Old and new",
};

export const security = {
  title: "Security",
  lead: "What looked like an attack. Look at it, then resolve it; the same again opens it anew.",
  severity: "Urgency",
  severities: { alarm: "at once", warning: "soon", notice: "to know" },
  states: { open: "open", resolved: "resolved", all: "all" },
  open: "open",
  resolved: "resolved",
  resolve: "Resolve",
  resolvedNow: "The event is resolved.",
  quiet: "All is quiet",
  quietText: "Nothing waits for you. What looks like an attack stands here as soon as it happens.",
  empty: "Nothing fits here",
  emptyText: "Choose another state or urgency.",
  whom: "About",
  from: "From where",
  last: "Last time",
  times: (count: number, since: string) => `${count} times since ${since}`,
  kinds: {
    "sign-in-burst": {
      name: "Many attempts to sign in",
      hint: "More passwords, codes or links than one address may try. Further ones were refused.",
    },
    "account-locked": {
      name: "An account is locked for a while",
      hint: "Too many wrong passwords or codes in a row. Ask its owner whether it was them.",
    },
    "new-device": { name: "Signed in from a new device", hint: "Ask its owner if it is unexpected." },
    "session-replayed": {
      name: "A stolen session, perhaps",
      hint: "Somebody used a copy of it. It has ended; have its owner change the password.",
    },
    "passkey-copied": {
      name: "A copied passkey, perhaps",
      hint: "It counted backwards, so there may be two of it. Have its owner remove it.",
    },
    "permission-refused": {
      name: "Asked for what the role may not do",
      hint: "A wrong link, or somebody tries doors.",
    },
    "foreign-origin": {
      name: "A form from another page",
      hint: "It was refused. Its visitor may have opened a bad page.",
    },
    "code-taken": {
      name: "Digits that are in use",
      hint: "Somebody wanted a code that another has. Often in a row: they may be searching for codes.",
    },
  } as Record<string, { readonly name: string; readonly hint: string }>,
};
