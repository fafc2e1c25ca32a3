-- How guests are told, what they were told, and what services say became of it.
create table message_settings (
  site_id text not null,
  property_id text not null,
  body text not null,
  changed_at bigint not null,
  primary key (site_id, property_id)
);
--> statement-breakpoint
create table guest_message (
  site_id text not null,
  id text not null,
  booking_id text not null,
  number integer not null,
  kind text not null,
  says text not null,
  is_proven boolean not null,
  state text not null,
  channel text,
  tried text[] not null,
  by_template boolean not null,
  attempts integer not null,
  due_at bigint,
  sending_at bigint,
  ref text,
  why text,
  asked_by text,
  created_at bigint not null,
  state_at bigint not null,
  primary key (site_id, id),
  unique (site_id, booking_id, number)
);
--> statement-breakpoint
create index guest_message_id on guest_message (id);
--> statement-breakpoint
create index guest_message_ref on guest_message (ref) where ref is not null;
--> statement-breakpoint
create index guest_message_due on guest_message (due_at) where due_at is not null;
--> statement-breakpoint
create index guest_message_newest on guest_message (site_id, created_at, id);
--> statement-breakpoint
create table delivery_report (
  site_id text not null,
  ref text not null,
  word text not null,
  error_class text,
  why text,
  at bigint not null,
  primary key (site_id, ref, word)
);
