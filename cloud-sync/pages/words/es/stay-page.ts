/** The guest's page of a stay, in Spanish. */
import type { Words } from "../words.ts";

export const stayPage: Words["stayPage"] = {
  title: "Su estancia",
  greeting: (name) => `Le damos la bienvenida, ${name}`,
  at: (property) => `Su estancia en ${property}`,
  standings: {
    unconfirmed: "Su reserva aún no está confirmada. En cuanto lo esté, su código estará aquí.",
    before: "Su estancia aún no ha empezado.",
    now: "",
    over: "Esta estancia ha terminado. Su código ya no abre nada.",
    off: "Esta estancia se anuló. Pregunte a su anfitrión.",
  },
  code: "Su código",
  codeAt: "Su código estará aquí desde",
  codeLater: "Su código aún no está hecho. Vuelva a mirar más tarde, o pregunte a su anfitrión.",
  noCode: "Ninguna puerta de esta estancia admite un código.",
  from: "Funciona desde",
  until: "Funciona hasta",
  doors: "Puertas",
  ways: {
    keypad: "Marque el código en el teclado junto a la puerta.",
    lock: "Marque el código en la propia cerradura. Si no abre sola, confirme como indica la cerradura.",
    none: "Esta cerradura no tiene código.",
  },
  ready: "Lista: el código ya está.",
  notReady: "Todavía no: el código aún tiene que llegar a esta cerradura.",
  asOf: "A las",
  house: "Sobre la casa",
  address: "Dirección",
  map: "Ver en un mapa",
  mapHint: "Abre openstreetmap.org.",
  unknown: "Este enlace no lleva a ninguna parte",
  unknownText: "Está incompleto, hay uno más nuevo, o la estancia terminó hace mucho. Pregunte a quien se lo envió.",
};
