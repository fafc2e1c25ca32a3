/** Tells of a stay by hand: its code follows by itself. */
import { Frame } from "../frame.tsx";
import { type FieldFaults, faultsFrom } from "../own-api.ts";
import { FormWords, type PageBook } from "../page-book.tsx";
import { Field, Form, OnceKey, Select } from "../parts/form.tsx";
import { Empty } from "../parts/show.tsx";
import type { Visit } from "../visit.ts";
import { listProperties } from "./stay-shapes.ts";

const names = ["property", "name", "phone", "email", "arrival", "departure", "checkIn", "checkOut"] as const;
type Given = Readonly<Record<(typeof names)[number], string>>;

export function addNewStayPages(book: PageBook): void {
  book.get("/stays/new", "stays.change", async (c, visit) => c.html(await newPage(visit, {})));

  book.post("/stays/new", "stays.change", async (c, visit) => {
    const form = await FormWords.of(c);
    const given = Object.fromEntries(names.map((name) => [name, form.text(name)])) as Given;
    const { property, name, phone, email, arrival, departure, checkIn, checkOut } = given;
    const order = {
      property,
      guest: { name, ...(phone && { phone }), ...(email && { email }) },
      ...(arrival && { arrival }),
      ...(departure && { departure }),
      ...(checkIn && { checkIn }),
      ...(checkOut && { checkOut }),
    };
    try {
      const { id } = await visit.api.send<{ id: string }>("POST", "/api/bookings", order, form.onceKey());
      return c.redirect(`/stays/${id}?done=made`, 303);
    } catch (error) {
      const called = { "guest.name": "name", "guest.phone": "phone", "guest.email": "email" };
      return c.html(await newPage(visit, { given, faults: faultsFrom(error, called) }), 422);
    }
  });
}

async function newPage(visit: Visit, { given, faults }: { given?: Given; faults?: FieldFaults }) {
  const { words } = visit;
  const { stays } = words;
  const properties = (await listProperties(visit)).filter(({ closedAt }) => closedAt === null);
  const field = { words, faults };
  return (
    <Frame visit={visit} title={stays.tell} at="/stays">
      <h1>{stays.tell}</h1>
      {properties.length === 0 ? (
        <Empty title={stays.noProperty} text={stays.noPropertyText} />
      ) : (
        <Form action="/stays/new" words={words} faults={faults} submit={stays.tellSubmit}>
          <OnceKey />
          <Select
            {...field}
            name="property"
            label={stays.property}
            value={given?.property}
            choices={properties.map(({ id, name }) => ({ value: id, label: name }))}
          />
          <Field {...field} name="name" label={stays.guest} value={given?.name} maxlength={200} required />
          <Field {...field} name="arrival" type="date" label={stays.arrival} value={given?.arrival} required />
          <Field {...field} name="departure" type="date" label={stays.departure} value={given?.departure} required />
          <Field
            {...field}
            name="checkIn"
            type="time"
            label={stays.checkIn}
            hint={stays.hourHint}
            value={given?.checkIn}
          />
          <Field
            {...field}
            name="checkOut"
            type="time"
            label={stays.checkOut}
            hint={stays.hourHint}
            value={given?.checkOut}
          />
          <Field {...field} name="phone" label={stays.phone} value={given?.phone} maxlength={40} />
          <Field {...field} name="email" type="email" label={stays.email} value={given?.email} maxlength={320} />
        </Form>
      )}
    </Frame>
  );
}
