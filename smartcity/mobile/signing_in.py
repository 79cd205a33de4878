# SPDX-License-Identifier: Apache-2.0
"""Name and password, checked without ever writing one."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import check_password, make_password
from django.http import HttpRequest


class NameAndPassword(ModelBackend):
    """As Django's, but a password hashed in an older way stays so: this process's role may not write it."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **given: Any
    ) -> Any:
        if username is None or password is None:
            return None
        user = get_user_model()._default_manager.filter(username=username).first()
        if user is None:
            make_password(password)  # as long as a wrong password takes, so that the time tells nobody who exists
            return None
        return user if check_password(password, user.password) and self.user_can_authenticate(user) else None
