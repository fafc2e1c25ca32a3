/** All pages of the service. Each works without a script: a form is answered by the next page, or by itself with what is wrong. */
import { reachOf } from "../domain/permissions.ts";
import type { PeopleParts } from "../people/people-parts.ts";
import { addAccountPages } from "./account.tsx";
import { addApiKeyPages } from "./api-keys.tsx";
import { addAuditPages } from "./audit.tsx";
import { addCodeFilePages } from "./codes/code-files.tsx";
import { addCodesList } from "./codes/codes-list.tsx";
import { addNewCodePages } from "./codes/new-code.tsx";
import { addOneCodePages } from "./codes/one-code.tsx";
import { addErasePages } from "./erase-person.tsx";
import { addEventPages } from "./events.tsx";
import { addForgotPasswordPages } from "./forgot-password.tsx";
import { addPageAssets, destinationsOf } from "./frame.tsx";
import { addGrantPages } from "./grants.tsx";
import { addIntegrationPages } from "./integrations.tsx";
import { addKeptFormPages } from "./kept-form.tsx";
import { addLinkPages } from "./links.tsx";
import { addNoticeAssets, addNoticePages } from "./notices.tsx";
import { addNumberPages } from "./numbers.tsx";
import type { AskService } from "./own-api.ts";
import { PageBook } from "./page-book.tsx";
import { addBarVisitorPages } from "./passes/bar-visitor.tsx";
import { addNewPassPages } from "./passes/new-pass.tsx";
import { addOnePassPages } from "./passes/one-pass.tsx";
import { addPassesList } from "./passes/passes-list.tsx";
import { addPeoplePages } from "./people.tsx";
import { addSecondFactorPages } from "./second-factor.tsx";
import { addSecurityPages } from "./security.tsx";
import { addSetUpPages } from "./set-up.tsx";
import { addSignInPages } from "./sign-in.tsx";
import { addSitePages, listSites } from "./sites.tsx";
import { addAlarmPages } from "./stays/alarms.tsx";
import { addGuestTellingPages } from "./stays/guest-telling.tsx";
import { addJobPages } from "./stays/jobs.tsx";
import { addMessageLogPages } from "./stays/message-log.tsx";
import { addNewStayPages } from "./stays/new-stay.tsx";
import { addOnePropertyPages } from "./stays/one-property.tsx";
import { addOneSourcePages } from "./stays/one-source.tsx";
import { addOneStayPages } from "./stays/one-stay.tsx";
import { addPropertyPages } from "./stays/properties.tsx";
import { addSourcePlacePages } from "./stays/source-places.tsx";
import { addSourcePages } from "./stays/sources.tsx";
import { addStaysList } from "./stays/stays-list.tsx";
import type { Visit } from "./visit.ts";

/** `ask`: the service that the pages are part of. */
export function pages(people: PeopleParts, ask: AskService): PageBook {
  const book = new PageBook(people, ask);
  book.get("/", "account.self", async (c, visit) => c.redirect(await homeOf(visit), 303));
  addSignInPages(book);
  addKeptFormPages(book);
  addForgotPasswordPages(book);
  addLinkPages(book);
  addSetUpPages(book);
  addCodesList(book);
  // Before "/codes/:code", which would take "new" for a code.
  addCodeFilePages(book);
  addNewCodePages(book);
  addOneCodePages(book);
  addPassesList(book);
  addNewPassPages(book);
  addOnePassPages(book);
  addBarVisitorPages(book);
  addStaysList(book);
  // Before "/stays/:stay".
  addNewStayPages(book);
  addOneStayPages(book);
  addAlarmPages(book);
  addJobPages(book);
  addMessageLogPages(book);
  // Before "/properties/:property" and "/sources/:source".
  addPropertyPages(book);
  addOnePropertyPages(book);
  addGuestTellingPages(book);
  addSourcePages(book);
  addOneSourcePages(book);
  addSourcePlacePages(book);
  addSitePages(book);
  addIntegrationPages(book);
  addGrantPages(book);
  addEventPages(book);
  addNumberPages(book);
  addPeoplePages(book);
  addSecondFactorPages(book);
  addErasePages(book);
  addApiKeyPages(book);
  addAuditPages(book);
  addSecurityPages(book);
  addAccountPages(book);
  addNoticePages(book);
  addPageAssets(book.app);
  addNoticeAssets(book.app);
  return book;
}

/** Where a visitor begins: at the set-up while there is no site, else at the first page that is theirs. */
async function homeOf(visit: Visit): Promise<string> {
  const { actor } = visit;
  if (actor && reachOf(actor, "sites.create") && (await listSites(visit)).length === 0) return "/set-up";
  return destinationsOf(visit)[0]?.path ?? "/account";
}
