/** Signing in, links for passwords, and the first steps: in Spanish. */
import type { Words } from "../words.ts";

export const signIn: Words["signIn"] = {
  title: "Entrar",
  login: "Correo o nombre de usuario",
  password: "Contraseña",
  submit: "Entrar",
  wrong: "No coinciden. Revise ambos e inténtelo de nuevo.",
  signedOut: "Ha salido.",
  sessionOver: "Su sesión ha terminado. Entre de nuevo: lo que rellenó se conserva.",
  keptTitle: "Ha entrado de nuevo",
  keptLead:
    "Lo que rellenó sigue aquí. Una contraseña o un fichero elegido, no: la página siguiente los pedirá otra vez.",
  keptSend: "Enviarlo ahora",
  keptLeave: "Dejarlo",
  passkey: "Entrar con una llave de acceso",
  again: "Entre para continuar.",
  factorTitle: "Segundo paso",
  factorLead: "Su cuenta pide una segunda prueba.",
  code: "Código de su aplicación de autenticación",
  recovery: "¿Ha perdido el dispositivo? Escriba un código de recuperación.",
  codeHint: "6 cifras; aquí vale también un código de recuperación.",
  factorSubmit: "Continuar",
  factorWrong: "Este código no es el de ahora. Espere al siguiente e inténtelo de nuevo.",
  factorLate: "Ha tardado demasiado. Entre de nuevo.",
};

export const welcome: Words["welcome"] = {
  title: "Bienvenido a Postern",
  lead: "Cree el primer administrador. El enlace que le trajo aquí vale una vez.",
  token: "Código del enlace",
  tokenHint: "Lo rellena el enlace. Sin scripts: lo que va detrás de #.",
  name: "Su nombre",
  userName: "Nombre de usuario",
  email: "Correo",
  password: "Contraseña",
  passwordHint: "Al menos 12 caracteres. Unas palabras seguidas van bien.",
  submit: "Crear la cuenta",
  done: "La cuenta está creada. Entre con ella.",
  linkUsed: "Este enlace está usado o ha caducado. Pida uno nuevo.",
};

export const setPassword: Words["setPassword"] = {
  title: "Elija su contraseña",
  lead: "Su enlace vale una vez.",
  submit: "Guardar la contraseña",
  done: "Su contraseña está guardada. Entre con ella.",
};

export const forgot: Words["forgot"] = {
  title: "¿Olvidó su contraseña?",
  lead: "Le enviamos un enlace con el que elegirá una nueva.",
  email: "Correo de su cuenta",
  submit: "Enviarme el enlace",
  taken:
    "Si hay una cuenta con esta dirección, un enlace va de camino. Vale una vez, durante una hora. ¿No llega? Mire en el correo no deseado.",
  without: "¿Su cuenta no tiene correo? Pida un enlace a un administrador.",
  noMail: "Pídalo a un administrador: puede crear un enlace con el que elegirá una contraseña nueva.",
  back: "Volver a la entrada",
  subject: "Su nueva contraseña de Postern",
  letter: (name, address, link) =>
    `Hola, ${name}:

alguien ha pedido una contraseña nueva para su cuenta en ${address}. Si ha sido usted, abra este enlace antes de una hora y elíjala:

${link}

Si no ha sido usted, no haga nada: su contraseña sigue siendo la misma.
`,
};

export const setUp: Words["setUp"] = {
  title: "Puesta en marcha",
  lead: "Cuatro pasos hasta el primer código. Cada uno se puede repetir después.",
  site: "Un sitio",
  siteLead: "Una casa, un edificio, una urbanización: lo que para usted sea una dirección.",
  gateway: "Una pasarela",
  gatewayLead: "El aparato del sitio que habla con las cerraduras. Añádala aquí y escriba su código en ella.",
  gatewayWaits: "La pasarela está añadida y espera su inscripción. Ejecute esto en ella:",
  lock: "Una cerradura",
  lockLead:
    "Las cerraduras se nombran en el fichero de la pasarela. En cuanto comunique una, estará aquí. Esta página mira sola.",
  code: "El primer código",
  codeLead: "Todo está listo. Cree un código y pruébelo en la puerta.",
  ready: "Todo está en marcha.",
  stepDone: "hecho",
  stepNow: "ahora",
  stepLater: "después",
  next: "Paso siguiente",
};
