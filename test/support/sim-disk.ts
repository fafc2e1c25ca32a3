/**
 * A disk in memory that forgets. It keeps what is durable apart from what was only written; a crash keeps a random part of the
 * difference. Deterministic: every operation takes effect when called and settles one promise turn later.
 */
import { basename, dirname } from "node:path";
import type { Disk, DiskFile } from "../../gateway/ports/disk.ts";
import type { Random } from "./random.ts";

export interface DiskOperation {
  readonly name:
    | "list"
    | "makeFolder"
    | "read"
    | "createExclusive"
    | "permissions"
    | "open"
    | "rename"
    | "remove"
    | "syncFolder"
    | "freeBytes"
    | "write"
    | "truncate"
    | "sync"
    | "close";
  readonly path: string;
  /** How many operations of this name came before, from 1. */
  readonly number: number;
}

type Change = { readonly position: number; readonly bytes: Uint8Array } | { readonly size: number };

/** What a name stands for. */
interface Inode {
  durable: Uint8Array;
  current: Uint8Array;
  /** Since the last sync, in order. */
  changes: Change[];
  /** How many changes were made durable before those. */
  settled: number;
}

/** A creation, rename or removal that its folder has not been synced after. */
type NameChange = { readonly folder: string; readonly set: ReadonlyMap<string, Inode | undefined> };

type Run = <T>(name: DiskOperation["name"], path: string, act: () => T, settle?: () => void) => Promise<T>;

const changing: readonly DiskOperation["name"][] = [
  "makeFolder",
  "createExclusive",
  "rename",
  "remove",
  "write",
  "truncate",
  "sync",
  "syncFolder",
];

export class SimDisk {
  /** Names an error code ("EIO", "ENOSPC", …) for an operation that shall fail; it then has no effect. */
  fault: (operation: DiskOperation) => string | undefined = () => undefined;
  /** Awaited before an operation settles; where simulated latency goes. */
  pause: ((operation: DiskOperation) => Promise<void>) | undefined;
  readOnly = false;
  /** What all files together may hold, in bytes. */
  capacity = Number.POSITIVE_INFINITY;

  #generation = 0;
  readonly #folders = new Set<string>(["/"]);
  #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();
  #nameChanges: NameChange[] = [];
  readonly #counts = new Map<string, number>();

  /** The disk as a process sees it. After a crash its operations neither settle nor do anything; mount again. */
  mount(): Disk {
    const generation = this.#generation;
    const run: Run = (name, path, act, settle) => this.#run(generation, name, path, act, settle);
    return {
      list: (folder) => run("list", folder, () => this.#list(folder)),
      makeFolder: (folder) => run("makeFolder", folder, () => this.#makeFolder(folder)),
      read: (path, maxBytes = Number.POSITIVE_INFINITY, from = 0) =>
        run("read", path, () => this.#inode(path).current.slice(from, from + maxBytes)),
      createExclusive: (path, bytes) =>
        run("createExclusive", path, () => {
          if (this.#names.has(path)) return false;
          this.#allocate(bytes.length);
          const inode = this.#create(path);
          inode.current = new Uint8Array(bytes);
          inode.durable = new Uint8Array(bytes);
          return true;
        }),
      permissions: (path) => run("permissions", path, () => this.#inode(path) && 0o600),
      open: (path, { create, durable = false }) =>
        run("open", path, () => {
          const inode = this.#names.get(path) ?? (create ? this.#create(path) : this.#inode(path));
          return this.#handle(run, path, inode, durable);
        }),
      rename: (from, to) =>
        run("rename", to, () => {
          const inode = this.#inode(from);
          this.#name(
            dirname(to),
            new Map([
              [from, undefined],
              [to, inode],
            ]),
          );
        }),
      remove: (path) =>
        run("remove", path, () => {
          this.#inode(path);
          this.#name(dirname(path), new Map([[path, undefined]]));
        }),
      syncFolder: (folder) => run("syncFolder", folder, () => this.#syncFolder(folder)),
      freeBytes: (folder) => run("freeBytes", folder, () => this.free),
    };
  }

  /** The power goes: of what was not synced a random part stays. */
  crash(random: Random): void {
    this.#generation += 1;
    for (const change of this.#nameChanges) if (random.chance(0.5)) applyNames(this.#durableNames, change);
    this.#nameChanges = [];
    for (const inode of new Set(this.#durableNames.values())) {
      for (const change of inode.changes)
        inode.durable = applied(inode.durable, damaged(change, inode.durable, random));
      inode.current = inode.durable.slice();
      inode.changes = [];
    }
    this.#names = new Map(this.#durableNames);
  }

  /** The process dies, the machine stays up: what was written is read back, and may still be lost by a crash. */
  kill(): void {
    this.#generation += 1;
  }

  /** Another disk with what this one now holds, all of it durable. */
  copy(): SimDisk {
    const copy = new SimDisk();
    for (const folder of this.#folders) copy.#folders.add(folder);
    for (const [path, { current }] of this.#names) copy.replace(path, current);
    return copy;
  }

  /** For tests that damage a file behind everyone's back. */
  contents(path: string): Uint8Array {
    return this.#inode(path).current;
  }

  replace(path: string, bytes: Uint8Array): void {
    this.#folders.add(dirname(path));
    const inode = this.#names.get(path) ?? {
      durable: new Uint8Array(),
      current: new Uint8Array(),
      changes: [],
      settled: 0,
    };
    inode.durable = new Uint8Array(bytes);
    inode.current = new Uint8Array(bytes);
    inode.changes = [];
    this.#names.set(path, inode);
    this.#durableNames.set(path, inode);
  }

  delete(path: string): void {
    this.#names.delete(path);
    this.#durableNames.delete(path);
  }

  /** Every file there is, sorted. */
  get paths(): string[] {
    return [...this.#names.keys()].sort();
  }

  get free(): number {
    return this.capacity - this.used;
  }

  get used(): number {
    let used = 0;
    for (const { current } of this.#names.values()) used += current.length;
    return used;
  }

  /** `settle` happens in the very moment the operation is done, so that no crash comes between the two. */
  async #run<T>(
    generation: number,
    name: DiskOperation["name"],
    path: string,
    act: () => T,
    settle?: () => void,
  ): Promise<T> {
    if (generation !== this.#generation) return never();
    const number = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, number);
    const operation = { name, path, number };
    const code = this.fault(operation) ?? (this.readOnly && changing.includes(name) ? "EROFS" : undefined);
    if (code) throw diskError(code, name, path);
    const result = act();
    await (this.pause?.(operation) ?? Promise.resolve());
    if (generation !== this.#generation) return never();
    settle?.();
    return result;
  }

  #handle(run: Run, path: string, inode: Inode, durable: boolean): DiskFile {
    const change = (next: Change, size: number) => {
      this.#allocate(size - inode.current.length);
      inode.changes.push(next);
      inode.current = applied(inode.current, next);
    };
    const changed = (name: "write" | "truncate" | "sync", act: () => void) => {
      let upTo = 0;
      const noted = () => {
        act();
        upTo = inode.settled + inode.changes.length;
      };
      return run(name, path, noted, () => {
        if (durable || name === "sync") makeDurable(inode, upTo);
      });
    };
    return {
      get size() {
        return inode.current.length;
      },
      write: (bytes, position) =>
        changed("write", () =>
          change({ position, bytes: new Uint8Array(bytes) }, Math.max(inode.current.length, position + bytes.length)),
        ),
      truncate: (size) => changed("truncate", () => change({ size }, size)),
      sync: () => changed("sync", () => undefined),
      close: () => run("close", path, () => undefined),
    };
  }

  #inode(path: string): Inode {
    const inode = this.#names.get(path);
    if (!inode) throw diskError("ENOENT", "open", path);
    return inode;
  }

  #create(path: string): Inode {
    if (this.readOnly) throw diskError("EROFS", "open", path);
    if (!this.#folders.has(dirname(path))) throw diskError("ENOENT", "open", path);
    const inode: Inode = { durable: new Uint8Array(), current: new Uint8Array(), changes: [], settled: 0 };
    this.#name(dirname(path), new Map([[path, inode]]));
    return inode;
  }

  #name(folder: string, set: NameChange["set"]): void {
    const change = { folder, set };
    applyNames(this.#names, change);
    this.#nameChanges.push(change);
  }

  #list(folder: string): string[] {
    if (!this.#folders.has(folder)) throw diskError("ENOENT", "list", folder);
    const inside = [...this.#names.keys(), ...this.#folders].filter((path) => path !== "/" && dirname(path) === folder);
    return inside.map((path) => basename(path));
  }

  #makeFolder(folder: string): void {
    for (let path = folder; path !== dirname(path); path = dirname(path)) this.#folders.add(path);
  }

  #syncFolder(folder: string): void {
    if (!this.#folders.has(folder)) throw diskError("ENOENT", "syncFolder", folder);
    for (const change of this.#nameChanges) if (change.folder === folder) applyNames(this.#durableNames, change);
    this.#nameChanges = this.#nameChanges.filter((change) => change.folder !== folder);
  }

  #allocate(bytes: number): void {
    if (bytes > this.free) throw diskError("ENOSPC", "write", "");
  }
}

function applyNames(names: Map<string, Inode>, { set }: NameChange): void {
  for (const [path, inode] of set) {
    if (inode) names.set(path, inode);
    else names.delete(path);
  }
}

function makeDurable(inode: Inode, upTo: number): void {
  const due = inode.changes.splice(0, Math.max(0, upTo - inode.settled));
  for (const change of due) inode.durable = applied(inode.durable, change);
  inode.settled += due.length;
}

function applied(content: Uint8Array, change: Change): Uint8Array {
  if ("size" in change) {
    const resized = new Uint8Array(change.size);
    resized.set(content.subarray(0, change.size));
    return resized;
  }
  const end = change.position + change.bytes.length;
  const result = end > content.length ? grown(content, end, change.position) : content;
  result.set(change.bytes, change.position);
  return result;
}

/** Zeros from its end to `position`. With room for as much again, because a copy at each write takes longer than all that is tested. */
function grown(content: Uint8Array, length: number, position: number): Uint8Array {
  const { buffer, byteOffset } = content;
  if (byteOffset + length <= buffer.byteLength) {
    const longer = new Uint8Array(buffer, byteOffset, length);
    return position > content.length ? longer.fill(0, content.length, position) : longer;
  }
  const larger = new Uint8Array(new ArrayBuffer(2 * length), 0, length);
  larger.set(content);
  return larger;
}

/** What the medium kept of a change that was under way: nothing, all, its start, zeros, all but a hole, or one byte wrong. */
function damaged(change: Change, before: Uint8Array, random: Random): Change {
  const none = { position: 0, bytes: new Uint8Array() };
  if ("size" in change) return random.chance(0.5) ? change : none;
  const bytes = new Uint8Array(change.bytes);
  const at = random.int(bytes.length + 1);
  switch (random.pick(["none", "whole", "torn", "zeroed", "hole", "wrong"] as const)) {
    case "none":
      return none;
    case "whole":
      return change;
    case "torn":
      return { position: change.position, bytes: bytes.subarray(0, at) };
    case "zeroed":
      bytes.fill(0, at);
      return { position: change.position, bytes };
    case "hole": {
      const end = at + random.int(bytes.length - at + 1);
      for (let i = at; i < end; i += 1) bytes[i] = before[change.position + i] ?? 0;
      return { position: change.position, bytes };
    }
    case "wrong":
      if (at < bytes.length) bytes[at] = bytes[at]! ^ (1 + random.int(255));
      return { position: change.position, bytes };
  }
}

function diskError(code: string, operation: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${operation} ${path}`), { code });
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
