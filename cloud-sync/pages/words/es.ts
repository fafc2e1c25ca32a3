/** The pages in Spanish. */
import * as alarms from "./es/alarms.ts";
import * as codes from "./es/codes.ts";
import * as faults from "./es/faults.ts";
import * as frame from "./es/frame.ts";
import * as integrations from "./es/integrations.ts";
import * as keys from "./es/keys.ts";
import * as letting from "./es/letting.ts";
import * as notices from "./es/notices.ts";
import * as passes from "./es/passes.ts";
import * as people from "./es/people.ts";
import * as signIn from "./es/sign-in.ts";
import * as sites from "./es/sites.ts";
import * as stayPage from "./es/stay-page.ts";
import * as stays from "./es/stays.ts";
import * as watch from "./es/watch.ts";
import type { Words } from "./words.ts";

export const es: Words = {
  language: "Español",
  product: "Postern",
  skip: "Ir al contenido",
  menu: "Menú",
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
