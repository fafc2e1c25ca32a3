/** The users of one group at Brivo, one request each. */
import { GatewayError } from "../../errors.ts";
import type { CodeToSet } from "../../ports/device.ts";
import type { WebAnswer } from "../common/web-answer.ts";
import type { Question } from "./account.ts";
import { bodyOf } from "./answer.ts";
import { ourLastName, readIds, readPage, toBody } from "./wire.ts";

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
/** A longer list is not read: each of its users is a request within the hour. */
const listMax = 1_000;

/**
 * All that stands in a list. Rejects when it cannot be read as a whole: what is overlooked would count as gone. So each page begins with the last one
 * of the page before: where something went meanwhile, that is another.
 */
export async function readAll(
  path: string,
  what: string,
  ask: (question: Question) => Promise<WebAnswer>,
): Promise<readonly unknown[]> {
  const changed = () => new GatewayError("device-refused", `${what} have changed while they were read`);
  const all: unknown[] = [];
  const ids: number[] = [];
  let count: number | undefined;
  for (;;) {
    const last = ids.at(-1);
    const offset = last === undefined ? 0 : ids.length - 1;
    const question: Question = { method: "GET", path: `${path}offset=${offset}&pageSize=${pageSize}` };
    const page = readPage(bodyOf(await ask(question), what));
    const read = page && readIds(page.data);
    if (!page || !read) throw new GatewayError("device-refused", `${what} are told in a way that cannot be read`);
    if (page.count > listMax)
      throw new GatewayError("device-refused", `${what} are ${page.count}; ${listMax} can be read`, {
        count: page.count,
      });
    count ??= page.count;
    if (page.count !== count || (last !== undefined && read[0] !== last)) throw changed();
    const overlap = last === undefined ? 0 : 1;
    all.push(...page.data.slice(overlap));
    ids.push(...read.slice(overlap));
    if (new Set(ids).size < ids.length || ids.length > count) throw changed();
    if (ids.length === count) return all;
    if (read.length <= overlap) throw changed();
  }
}
