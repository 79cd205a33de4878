# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.chaos.__main__ import ENTRIES

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md")})


def links(page: Path) -> list[str]:
    """Relative targets, pictures too, without their anchors."""
    text = page.read_text()
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text) + re.findall(r'\bsrc(?:set)?="([^"#\s]+)"', text)
    return [target for target in targets if "://" not in target and not target.startswith("mailto:")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    assert [target for target in links(page) if not (page.parent / target).exists()] == []


def test_every_page_can_be_reached_from_the_readme():
    reached, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop().resolve()
        if page not in reached and page.suffix == ".md" and page.exists():
            reached.add(page)
            todo += [page.parent / target for target in links(page)]
    pages = {page.resolve() for page in ROOT.glob("docs/**/*.md")}
    assert sorted(str(page.relative_to(ROOT)) for page in pages - reached) == []


def test_every_setting_is_in_the_reference():
    """Names of environment variables: in quotes in the settings, in backticks on the page."""
    settings = (ROOT / "smartcity/settings.py").read_text()
    names = set(re.findall(r'"(SMARTCITY_[A-Z_]+|DATABASE_URL|REDIS_URL)"', settings))
    names |= {f"SMARTCITY_{name.upper()}" for name in re.findall(r'secret\("(\w+)"\)', settings)}
    names |= set(re.findall(r'confidential\("(\w+)"\)', settings))
    page = (ROOT / "docs/reference/settings.md").read_text()
    assert sorted(names - set(re.findall(r"`([A-Z_]+)`", page))) == []


def test_no_setting_in_the_reference_is_gone():
    page = (ROOT / "docs/reference/settings.md").read_text()
    code = (
        "".join(path.read_text() for path in ROOT.glob("smartcity/**/*.py")) + (ROOT / "script/bootstrap").read_text()
    )
    named = re.findall(r"^\| `SMARTCITY_([A-Z_]+)`", page, re.M)
    assert [name for name in named if f"SMARTCITY_{name}" not in code and f'secret("{name.lower()}")' not in code] == []


def test_every_scenario_of_script_chaos_is_in_the_reference():
    page = (ROOT / "docs/reference/chaos.md").read_text()
    assert re.findall(r"^\| `(\w+)` .*\| .*\| .*\| .*\|$", page, re.M)[: len(ENTRIES)] == [one.name for one in ENTRIES]


def test_every_command_of_manage_py_is_in_the_reference():
    files = [path for path in ROOT.glob("*/**/management/commands/[a-z]*.py") if ".venv" not in path.parts]
    page = (ROOT / "docs/reference/commands.md").read_text()
    assert files
    assert [path.stem for path in files if f"| `{path.stem}" not in page] == []


NEITHER_ADDRESS_NOR_SECRET = {
    "SMARTCITY_API_RATE", "SMARTCITY_DEBUG", "SMARTCITY_EVENT_LOG_DAYS", "SMARTCITY_HOLIDAYS", "SMARTCITY_HTTPS",
    "SMARTCITY_LOG", "SMARTCITY_MQTT_CERTIFICATES_ONLY",
    "SMARTCITY_NAME", "SMARTCITY_PERSONAL_AT_LEAST", "SMARTCITY_POOL", "SMARTCITY_PUSH_PLACES",
    "SMARTCITY_QUARANTINE_DAYS", "SMARTCITY_RAW_DAYS", "SMARTCITY_SEED",
    "SMARTCITY_TIME_ZONE", "SMARTCITY_VAPID_SUBJECT", "SMARTCITY_WEATHER_PLAIN",
}  # fmt: skip


def test_every_setting_with_an_address_a_path_or_a_secret_is_on_the_page_of_ports():
    settings = (ROOT / "smartcity/settings.py").read_text() + (ROOT / "smartcity/mobile/settings.py").read_text()
    names = set(re.findall(r'"(SMARTCITY_[A-Z_]+|[A-Z]+_URL)"', settings))
    names |= {f"SMARTCITY_{name.upper()}" for name in re.findall(r'secret\("(\w+)"\)', settings)}
    names |= set(re.findall(r'confidential\("(\w+)"\)', settings))
    page = (ROOT / "docs/reference/ports.md").read_text()
    assert sorted(names - NEITHER_ADDRESS_NOR_SECRET - set(re.findall(r"`([A-Z_]+)`", page))) == []
    assert len(names) > 20
