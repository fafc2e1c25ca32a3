/** The users of one group at Brivo, one request each. */
import { GatewayError } from "../../errors.ts";
import type { CodeToSet } from "../../ports/device.ts";
import type { WebAnswer } from "../common/web-answer.ts";
import type { Question } from "./account.ts";
import { bodyOf } from "./answer.ts";
import { ourLastName, readPage, toBody } from "./wire.ts";

export const createUser = (code: CodeToSet): Question => ({
  method: "POST",
  path: "/users",
  body: toBody(code, "POST"),
});

export const changeUser = (id: string, code: CodeToSet, method: "PUT" | "PATCH"): Question => ({
  method,
  path: `/users/${encodeURIComponent(id)}`,
  body: toBody(code, method),
});

export const suspendUser = (id: string, suspended: boolean): Question => ({
  method: "PUT",
  path: `/users/${encodeURIComponent(id)}/suspended`,
  body: { suspended },
});

export const deleteUser = (id: string): Question => ({ method: "DELETE", path: `/users/${encodeURIComponent(id)}` });
export const userById = (id: string): Question => ({ method: "GET", path: `/users/${encodeURIComponent(id)}` });
export const userByLabel = (label: string): Question => ({
  method: "GET",
  path: `/users/${encodeURIComponent(label)}/external`,
});
export const groupsOf = (id: string): Question => ({ method: "GET", path: `/users/${encodeURIComponent(id)}/groups` });
export const join = (group: number, id: string): Question => ({ ...membership(group, id), method: "PUT" });
export const leave = (group: number, id: string): Question => ({ ...membership(group, id), method: "DELETE" });

function membership(group: number, id: string) {
  return { path: `/groups/${group}/users/${encodeURIComponent(id)}` };
}

export const usersOfGroup = (group: number): string => `/groups/${group}/users?`;
/** Made by the gateway, and in no group: of a change that did not come to its end. */
export const strayUsers = `/users?filter=${encodeURIComponent(`lastname__eq:${ourLastName};user_status__eq:unaffiliated`)}&`;

const pageSize = 100;

/** All that stands in a list. Rejects when it cannot be read as a whole, or is longer than `max`: what is overlooked would count as gone. */
export async function readAll(
  path: string,
  what: string,
  max: number,
  ask: (question: Question) => Promise<WebAnswer>,
): Promise<readonly unknown[]> {
  const all: unknown[] = [];
  for (;;) {
    const question: Question = { method: "GET", path: `${path}offset=${all.length}&pageSize=${pageSize}` };
    const page = readPage(bodyOf(await ask(question), what));
    if (!page) throw new GatewayError("device-refused", `${what} are told in a way that cannot be read`);
    if (page.count > max)
      throw new GatewayError("device-refused", `${what} are ${page.count}; codesMax lets ${max} be looked after`, {
        count: page.count,
      });
    all.push(...page.data);
    if (all.length === page.count) return all;
    if (page.data.length === 0 || all.length > page.count)
      throw new GatewayError("device-refused", `${what} have changed while they were read`);
  }
}
