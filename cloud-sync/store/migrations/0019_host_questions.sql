-- What guards ask hosts about visitors without a pass, and the command that takes the answer to the gate.
create table host_question (
  site_id text not null,
  gateway_id text not null,
  id text not null,
  hash text not null,
  sealed text not null,
  host_id text not null,
  access_point text not null,
  staff_id text not null,
  visitor_name text not null,
  visitor_type text,
  asked_at bigint not null,
  expires_at bigint not null,
  answered_at bigint,
  approves boolean,
  command_id bigint,
  primary key (site_id, gateway_id, id)
);
--> statement-breakpoint
create index host_question_hash on host_question (hash);
--> statement-breakpoint
create index host_question_host on host_question (host_id, asked_at);
--> statement-breakpoint
alter table command add column details text;
