-- Where bookings come from by themselves.
create table booking_source (
  site_id text not null,
  id text not null,
  kind text not null,
  name text not null,
  sealed text not null,
  places text not null,
  every_minutes integer not null,
  created_by text not null,
  created_at bigint not null,
  closed_at bigint,
  next_at bigint,
  run_until bigint,
  ran_at bigint,
  good_at bigint,
  result text,
  primary key (site_id, id)
);
--> statement-breakpoint
create index booking_source_due on booking_source (next_at) where next_at is not null;
--> statement-breakpoint
alter table booking add column held text;
--> statement-breakpoint
alter table booking add column held_why text;
--> statement-breakpoint
alter table booking add column held_at bigint;
--> statement-breakpoint
alter table booking add column refused text;
--> statement-breakpoint
alter table booking add column missed_times integer;
--> statement-breakpoint
alter table booking add column missed_since bigint;
--> statement-breakpoint
create index booking_held on booking (site_id, held_at) where held_at is not null;
