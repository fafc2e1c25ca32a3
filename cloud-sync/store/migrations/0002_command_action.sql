alter table command add column action text not null default 'unlock';
