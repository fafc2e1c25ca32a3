/** The journal's events in Spanish. */
import { denialTexts } from "../domain/denial-text.ts";
import { gatewayOf } from "../domain/rights.ts";
import type { EventTexts } from "./event-text.ts";
import { counted, duration } from "./moments.ts";

const words = {
  via: { pin: "PIN", pass: "pase", link: "enlace", card: "tarjeta", provider: "su fabricante" },
  void: {
    revoked: "fue anulada en ese momento",
    refused: "la cerradura se negó",
    stopped: "el sistema se estaba deteniendo",
    "too-late": "el disco tardó tanto que ya nadie esperaba",
  },
  released: {
    accepted: "se ordenó liberar el cerradero",
    confirmed: "cerradero liberado",
    unknown: "no se sabe si el cerradero se movió",
  },
  action: {
    unlock: "apertura",
    lock: "cierre",
    identify: "aviso de sí mismo",
    enter: "entrada de una visita",
    present: "enlace de un huésped",
  } as Readonly<Record<string, string>>,
  command: {
    accepted: "pasada a la cerradura",
    confirmed: "hecha",
    refused: "rechazada por la cerradura",
    unknown: "de resultado desconocido",
    expired: "llegada demasiado tarde y no hecha",
  },
  holdEnded: {
    over: "ya no se mantiene abierta: llegó su fin",
    revoked: "ya no se mantiene abierta: lo terminó un administrador",
    lockdown: "ya no se mantiene abierta: cierre de seguridad",
    clock: "ya no se mantiene abierta: el reloj no está en hora",
    stale: "ya no se mantiene abierta: los registros son demasiado viejos o están dañados",
    impossible: "debería mantenerse abierta, y su cerradura no puede",
  },
  openedBy: {
    code: "un código propio",
    card: "una tarjeta propia",
    fingerprint: "una huella",
    key: "una llave",
    hand: "a mano",
    app: "la aplicación de su fabricante",
  },
  codeAnswered: {
    accepted: "acepta el cambio del código",
    refused: "rechaza el cambio del código",
    unknown: "no dice si acepta el cambio del código",
  },
  codeMissing: {
    digits: "la cerradura no admite esas cifras",
    entries: "una cerradura no cuenta entradas",
    schedule: "la cerradura no puede guardar este horario semanal",
    unreadable: "el valor del código no se puede leer",
    "no-room": "la cerradura está llena",
    taken: "otro código de la cerradura tiene las mismas cifras",
    late: "todavía no se sabe por qué",
  },
  unanswered: {
    stopped: "el sistema se detuvo antes de decidir",
    "turned-away": "esperaban demasiados",
    "too-late": "era demasiado vieja cuando llegó",
    "no-access-point": "el lector no pertenece a ningún acceso",
  },
  bolt: { released: "liberado", secured: "echado", jammed: "atascado", unknown: "desconocido" },
  door: { open: "abierta", closed: "cerrada", unknown: "desconocida" },
  presence: { online: "en línea", offline: "sin línea", unknown: "desconocido" },
} as const;

const actionOf = (action: string | undefined) => words.action[action ?? "unlock"] ?? action;

export const spanishEvents: EventTexts = {
  admitted: (e) =>
    `${e.accessPoint}: admitido por ${e.signed ? "un pase firmado" : words.via[e.via]}${e.left === null ? "" : `, ${counted(e.left, "entrada restante", "entradas restantes")}`}`,
  denied: (e) =>
    [
      `${e.accessPoint}: denegado. ${denialTexts[e.reason].es}`,
      e.heldAt === undefined ? "" : ` Está en: ${e.heldAt}.`,
      e.lockedOutMs === undefined
        ? ""
        : ` ${e.via === "pass" ? "Lector" : "Teclado"} bloqueado durante ${duration(e.lockedOutMs)}.`,
    ].join(""),
  "turned-away": (e) =>
    `${e.accessPoint}: no se dejó entrar a un visitante, ${e.why === "guard" ? "por decisión del guardia" : "por la lista negra"}`,
  left: (e) => `${e.accessPoint}: un visitante ha salido`,
  "pin-guessing": (e) =>
    `${counted(e.wrongPins, "PIN erróneo", "PIN erróneos")} en ${counted(e.keypads, "teclado", "teclados")} en un día: ¿está alguien probando?`,
  "pass-guessing": (e) =>
    `${counted(e.wrongPasses, "pase erróneo", "pases erróneos")} en ${counted(e.scanners, "lector", "lectores")} en un día: ¿está alguien probando?`,
  released: (e) => `${e.accessPoint}: ${words.released[e.result]}`,
  void: (e) => `${e.accessPoint}: admisión retirada, ${words.void[e.why]}`,
  unanswered: (e) => `${e.accessPoint ?? e.device}: una pulsación quedó sin respuesta, ${words.unanswered[e.why]}`,
  "command-taken": (e) => `${e.accessPoint}: ${actionOf(e.action)} a distancia por ${e.by}`,
  "command-ended": (e) => `${e.accessPoint}: ${actionOf(e.action)} a distancia, ${words.command[e.result]}`,
  "host-answered": (e) =>
    `${e.accessPoint}: ${e.by} ${e.approves ? "deja" : "no deja"} entrar a una visita, a petición de ${e.staff}`,
  "staff-signed-in": (e) => `${e.staff} ha iniciado sesión aquí`,
  "staff-refused": (e) => `falló un inicio de sesión${e.staff === undefined ? "" : ` como ${e.staff}`}`,
  "staff-command": (e) => `${e.accessPoint}: ${actionOf(e.action)} pedida aquí por ${e.staff}`,
  "staff-command-ended": (e) => `${e.accessPoint}: ${actionOf(e.action)} pedida aquí, ${words.command[e.result]}`,
  bolt: (e) => `${e.device}: pestillo ${words.bolt[e.state]}`,
  door: (e) => `${e.device}: puerta ${words.door[e.state]}`,
  presence: (e) => `${e.device}: ${words.presence[e.state]}`,
  battery: (e) => `${e.device}: batería ${e.percent} %`,
  tamper: (e) => `${e.device}: ${e.active ? "alarma de sabotaje" : "fin de la alarma de sabotaje"}`,
  "boot-doubted": (e) =>
    `${e.device}: su número de arranque debería ser ${e.deviceBoot} y es también ${e.otherBoot}: ¿se cambió o se reinició, o usa otro su contraseña?`,
  "held-open": (e, { at }) => `${e.accessPoint}: se mantiene abierta hasta ${at(e.until)}`,
  "hold-ended": (e) => `${e.accessPoint}: ${words.holdEnded[e.reason]}`,
  "relock-failed": (e) => `${e.accessPoint}: el pestillo no volvió`,
  "opened-at-lock": (e) =>
    `${e.device}: abierta con ${words.openedBy[e.by]}${e.code === undefined ? "" : ` n.º ${e.code}`}`,
  "code-sent": (e) =>
    `${e.device}: ${e.change === "set" ? "código enviado" : "se le ordenó olvidar el código"} de ${e.grant}`,
  "code-answered": (e) => `${e.device}: ${words.codeAnswered[e.result]} de ${e.grant}`,
  "code-read": (e) => `${e.device}: ${e.state === "present" ? "tiene" : "ya no tiene"} el código de ${e.grant}`,
  "code-missing": (e) => `${e.device}: no tiene el código de ${e.grant}: ${words.codeMissing[e.why]}`,
  "codes-stuck": (e) =>
    `${e.device}: sus códigos no se pudieron mantener ${e.failures} veces seguidas; se sigue intentando`,
  relocked: (e) => `${e.accessPoint}: cerrada otra vez`,
  boot: (e) =>
    e.endedEpoch === undefined
      ? "el sistema ha arrancado"
      : `el sistema ha arrancado con un diario vacío; el de la época ${e.endedEpoch} queda aparte`,
  damage: (e) => `${counted(e.lines, "registro dañado", "registros dañados")} en ${e.file}`,
  "rights-returned": (e) => `una entrada de ${e.grant} devuelta a la nube`,
  "rights-sent": (e) => `una entrada de ${e.grant} dada al sistema ${gatewayOf(e.to)}`,
  "rights-received": (e) => `una entrada de ${e.grant} recibida del sistema ${gatewayOf(e.from)}`,
  "checksum-mismatch": () => "los registros no coinciden con los de la nube; se piden de nuevo",
};
