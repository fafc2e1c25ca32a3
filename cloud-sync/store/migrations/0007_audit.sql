-- Who changed what, chained; and what looked like an attack. See ../audit-schema.ts.
create table audit_chain (
  site_id text primary key,
  next bigint not null,
  head text not null
);
--> statement-breakpoint
create table audit_entry (
  site_id text not null,
  seq bigint not null,
  at bigint not null,
  actor text not null,
  action text not null,
  thing text not null,
  body text not null,
  chain text not null,
  primary key (site_id, seq)
);
--> statement-breakpoint
create index audit_entry_newest on audit_entry (at, site_id, seq);
--> statement-breakpoint
create index audit_entry_site on audit_entry (site_id, at, seq);
--> statement-breakpoint
create index audit_entry_actor on audit_entry (actor, at);
--> statement-breakpoint
create index audit_entry_thing on audit_entry (thing, at);
--> statement-breakpoint
create or replace function refuse_audit_change() returns trigger language plpgsql as $$
begin
  raise exception 'the audit trail is append-only';
end
$$;
--> statement-breakpoint
create trigger audit_entry_append_only before update or delete on audit_entry
  for each row execute function refuse_audit_change();
--> statement-breakpoint
create table security_event (
  site_id text not null,
  id text not null,
  kind text not null,
  severity text not null,
  subject text,
  address text,
  device text,
  detail text,
  count integer not null,
  first_at bigint not null,
  last_at bigint not null,
  resolved_at bigint,
  resolved_by text,
  primary key (site_id, id)
);
--> statement-breakpoint
create index security_event_newest on security_event (last_at, site_id, id);
