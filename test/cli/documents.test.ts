/** Every command line that a document, an example file or a help text tells people to type is one that the program takes. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { commands } from "../../cli/commands.ts";
import { findCommand } from "../../cli/find-command.ts";
import { parseArguments } from "../../cli/parse-arguments.ts";
import { errorPolicy } from "../../gateway/errors.ts";

const root = join(import.meta.dirname, "../..");
const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: Record<string, string> };
const documents = globSync(["*.md", "docs/**/*.md", "gateway/**/*.md", "config/*.yaml"], { cwd: root });

for (const document of documents) {
  const lines = commandLines(readFileSync(join(root, document), "utf8"));
  if (lines.length > 0) test(`what ${document} tells people to type is taken`, () => allTaken(lines));
}

test("what help and hints tell people to type is taken", async () => {
  const loaded = await Promise.all(commands.map(({ load }) => load()));
  await allTaken(loaded.flatMap(({ command }) => commandLines(`\`${command.example}\` ${command.about}`)));
  await allTaken(Object.values(errorPolicy).flatMap(({ hint }) => commandLines(hint)));
});

test("a line that the program does not take is found", async () => {
  const wrong = [
    "`postern ca show data/gateway`",
    "`npx postern cluod-sync`",
    "```sh\nDATABASE_URL=x npx postern cloud-sync --confg a  # why\n```",
    "`npm start -- --prot 8000`",
    "`npm run strat`",
    "```ini\nExecStart=/usr/bin/node /opt/postern/bin/postern.mjs gatway\n```",
  ];
  for (const text of wrong) await assert.rejects(allTaken(commandLines(text)), text);
});

/** What begins with postern or npm in shell blocks and between backticks, without what is piped in or out, and comments. */
function commandLines(text: string): string[] {
  const blocks = [...text.matchAll(/^ *```(?:sh|ini)\n(.*?)^ *```$/gms)].flatMap(([, block = ""]) => block.split("\n"));
  const inline = [...text.matchAll(/`([^`\n]+)`/g)].map(([, code = ""]) => code);
  return [...blocks, ...inline]
    .flatMap((line) => line.replace(/(^|\s)#.*$/, "").split(/ && | [|>] /))
    .map((line) =>
      line.trim().replace(/^([A-Z_]+=\S* )*(npx (?=postern)|(ExecStart=\S*)?node \S*\bbin\/(?=postern))?/, ""),
    )
    .filter((line) => /^(postern(\.mjs)?|npm (start|run)) /.test(`${line} `));
}

async function allTaken(lines: readonly string[]): Promise<void> {
  for (const line of lines) {
    const [program, ...words] = line.split(/\s+/);
    const ours = program === "npm" ? ofScript(words) : words;
    if (ours === undefined) continue;
    const entry = findCommand(ours);
    const given = ours.slice(entry.name.split(" ").length);
    // Often a command is only named: "see postern journal verify".
    if (given.length > 0) parseArguments((await entry.load()).command, given);
  }
}

/** undefined when the script is none of the program's; throws when there is none. */
function ofScript([first, ...rest]: readonly string[]): string[] | undefined {
  const name = first === "run" ? rest[0] : first;
  const script = scripts[name ?? ""];
  assert.ok(script !== undefined, `there is no script ${name}`);
  const words = /bin\/postern\.mjs (.*)$/.exec(script)?.[1]?.split(" ");
  return words && [...words, ...(rest.includes("--") ? rest.slice(rest.indexOf("--") + 1) : [])];
}
