/** The audit, and what looks like an attack: in Spanish. */
import type { Words } from "../words.ts";

export const audit: Words["audit"] = {
  title: "Auditoría",
  lead: "Cada cambio: quién, cuándo, desde dónde, qué era y qué es. Nada de esto se puede alterar.",
  empty: "No hay entradas",
  emptyText: "Nada encaja en esta búsqueda.",
  action: "Acción",
  thing: "Cosa",
  from: "Desde el día",
  until: "Hasta el día",
  before: "Antes",
  after: "Después",
  address: "Desde dónde",
  csv: "Descargar como CSV",
  details: "Detalles",
  show: "Antes y después",
};

export const security: Words["security"] = {
  title: "Seguridad",
  lead: "Lo que pareció un ataque. Mírelo y resuélvalo; si se repite, se abre de nuevo.",
  severity: "Urgencia",
  severities: { alarm: "ahora mismo", warning: "pronto", notice: "para saberlo" },
  states: { open: "abiertos", resolved: "resueltos", all: "todos" },
  open: "abierto",
  resolved: "resuelto",
  resolve: "Resolver",
  resolvedNow: "El suceso está resuelto.",
  quiet: "Todo está tranquilo",
  quietText: "Nada le espera. Lo que parezca un ataque estará aquí en cuanto ocurra.",
  empty: "Nada encaja aquí",
  emptyText: "Elija otro estado u otra urgencia.",
  whom: "Sobre",
  from: "Desde dónde",
  last: "Última vez",
  times: (count, since) => `${count} veces desde ${since}`,
  kinds: {
    "sign-in-burst": {
      name: "Muchos intentos de entrar",
      hint: "Más contraseñas, códigos o enlaces de los que una dirección puede probar. Los demás se rechazaron.",
    },
    "account-locked": {
      name: "Una cuenta bloqueada por un rato",
      hint: "Demasiadas contraseñas o códigos equivocados seguidos. Pregunte a su dueño si fue él.",
    },
    "new-device": { name: "Entrada desde un dispositivo nuevo", hint: "Pregunte a su dueño si no lo esperaba." },
    "session-replayed": {
      name: "Quizá una sesión robada",
      hint: "Alguien usó una copia. Está cerrada; que su dueño cambie la contraseña.",
    },
    "passkey-copied": {
      name: "Quizá una llave de acceso copiada",
      hint: "Contó hacia atrás, así que puede haber dos. Que su dueño la quite.",
    },
    "permission-refused": {
      name: "Pidió lo que su función no permite",
      hint: "Un enlace equivocado, o alguien que prueba puertas.",
    },
    "foreign-origin": {
      name: "Un formulario de otra página",
      hint: "Se rechazó. Quizá quien lo envió abrió una página maliciosa.",
    },
    "code-taken": {
      name: "Cifras que ya están en uso",
      hint: "Alguien quiso un código que otro tiene. Si se repite, quizá los esté buscando.",
    },
  },
};
