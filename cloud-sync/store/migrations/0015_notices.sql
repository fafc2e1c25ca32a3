-- Who wants to be told what by which way, the browsers that are to be told, and the keys by which the service says who it is.
create table notice_choice (
  site_id text not null,
  person_id text not null,
  channel text not null,
  entries boolean not null,
  denials boolean not null,
  primary key (site_id, person_id)
);
--> statement-breakpoint
create table push_subscription (
  site_id text not null,
  id text not null,
  person_id text not null,
  session_id text not null,
  endpoint_hash text not null,
  sealed text not null,
  device text not null,
  created_at bigint not null,
  used_at bigint,
  primary key (site_id, id),
  unique (site_id, endpoint_hash)
);
--> statement-breakpoint
create index push_subscription_person on push_subscription (site_id, person_id);
--> statement-breakpoint
create table service_key (
  site_id text not null,
  name text not null,
  public_key text not null,
  sealed text not null,
  created_at bigint not null,
  primary key (site_id, name)
);
