# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest


@pytest.mark.parametrize("page", ["desk", "phone"], indirect=True)
def test_the_browser_runs_modules_and_has_the_size_asked_for(page, request):
    page.set_content("<script type=module>document.title = `${innerWidth}`</script>")
    page.wait_for_function("document.title !== ''")
    assert page.title() == ("1440" if request.node.callspec.params["page"] == "desk" else "390")


def test_what_the_console_complains_of_is_heard(page, complaints):
    page.set_content("<script>console.error('lamp 7'); undefinedThing()</script>")
    page.wait_for_timeout(100)
    assert [complaint.split(" (")[0] for complaint in complaints] == [
        "error: lamp 7",
        "uncaught: undefinedThing is not defined",
    ]
    complaints.clear()
