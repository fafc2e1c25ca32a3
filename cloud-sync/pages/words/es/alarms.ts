/** What owners are told about stays that need them: in Spanish. */
import type { Words } from "../words.ts";

type Alarm = Parameters<Words["alarms"]["texts"]["no-code"]>[0];

const stay = ({ site, place, from }: Alarm) => `${place} (${site})${from === null ? "" : `, estancia desde ${from}`}`;
const at = ({ doors }: Alarm) => (doors.length === 0 ? "" : `: ${doors.join(", ")}`);

export const alarms: Words["alarms"] = {
  titles: {
    "no-code": (place) => `Aún sin código que funcione: ${place}`,
    "not-told": (place) => `El huésped no tiene el código: ${place}`,
    "guest-says": (place) => `El huésped dice que no funciona: ${place}`,
    "removal-late": (place) => `Un código antiguo sigue en una cerradura: ${place}`,
    "booked-twice": (place) => `Reservado dos veces: ${place}`,
    "source-stale": (place) => `No se leen las reservas: ${place}`,
  },
  texts: {
    "no-code": (alarm) =>
      `${stay(alarm)}. Las puertas no han confirmado el código del huésped${at(alarm)}. Mire la pasarela y la cerradura, o tenga una llave preparada.`,
    "not-told": (alarm) =>
      `${stay(alarm)}. Ningún mensaje con el código ha llegado al huésped. Avísele por otro medio.`,
    "guest-says": (alarm) => `${stay(alarm)}. El huésped no puede entrar${at(alarm)}. Llámele o abra la puerta.`,
    "removal-late": (alarm) =>
      `${stay(alarm)}. Nadie ha visto que el código se haya borrado${at(alarm)}. Hasta entonces, quien lo tenga puede entrar. Se borrará en cuanto se pueda llegar a la casa y a sus cerraduras.`,
    "booked-twice": (alarm) =>
      `${stay(alarm)}. Otra estancia confirmada tiene los mismos días. Los dos huéspedes recibirían un código.`,
    "source-stale": (alarm) =>
      `${alarm.place} (${alarm.site}) no se ha podido leer desde hace horas. Aquí no se conocen las reservas nuevas ni los cambios.`,
  },
  letter: (name, body, link) =>
    `Hola, ${name}:

${body}
${link === null ? "" : `\n${link}\n`}
Recibe este correo porque se ocupa de las estancias de ese lugar.
`,
};
