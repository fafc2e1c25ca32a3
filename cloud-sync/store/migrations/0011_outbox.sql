-- What is to leave the service, see ../outbox.ts.
create table outbox (
  site_id text not null,
  id text not null,
  kind text not null,
  person_id text,
  body text not null,
  state text not null,
  why text,
  attempts integer not null default 0,
  created_at bigint not null,
  due_at bigint not null,
  expires_at bigint not null,
  primary key (site_id, id)
);
--> statement-breakpoint
create index outbox_due on outbox (site_id, state, due_at);
