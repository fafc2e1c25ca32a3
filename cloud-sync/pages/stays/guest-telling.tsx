/** How the guests of a property are told: by which ways, when, and in whose words, with each message as a guest would read it. */
import { type ChannelName, channelNames } from "../../channels/guest-channel.ts";
import { type MessageKind, messageKinds } from "../../domain/guest-messages.ts";
import { messageFields } from "../../domain/message-text.ts";
import { type GuestLanguage, guestLanguages } from "../../templates/texts.ts";
import { Frame } from "../frame.tsx";
import { type FieldFaults, faultsFrom } from "../own-api.ts";
import { FormWords, type PageBook, type PageContext } from "../page-book.tsx";
import { Choices, Field, Form, Select, TextArea } from "../parts/form.tsx";
import { Notice } from "../parts/show.tsx";
import type { Visit } from "../visit.ts";
import { languages } from "../words/words.ts";
import { type LetProperty, linesOf, propertyPath } from "./let-shapes.ts";
import { readProperty } from "./one-property.tsx";

type OwnTexts = Readonly<Partial<Record<GuestLanguage, Readonly<Partial<Record<MessageKind, string>>>>>>;

interface SeenSettings {
  readonly on: boolean;
  readonly language: string;
  readonly country: string | null;
  readonly channels: readonly ChannelName[];
  readonly pinInMessage: boolean;
  readonly wifi: string | null;
  readonly quietFrom: string;
  readonly quietUntil: string;
  readonly texts: OwnTexts;
}

const settingsPath = (property: string) => `${propertyPath(property)}/messages`;
const textName = (language: string, kind: string) => `text-${language}-${kind}`;
const allTexts = guestLanguages.flatMap((language) => messageKinds.map((kind) => ({ language, kind })));

/** The API's names of the fields. */
const names: Readonly<Record<string, string>> = {
  channels: "channel-0",
  ...Object.fromEntries(allTexts.map(({ language, kind }) => [`texts.${language}.${kind}`, textName(language, kind)])),
};

export function addGuestTellingPages(book: PageBook): void {
  book.get("/properties/:property/messages", "properties.change", async (c, visit) =>
    c.html(await tellingPage(c, visit, { done: c.req.query("done") })),
  );

  book.post("/properties/:property/messages", "properties.change", async (c, visit) => {
    const settings = readSettings(await FormWords.of(c));
    return change(
      c,
      visit,
      { ...settings, country: settings.country || null, wifi: settings.wifi || null },
      { settings },
    );
  });

  book.post("/properties/:property/texts", "properties.change", async (c, visit) => {
    const form = await FormWords.of(c);
    const texts = readTexts(form);
    const wanted = allTexts.find(({ language, kind }) => textName(language, kind) === form.text("preview"));
    if (!wanted) return change(c, visit, { texts }, { texts });
    const { language, kind } = wanted;
    const text = texts[language]?.[kind];
    try {
      const order = { language, kind, ...(text !== undefined && { text }) };
      const path = `${settingsPath(c.req.param("property")!)}/preview`;
      const said = await visit.api.send<Said>("POST", path, order);
      return c.html(await tellingPage(c, visit, { given: { texts }, preview: { ...said, language, kind } }));
    } catch (error) {
      const faults = faultsFrom(error, { text: textName(language, kind) });
      return c.html(await tellingPage(c, visit, { given: { texts }, faults }), 422);
    }
  });
}

type GivenSettings = Omit<SeenSettings, "texts">;

function readSettings(form: FormWords): GivenSettings {
  const ticked = form.all("ticked");
  const channels = channelNames.map((_, index) => form.text(`channel-${index}`)).filter((name) => name !== "");
  return {
    on: ticked.includes("on"),
    pinInMessage: ticked.includes("pinInMessage"),
    language: form.text("language"),
    country: form.text("country").toUpperCase(),
    channels: channels as ChannelName[],
    wifi: form.text("wifi"),
    quietFrom: form.text("quietFrom"),
    quietUntil: form.text("quietUntil"),
  };
}

function readTexts(form: FormWords): OwnTexts {
  const told = guestLanguages.map((language) => {
    const texts = messageKinds.map((kind) => [kind, linesOf(form, textName(language, kind))] as const);
    return [language, Object.fromEntries(texts.filter(([, text]) => text !== ""))] as const;
  });
  return Object.fromEntries(told.filter(([, texts]) => Object.keys(texts).length > 0));
}

/** One of its forms, as it was filled in. */
interface Given {
  readonly settings?: GivenSettings;
  readonly texts?: OwnTexts;
}

async function change(c: PageContext, visit: Visit, order: object, given: Given) {
  const property = c.req.param("property")!;
  try {
    await visit.api.send("PATCH", settingsPath(property), order);
    return c.redirect(`/properties/${property}/messages?done=saved`, 303);
  } catch (error) {
    return c.html(await tellingPage(c, visit, { given, faults: faultsFrom(error, names) }), 422);
  }
}

interface Said {
  readonly subject: string;
  readonly text: string;
}

interface TellingNews {
  readonly done?: string | undefined;
  readonly given?: Given;
  readonly faults?: FieldFaults;
  readonly preview?: Said & { readonly language: GuestLanguage; readonly kind: MessageKind };
}

async function tellingPage(c: PageContext, visit: Visit, { done, given, faults, preview }: TellingNews) {
  const { words, api } = visit;
  const { letting } = words;
  const property = await readProperty(c, visit);
  const kept = await api.get<SeenSettings>(settingsPath(property.id));
  return (
    <Frame visit={visit} title={letting.telling} at="/properties">
      <h1>{letting.telling}</h1>
      <p>
        <a href={`/properties/${property.id}`}>{property.name}</a>
      </p>
      {done === "saved" && <Notice>{words.common.saved}</Notice>}
      {preview && (
        <section class="notice calm" aria-label={letting.preview} role="status">
          <p>
            <strong>
              {letting.previewOf(words.stays.messageKinds[preview.kind], languages[preview.language].language)}
            </strong>
          </p>
          <p lang={preview.language}>{preview.subject}</p>
          {preview.text.split("\n").map((line) => (
            <p lang={preview.language}>{line}</p>
          ))}
        </section>
      )}
      <p>{letting.tellingLead}</p>
      <SettingsForm
        visit={visit}
        property={property}
        settings={given?.settings ?? kept}
        faults={given?.settings && faults}
      />
      <h2>{letting.texts}</h2>
      <p>{letting.textsLead(messageFields.map((name) => `{${name}}`).join(", "))}</p>
      <TextsForm visit={visit} property={property} texts={given?.texts ?? kept.texts} faults={given?.texts && faults} />
    </Frame>
  );
}

interface FormProps {
  readonly visit: Visit;
  readonly property: LetProperty;
  readonly faults: FieldFaults | undefined;
}

function SettingsForm({ visit: { words }, property, settings, faults }: FormProps & { settings: GivenSettings }) {
  const { letting } = words;
  const field = { words, faults };
  const ways = [
    { value: "", label: words.common.none },
    ...channelNames.map((value) => ({ value, label: letting.channels[value] })),
  ];
  return (
    <Form action={`/properties/${property.id}/messages`} words={words} faults={faults} submit={words.common.save}>
      <Choices
        {...field}
        name="ticked"
        label={letting.telling}
        values={(["on", "pinInMessage"] as const).filter((name) => settings[name])}
        choices={[
          { value: "on", label: letting.tellingOn },
          { value: "pinInMessage", label: letting.pinInMessage, hint: letting.pinInMessageHint },
        ]}
      />
      {channelNames.map((_, index) => (
        <Select
          {...field}
          name={`channel-${index}`}
          label={letting.way(index + 1)}
          hint={index === 0 ? letting.waysHint : undefined}
          value={settings.channels[index] ?? ""}
          choices={ways}
        />
      ))}
      <Select
        {...field}
        name="language"
        label={letting.language}
        hint={letting.languageHint}
        value={settings.language}
        choices={guestLanguages.map((value) => ({ value, label: languages[value].language }))}
      />
      <Field
        {...field}
        name="country"
        label={letting.country}
        hint={letting.countryHint}
        value={settings.country ?? ""}
        maxlength={2}
        autocomplete="off"
      />
      {(["quietFrom", "quietUntil"] as const).map((name) => (
        <Field {...field} name={name} type="time" label={letting[name]} value={settings[name]} required />
      ))}
      <Field
        {...field}
        name="wifi"
        label={letting.wifi}
        hint={letting.wifiHint}
        value={settings.wifi ?? ""}
        maxlength={200}
        autocomplete="off"
        spellcheck={false}
      />
    </Form>
  );
}

function TextsForm({ visit: { words }, property, texts, faults }: FormProps & { texts: OwnTexts }) {
  const { letting, stays } = words;
  return (
    <Form action={`/properties/${property.id}/texts`} words={words} faults={faults} submit={letting.saveTexts}>
      {guestLanguages.map((language) => (
        <details open={texts[language] !== undefined || hasFault(faults, language)}>
          <summary>{languages[language].language}</summary>
          {messageKinds.map((kind) => (
            <>
              <TextArea
                name={textName(language, kind)}
                label={stays.messageKinds[kind]}
                words={words}
                faults={faults}
                value={texts[language]?.[kind]}
                rows={4}
              />
              <button type="submit" class="secondary" name="preview" value={textName(language, kind)}>
                {letting.preview}
              </button>
            </>
          ))}
        </details>
      ))}
    </Form>
  );
}

const hasFault = (faults: FieldFaults | undefined, language: GuestLanguage) =>
  messageKinds.some((kind) => faults?.[textName(language, kind)] !== undefined);
