alter table gateway add column former_keys text not null default '[]';
