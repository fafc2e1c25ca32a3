/** What a person is told for each reason of a denial, in English and Spanish: what is the matter, and what helps. */
import type { DenyReason } from "./decide.ts";

export type Language = "en" | "es";

export const isLanguage = (text: string | undefined): text is Language => text === "en" || text === "es";

export const denialTexts: Readonly<Record<DenyReason, Readonly<Record<Language, string>>>> = {
  STORAGE_FULL: {
    en: "The gateway cannot write down any more entries, so it admits nobody. Please call the property management.",
    es: "El sistema no puede registrar más entradas y por eso no admite a nadie. Llame a la administración.",
  },
  LOCKDOWN: {
    en: "The site is locked down; nobody is admitted at the moment. Please follow the instructions on site.",
    es: "El recinto está cerrado por seguridad; ahora no se admite a nadie. Siga las instrucciones del lugar.",
  },
  LOCKED_OUT: {
    en: "Too many wrong attempts here. Please wait a little and try again.",
    es: "Demasiados intentos fallidos. Espere un momento y vuelva a intentarlo.",
  },
  OFFLINE_NO_CACHE: {
    en: "This code is not in the gateway's records, and without a connection nobody else can be asked. Please try again once it is back online.",
    es: "Este código no está en los registros locales y sin conexión no se puede consultar. Inténtelo de nuevo cuando vuelva la conexión.",
  },
  QR_NOT_FOUND: {
    en: "This code is not valid. Please check it, or ask your host for a new invitation.",
    es: "Este código no es válido. Compruébelo o pida una nueva invitación a su anfitrión.",
  },
  UNREADABLE: {
    en: "This invitation asks for something the gateway does not know yet. Please call the property management.",
    es: "Esta invitación exige algo que el sistema aún no conoce. Llame a la administración.",
  },
  REVOKED: {
    en: "This code has been withdrawn. Please ask your host for a new one.",
    es: "Este código ha sido anulado. Pida uno nuevo a su anfitrión.",
  },
  WRONG_ACCESS_POINT: {
    en: "This code is valid, but not at this door. Please use the entrance named in your invitation.",
    es: "Este código es válido, pero no en esta puerta. Use la entrada indicada en su invitación.",
  },
  QR_EXPIRED: {
    en: "This code has expired. Please ask your host for a new one.",
    es: "Este código ha caducado. Pida uno nuevo a su anfitrión.",
  },
  NOT_YET_VALID: {
    en: "This code is not valid yet. Please come back when its time begins.",
    es: "Este código todavía no es válido. Vuelva cuando empiece su horario.",
  },
  CLOCK_UNTRUSTED: {
    en: "The gateway does not know the time for certain and cannot check this code. Please try again in a few minutes.",
    es: "El sistema no conoce la hora con certeza y no puede comprobar este código. Inténtelo de nuevo en unos minutos.",
  },
  OUTSIDE_SCHEDULE: {
    en: "This code does not open the door at this hour. Please come at the agreed times.",
    es: "Este código no abre la puerta a esta hora. Venga en el horario acordado.",
  },
  OFFLINE_STALE: {
    en: "The gateway has been without a connection for too long to rely on its records. Please call the property management.",
    es: "El sistema lleva demasiado tiempo sin conexión para fiarse de sus registros. Llame a la administración.",
  },
  LIMIT_REACHED: {
    en: "All entries of this invitation have been used. Please ask your host for further access.",
    es: "Ya se han usado todas las entradas de esta invitación. Pida más accesos a su anfitrión.",
  },
  HELD_AT_OTHER_GATE: {
    en: "The remaining entries of this invitation are kept at another gate. Please go there, or try again in a minute.",
    es: "Las entradas restantes de esta invitación están en otra puerta. Diríjase a ella o inténtelo de nuevo en un minuto.",
  },
  BLACKLISTED: {
    en: "Entry is not permitted. Please contact the property management.",
    es: "No se permite la entrada. Contacte con la administración.",
  },
};
