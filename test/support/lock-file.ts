/** What an audit of the dependencies can tell from package-lock.json alone, without the registry. */

export interface LockedPackage {
  readonly version?: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly inBundle?: boolean;
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

export interface LockFile {
  readonly lockfileVersion: number;
  /** By the place in node_modules; "": the project itself. */
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

export interface DependencyRules {
  /** SPDX expressions as packages write them. */
  readonly licences: readonly string[];
  /** name@version → why a package that names no licence of the list is taken all the same. */
  readonly licencesByHand: Readonly<Record<string, string>>;
  /** Packages that have install scripts, each with what package.json's `allowScripts` says of them. */
  readonly installScripts: readonly string[];
  /** Names of which one version is installed, wherever they are asked for: what one of them mends, all have. */
  readonly onlyOnce: readonly string[];
}

/** npm gives these by its own registry, checked against `integrity`: a range or a version, never an address. */
const registryRange = /^(?!\S+:)[\w.*~^<>=|\- +]+$/;

/** One sentence a fault, in the order of the lock file; none: nothing to say against it. */
export function faultsOf(lock: LockFile, rules: DependencyRules): string[] {
  if (lock.lockfileVersion !== 3) return [`lockfileVersion ${lock.lockfileVersion}: this audit reads 3`];
  const packages = Object.entries(lock.packages);
  const faults = packages.flatMap(([place, one]) => [
    ...rangesOf(one).flatMap(([name, range]) =>
      registryRange.test(range) ? [] : [`${place || "the project"} asks for ${name} by ${range}, not by a version`],
    ),
    ...(place === "" ? [] : faultsOfPackage(place, one, rules)),
  ]);
  return [...faults, ...inexact(lock.packages[""] ?? {}), ...twice(packages, rules.onlyOnce)];
}

function faultsOfPackage(place: string, one: LockedPackage, rules: DependencyRules): string[] {
  const { version, license, integrity, resolved, link, inBundle, hasInstallScript } = one;
  const faults: string[] = [];
  if (link || inBundle) faults.push(`${place} is linked or bundled: nothing proves its content`);
  else if (!/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? "")) faults.push(`${place} has no sha512 integrity`);
  if (resolved !== undefined && !/^https:\/\/[^/]+\/.+\/-\/[^/]+\.tgz$/.test(resolved))
    faults.push(`${place} comes from ${resolved}, which is no package of a registry`);
  const byHand = rules.licencesByHand[`${nameOf(place)}@${version}`] !== undefined;
  if (!byHand && !rules.licences.includes(license ?? ""))
    faults.push(`${place} has the licence ${license ?? "(none named)"}, which is not on the list`);
  if (hasInstallScript && !rules.installScripts.includes(nameOf(place)))
    faults.push(`${place} runs a script when it is installed`);
  return faults;
}

/** The project names versions, not ranges: what is tested is what is run. */
function inexact(project: LockedPackage): string[] {
  return rangesOf(project).flatMap(([name, range]) =>
    /^\d+\.\d+\.\d+(-[\w.]+)?$/.test(range) ? [] : [`the project asks for ${name} ${range}: name one version`],
  );
}

function twice(packages: readonly [string, LockedPackage][], onlyOnce: readonly string[]): string[] {
  return onlyOnce.flatMap((name) => {
    const found = packages.filter(([place]) => place !== "" && nameOf(place) === name);
    const versions = [...new Set(found.map(([, { version }]) => version))];
    if (found.length === 0) return [`${name} is watched and not installed: take it off the list`];
    return versions.length > 1 ? [`${name} is installed as ${versions.join(" and ")}`] : [];
  });
}

function rangesOf({ dependencies, optionalDependencies, devDependencies }: LockedPackage): [string, string][] {
  return Object.entries({ ...dependencies, ...optionalDependencies, ...devDependencies });
}

function nameOf(place: string): string {
  return place.slice(place.lastIndexOf("node_modules/") + "node_modules/".length);
}
