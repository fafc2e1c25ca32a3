-- What has been kept for long enough goes: the head of a journal with a note of where it was cut, digits and names of ended grants.
create table event_cut (
  site_id text not null,
  gateway_id text not null,
  epoch integer not null,
  next bigint not null,
  chain text not null,
  cut_at bigint not null,
  primary key (site_id, gateway_id, epoch)
);
--> statement-breakpoint
alter table grant_record add column forgotten text;
--> statement-breakpoint
alter table grant_record add column entries_forgotten bigint not null default 0;
--> statement-breakpoint
alter table grant_record add column limited_entries_forgotten bigint not null default 0;
--> statement-breakpoint
create index grant_record_known on grant_record (site_id, valid_until) where forgotten is distinct from 'names';
