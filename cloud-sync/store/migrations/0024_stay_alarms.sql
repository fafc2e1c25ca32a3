-- What owners are alarmed about of stays, and when each stay is looked after next.
create table stay_alarm (
  site_id text not null,
  id text not null,
  kind text not null,
  about text not null,
  level integer not null,
  detail text not null,
  raised_at bigint not null,
  rose_at bigint not null,
  settled_at bigint,
  settled_by text,
  ended_at bigint,
  primary key (site_id, id)
);
--> statement-breakpoint
create unique index stay_alarm_open on stay_alarm (site_id, about, kind) where ended_at is null;
--> statement-breakpoint
create index stay_alarm_id on stay_alarm (id);
--> statement-breakpoint
create index stay_alarm_newest on stay_alarm (site_id, raised_at, id);
--> statement-breakpoint
alter table booking add column watch_at bigint;
--> statement-breakpoint
update booking set watch_at = 0 where forgotten_at is null;
--> statement-breakpoint
create index booking_watched on booking (watch_at) where watch_at is not null;
