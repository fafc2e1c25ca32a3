alter table gateway add column witness text;
--> statement-breakpoint
alter table gateway add column cut_seq bigint;
--> statement-breakpoint
alter table gateway add column cut_at bigint;
