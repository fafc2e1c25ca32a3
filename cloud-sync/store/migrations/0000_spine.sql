-- The spine: sites and their feed, gateways and their journals, grants, commands. See ../schema.ts for what each column means.
create table site (
  site_id text primary key,
  name text not null,
  zone text not null,
  lockdown boolean not null,
  offline_policy text not null,
  sealed_key text not null,
  created_at bigint not null,
  feed text not null,
  ver bigint not null,
  floor bigint not null,
  live_rows bigint not null,
  sum text not null
);
--> statement-breakpoint
create table gateway (
  site_id text not null references site,
  id text not null,
  name text not null,
  created_at bigint not null,
  public_key text,
  enrolled_at bigint,
  revoked_at bigint,
  epoch integer not null,
  next bigint not null,
  head text,
  head_signature text,
  fork_seq bigint,
  forked_at bigint,
  cursor_feed text not null,
  cursor_version bigint not null,
  resetting_from bigint,
  seen_at bigint,
  last_command bigint not null,
  issued_command bigint not null,
  report text,
  reported_at bigint,
  primary key (site_id, id)
);
--> statement-breakpoint
create table enrolment_code (
  site_id text not null,
  hash text not null,
  gateway_id text not null,
  expires_at bigint not null,
  used_at bigint,
  primary key (site_id, hash),
  foreign key (site_id, gateway_id) references gateway
);
--> statement-breakpoint
create table access_point (
  site_id text not null,
  id text not null,
  gateway_id text not null,
  reported_name text not null,
  name text,
  reported_at bigint not null,
  gone_at bigint,
  primary key (site_id, id),
  foreign key (site_id, gateway_id) references gateway
);
--> statement-breakpoint
create table grant_record (
  site_id text not null references site,
  id text not null,
  kind text not null,
  holder_id text not null,
  holder_name text not null,
  access_points text[] not null,
  valid_from bigint not null,
  valid_until bigint not null,
  created_at bigint not null,
  revoked_at bigint,
  retired_at bigint,
  entries_used bigint not null,
  last_used_at bigint,
  body text not null,
  primary key (site_id, id)
);
--> statement-breakpoint
create index grant_record_newest on grant_record (site_id, created_at, id);
--> statement-breakpoint
create index grant_record_until on grant_record (site_id, valid_until);
--> statement-breakpoint
create table live_code (
  site_id text not null references site,
  kind text not null,
  code_index text not null,
  credential_id text not null,
  grant_id text not null,
  free_at bigint not null,
  primary key (site_id, kind, code_index)
);
--> statement-breakpoint
create index live_code_free on live_code (site_id, kind, free_at);
--> statement-breakpoint
create index live_code_grant on live_code (site_id, grant_id);
--> statement-breakpoint
create table feed_row (
  site_id text not null references site,
  kind text not null,
  id text not null,
  ver bigint not null,
  gone boolean not null,
  written_at bigint not null,
  body text,
  sum text not null,
  revoked text,
  entries bigint,
  home_gateway text,
  primary key (site_id, kind, id)
);
--> statement-breakpoint
create index feed_row_ver on feed_row (site_id, ver);
--> statement-breakpoint
create table blacklist (
  site_id text not null references site,
  id text not null,
  subject text not null,
  value text not null,
  reason text,
  created_at bigint not null,
  primary key (site_id, id)
);
--> statement-breakpoint
create table event (
  site_id text not null,
  gateway_id text not null,
  epoch integer not null,
  seq bigint not null,
  hash text not null,
  received_at bigint not null,
  at bigint not null,
  type text not null,
  body text,
  access_point text,
  grant_id text,
  credential_id text,
  device text,
  reason text,
  primary key (site_id, gateway_id, epoch, seq)
);
--> statement-breakpoint
create index event_newest on event (site_id, at, gateway_id, epoch, seq);
--> statement-breakpoint
create index event_grant on event (site_id, grant_id);
--> statement-breakpoint
create table event_parked (
  site_id text not null,
  gateway_id text not null,
  epoch integer not null,
  seq bigint not null,
  why text not null,
  raw bytea not null,
  primary key (site_id, gateway_id, epoch, seq)
);
--> statement-breakpoint
create table command (
  site_id text not null,
  gateway_id text not null,
  id bigint not null,
  access_point text not null,
  issued_by text not null,
  created_at bigint not null,
  ttl_ms integer not null,
  handed_at bigint,
  missed_at bigint,
  taken_at bigint,
  ended_at bigint,
  result text,
  primary key (site_id, gateway_id, id),
  foreign key (site_id, gateway_id) references gateway
);
--> statement-breakpoint
create table idempotency (
  site_id text not null,
  key text not null,
  request text not null,
  answer text not null,
  created_at bigint not null,
  primary key (site_id, key)
);
--> statement-breakpoint
create table admin_token (
  site_id text not null,
  hash text not null,
  created_at bigint not null,
  primary key (site_id, hash)
);
