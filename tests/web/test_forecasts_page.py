# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re

import pytest
from django.contrib.auth import get_user_model


@pytest.mark.django_db(databases="__all__")
def test_the_page_of_the_forecasts_is_in_the_rail_and_carries_no_inline_script_or_style(client):
    client.force_login(get_user_model()._default_manager.create_user("anna"))
    answer = client.get("/forecasts/")
    text = answer.content.decode()
    assert answer.status_code == 200 and "<forecasts-page>" in text and "js/forecasts-page.js" in text
    assert re.search(r'<a class="only-wide" href="/forecasts/" aria-current="page">', text)
    assert " style=" not in text and "unsafe" not in answer["Content-Security-Policy"]
