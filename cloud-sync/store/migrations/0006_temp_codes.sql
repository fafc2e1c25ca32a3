-- Temporary codes are few among a site's grants, and are asked for by who made them.
alter table grant_record add column created_by text not null default '';
--> statement-breakpoint
update grant_record set created_by = coalesce(body::json ->> 'createdBy', '');
--> statement-breakpoint
create index grant_record_temporary on grant_record (site_id, created_at, id) where kind = 'temporary';
--> statement-breakpoint
create index grant_record_temporary_own on grant_record (created_by, created_at, id) where kind = 'temporary';
--> statement-breakpoint
create index grant_record_temporary_id on grant_record (id) where kind = 'temporary';
