-- How the jobs of the service went, and when the next run of those is that one replica does for all.
create table job_run (
  site_id text not null,
  name text not null,
  next_at bigint,
  ran_at bigint,
  took_ms bigint,
  done integer,
  failed boolean not null default false,
  good_at bigint,
  primary key (site_id, name)
);
