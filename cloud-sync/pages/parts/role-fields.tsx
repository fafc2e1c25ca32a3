/** Fields of whoever gets a role: a person, or a program's key. */
import { roles } from "../../domain/permissions.ts";
import type { FieldFaults } from "../own-api.ts";
import type { SeenSite } from "../sites.tsx";
import type { Visit } from "../visit.ts";
import { Choices, Select } from "./form.tsx";

export interface PartProps {
  readonly visit: Visit;
  readonly faults?: FieldFaults | undefined;
}

export function RoleField({ visit: { words }, role, faults }: PartProps & { readonly role: string | undefined }) {
  return (
    <Select
      name="role"
      label={words.people.role}
      words={words}
      faults={faults}
      value={role ?? "user"}
      choices={roles.map((value) => ({ value, label: `${words.roles[value]}: ${words.roleHints[value]}` }))}
    />
  );
}

export function SitesField({
  visit: { words },
  sites,
  chosen,
  faults,
}: PartProps & { readonly sites: readonly SeenSite[]; readonly chosen: readonly string[] | undefined }) {
  return (
    <Choices
      name="sites"
      label={words.people.sites}
      hint={words.people.sitesHint}
      words={words}
      faults={faults}
      values={chosen ?? (sites.length === 1 ? sites.map(({ id }) => id) : [])}
      choices={sites.map(({ id, name }) => ({ value: id, label: name }))}
    />
  );
}
