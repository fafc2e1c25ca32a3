/** What every page shows: names of the places and roles, words used everywhere, and what went wrong: in English. */

export const nav = {
  label: "Main",
  codes: "Temporary codes",
  passes: "Visitors",
  sites: "Sites",
  grants: "Grants",
  events: "Events",
  numbers: "Numbers",
  people: "People",
  agencies: "Agencies",
  audit: "Audit",
  security: "Security",
  keys: "API keys",
  account: "My account",
  setUp: "Set up",
  signOut: "Sign out",
};

export const roles = {
  admin: "Administrator",
  support: "Support",
  owner: "Owner",
  agency: "Agency",
  resident: "Resident",
  guard: "Guard",
  user: "Viewer",
};

export const roleHints = {
  admin: "runs the service and may do everything",
  support: "looks at everything, changes nothing",
  owner: "runs their own sites",
  agency: "gives out temporary codes and sees only their own",
  resident: "lives at a site",
  guard: "works at the gate",
  user: "looks on, and sees no digits",
};

export const common = {
  save: "Save",
  cancel: "Cancel",
  back: "Back",
  next: "Next page",
  search: "Search",
  show: "Show",
  all: "All",
  none: "None",
  never: "never",
  optional: "optional",
  site: "Site",
  state: "State",
  name: "Name",
  when: "When",
  what: "What",
  who: "Who",
  copy: "Copy",
  copied: "Copied",
  goOn: "Go on",
  done: "Done.",
  errors: "Please look at these fields:",
  timesIn: (zone: string) => `Times are those of ${zone}.`,
  since: (time: string) => `since ${time}`,
  until: (time: string) => `until ${time}`,
  qr: "QR code of the same text",
  onceOnly: "This is shown once. Keep it before you leave the page.",
  saved: "Saved.",
};

export const failed = {
  title: "This did not work",
  notFound: "There is nothing here",
  notFoundText: "What you are looking for does not exist, or is not yours to see.",
  notPermitted: "Not for your role",
  notPermittedText: "Your role may not do this. An administrator can change your role.",
  foreign: "This form came from another page. Open it here and send it again.",
  tooLarge: "This is too much at once. Send it in smaller parts.",
  busy: "Too many requests. Wait a moment and try again.",
  later: "The service cannot answer now. Try again in a minute.",
  requestId: (id: string) => `Whoever runs the service finds it in the log by the number ${id}.`,
  home: "To the start page",
};
