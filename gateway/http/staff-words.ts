/** What the sign-in, the doors and a refused request say, in both languages. */
import type { Language } from "../domain/denial-text.ts";

const en = {
  signIn: "Sign in",
  forStaff: "For the staff of this site. It works without the internet too.",
  userName: "User name",
  password: "Password",
  refusals: {
    wrong: "This user name and password do not go together.",
    stale: "The gateway has not heard from the cloud for so long that it cannot tell any more who works here.",
    "no-records": "The gateway does not know its site yet. Wait until it has reached the cloud once.",
    "locked-out": "Too many wrong passwords for this name. Wait a minute.",
    busy: "Too many people sign in at this moment. Try again.",
  },
  inClear:
    "This line is not encrypted, so nobody signs in over it: a password would cross the network in clear. Call the gateway by https (http.tlsPort in its configuration).",
  howToTrust: "How a phone trusts the gateway",
  toOpen: "to open doors from here.",
  doors: "Open doors",
  signedIn: "Signed in:",
  signOut: "Sign out",
  checkCode: "Check a visitor's code",
  open: (door: string) => `Open ${door}`,
  result: {
    confirmed: "open",
    accepted: "told to open",
    unknown: "nobody knows whether it moved: look at the door",
    refused: "refused, nothing moved",
    expired: "it took too long, nothing moved: press again",
    "no-such-door": "there is no such door here",
    lockdown: "lockdown: nothing is opened",
    busy: "too many are waiting at this door: press again",
    "storage-full": "no room on the gateway's disk: nothing is opened unwritten",
  },
  showsItself: "shows itself",
  gateway: "Postern gateway",
  api: "API",
  failed: "This did not go through",
  openAnew: "Open the page anew and try again.",
  doorsAndStatus: "Doors and status",
};

/** What every language must say. */
export type StaffWords = typeof en;

const es: StaffWords = {
  signIn: "Iniciar sesión",
  forStaff: "Para el personal de este recinto. Funciona también sin internet.",
  userName: "Nombre de usuario",
  password: "Contraseña",
  refusals: {
    wrong: "Este nombre de usuario y esta contraseña no corresponden.",
    stale: "El sistema lleva tanto tiempo sin noticias de la nube que ya no sabe quién trabaja aquí.",
    "no-records": "El sistema todavía no conoce su recinto. Espere a que haya llegado una vez a la nube.",
    "locked-out": "Demasiadas contraseñas erróneas para este nombre. Espere un minuto.",
    busy: "Demasiadas personas inician sesión en este momento. Inténtelo de nuevo.",
  },
  inClear:
    "Esta línea no está cifrada, y por eso nadie inicia sesión por ella: la contraseña cruzaría la red a la vista de todos. Llame al sistema por https (http.tlsPort en su configuración).",
  howToTrust: "Cómo un teléfono confía en el sistema",
  toOpen: "para abrir puertas desde aquí.",
  doors: "Abrir puertas",
  signedIn: "Sesión de:",
  signOut: "Cerrar sesión",
  checkCode: "Comprobar el código de un visitante",
  open: (door) => `Abrir ${door}`,
  result: {
    confirmed: "abierta",
    accepted: "se ha ordenado abrir",
    unknown: "no se sabe si se movió: mire la puerta",
    refused: "rechazado, nada se movió",
    expired: "tardó demasiado, nada se movió: pulse otra vez",
    "no-such-door": "aquí no hay tal puerta",
    lockdown: "cierre de seguridad: no se abre nada",
    busy: "demasiados esperan en esta puerta: pulse otra vez",
    "storage-full": "no queda sitio en el disco: nada se abre sin registrarse",
  },
  showsItself: "se hace notar",
  gateway: "Pasarela Postern",
  api: "API",
  failed: "Esto no ha llegado a su fin",
  openAnew: "Abra la página de nuevo e inténtelo otra vez.",
  doorsAndStatus: "Puertas y estado",
};

export const staffWords: Readonly<Record<Language, StaffWords>> = { en, es };
