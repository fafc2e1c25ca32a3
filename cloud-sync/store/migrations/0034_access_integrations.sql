-- Keys of makers' accounts, each sealed to the gateway that uses it. See ../integration-schema.ts.
create table access_integration (
  site_id text not null,
  gateway_id text not null,
  provider text not null,
  sealed text not null,
  sealed_to text not null,
  secrets text array not null,
  is_enabled boolean not null,
  configured_at bigint not null,
  configured_by text not null,
  primary key (site_id, gateway_id, provider)
);
