-- What sources of bookings send by themselves, and what is written back to them.
alter table booking_source add column token_hash text;
--> statement-breakpoint
alter table booking_source add column token_sealed text;
--> statement-breakpoint
alter table booking_source add column former_sealed text;
--> statement-breakpoint
alter table booking_source add column former_until bigint;
--> statement-breakpoint
alter table booking_source add column subscriptions text;
--> statement-breakpoint
alter table booking_source add column subscribed_at bigint;
--> statement-breakpoint
alter table booking_source add column whole_at bigint;
--> statement-breakpoint
create table hook_message (
  site_id text not null,
  source_id text not null,
  id text not null,
  body_hash text not null,
  external_id text not null,
  version bigint,
  occurred_at bigint,
  sealed text,
  is_latest boolean not null,
  serial bigint not null,
  is_pending boolean not null,
  received_at bigint not null,
  keep_until bigint not null,
  primary key (site_id, source_id, id)
);
--> statement-breakpoint
create unique index hook_message_latest on hook_message (site_id, source_id, external_id) where is_latest;
--> statement-breakpoint
create unique index hook_message_serial on hook_message (site_id, source_id, serial);
--> statement-breakpoint
create index hook_message_pending on hook_message (site_id, source_id, serial) where is_pending;
--> statement-breakpoint
create index hook_message_kept on hook_message (site_id, keep_until);
