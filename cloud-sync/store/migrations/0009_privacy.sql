-- Keys under which the audit trail's addresses are sealed, to be thrown away; and people whose data were erased. See ../audit-schema.ts.
create table audit_key (
  site_id text not null,
  id text not null,
  owner text not null,
  day integer not null,
  secret text not null,
  primary key (site_id, id)
);
--> statement-breakpoint
create unique index audit_key_owner on audit_key (site_id, owner, day);
--> statement-breakpoint
create index audit_key_day on audit_key (day);
--> statement-breakpoint
alter table person add column erased_at bigint;
