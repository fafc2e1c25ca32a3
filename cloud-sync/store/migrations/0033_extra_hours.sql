-- Minutes that one stay goes on beyond its checkout.
alter table booking add column extra_minutes integer not null default 0;
