-- Flats and rooms that are let, and the bookings of them.
create table property (
  site_id text not null,
  id text not null,
  name text not null,
  access_points text[] not null,
  rules text not null,
  created_at bigint not null,
  closed_at bigint,
  primary key (site_id, id)
);
--> statement-breakpoint
create index property_id on property (id);
--> statement-breakpoint
create table booking (
  site_id text not null,
  id text not null,
  property_id text not null,
  kind text not null,
  source text not null,
  external_id text not null,
  status text not null,
  arrival text,
  departure text,
  check_in text,
  check_out text,
  begins_at bigint not null,
  ends_at bigint not null,
  guest_name text not null,
  guest_phone text,
  guest_email text,
  guest_language text,
  created_by text not null,
  created_at bigint not null,
  changed_at bigint not null,
  grant_id text,
  former_grant_id text,
  look_at bigint,
  problem text,
  forgotten_at bigint,
  primary key (site_id, id),
  unique (site_id, source, external_id)
);
--> statement-breakpoint
create index booking_id on booking (id);
--> statement-breakpoint
create index booking_due on booking (look_at) where look_at is not null;
--> statement-breakpoint
create index booking_stays on booking (site_id, ends_at, begins_at, id);
--> statement-breakpoint
create index booking_property on booking (site_id, property_id, ends_at);
