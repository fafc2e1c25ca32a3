-- A page of the rarest kind of event, at a site with a million others, is read without these.
create index event_type on event (site_id, type, at, gateway_id, epoch, seq);
