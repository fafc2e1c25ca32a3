/** Signing in, links for passwords, and the first steps: in English. */

export const signIn = {
  title: "Sign in",
  login: "E-mail or user name",
  password: "Password",
  submit: "Sign in",
  wrong: "These do not belong together. Check both and try again.",
  signedOut: "You are signed out.",
  sessionOver: "Your session has ended. Sign in again: what you filled in is kept.",
  keptTitle: "You are signed in again",
  keptLead: "What you filled in is still here. A password or a file you chose is not: the next page asks for it again.",
  keptSend: "Send it now",
  keptLeave: "Leave it",
  passkey: "Sign in with a passkey",
  again: "Please sign in to go on.",
  factorTitle: "Second step",
  factorLead: "Your account asks for a second proof.",
  code: "Code from your authenticator app",
  recovery: "Lost your device? Enter a recovery code instead.",
  codeHint: "6 digits; a recovery code goes here too.",
  factorSubmit: "Go on",
  factorWrong: "This code is not the right one now. Wait for the next one and try again.",
  factorLate: "This took too long. Please sign in again.",
};

export const welcome = {
  title: "Welcome to Postern",
  lead: "Make the first administrator. The link that brought you here works once.",
  token: "Code of the link",
  tokenHint: "Filled in by the link. Without scripts: what stands after # in it.",
  name: "Your name",
  userName: "User name",
  email: "E-mail",
  password: "Password",
  passwordHint: "At least 12 characters. A few words in a row do well.",
  submit: "Make the account",
  done: "The account is made. Sign in with it.",
  linkUsed: "This link is used up or has expired. Ask for a new one.",
};

export const setPassword = {
  title: "Choose your password",
  lead: "Your link works once.",
  submit: "Set the password",
  done: "Your password is set. Sign in with it.",
};

export const forgot = {
  title: "Forgot your password?",
  lead: "We send you a link by which you choose a new one.",
  email: "E-mail address of your account",
  submit: "Send me the link",
  taken:
    "If there is an account with this address, a link is on its way to it. It works once, within an hour. Nothing there? Look among the unwanted mail.",
  without: "No e-mail address in your account? Ask an administrator for a link.",
  noMail: "Ask an administrator: they can make a link by which you choose a new password.",
  back: "Back to the sign-in",
  subject: "Your new password for Postern",
  letter: (name: string, address: string, link: string) =>
    `Hello ${name},

somebody asked for a new password for your account at ${address}. If it was you, open this link within an hour and choose one:

${link}

If it was not you, do nothing: your password stays as it is.
`,
};

export const setUp = {
  title: "Set up",
  lead: "Four steps to the first code. Each one can be done again later.",
  site: "A site",
  siteLead: "A house, a building, a gated community: whatever one address is to you.",
  gateway: "A gateway",
  gatewayLead: "The box on site that talks to the locks. Add it here, then type its code in on it.",
  gatewayWaits: "The gateway is added and waits to be enrolled. Run this on it:",
  lock: "A lock",
  lockLead:
    "Locks are named in the gateway's own file. As soon as it reports one, it is here. This page looks again by itself.",
  code: "The first code",
  codeLead: "Everything is ready. Make a code and try it at the door.",
  ready: "All is set up.",
  stepDone: "done",
  stepNow: "now",
  stepLater: "later",
  next: "Next step",
};
