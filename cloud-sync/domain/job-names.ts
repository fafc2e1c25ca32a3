/**
 * What the service does by itself, as people see it. "bookings": reads sources · "provisioning": makes, changes and takes away the codes of
 * stays when it is time · "watch": looks after stays, and alarms · "messages": tells guests · "sweep": looks once a day whether a code has outlived its stay · "housekeeping": what has been kept long enough goes.
 */
export const jobNames = ["bookings", "provisioning", "watch", "messages", "sweep", "housekeeping"] as const;
export type JobName = (typeof jobNames)[number];
