/** What pages show: notices, states, empty places, tables that become cards on a phone, secrets shown once, and questions before what cannot be undone. */
import { raw } from "hono/html";
import type { Child } from "hono/jsx";
import { renderSVG } from "uqr";
import type { Words } from "../words/words.ts";
import { Form } from "./form.tsx";

export type Tone = "good" | "warn" | "bad" | "calm";

export function Tag({ tone, children }: { tone: Tone; children?: Child }) {
  return <span class={`tag ${tone}`}>{children}</span>;
}

/** Told after something was done; a screen reader says it. */
export function Notice({ tone = "good", children }: { tone?: Tone; children?: Child }) {
  return (
    <p class={`notice ${tone}`} role="status">
      {children}
    </p>
  );
}

/** Nothing is here, and this is what to do. */
export function Empty({ title, text, children }: { title: string; text: string; children?: Child }) {
  return (
    <div class="empty">
      <p>
        <strong>{title}</strong>
      </p>
      <p>{text}</p>
      {children}
    </div>
  );
}

export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => Child;
}

/** The first column heads its row. On a phone each row is a card, and each cell says its column's name. */
export function Table<Row>({
  caption,
  columns,
  rows,
}: {
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
}) {
  return (
    <table class="cards">
      <caption>{caption}</caption>
      <thead>
        <tr>
          {columns.map(({ head }) => (
            <th scope="col">{head}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr>
            {columns.map(({ head, cell }, index) =>
              index === 0 ? (
                <th scope="row">{cell(row)}</th>
              ) : (
                <td data-head={head}>
                  <span>{cell(row)}</span>
                </td>
              ),
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Something to pass on: the text, a button that copies it, and its QR code where somebody would photograph it. */
export function Secret({
  text,
  words,
  big = false,
  qr = false,
  id = "secret",
}: {
  text: string;
  words: Words;
  /** Where a page shows several. */
  id?: string;
  big?: boolean;
  qr?: boolean;
}) {
  return (
    <div class="secret">
      <output class={big ? "big" : undefined} id={id}>
        {text}
      </output>
      <button type="button" class="secondary" data-copy={id} data-copied={words.common.copied} hidden>
        {words.common.copy}
      </button>
      {qr && <Qr text={text} words={words} />}
      <p>
        <small>{words.common.onceOnly}</small>
      </p>
    </div>
  );
}

export function Qr({ text, words }: { text: string; words: Words }) {
  return (
    <div class="qr" role="img" aria-label={words.common.qr}>
      {raw(renderSVG(text, { border: 2 }))}
    </div>
  );
}

interface ConfirmationProps {
  readonly title: string;
  readonly text: string;
  readonly yes: string;
  readonly action: string;
  /** Where "cancel" leads. */
  readonly back: string;
  readonly words: Words;
}

export function Confirmation({ title, text, yes, action, back, words }: ConfirmationProps) {
  return (
    <>
      <h1>{title}</h1>
      <p>{text}</p>
      <Form action={action} words={words} submit={yes} tone="danger" />
      <p>
        <a href={back}>{words.common.cancel}</a>
      </p>
    </>
  );
}
