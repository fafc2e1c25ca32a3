/** What the guard's page says, in both languages. */
import type { Language } from "../domain/denial-text.ts";

const en = {
  title: "Gate",
  scan: "Scan",
  scanner: {
    label: "Camera",
    hint: "Hold the visitor's QR code before the camera.",
    torch: "Light",
    refused: "The camera is not allowed on this page. Allow it in the browser's settings, or type the code.",
    absent: "No camera was found. Type the code, or use a scanner that types.",
    insecure: "The camera needs an encrypted line (https).",
    howToTrust: "How this phone trusts the gateway",
  },
  line: {
    sending: "The gateway has not answered. Sending again …",
    giveUp: "Do not send it any more",
    unreachable: "The gateway cannot be reached. Stay near its network; this page goes on by itself.",
    muted: "Tap the page once to switch its sounds on.",
    old: "This was not answered more than ten minutes ago:",
    sendOld: "Send it now",
    dropOld: "Forget it",
  },
  old: "This page is not of this moment. Check the code once more.",
  unknownPage: "This page is not known any more. Check the code once more.",
  checkAgain: "Check once more",
  photo: {
    label: "Photo of the visitor",
    required: "A photo is needed.",
    take: "Take the photo",
    again: "Take another",
    choose: "Take or choose a picture",
    taken: "The photo is taken.",
    unreadable: "This file is no picture that the browser can read.",
    last: "Photo of the last visit",
  },
  signedIn: "Signed in:",
  gateLabel: "Gate",
  uid: "Visitor's code",
  uidHint: "Scan the QR code, or type what stands below it. Case, dashes and O for 0 do not matter.",
  check: "Check",
  mayEnter: "May come in",
  mayNotEnter: "May not come in",
  approve: "Let in and open the gate",
  next: "Next visitor",
  host: "Invited by",
  type: "Kind",
  types: { Guest: "guest", Delivery: "delivery", Service: "service", Family: "family", Party: "party" } as Readonly<
    Record<string, string>
  >,
  document: "Identity document",
  notes: "Notes",
  entriesLeft: "Entries left",
  noLimit: "no limit",
  until: "Until",
  counted: "Let in",
  notCounted: "Not let in",
  gate: {
    open: "The gate is open.",
    told: "The gate was told to open.",
    unknown:
      "The entry is counted, but nobody knows whether the gate moved: look at it. Open it from the doors' page if it is shut.",
    "not-moved": "The gate did not move, and no entry was counted. Check the code once more.",
  },
  countedBefore:
    "This entry was counted before, once, and the gate does not open again for it. Check the code anew for the next one.",
  otherVisitor: "Nothing was counted and nothing moved: this page was for another visitor. Check the code once more.",
  again: "Nothing was counted and nothing moved. Press again.",
  doors: "Doors and status",
};

/** What every language must say. */
export type GuardWords = typeof en;

const es: GuardWords = {
  title: "Puerta",
  scan: "Escanear",
  scanner: {
    label: "Cámara",
    hint: "Ponga el código QR del visitante delante de la cámara.",
    torch: "Luz",
    refused: "La cámara no está permitida en esta página. Permítala en los ajustes del navegador o escriba el código.",
    absent: "No se encontró ninguna cámara. Escriba el código o use un lector que lo escriba.",
    insecure: "La cámara necesita una línea cifrada (https).",
    howToTrust: "Cómo este teléfono confía en el sistema",
  },
  line: {
    sending: "El sistema no ha respondido. Enviando otra vez …",
    giveUp: "No enviarlo más",
    unreachable: "No se puede llegar al sistema. Quédese cerca de su red; esta página continúa por sí sola.",
    muted: "Toque la página una vez para activar los sonidos.",
    old: "Esto no tuvo respuesta hace más de diez minutos:",
    sendOld: "Enviarlo ahora",
    dropOld: "Olvidarlo",
  },
  old: "Esta página no es de este momento. Compruebe el código otra vez.",
  unknownPage: "Esta página ya no se conoce. Compruebe el código otra vez.",
  checkAgain: "Comprobar otra vez",
  photo: {
    label: "Foto del visitante",
    required: "Hace falta una foto.",
    take: "Hacer la foto",
    again: "Hacer otra",
    choose: "Hacer o elegir una imagen",
    taken: "La foto está hecha.",
    unreadable: "Este archivo no es una imagen que el navegador pueda leer.",
    last: "Foto de la última visita",
  },
  signedIn: "Sesión de:",
  gateLabel: "Puerta",
  uid: "Código del visitante",
  uidHint:
    "Escanee el código QR o escriba lo que figura debajo. No importan las mayúsculas, los guiones ni la O por el 0.",
  check: "Comprobar",
  mayEnter: "Puede entrar",
  mayNotEnter: "No puede entrar",
  approve: "Dejar entrar y abrir la puerta",
  next: "Siguiente visitante",
  host: "Invitado por",
  type: "Tipo",
  types: { Guest: "invitado", Delivery: "entrega", Service: "servicio", Family: "familia", Party: "fiesta" },
  document: "Documento de identidad",
  notes: "Notas",
  entriesLeft: "Entradas restantes",
  noLimit: "sin límite",
  until: "Hasta",
  counted: "Ha entrado",
  notCounted: "No ha entrado",
  gate: {
    open: "La puerta está abierta.",
    told: "Se ha ordenado abrir la puerta.",
    unknown:
      "La entrada está registrada, pero no se sabe si la puerta se movió: compruébelo. Si está cerrada, ábrala desde la página de puertas.",
    "not-moved": "La puerta no se movió y no se registró ninguna entrada. Compruebe el código otra vez.",
  },
  countedBefore:
    "Esta entrada ya se registró, una sola vez, y la puerta no se abre de nuevo por ella. Compruebe otra vez el código para la siguiente.",
  otherVisitor: "No se registró nada y nada se movió: esta página era de otro visitante. Compruebe el código otra vez.",
  again: "No se registró nada y nada se movió. Pulse otra vez.",
  doors: "Puertas y estado",
};

export const guardWords: Readonly<Record<Language, GuardWords>> = { en, es };
