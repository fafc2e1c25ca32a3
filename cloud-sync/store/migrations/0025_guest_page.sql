-- Links by which guests see their stays, and what the owner tells them of the house.
alter table booking add column link_hash text;
--> statement-breakpoint
alter table booking add column link_sealed text;
--> statement-breakpoint
create unique index booking_link on booking (link_hash) where link_hash is not null;
--> statement-breakpoint
alter table property add column guide text;
