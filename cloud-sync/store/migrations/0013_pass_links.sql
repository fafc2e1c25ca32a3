-- Where a visitor sees their pass: found by the hash of what stands in its address, and sealed beside it for the host who shares it.
create table pass_link (
  site_id text not null,
  grant_id text not null,
  hash text not null,
  sealed text not null,
  created_at bigint not null,
  primary key (site_id, grant_id)
);
--> statement-breakpoint
create index pass_link_hash on pass_link (hash);
