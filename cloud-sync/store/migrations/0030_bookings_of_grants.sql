-- What a gateway says of a grant's code is said of its booking.
create index booking_grant on booking (site_id, grant_id) where grant_id is not null;
--> statement-breakpoint
create index booking_former_grant on booking (site_id, former_grant_id) where former_grant_id is not null;
