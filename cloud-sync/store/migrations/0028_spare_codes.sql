-- Codes that a property holds ready for guests whose own is not there.
create table spare_code (
  site_id text not null,
  grant_id text not null,
  property_id text not null,
  made_at bigint not null,
  given_to text,
  given_at bigint,
  ended_at bigint,
  why text,
  primary key (site_id, grant_id)
);
--> statement-breakpoint
create index spare_code_property on spare_code (site_id, property_id);
--> statement-breakpoint
alter table property add column spares_at bigint;
--> statement-breakpoint
alter table property add column spares_ready integer;
--> statement-breakpoint
alter table property add column spares_problem text;
--> statement-breakpoint
create index property_spares on property (spares_at) where spares_at is not null;
