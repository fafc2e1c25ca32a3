/**
 * Guards at the gates, as the simulation plays them: they scan visitors' passes, let in, send away and see out, let in walk-ins, and their
 * phones send a word again when its answer was lost, the gateway went down amid it, or the press is long over.
 */

import { readAttachment } from "../../cloud-sync/store/attachments.ts";
import type { EntryEvent, GuardScan } from "../../gateway/domain/entry-event.ts";
import type { Cursor } from "../../gateway/domain/feed.ts";
import { checkPass, type GuardWord, logEntry, logExit, turnAway } from "../../gateway/flows/guard-scan.ts";
import { pressLifeMs } from "../../gateway/flows/present-credential.ts";
import { admitWalkIn, keepSheet } from "../../gateway/flows/walk-in.ts";
import type { Attachments } from "../../gateway/ports/attachments.ts";
import type { Random } from "../support/random.ts";
import type { GatewayNode } from "./gateway-node.ts";
import type { KnownGrant, SignedForm } from "./known-grant.ts";
import { readVersion } from "./site-copy.ts";
import type { Password, StaffPlay, Stage } from "./staff-play.ts";
import { Violation } from "./violation.ts";

/** What a guard has pressed, as the phone has it; under its number it may be sent any number of times. */
interface Word {
  readonly kind: "entry" | "walk-in" | "turn-away" | "exit";
  readonly nonce: string;
  readonly node: GatewayNode;
  /** Of the card in the gateway when it was pressed: another one knows nothing of it. */
  readonly epoch: number;
  readonly door: string;
  readonly guard: Password;
  readonly pass: KnownGrant | undefined;
  /** What was scanned of it, where that was its signed form. */
  readonly signed: SignedForm | undefined;
  /** A walk-in's. */
  readonly document: string | undefined;
  readonly photo: Uint8Array | undefined;
  readonly pressedAt: number;
  openings: number;
  /** What the phone has heard of it. */
  readonly answers: Set<string>;
}

interface Barred {
  readonly document: string;
  since: Cursor | undefined;
}

const recentPasses = 3;
const walkInDocuments = 3;

export class GuardPlay {
  readonly #stage: Stage;
  readonly #staff: StaffPlay;
  readonly #random: Random;
  /** By their numbers. */
  readonly #words = new Map<string, Word>();
  readonly #documents: readonly Barred[];
  /** What each gateway has confirmed to know the bar of: grants, documents. */
  readonly #confirmedBars = new WeakMap<GatewayNode, Set<string>>();
  /** The true time of the cloud's last restore: what it knew and had before is nobody's promise. */
  #restoredAt = Number.NEGATIVE_INFINITY;

  constructor(stage: Stage, staff: StaffPlay, random: Random) {
    this.#stage = stage;
    this.#staff = staff;
    this.#random = random;
    this.#documents = Array.from({ length: walkInDocuments }, (_, at) => ({ document: `W-${at}`, since: undefined }));
  }

  async act(): Promise<void> {
    if (await this.#staff.hires()) return;
    if (this.#stage.passes.length === 0 || this.#random.chance(0.2)) {
      this.#stage.note("a visitor is invited");
      return this.#stage.invite(this.#random);
    }
    const acts: readonly (readonly [weight: number, name: string, act: () => Promise<void>])[] = [
      [12, "a guard lets in", () => this.#atGate("entry")],
      [4, "one pass at several gates", () => this.#atSeveralGates(this.#pickPass())],
      [4, "a pass that its gate has not heard of", () => this.#atGateThatIsCutOff()],
      [3, "a visitor looks at a pass", () => this.#readSigned(this.#pickPass())],
      [5, "a guard lets in a walk-in", () => this.#atGate("walk-in")],
      [2, "a guard sends away", () => this.#sendAway()],
      [4, "a guard sees out", () => this.#atGate("exit")],
      [2, "a visitor is barred at the gate", () => this.#barAtTheGate()],
      [1, "a document is barred", () => this.#barDocument(this.#random.pick(this.#documents))],
      [1, "a pass is withdrawn", () => this.#withdraw()],
    ];
    let draw = this.#random.int(acts.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, name, act] of acts) {
      draw -= weight;
      if (draw >= 0) continue;
      this.#stage.note(name);
      return act();
    }
  }

  /** The cloud came back from a backup. */
  forget(): void {
    this.#restoredAt = this.#stage.wall();
    for (const pass of this.#stage.passes) pass.barred = undefined;
    for (const one of this.#documents) one.since = undefined;
    for (const node of this.#stage.nodes) this.#confirmedBars.delete(node);
  }

  /** What the gateway confirms by this poll. */
  hear(node: GatewayNode, confirms: (state: Cursor | undefined) => boolean): void {
    for (const { id, barred } of this.#stage.passes) if (confirms(barred)) this.#barsOf(node).add(id);
    for (const { document, since } of this.#documents) if (confirms(since)) this.#barsOf(node).add(document);
  }

  /**
   * A strike moves for event `seq`. G1: a pass opens on a guard's word alone, and one word opens once. G2: not for a press that is over.
   * G3: not for whoever is barred. G4: not on the word of somebody who is known not to work here.
   */
  onOpening(node: GatewayNode, seq: number, known: KnownGrant | undefined): void {
    const { violated, monotonic } = this.#stage;
    const nonce = node.wordOf(seq);
    if (nonce === undefined) {
      if (known?.via === "pass") violated("G1", `pass ${known.id} opened, and no guard asked for it`);
      return;
    }
    const word = this.#words.get(nonce);
    if (!word) {
      violated("G1", `the strike moves for ${nonce}, and no guard has pressed that`);
      return;
    }
    word.openings += 1;
    if (word.openings > 1) violated("G1", `the strike moves for ${nonce}, a ${word.kind}, ${word.openings} times`);
    if (word.answers.has("sent away")) violated("G1", `the strike moves for ${nonce}, who was sent away`);
    const age = monotonic() - word.pressedAt;
    if (age > pressLifeMs + 1) violated("G2", `the strike moves for ${nonce}, which was pressed ${age} ms before`);
    const bar = word.pass?.id ?? word.document;
    if (bar !== undefined && this.#barsOf(node).has(bar))
      violated("G3", `the strike moves for ${bar}, and gateway ${node.number} has confirmed that it is barred`);
    if (word.pass && word.signed && !node.process?.site.parts.records.grant(word.pass.id))
      this.#checkSigned(node, word.pass, word.signed);
    if (node.confirmedVoid.has(word.guard))
      violated("G4", `the strike moves on the word of member ${word.guard.member.number}, whose password is void`);
  }

  /**
   * G8: by its signature alone a pass opens until its end, at its home gateway in the epoch it was signed for; elsewhere only where an entry of
   * it can be lent, so not without a limit.
   */
  #checkSigned({ number, identity }: GatewayNode, pass: KnownGrant, { epoch, until }: SignedForm): void {
    const { violated, wall, note } = this.#stage;
    const { id, homeGateway, limit } = pass;
    note(`  g${number} opens by the signature of ${pass.document} alone`);
    const isHome = identity.gateway === homeGateway;
    if (isHome ? identity.epoch !== epoch : limit === null)
      violated("G8", `signed pass ${id} opens at gateway ${number}, which is not its home`);
    if (wall() >= until) violated("G8", `signed pass ${id} opens after its end`);
  }

  /** At rest: what guards were told stands in the journal, and what stands there, they did; and what an entry names is in the cloud. */
  async check(events: ReadonlyMap<string, readonly EntryEvent[]>): Promise<void> {
    for (const node of this.#stage.nodes) {
      const { gateway, epoch } = node.identity;
      const own = events.get(`${gateway}.${epoch}`) ?? [];
      this.#checkWords(node, own);
      checkExits(own);
      await this.#checkAttachments(own);
    }
  }

  // At the gates.

  async #atGate(kind: Word["kind"]): Promise<void> {
    const node = this.#random.pick(this.#stage.nodes);
    if (!node.process) return node.boot();
    const here = kind === "exit" ? this.#stage.passes.filter(({ openings }) => openings > 0).at(-1) : undefined;
    const word = this.#press(kind, node, here ?? this.#pickPass());
    if (!word) return;
    if (kind === "entry" && this.#random.chance(0.5)) await this.#look(word);
    if (this.#random.chance(0.3)) node.crashAfter(this.#random.int(10));
    await this.#send(word);
    const again = this.#random.chance(0.5) ? 1 + this.#random.int(3) : 0;
    for (let time = 0; time < again; time += 1) {
      await this.#stage.advance(this.#random.int(4_000));
      await node.boot();
      await this.#send(word);
    }
    node.crashAfter(undefined);
  }

  /** One pass, several phones, at the same moment; and each sends its word once more. */
  async #atSeveralGates(pass: KnownGrant | undefined): Promise<void> {
    const words: Word[] = [];
    for (const node of this.#stage.nodes)
      for (let phone = 0; phone < 2; phone += 1) {
        const word = node.process && this.#press("entry", node, pass);
        if (word) words.push(word);
      }
    for (let time = 0; time < 2; time += 1) {
      for (const word of words) this.#sendOnce(word);
      await this.#stage.advance(this.#random.int(2_000));
    }
  }

  /** Somebody is invited while a gate has no line, and comes, by what the pass itself says. */
  async #atGateThatIsCutOff(): Promise<void> {
    for (const node of this.#stage.nodes) if (this.#random.chance(0.7)) this.#stage.cutLine(node);
    await this.#stage.invite(this.#random);
    await this.#stage.advance(0);
    const pass = this.#stage.passes.at(-1);
    await this.#readSigned(pass);
    for (let time = 0; time < 2; time += 1) await this.#atSeveralGates(pass);
  }

  async #readSigned(pass: KnownGrant | undefined): Promise<void> {
    // A restored cloud may know nothing of it.
    if (!pass || pass.shaken) return;
    const told = await this.#stage.admin("GET", `/api/passes/${pass.id}/signed`);
    const home = this.#stage.nodes.find(({ identity }) => identity.gateway === pass.homeGateway);
    if (told && home)
      pass.signed = { text: String(told.text), epoch: home.identity.epoch, until: Date.parse(String(told.validUntil)) };
  }

  /** Then the guard's phone, or another thumb, asks under the same number to let the visitor in. */
  async #sendAway(): Promise<void> {
    const node = this.#random.pick(this.#stage.nodes);
    if (!node.process) return node.boot();
    const word = this.#press("turn-away", node);
    if (!word) return;
    await this.#send(word);
    await this.#stage.advance(500);
    if (this.#random.chance(0.5)) this.#sendOnce(word, this.#random.pick(["entry", "walk-in"]));
    await this.#stage.advance(500);
  }

  /** The word that a visitor is barred, and the visitor, arrive at about the same time; and the visitor stays. */
  async #barAtTheGate(): Promise<void> {
    const pass = this.#pickPass();
    const node = this.#random.pick(this.#stage.nodes);
    if (!pass) return;
    await this.#bar(pass);
    for (let turn = 0; turn < 5; turn += 1) {
      const word = node.process && this.#press("entry", node, pass);
      if (word) this.#sendOnce(word);
      await this.#stage.advance(this.#random.int(this.#stage.lineDelayMs + 400));
    }
  }

  async #withdraw(): Promise<void> {
    const pass = this.#pickPass();
    if (pass && !pass.revoked && !pass.shaken) await this.#stage.revoke(pass);
  }

  async #bar(pass: KnownGrant): Promise<void> {
    if (pass.barred) return;
    const { id, document } = pass;
    const byDocument = document !== undefined && this.#random.chance(0.5);
    pass.barred = await this.#blacklist(byDocument ? "document" : "grant", byDocument ? document : id);
  }

  async #barDocument(one: Barred): Promise<void> {
    one.since ??= await this.#blacklist("document", one.document);
  }

  async #blacklist(subject: "document" | "grant", value: string): Promise<Cursor> {
    const { store, site, feed, admin } = this.#stage;
    await admin("POST", `/api/sites/${site()}/blacklist`, { subject, value });
    await this.#stage.advance(0);
    return { feed: feed(), version: await store.transaction((tx) => readVersion(tx, site())) };
  }

  #barsOf(node: GatewayNode): Set<string> {
    const known = this.#confirmedBars.get(node) ?? new Set<string>();
    this.#confirmedBars.set(node, known);
    return known;
  }

  #pickPass(): KnownGrant | undefined {
    const { passes } = this.#stage;
    return passes.length > 0 ? this.#random.pick(passes.slice(-recentPasses)) : undefined;
  }

  /** undefined: nobody has ever worked here. A press may have been a while on its way. */
  #press(kind: Word["kind"], node: GatewayNode, pass = this.#pickPass()): Word | undefined {
    const guard = this.#staff.pickPassword(this.#random);
    if (!guard) return undefined;
    const nonce = `word-${String(this.#words.size).padStart(16, "0")}`;
    const isWalkIn = kind === "walk-in";
    const signed = pass?.signed && this.#random.chance(0.5) ? pass.signed : undefined;
    const hasPhoto = kind !== "exit" && this.#random.chance(0.5);
    const word: Word = {
      kind,
      nonce,
      node,
      epoch: node.identity.epoch,
      door: this.#random.pick(node.doors),
      guard,
      pass: isWalkIn ? undefined : pass,
      signed: isWalkIn ? undefined : signed,
      document: isWalkIn && this.#random.chance(0.7) ? this.#random.pick(this.#documents).document : undefined,
      photo: hasPhoto ? Buffer.from(`\xff\xd8\xff photo of ${this.#stage.site()} ${nonce}`, "latin1") : undefined,
      pressedAt: this.#stage.monotonic() - (this.#random.chance(0.25) ? this.#random.int(1.5 * pressLifeMs) : 0),
      openings: 0,
      answers: new Set(),
    };
    this.#words.set(nonce, word);
    return word;
  }

  /** The first look at a pass, which counts nothing. */
  async #look({ node, guard, door, pass, signed }: Word): Promise<void> {
    const site = node.process?.site;
    if (!site || !pass) return;
    const bars = this.#barsOf(node).has(pass.id) || node.confirmedRevoked.has(pass.id);
    const look = async () => {
      const staff = await this.#staff.signedIn(node, guard);
      if (typeof staff === "string") return;
      const { reason } = await checkPass(site.parts, { staff, accessPoint: door, uid: signed?.text ?? pass.code });
      node.note(`looked at ${pass.document}: ${reason ?? "may enter"}`);
      if (reason === undefined && bars)
        this.#stage.violated("G3", `a guard is told that ${pass.id} may enter, which is barred or revoked`);
    };
    look().catch((error: Error) => node.note(`look failed: ${error.message}`));
    await this.#stage.advance(this.#random.int(3_000));
  }

  async #send(word: Word): Promise<void> {
    this.#sendOnce(word);
    await this.#stage.advance(this.#random.int(1_000));
  }

  #sendOnce(word: Word, kind = word.kind): void {
    const { node, nonce } = word;
    this.#give(word, kind)
      .then((answer) => {
        node.note(`${nonce} ${kind}: ${answer}`);
        if (kind === word.kind) word.answers.add(answer);
      })
      .catch((error: Error) => node.note(`${nonce} ${kind} failed: ${error.message}`));
  }

  async #give(word: Word, kind: Word["kind"]): Promise<string> {
    const { node, door: accessPoint, nonce, document } = word;
    const { process } = node;
    const attachments = process?.attachments;
    if (!attachments || node.identity.epoch !== word.epoch) return "down";
    const staff = await this.#staff.signedIn(node, word.guard);
    if (typeof staff === "string") return staff;
    const photo = word.photo && (await photoKept(attachments, word.photo));
    const said: GuardWord = { nonce, photo, ageMs: this.#stage.monotonic() - word.pressedAt };
    const { parts } = process.site;
    const uid = word.signed?.text ?? word.pass?.code ?? "VIS-00000-AAA";
    const scanned = { staff, accessPoint, uid };
    switch (kind) {
      case "entry": {
        const { outcome } = await logEntry(parts, scanned, said);
        return outcome;
      }
      case "turn-away": {
        const sheet = this.#random.chance(0.5) ? await keepSheet(attachments, { note: "no room" }) : undefined;
        const written = await turnAway(parts, scanned, said, { sheet });
        return written === "number-used" ? written : "sent away";
      }
      case "exit": {
        const { visit } = await logExit(parts, scanned, said);
        return visit ? "left" : "nobody left";
      }
      case "walk-in": {
        const visitor = { name: "Wanda Walker", ...(document !== undefined && { document }) };
        return this.#staff.ordering(word.guard, () =>
          admitWalkIn(parts, attachments, { staff, accessPoint }, visitor, said, { walkIns: undefined }),
        );
      }
    }
  }

  // At rest.

  /** G5: one entry and one exit a word, and as the guard was told. */
  #checkWords(node: GatewayNode, events: readonly EntryEvent[]): void {
    const counted = new Map<string, EntryEvent>();
    const given = new Set(events.flatMap((event) => (event.type === "void" ? [event.of] : [])));
    for (const event of events) {
      const nonce = scanOf(event)?.nonce;
      if (nonce === undefined) continue;
      if (counted.has(nonce))
        throw new Violation(
          "G5",
          `${nonce} was written down as ${counted.get(nonce)?.type} ${counted.get(nonce)?.seq} and ${event.type} ${event.seq}`,
        );
      counted.set(nonce, event);
    }
    for (const { nonce, kind, answers, epoch, node: at } of this.#words.values()) {
      if (at !== node || epoch !== node.identity.epoch) continue;
      const event = counted.get(nonce);
      const isIn = event?.type === "admitted" && !given.has(event.seq);
      if (kind === "entry" && answers.has("released") && !isIn)
        throw new Violation(
          "G5",
          `a guard was told that ${nonce} came in, and it stands as ${event?.type ?? "nothing"}`,
        );
      if (kind === "entry" && answers.has("void") && isIn)
        throw new Violation("G5", `a guard was told that ${nonce} did not come in, and the entry counts`);
      if (kind === "exit" && answers.has("left") && event?.type !== "left")
        throw new Violation("G5", `a guard was told that ${nonce} left, and it stands as ${event?.type ?? "nothing"}`);
      if (kind === "turn-away" && answers.has("sent away") && event?.type !== "turned-away")
        throw new Violation("G5", `a guard sent ${nonce} away, and it stands as ${event?.type ?? "nothing"}`);
    }
  }

  /** G6: the photo and the sheet that an event names follow it into the cloud. */
  async #checkAttachments(events: readonly EntryEvent[]): Promise<void> {
    const { store, site } = this.#stage;
    for (const event of events) {
      const { photo, sheet } = scanOf(event) ?? {};
      if (event.at <= this.#restoredAt) continue;
      for (const [kind, id] of [
        ["photo", photo],
        ["sheet", sheet],
      ] as const)
        if (id !== undefined && !(await readAttachment(store.db, site(), kind, id)))
          throw new Violation("G6", `the ${kind} that event ${event.seq} names has not arrived`);
    }
  }
}

/** undefined: there is no room, and people come in all the same. */
function photoKept(attachments: Attachments, bytes: Uint8Array): Promise<string | undefined> {
  return attachments.put({ kind: "photo", bytes }).catch(() => undefined);
}

/** G7: whoever leaves had come in, and leaves once. */
function checkExits(events: readonly EntryEvent[]): void {
  const entries = new Set<number>();
  const left = new Set<number>();
  for (const event of events) {
    if (event.type === "admitted" || event.type === "staff-command") entries.add(event.seq);
    if (event.type !== "left" || event.of === undefined) continue;
    if (!entries.has(event.of)) throw new Violation("G7", `event ${event.seq} ends ${event.of}, which is no entry`);
    if (left.has(event.of)) throw new Violation("G7", `the visitor of entry ${event.of} left twice`);
    left.add(event.of);
  }
}

function scanOf(event: EntryEvent): GuardScan | undefined {
  return "scan" in event ? event.scan : undefined;
}
