/** What the guard's page says, in both languages. */
import type { Language } from "../domain/denial-text.ts";

const en = {
  title: "Gate",
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
