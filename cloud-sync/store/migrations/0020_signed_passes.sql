-- JSON of the KeptPassKeys; the key that signs has no end, and a site without one has no signed passes.
alter table site add column pass_keys text not null default '[]';
