/** What hosts are told and asked of their visitors, and how they choose it: in Spanish. */
import type { Words } from "../words.ts";

type AtGate = Parameters<Words["notices"]["letIn"]>[0];

const where = ({ gate, time, guard, learntAt }: AtGate) =>
  `${gate}, ${time}${guard === null ? "" : `, por ${guard}`}${learntAt === null ? "" : ` (no se supo hasta ${learntAt})`}`;
const entriesLeft = (left: number) => (left === 1 ? "Queda 1 entrada." : `Quedan ${left} entradas.`);

export const notices: Words["notices"] = {
  title: "Avisos",
  lead: "De qué se le avisa cuando una visita suya está en la entrada.",
  arrived: (visitor) => `${visitor} ha llegado`,
  letIn: (at) => `${at.visitor} ha entrado: ${where(at)}.${at.left === null ? "" : ` ${entriesLeft(at.left)}`}`,
  refused: (visitor) => `${visitor} no ha podido entrar`,
  notLetIn: (at) => `${at.visitor} no ha podido entrar: ${where(at)}. Mire su pase o llame a la entrada.`,
  letter: (name, body, link) =>
    `Hola, ${name}:

${body}
${link === null ? "" : `\n${link}\n`}
Recibe este correo porque invitó a esta persona. En «Avisos», en su cuenta, puede elegir otra cosa.
`,
  way: "Cómo",
  ways: {
    push: "en mis dispositivos, y por correo si no se alcanza ninguno",
    email: "por correo",
    none: "de ninguna manera",
  },
  about: "De qué",
  entries: "una visita ha entrado",
  denials: "una visita no ha podido entrar",
  browsers: "Dispositivos con avisos",
  browsersEmpty: "Ninguno aún.",
  device: "Dispositivo",
  since: "Desde",
  lastTold: "Último aviso",
  add: "Avisarme en este dispositivo",
  added: "Este dispositivo recibe avisos desde ahora.",
  removed: "Ese dispositivo ya no recibe avisos.",
  remove: "No avisar más",
  cannot:
    "Este navegador no puede recibir avisos. En un iPhone o iPad, añada primero esta página a la pantalla de inicio (Compartir, Añadir a pantalla de inicio) y ábrala allí.",
  blocked: "Este navegador no permite avisos de esta página. Permítalos en sus ajustes y vuelva a intentarlo.",
};

export const asked: Words["asked"] = {
  title: (visitor) => `${visitor} está en la entrada`,
  question: ({ visitor, site, gate, guard, time }) =>
    `${visitor} no tiene invitación y quiere visitarle: ${site}, ${gate}, ${time}${guard === null ? "" : `, pregunta ${guard}`}. Tiene dos minutos para responder.`,
  letter: (name, body, link) =>
    `Hola, ${name}:

${body}
${link === null ? "" : `\nResponda aquí:\n${link}\n`}
Quien tenga este enlace puede responder por usted: no lo comparta.
`,
  lead: "¿Puede entrar esta visita?",
  approve: "Dejar entrar",
  deny: "No dejar entrar",
  hint: "La puerta la abre el guardia, no esta página.",
  standings: {
    sent: {
      approved: "Deja entrar a esta visita. Se está avisando a la entrada.",
      denied: "No deja entrar a esta visita. Se está avisando a la entrada.",
    },
    told: {
      approved: "Deja entrar a esta visita. El guardia lo sabe.",
      denied: "No deja entrar a esta visita. El guardia lo sabe.",
    },
    late: "Su respuesta llegó tarde: el guardia ya había decidido, o se acabó el tiempo.",
    over: "Es demasiado tarde para responder: han pasado los dos minutos. El guardia decide o pregunta otra vez.",
  },
  unknown: "Esta pregunta no se conoce",
  unknownText: "El enlace es incorrecto o demasiado antiguo.",
};
