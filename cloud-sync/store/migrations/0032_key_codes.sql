-- Codes that are written back to where the booking comes from: which one is there, and when the next attempt is.
alter table booking add column key_code_grant text;
--> statement-breakpoint
alter table booking add column key_code_at bigint;
--> statement-breakpoint
create index booking_key_code on booking (key_code_at) where key_code_at is not null;
