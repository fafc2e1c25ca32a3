/** Which passwords are taken: long ones that are neither common nor the person's own names. No rule asks for signs of some kind (NIST SP 800-63B). */

export const passwordLengthMin = 12;
export const passwordLengthMax = 128;

/** Of twelve characters or more, seen in many leaks; compared without case, digits at the end and signs. */
const common: ReadonlySet<string> = new Set(
  `password passwordpassword mypassword yourpassword newpassword thepassword administrator adminadmin adminpassword rootpassword
  qwertyuiop qwertyuiopasdfghjkl qwertyqwerty asdfghjkl asdfghjklzxcvbnm zxcvbnm zxcvbnmasdfghjkl qazwsxedcrfv qazwsxedc abcdefghijkl
  abcdefghijklmnop abcdefghijklmnopqrstuvwxyz abcabcabcabc letmein letmeinletmein letmeinplease welcome welcomehome welcometomyhouse
  iloveyou iloveyouforever iloveyousomuch ilovemyself ilovemyfamily sunshine princess dragondragon footballfootball basketball
  liverpoolfc manchesterunited realmadrid barcelona christopher michaeljordan jesuschrist jesusismylord godisgood trustnoone trustno
  changeme changemenow changeit pleasechangeme secretsecret topsecret supersecret default defaultpassword testtesttest testpassword
  temporary temporarypassword correcthorsebatterystaple contraseña contrasena micontrasena administrador bienvenido teamomucho
  postern posternpostern posternadmin`.split(/\s+/),
);

export type PasswordFault = "too-short" | "too-long" | "common" | "own-name";

/** In English, for problems; pages have their own words. */
export const passwordFaultText: Readonly<Record<PasswordFault, string>> = {
  "too-short": `needs at least ${passwordLengthMin} characters`,
  "too-long": `may have at most ${passwordLengthMax} characters`,
  common: "is one that many people use: choose another",
  "own-name": "is made of your name or address: choose another",
};

/** The same password however it was typed: Unicode has several spellings of one letter. */
export function normalizePassword(password: string): string {
  return password.normalize("NFKC");
}

/** undefined: it may be taken. `names`: what the person is called, signs in by, and is written to. */
export function passwordFault(password: string, names: readonly string[]): PasswordFault | undefined {
  const text = normalizePassword(password);
  const length = [...text].length;
  if (length < passwordLengthMin) return "too-short";
  if (length > passwordLengthMax) return "too-long";
  const plain = text.toLowerCase();
  const letters = plain.replace(/[^\p{L}]+$/u, "").replaceAll(/[^\p{L}\p{N}]/gu, "");
  if (new Set(plain).size < 5 || isSequence(plain) || common.has(letters) || common.has(undisguised(letters)))
    return "common";
  // What is left beside the names must be a password by itself.
  const left = names
    .flatMap((name) => name.toLowerCase().split(/[\s@]+/))
    .filter((word) => word.length >= 4)
    .sort((a, b) => b.length - a.length)
    .reduce((rest, word) => rest.replaceAll(word, ""), plain);
  return left !== plain && left.length < 8 ? "own-name" : undefined;
}

const disguises: Readonly<Record<string, string>> = { "0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t" };

/** "passw0rd" */
function undisguised(letters: string): string {
  return letters.replaceAll(/\d/g, (digit) => disguises[digit] ?? digit);
}

/** "123456789012", "abcdefghijkl", backwards too. */
function isSequence(text: string): boolean {
  const steps = [...text].slice(1).map((sign, at) => (sign.codePointAt(0) ?? 0) - (text.codePointAt(at) ?? 0));
  const digits = /^\d+$/.test(text);
  const even = (step: number) => steps.every((one) => one === step || (digits && (one - step) % 10 === 0));
  return even(1) || even(-1);
}
