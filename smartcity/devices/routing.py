# SPDX-License-Identifier: Apache-2.0
"""Which database an app lives in. Nothing may need one transaction over two of them."""

from __future__ import annotations

from typing import Any

HOMES = {"telemetry": "telemetry", "django_tasks_db": "tasks", "django_tasks_database": "tasks"}


class OneHomePerApp:
    def db_for_read(self, model: Any, **hints: Any) -> str:
        return HOMES.get(model._meta.app_label, "default")

    db_for_write = db_for_read

    def allow_relation(self, a: Any, b: Any, **hints: Any) -> bool:
        return self.db_for_read(a) == self.db_for_read(b)  # of the objects: a request's user is a lazy one

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return HOMES.get(app_label, "default") == db
