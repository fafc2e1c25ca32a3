/** How one comes to hear of events at Brivo: the body of a subscription, and why one is refused. */
import type { BrivoAccount, BrivoCriterion } from "./brivo-account.ts";
import { badCriteria, brivoError } from "./brivo-errors.ts";
import { subscription } from "./brivo-shapes.ts";
import type { CloudAnswer } from "./cloud-port.ts";

export function subscribe(account: BrivoAccount, body: unknown): CloudAnswer {
  const { name, url, errorEmail, criteria = [] } = asFields(body);
  if (typeof name !== "string" || typeof url !== "string" || !URL.canParse(url)) return badCriteria;
  if (errorEmail !== undefined && typeof errorEmail !== "string") return badCriteria;
  if (!Array.isArray(criteria) || !criteria.every(isCriterion)) return badCriteria;
  const wrong = (type: string, isKnown: (value: number) => boolean) =>
    criteria.some(({ criteriaType, criteriaValue }) => criteriaType === type && !isKnown(criteriaValue));
  if (wrong("SITE", (value) => value === account.site.id))
    return brivoError(400, "Event subscription contained invalid Site criteria");
  if (wrong("ACCESS-POINT", (value) => account.door(value) !== undefined))
    return brivoError(400, "Event subscription contained invalid Device criteria");
  const made = account.subscribe({
    name,
    url,
    ...(errorEmail !== undefined && { errorEmail }),
    criteria,
  });
  return { status: 200, json: { ...subscription(made), encryptedSecretWord: "rL6NGWa1TkxGsyl3M3Fp9w==" } };
}

function isCriterion(value: unknown): value is Omit<BrivoCriterion, "id"> {
  const { criteriaType, criteriaOperationType, criteriaValue } = asFields(value);
  return (
    ["SITE", "USER", "ACCESS-POINT", "AUDIT"].includes(String(criteriaType)) &&
    ["EQ", "NE"].includes(String(criteriaOperationType)) &&
    Number.isInteger(criteriaValue)
  );
}

function asFields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
