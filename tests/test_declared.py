# SPDX-License-Identifier: Apache-2.0
"""A domain that declares what the platform cannot accept is refused at the start, in a sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command

from smartcity import declared, domains


@pytest.fixture
def spoil(monkeypatch, tmp_path, settings):
    """The first metric of the first domain with something changed; nothing is made in the checkout."""
    settings.VAR = tmp_path
    real = domains.collect

    def change(**what):
        def collect(room, name):
            for config, found in real(room, name):
                yield config, ([replace(found[0], **what), *found[1:]] if name == "METRICS" else found)

        monkeypatch.setattr(domains, "collect", collect)
        declared.forget()

    yield change
    monkeypatch.undo()
    declared.forget()


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ({"purpose": ""}, "purpose must say why"),
        ({"keep_raw_days": 0}, "keep_raw_days"),
        ({"unit": ""}, "title and unit are required"),
        ({"name": "elsewhere.flow"}, "belongs in the domain elsewhere"),
    ],
)
def test_a_faulty_metric_is_refused_before_anything_is_made(spoil, tmp_path, monkeypatch, what, said):
    for name in ("SECRET_KEY", "VAPID_PRIVATE_KEY", "QUARANTINE_KEY", "MOBILE_SECRET_KEY"):
        monkeypatch.setenv(f"SMARTCITY_{name}", "x")
    spoil(**what)
    with pytest.raises(CommandError, match=said):
        call_command("prepare")
    assert not (tmp_path / "static").exists()
