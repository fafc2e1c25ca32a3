alter table site add column audit_since bigint;
--> statement-breakpoint
alter table site add column epoch_floor integer not null default 0;
--> statement-breakpoint
alter table gateway add column audited_feed text not null default '';
--> statement-breakpoint
alter table gateway add column lan text;
--> statement-breakpoint
create table holding (
  site_id text not null,
  grant_id text not null,
  holder text not null,
  granted bigint not null,
  returned bigint not null,
  used bigint not null,
  written_off bigint not null,
  order_no bigint not null,
  order_n bigint not null,
  order_answered bigint not null,
  placed_at bigint,
  asked_at bigint,
  primary key (site_id, grant_id, holder),
  foreign key (site_id, grant_id) references grant_record
);
--> statement-breakpoint
create table transfer (
  site_id text not null,
  grant_id text not null,
  from_holder text not null,
  to_holder text not null,
  total bigint not null,
  primary key (site_id, grant_id, from_holder, to_holder),
  foreign key (site_id, grant_id) references grant_record
);
--> statement-breakpoint
insert into holding (site_id, grant_id, holder, granted, returned, used, written_off, order_no, order_n, order_answered)
select r.site_id, r.id, r.home_gateway || '.' || greatest(g.epoch, 1), r.entries, 0,
  (select count(*) filter (where e.type = 'admitted') - count(*) filter (where e.type = 'void') from event e
     where e.site_id = r.site_id and e.grant_id = r.id and e.gateway_id = r.home_gateway and e.epoch = g.epoch),
  0, 0, 0, 0
from feed_row r join gateway g on g.site_id = r.site_id and g.id = r.home_gateway
where r.kind = 'grant' and not r.gone and r.entries is not null;
--> statement-breakpoint
alter table feed_row add column rights text;
--> statement-breakpoint
update feed_row r set rights = json_build_object(
    'holders', json_build_object(h.holder, json_build_object('granted', h.granted)),
    'heldBy', json_build_array(r.home_gateway))::text
from holding h where h.site_id = r.site_id and h.grant_id = r.id and r.kind = 'grant';
--> statement-breakpoint
alter table feed_row drop column entries;
--> statement-breakpoint
alter table feed_row drop column home_gateway;
