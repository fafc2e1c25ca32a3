/** The pages in English; every other language says the same things, see words.ts. */
import * as alarms from "./en/alarms.ts";
import * as codes from "./en/codes.ts";
import * as faults from "./en/faults.ts";
import * as frame from "./en/frame.ts";
import * as integrations from "./en/integrations.ts";
import * as keys from "./en/keys.ts";
import * as letting from "./en/letting.ts";
import * as notices from "./en/notices.ts";
import * as passes from "./en/passes.ts";
import * as people from "./en/people.ts";
import * as signIn from "./en/sign-in.ts";
import * as sites from "./en/sites.ts";
import * as stayPage from "./en/stay-page.ts";
import * as stays from "./en/stays.ts";
import * as watch from "./en/watch.ts";

export const en = {
  language: "English",
  product: "Postern",
  skip: "Skip to the content",
  menu: "Menu",
  ...frame,
  ...signIn,
  ...alarms,
  ...codes,
  ...passes,
  ...notices,
  ...people,
  ...keys,
  ...integrations,
  ...sites,
  ...stayPage,
  ...letting,
  ...stays,
  ...watch,
  ...faults,
};
