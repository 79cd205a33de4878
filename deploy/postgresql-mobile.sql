-- SPDX-License-Identifier: Apache-2.0
-- What the process for phones (manage.py runmobile) may do in the city's databases, and no more. Run it as a superuser
-- after the city's tables were made, and again after each upgrade; running it twice changes nothing:
--   createuser --pwprompt smartcity_mobile && psql smartcity < deploy/postgresql-mobile.sql
-- A table that is not named here is closed to it, also one that a later version brings.
\set ON_ERROR_STOP on
ALTER ROLE smartcity_mobile NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 60;
ALTER ROLE smartcity_mobile SET statement_timeout = '10s';
ALTER ROLE smartcity_mobile SET lock_timeout = '5s';
ALTER ROLE smartcity_mobile SET idle_in_transaction_session_timeout = '30s';

-- Anybody who may connect to a database may make temporary tables in it, unless that is taken away. Only the owner and
-- those granted it by name connect to the tasks' database from now on.
REVOKE TEMPORARY ON DATABASE smartcity, smartcity_telemetry FROM PUBLIC;
REVOKE CONNECT, TEMPORARY ON DATABASE smartcity_tasks FROM PUBLIC;

\connect smartcity
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM smartcity_mobile;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM smartcity_mobile;

-- Who signs in, and with which grants. Passwords are compared and never written.
GRANT SELECT ON auth_user, auth_group, auth_user_groups, api_grant TO smartcity_mobile;
GRANT UPDATE (last_login) ON auth_user TO smartcity_mobile;

-- The audit: written, not read.
GRANT INSERT, SELECT (id) ON api_auditentry TO smartcity_mobile;
GRANT USAGE ON SEQUENCE api_auditentry_id_seq TO smartcity_mobile;

-- Alarms with their places: read; taken by somebody, and nothing else of them changed.
GRANT SELECT ON alarms_alarm, devices_asset, devices_zone, devices_cityimport TO smartcity_mobile;
GRANT UPDATE (acknowledged_at, acknowledged_by, note, changed) ON alarms_alarm TO smartcity_mobile;

-- Browsers that want to be told, and the message a person sends himself to try it.
GRANT SELECT, INSERT, UPDATE, DELETE ON alarms_pushsubscription TO smartcity_mobile;
GRANT USAGE ON SEQUENCE alarms_pushsubscription_id_seq TO smartcity_mobile;
GRANT INSERT, SELECT (id, subscription_id), UPDATE (subscription_id) ON alarms_notice TO smartcity_mobile;
GRANT USAGE ON SEQUENCE alarms_notice_id_seq TO smartcity_mobile;

-- Crews: the round a truck announced, and what was said about its stops. Of a device neither codec nor secret.
GRANT SELECT ON waste_truck, waste_container, waste_unloadsite TO smartcity_mobile;
GRANT SELECT, INSERT ON waste_stopreport TO smartcity_mobile;
GRANT SELECT (id, uid, asset_id, retired_at, announced) ON devices_device TO smartcity_mobile;
GRANT SELECT ON devices_series TO smartcity_mobile;

\connect smartcity_telemetry
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM smartcity_mobile;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM smartcity_mobile;
GRANT SELECT ON latest TO smartcity_mobile;
