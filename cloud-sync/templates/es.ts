/** What guests are told, in Spanish. Fields: see ../domain/message-text.ts. */
import type { GuestTexts } from "./texts.ts";

const works = "Funciona desde {from} hasta {until}: {doors}.";

export const es: GuestTexts = {
  subjects: {
    code: "Su código para {property}",
    changed: "Su estancia en {property} ha cambiado",
    "new-code": "Su nuevo código para {property}",
    cancelled: "Su estancia en {property} se ha cancelado",
  },
  texts: {
    code: {
      link: `Hola, {guest}: aquí está su código para {property}: {link}\n${works}`,
      pin: `Hola, {guest}: su código para {property} es {code}.\n${works}`,
    },
    changed: {
      link: "Hola, {guest}: su estancia en {property} ha cambiado. Su código es el mismo y funciona desde {from} hasta {until}: {doors}. {link}",
      pin: "Hola, {guest}: su estancia en {property} ha cambiado. Su código es el mismo y funciona desde {from} hasta {until}: {doors}.",
    },
    "new-code": {
      link: `Hola, {guest}: tiene un código nuevo para {property}: {link}\nÚselo en lugar del anterior. ${works}`,
      pin: `Hola, {guest}: su nuevo código para {property} es {code}. Úselo en lugar del anterior.\n${works}`,
    },
    cancelled: {
      link: "Hola, {guest}: su estancia en {property} se ha cancelado. Su código ya no funciona.",
      pin: "Hola, {guest}: su estancia en {property} se ha cancelado. Su código ya no funciona.",
    },
  },
  unproven: "La puerta aún no lo ha confirmado. Si no funciona, llame a su anfitrión.",
  wifi: "Wi-Fi: {wifi}",
};
