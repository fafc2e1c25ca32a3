alter table session add column presented_at bigint;
--> statement-breakpoint
update api_key set expires_at = least(coalesce(expires_at, created_at + 7776000000), created_at + 31622400000);
--> statement-breakpoint
alter table api_key alter column expires_at set not null;
