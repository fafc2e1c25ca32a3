/** What every page shows: names of the places and roles, words used everywhere, and what went wrong: in Spanish. */
import type { Words } from "../words.ts";

export const nav: Words["nav"] = {
  label: "Principal",
  codes: "Códigos temporales",
  passes: "Visitas",
  stays: "Estancias",
  alarms: "Alarmas",
  jobs: "Tareas",
  sites: "Sitios",
  grants: "Permisos",
  events: "Eventos",
  numbers: "Cifras",
  people: "Personas",
  agencies: "Agencias",
  audit: "Auditoría",
  security: "Seguridad",
  keys: "Claves de API",
  account: "Mi cuenta",
  setUp: "Puesta en marcha",
  signOut: "Salir",
};

export const roles: Words["roles"] = {
  admin: "Administrador",
  support: "Soporte",
  owner: "Propietario",
  agency: "Agencia",
  resident: "Residente",
  guard: "Vigilante",
  user: "Observador",
};

export const roleHints: Words["roleHints"] = {
  admin: "lleva el servicio y puede hacerlo todo",
  support: "lo ve todo y no cambia nada",
  owner: "lleva sus propios sitios",
  agency: "reparte códigos temporales y ve solo los suyos",
  resident: "vive en un sitio",
  guard: "trabaja en la entrada",
  user: "mira, y no ve las cifras",
};

export const common: Words["common"] = {
  save: "Guardar",
  cancel: "Cancelar",
  back: "Volver",
  next: "Página siguiente",
  search: "Buscar",
  show: "Mostrar",
  all: "Todos",
  none: "Ninguno",
  never: "nunca",
  optional: "opcional",
  site: "Sitio",
  state: "Estado",
  name: "Nombre",
  when: "Cuándo",
  what: "Qué",
  who: "Quién",
  copy: "Copiar",
  copied: "Copiado",
  goOn: "Continuar",
  done: "Hecho.",
  errors: "Revise estos campos:",
  timesIn: (zone) => `Las horas son las de ${zone}.`,
  since: (time) => `desde ${time}`,
  until: (time) => `hasta ${time}`,
  qr: "Código QR del mismo texto",
  onceOnly: "Se muestra una sola vez. Guárdelo antes de dejar la página.",
  saved: "Guardado.",
};

export const failed: Words["failed"] = {
  title: "No ha funcionado",
  notFound: "Aquí no hay nada",
  notFoundText: "Lo que busca no existe, o no le corresponde verlo.",
  notPermitted: "No con su función",
  notPermittedText: "Su función no lo permite. Un administrador puede cambiarla.",
  foreign: "Este formulario vino de otra página. Ábralo aquí y envíelo de nuevo.",
  tooLarge: "Es demasiado a la vez. Envíelo por partes.",
  busy: "Demasiadas peticiones. Espere un momento e inténtelo de nuevo.",
  later: "El servicio no puede responder ahora. Inténtelo dentro de un minuto.",
  requestId: (id) => `Quien lleva el servicio lo encuentra en el registro con el número ${id}.`,
  home: "Ir al inicio",
};
