-- Entries that a guard counts through the cloud: the request's own number, and what the gate has made of it.
alter table command add column nonce text;
--> statement-breakpoint
alter table command add column outcome text;
--> statement-breakpoint
create index command_nonce on command (site_id, gateway_id, nonce) where nonce is not null;
