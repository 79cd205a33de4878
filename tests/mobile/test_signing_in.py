# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password

from smartcity.mobile.signing_in import NameAndPassword

OLDER, NEWER = "django.contrib.auth.hashers.MD5PasswordHasher", "django.contrib.auth.hashers.ScryptPasswordHasher"


@pytest.fixture
def mara(db):
    return get_user_model().objects.create(username="mara", password=make_password("a long word"))


def test_a_password_hashed_in_an_older_way_is_accepted_and_left_as_it_is(mara, settings):
    settings.PASSWORD_HASHERS = [NEWER, OLDER]
    assert NameAndPassword().authenticate(None, "mara", "a long word") == mara
    mara.refresh_from_db()
    assert mara.password.startswith("md5$")


@pytest.mark.parametrize(
    ("name", "word"), [("mara", "another"), ("nobody", "a long word"), ("mara", None), (None, "x")]
)
def test_nobody_else_comes_in(mara, name, word):
    assert NameAndPassword().authenticate(None, name, word) is None


def test_an_account_that_was_closed_stays_out(mara):
    get_user_model().objects.update(is_active=False)
    assert NameAndPassword().authenticate(None, "mara", "a long word") is None
