# SPDX-License-Identifier: Apache-2.0
"""Every path of the product, walked: whoever has no grant sees nothing, and every method says which action it needs."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.contrib.auth import get_user_model
from django.urls import URLPattern, get_resolver

from smartcity.api.models import Grant

METHODS = ("get", "post", "put", "patch", "delete")
WITHOUT_SIGN_IN = {"/sign-in/", "/manifest.webmanifest", "/sw.js", "/offline/"}
EXAMPLES = {"int": "1", "slug": "lighting", "str": "L-001", "uuid": "00000000-0000-4000-8000-000000000000", "path": "x"}


def patterns(resolver, prefix="/") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        path = prefix + str(entry.pattern).lstrip("^")
        if isinstance(entry, URLPattern):
            yield path, entry
        else:
            yield from patterns(entry, path)


def example(path: str) -> str:
    """A concrete path: converters replaced by plausible values."""
    return re.sub(r"<(?:(\w+):)?\w+>", lambda found: EXAMPLES[found[1] or "str"], path)


EVERY = [(path, entry) for path, entry in patterns(get_resolver()) if not path.startswith("/admin/")]
REST = [(path, entry) for path, entry in EVERY if path.startswith("/api/")]
PAGES = [path for path, _ in EVERY if not path.startswith("/api/")]


def methods(entry: URLPattern) -> list[str]:
    view = getattr(entry.callback, "cls")  # noqa: B009 Django's types know functions only
    return [method for method in METHODS if hasattr(view, method)]


@pytest.mark.parametrize(("path", "entry"), REST, ids=[path for path, _ in REST])
def test_every_method_of_the_interface_names_the_action_it_needs(path, entry):
    needs = getattr(entry.callback.cls, "needs", {})
    for method in methods(entry):
        assert needs.get(method.upper()) in Grant.Action.values, f"{method.upper()} {path} names no action"


@pytest.mark.django_db(databases="__all__")
@pytest.mark.parametrize(("path", "entry"), REST, ids=[path for path, _ in REST])
def test_nobody_without_a_grant_gets_anything_from_the_interface(path, entry, client):
    for signed_in, allowed in ((False, {401, 403}), (True, {403})):
        if signed_in:
            client.force_login(get_user_model().objects.create_user("newcomer", password="x"))
        for method in methods(entry):
            answer = getattr(client, method)(example(path), data={}, content_type="application/json")
            assert answer.status_code in allowed, f"{method.upper()} {path}: {answer.status_code}"


@pytest.mark.django_db(databases="__all__")
@pytest.mark.parametrize("path", PAGES)
def test_every_page_but_the_door_asks_to_sign_in(path, client):
    answer = client.get(example(path))
    if path in WITHOUT_SIGN_IN:
        assert answer.status_code == 200
    else:
        assert answer.status_code in (302, 405), path
        assert answer.status_code == 405 or answer["Location"].startswith("/sign-in/")
