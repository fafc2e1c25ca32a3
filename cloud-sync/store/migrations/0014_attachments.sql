-- Photos and sheets that a gateway's events name by their hash; the bytes come later, in a lane of their own.
create table attachment (
  site_id text not null,
  gateway_id text not null,
  sha256 text not null,
  kind text not null,
  grant_id text,
  named_at bigint not null,
  bytes bytea,
  primary key (site_id, gateway_id, sha256)
);
--> statement-breakpoint
create index attachment_grant on attachment (site_id, grant_id) where grant_id is not null;
--> statement-breakpoint
create index attachment_named on attachment (site_id, named_at);
