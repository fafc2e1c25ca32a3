-- Calendars as sources of bookings: by what a booking is known there, and what the source was read with.
alter table booking add column source_code text;
--> statement-breakpoint
alter table booking add column source_uid text;
--> statement-breakpoint
alter table booking add column may_be_block boolean not null default false;
--> statement-breakpoint
alter table booking_source add column options text not null default '{}';
--> statement-breakpoint
alter table booking_source add column mark text;
--> statement-breakpoint
alter table booking_source add column empty_since bigint;
