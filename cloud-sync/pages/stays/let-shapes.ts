/** What the pages read of the API's properties and sources, for whoever sets them up. */
import type { HouseGuide } from "../../domain/house-guide.ts";
import type { StayRules } from "../../domain/stay-planner.ts";
import type { SourceKind } from "../../sources/booking-source.ts";
import type { SourceResult } from "../../store/booking-sources.ts";
import { query } from "../own-api.ts";
import type { FormWords } from "../page-book.tsx";
import type { Visit } from "../visit.ts";
import type { SeenProperty } from "./stay-shapes.ts";

export interface LetProperty extends SeenProperty {
  readonly accessPoints: readonly string[];
  readonly rules: StayRules;
  readonly guide: HouseGuide;
  readonly spares: { readonly ready: number; readonly problem: string | null };
}

export interface SeenSource {
  readonly id: string;
  readonly site: string;
  readonly kind: SourceKind;
  readonly name: string;
  readonly places: Readonly<Record<string, string>>;
  readonly everyMinutes: number;
  readonly options: Readonly<Record<string, unknown>>;
  readonly closedAt: string | null;
  readonly nextAt: string | null;
  readonly ranAt: string | null;
  readonly goodAt: string | null;
  readonly result: SourceResult | null;
}

export const propertiesPath = "/api/properties";
export const sourcesPath = "/api/booking-sources";
export const propertyPath = (id: string) => `${propertiesPath}/${encodeURIComponent(id)}`;
export const sourcePath = (id: string) => `${sourcesPath}/${encodeURIComponent(id)}`;

/** Those that are let. */
export async function listLet({ api }: Visit, site?: string): Promise<readonly LetProperty[]> {
  const { items } = await api.get<{ items: readonly LetProperty[] }>(`${propertiesPath}${query({ site })}`);
  return items.filter(({ closedAt }) => closedAt === null);
}

/** Several lines, as the API takes them: a browser ends each in two characters. */
export const linesOf = (form: FormWords, name: string): string => form.text(name).replaceAll("\r\n", "\n");

/** A whole number; what is none goes on as it was typed, and the API says what is wrong with it. */
export const numberOf = (text: string): number | string => (/^\d{1,9}$/.test(text) ? Number(text) : text);
