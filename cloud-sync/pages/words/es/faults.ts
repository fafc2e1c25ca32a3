/** What the API objects to, in words of the language: in Spanish. */
import type { Words } from "../words.ts";

export const faults: Words["faults"] = [
  [/^The body may have at most/, () => "Es demasiado a la vez. Envíelo por partes."],
  [/^Too many requests/, () => "Demasiados a la vez. Lo que rellenó sigue aquí: espere un momento y envíelo de nuevo."],
  [/^Invalid input: expected (\w+), received undefined/, () => "Falta."],
  [/^(\d+) to (\d+) digits/, (least, most) => `De ${least} a ${most} cifras.`],
  [/^1 to (\d+) codes at a time/, (most) => `De 1 a ${most} códigos a la vez.`],
  [/^unknown field/, () => "Este campo no se conoce."],
  [/^is more than (\d+) days away/, (days) => `Como mucho ${days} días desde hoy.`],
  [/^has passed/, () => "Ya ha pasado."],
  [/^the role "\w+" may not do this/, () => "La función elegida no permite algo de esto."],
  [/^Too big: expected string to have <=(\d+)/, (most) => `Puede tener como mucho ${most} caracteres.`],
  [/^has characters that cannot be printed/, () => "Tiene caracteres que no se pueden mostrar."],
  [/^nobody erases their own account/, () => "Nadie borra su propia cuenta."],
  [/^change your own factors/, () => "Cambie su propio segundo paso en su cuenta."],
  [/^Too small: expected (?:string|array)/, () => "Rellene este campo."],
  [/^is no date and time|^Invalid ISO datetime/, () => "Indique un día y una hora."],
  [/^Invalid email/, () => "Esto no es una dirección de correo."],
  [/^lies in the past/, () => "Está en el pasado."],
  [/^must be before the (?:expiry|end)/, () => "Debe ser antes del final."],
  [/^is before it begins; withdraw the pass/, () => "Es antes de que empiece; anule el pase."],
  [/^your guests come in your name/, () => "Sus visitas vienen a su nombre; déjelo vacío."],
  [/^is before it begins/, () => "Es antes de que empiece; borre el código."],
  [/^its digits have been given/, () => "Sus cifras ya son de otro código; cree uno nuevo."],
  [/^its code has been given to another pass/, () => "Su código ya es de otro pase; cree uno nuevo."],
  [/^is of no push service/, () => "Este servicio no conoce los avisos de este navegador."],
  [/^are no keys of a browser/, () => "El navegador ha enviado claves que no lo son; inténtelo otra vez."],
  [/^a pass is good for a year at most/, () => "Un pase vale un año como mucho."],
  [/^it is a pass of another site/, () => "Es un pase de otro sitio; empiece de nuevo."],
  [/^it has a PIN as well/, () => "Tiene también un código, cuya cerradura guarda sus horas; cree un pase nuevo."],
  [/^It was withdrawn: its code/, () => "Se anuló: con su código no entra nadie. Invite otra vez."],
  [/^it was withdrawn/, () => "Se anuló; cree uno nuevo."],
  [/^say until when/, () => "Indique hasta cuándo."],
  [/^goes with the validity/, () => "Solo con una validez propia."],
  [/^name the doors it is for/, () => "Elija las puertas."],
  [/^the lock of (.+) takes (.+)/, (door, rule) => `La cerradura de ${door} admite ${ruleWords(rule)}.`],
  [/^no PIN fits all the locks/, () => "Ningún código sirve para todas estas cerraduras; cree uno para cada una."],
  [
    /^the lock of (.+) opens by itself and knows no weekly hours/,
    (door) => `La cerradura de ${door} abre por sí sola y no conoce horas de la semana.`,
  ],
  [
    /^the lock of (.+) opens by itself and (keeps .+, or )?may be written for (\d+) openings a week: .* (\d+) openings/,
    (door, keeps, most, openings) =>
      `La cerradura de ${door} abre por sí sola; ${keeps ? "guarda las mismas horas en ciertos días, y otras" : "guarda horas"} si abren ${most} veces por semana como mucho. Estas abren ${openings}.`,
  ],
  [
    /^the lock of (.+) opens by itself and keeps one span/,
    (door) => `La cerradura de ${door} abre por sí sola y solo guarda las mismas horas en ciertos días.`,
  ],
  [/^PINs are not possible at ([^:]+):/, (door) => `En ${door} no se puede usar un código.`],
  [/^nothing at (.+) reads/, (door) => `En ${door} nada lee un código; déjela fuera.`],
  [
    /^the lock of (.+) opens by itself and counts no entries/,
    (door) => `La cerradura de ${door} abre por sí sola y no cuenta entradas; quite el límite o la puerta.`,
  ],
  [
    /^the lock of (.+) opens by itself and/,
    (door) => `La cerradura de ${door} abre por sí sola y no puede guardar estas horas.`,
  ],
  [/^no free PIN of this length/, () => "No queda ningún código libre de este largo; elija uno más largo."],
  [/^the site has no access point (.+)/, (door) => `El sitio no tiene la puerta ${door}.`],
  [/^the site has no door yet/, () => "El sitio aún no tiene ninguna puerta."],
  [/^the site has no such gateway in service/, () => "El sitio no tiene esta pasarela en servicio."],
  [/^there is no such site|^there is no site \S/, () => "Este sitio no existe."],
  [/^name the site/, () => "Elija el sitio."],
  [/^is named twice/, () => "Está dos veces."],
  [/^it was deleted/, () => "Se borró; cree uno nuevo."],
  [/^it was revoked; add a new gateway/, () => "Se revocó; añada una pasarela nueva."],
  [/^its gateway was revoked/, () => "Su pasarela está revocada."],
  [/^is past/, () => "Ya ha pasado."],
  [/^is more than 24 hours from now/, () => "Como mucho 24 horas desde ahora."],
  [/^more than (\d+) codes/, (most) => `Son más de ${most} códigos; elija un estado.`],
  [/^3 to 40 letters/, () => "De 3 a 40 letras, cifras, puntos, guiones o guiones bajos."],
  [/^nobody changes their own role/, () => "Nadie cambia su propia función."],
  [/^nobody disables their own account/, () => "Nadie desactiva su propia cuenta."],
  [/^this is the last administrator/, () => "Es la última cuenta de administrador."],
  [/^is not this person's user name/, () => "No es el nombre de usuario de esta persona; no se ha borrado a nadie."],
  [/^this person was erased/, () => "Esta persona está borrada."],
  [/^It has ended/, () => "Ha terminado; sus cifras pueden ser ya de otro."],
  [/^It has no digits/, () => "No tiene cifras."],
  [/^The body is not a form/, () => "No se ha recibido un formulario. Vuelva atrás e inténtelo de nuevo."],
  [/^This path answers/, () => "Esta dirección no admite lo que se ha pedido."],
  [/^Invalid option|^Invalid input/, () => "Elija uno de los valores de la lista."],
  [/^another live credential of the site/, () => "Otro código vigente del sitio tiene estas cifras."],
  [/^small letters, digits and hyphens/, () => "Minúsculas, cifras y guiones, 40 como mucho."],
  [/^not an IANA time zone/, () => "No es una zona horaria conocida."],
  [/^there is a site with this id/, () => "Ya hay un sitio con este nombre corto."],
  [/^needs at least (\d+) characters/, (least) => `Necesita al menos ${least} caracteres.`],
  [/^may have at most (\d+) characters/, (most) => `Puede tener como mucho ${most} caracteres.`],
  [/^is one that many people use/, () => "La usa mucha gente: elija otra."],
  [/^is made of your name or address/, () => "Está hecha con su nombre o dirección: elija otra."],
  [/^is not a code of the app now/, () => "Este código no es el de ahora. ¿Va bien el reloj del teléfono?"],
  [/^is not your password/, () => "No es su contraseña, o hubo demasiados intentos."],
  [/^somebody (?:else )?has (?:it|this)/, () => "Ya la tiene otra persona."],
];

/** "6 digits of 123456789, not beginning with 12". */
function ruleWords(rule: string | undefined): string {
  return (rule ?? "")
    .replace(/ or (?=\d+ digits)/, " o ")
    .replace(" digits", " cifras")
    .replace(" of ", " de ")
    .replace("not beginning with", "sin empezar por")
    .replace(/ or (?=\d)/, " o ");
}
