-- Visitors' passes are asked for by who invited, as temporary codes are by who made them.
create index grant_record_visitor on grant_record (site_id, created_at, id) where kind = 'visitor';
--> statement-breakpoint
create index grant_record_visitor_own on grant_record (created_by, created_at, id) where kind = 'visitor';
--> statement-breakpoint
create index grant_record_visitor_id on grant_record (id) where kind = 'visitor';
