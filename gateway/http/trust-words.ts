/** How each kind of phone takes an authority's certificate, in both languages, as Android 14 and iOS 17 name it. */
import type { Language } from "../domain/denial-text.ts";

const en = {
  title: "Trust this gateway",
  why: "The gateway proves who it is by a certificate of its own. A phone that trusts it calls the gateway by https, and then its browser lets the guard's page use the camera. Do this once for each phone.",
  certificate: "The gateway's certificate (ca.crt)",
  compare:
    "Before the phone trusts it, compare its SHA-256 fingerprint with the one that this page shows on the gateway's own machine (localhost):",
  android: {
    name: "Android",
    steps: [
      "Open the link above; the file ca.crt is downloaded.",
      "Settings → Security & privacy → More security & privacy → Encryption & credentials → Install a certificate → CA certificate → Install anyway.",
      "Choose ca.crt. To look at it later: Trusted credentials → User.",
    ],
  },
  iphone: {
    name: "iPhone and iPad",
    steps: [
      "Open the link above in Safari and allow the download.",
      "Settings → Profile Downloaded → Install.",
      "Settings → General → About → Certificate Trust Settings: switch it on for this certificate. Without this step the phone still refuses.",
    ],
  },
  computer: {
    name: "Computer",
    steps: ["Open the link above and import the file into the authorities that the browser, or the system, trusts."],
  },
  callBy: "Then call the gateway by",
  noTls: "This gateway has no encrypted line yet: set http.tlsPort in its configuration.",
};

/** What every language must say. */
export type TrustWords = typeof en;

const es: TrustWords = {
  title: "Confiar en este sistema",
  why: "El sistema demuestra quién es con un certificado propio. Un teléfono que confía en él lo llama por https, y entonces su navegador deja que la página del guardia use la cámara. Hágalo una vez en cada teléfono.",
  certificate: "El certificado del sistema (ca.crt)",
  compare:
    "Antes de que el teléfono confíe en él, compare su huella SHA-256 con la que muestra esta página en la propia máquina del sistema (localhost):",
  android: {
    name: "Android",
    steps: [
      "Abra el enlace de arriba; se descarga el archivo ca.crt.",
      "Ajustes → Seguridad y privacidad → Más ajustes de seguridad → Cifrado y credenciales → Instalar un certificado → Certificado de CA → Instalar de todos modos.",
      "Elija ca.crt. Para verlo después: Credenciales de confianza → Usuario.",
    ],
  },
  iphone: {
    name: "iPhone y iPad",
    steps: [
      "Abra el enlace de arriba en Safari y permita la descarga.",
      "Ajustes → Perfil descargado → Instalar.",
      "Ajustes → General → Información → Ajustes de confianza de los certificados: actívelo para este certificado. Sin este paso el teléfono sigue negándose.",
    ],
  },
  computer: {
    name: "Ordenador",
    steps: [
      "Abra el enlace de arriba e importe el archivo en las autoridades de confianza del navegador o del sistema.",
    ],
  },
  callBy: "Después llame al sistema por",
  noTls: "Este sistema todavía no tiene una línea cifrada: ponga http.tlsPort en su configuración.",
};

export const trustWords: Readonly<Record<Language, TrustWords>> = { en, es };
