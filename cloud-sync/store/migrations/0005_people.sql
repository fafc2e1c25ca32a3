create table person (
  site_id text not null,
  id text not null,
  user_name text not null,
  email text,
  name text not null,
  role text not null,
  language text not null,
  password_hash text,
  disabled_at bigint,
  totp_sealed text,
  totp_pending text,
  totp_step bigint not null default 0,
  recovery_codes text not null default '[]',
  failures integer not null default 0,
  locked_until bigint,
  created_at bigint not null,
  created_by text not null,
  primary key (site_id, id)
);
--> statement-breakpoint
create unique index person_user_name on person (site_id, user_name);
--> statement-breakpoint
create unique index person_email on person (site_id, email);
--> statement-breakpoint
create table person_site (
  site_id text not null references site,
  person_id text not null,
  primary key (site_id, person_id)
);
--> statement-breakpoint
create index person_site_person on person_site (person_id);
--> statement-breakpoint
create table session (
  site_id text not null,
  id text not null,
  person_id text not null,
  device text not null,
  address text not null,
  created_at bigint not null,
  seen_at bigint not null,
  ended_at bigint,
  counter bigint not null,
  rotated_at bigint not null,
  primary key (site_id, id)
);
--> statement-breakpoint
create index session_person on session (site_id, person_id);
--> statement-breakpoint
create table one_time_link (
  site_id text not null,
  hash text not null,
  purpose text not null,
  person_id text,
  created_at bigint not null,
  expires_at bigint not null,
  used_at bigint,
  primary key (site_id, hash)
);
--> statement-breakpoint
create table api_key (
  site_id text not null,
  id text not null,
  hash text not null,
  name text not null,
  role text not null,
  sites text[] not null,
  scopes text[] not null,
  created_at bigint not null,
  created_by text not null,
  used_at bigint,
  expires_at bigint,
  revoked_at bigint,
  primary key (site_id, id)
);
--> statement-breakpoint
create unique index api_key_hash on api_key (site_id, hash);
--> statement-breakpoint
create table passkey (
  site_id text not null,
  id text not null,
  person_id text not null,
  name text not null,
  public_key text not null,
  counter bigint not null,
  transports text[] not null,
  created_at bigint not null,
  used_at bigint,
  primary key (site_id, id)
);
--> statement-breakpoint
create index passkey_person on passkey (site_id, person_id);
