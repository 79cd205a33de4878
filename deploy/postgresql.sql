-- SPDX-License-Identifier: Apache-2.0
-- The city's three databases, beside each other on one server; run once, as a superuser, from the database smartcity:
--   createuser --pwprompt smartcity && createdb --owner smartcity smartcity && psql smartcity < deploy/postgresql.sql
CREATE EXTENSION IF NOT EXISTS postgis;
CREATE DATABASE smartcity_telemetry OWNER smartcity;
CREATE DATABASE smartcity_tasks OWNER smartcity;
