/** What a guard is told of a gate that was asked to open, in English and Spanish. */
import type { Language } from "./denial-text.ts";

export interface GateTexts {
  readonly mayEnter: string;
  readonly open: string;
  readonly told: string;
  readonly unknown: string;
  readonly "not-moved": string;
}

/** By the lock's answer to a release. */
export const gateResults = { confirmed: "open", accepted: "told", unknown: "unknown" } as const;

export const gateTexts: Readonly<Record<Language, GateTexts>> = {
  en: {
    mayEnter: "May come in",
    open: "The gate is open.",
    told: "The gate was told to open.",
    unknown:
      "The entry is counted, but nobody knows whether the gate moved: look at it. Open it from the doors' page if it is shut.",
    "not-moved": "The gate did not move, and no entry was counted. Check the code once more.",
  },
  es: {
    mayEnter: "Puede entrar",
    open: "La puerta está abierta.",
    told: "Se ha ordenado abrir la puerta.",
    unknown:
      "La entrada está registrada, pero no se sabe si la puerta se movió: compruébelo. Si está cerrada, ábrala desde la página de puertas.",
    "not-moved": "La puerta no se movió y no se registró ninguna entrada. Compruebe el código otra vez.",
  },
};
