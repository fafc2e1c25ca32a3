-- A page of a door that is hardly used, at a site with a million events at others, is read without these.
create index event_door on event (site_id, access_point, at, gateway_id, epoch, seq);
