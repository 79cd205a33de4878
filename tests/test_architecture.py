# SPDX-License-Identifier: Apache-2.0
"""Which way the code may look, computed from its imports (docs/explanation/architecture.md)."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import grimp
import pytest

from smartcity import domains

ROOT = Path(__file__).resolve().parent.parent
DOMAINS = domains.find(ROOT)

# Lower may not import higher, nor equals each other. A folder or module of smartcity that is not named here is the
# assembly on top: nothing named here may import it.
LAYERS = (
    {"kernel", "vitals", "spatialite"},
    {"domains"},
    {"declared"},
    {"api"},
    {"transports", "devices"},
    {"telemetry"},
    {"realtime", "bus"},
    {"forecasting"},
    {"control", "alarms"},
    {"ingest"},
    {"web", "twin"},
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
OPEN_TO_DOMAINS = {"kernel", "domains", "api", "devices", "telemetry", "forecasting"}
WITH_DATABASE = {
    "apps", "models", "loop", "api", "views", "urls", "admin", "migrations", "management", "mobile", "templatetags",
}  # fmt: skip
PURE_ROOMS = {"metrics", "codecs", "controller", "interlocks", "alarms", "forecast", "osm", "kpis", "engineering"}
WITHOUT_DJANGO = {"twin", "history"}
# A process that has opened SpatiaLite aborts when one of these brings its own PROJ.
NEVER_WITH_SPATIALITE = ("pyproj", "pyogrio", "geopandas", "rasterio", "fiona", "traci", "sumolib", "libsumo")
HEAVY = ("prophet", "statsmodels", "pyvrp", "highspy")
SLOW_TO_LOAD = ("prophet", "statsmodels")  # two seconds and more each
DRIVES = {"channels", "socket", "socketserver", "threading", "asyncio", "requests", "httpx", "aiohttp", "smtplib"}
NAMELESS = {"utils.py", "helpers.py", "common.py", "services.py", "constants.py", "base.py"}
START = """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smartcity.settings")
import django
django.setup()
from smartcity import declared
for collect in (declared.metrics, declared.codecs, declared.interlocks, declared.points, declared.alarm_rules,
                declared.targets, declared.loops, declared.kpis, declared.drafters):
    collect()
print(*{name.split(".")[0] for name in sys.modules})
"""
SPATIALITE_ENGINE = ROOT / "smartcity" / "spatialite" / "base.py"  # Django demands the name


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("smartcity", *DOMAINS, include_external_packages=True, cache_dir=None)


def imports() -> Iterator[tuple[str, str]]:
    """Every import in the tree as (importer, imported)."""
    for module in sorted(graph().modules):
        for imported in sorted(graph().find_modules_directly_imported_by(module)):
            yield module, imported


def reach(package: str) -> set[str]:
    """Every module that imports the package, over however many steps."""
    return graph().find_downstream_modules(package) if package in graph().modules else set()


def part(module: str) -> str:
    """`devices` of smartcity.devices.models, `loop` of lighting.loop; the root itself is ''."""
    return module.partition(".")[2].partition(".")[0]


def is_entry(module: str) -> bool:
    """Management commands are doors: they may open on anything."""
    return ".management." in module


def sources() -> list[Path]:
    roots = [ROOT / "smartcity", *(ROOT / domain for domain in DOMAINS)]
    return [path for root in roots for path in sorted(root.rglob("*.py")) if "migrations" not in path.parts]


def test_the_platform_imports_no_domain():
    assert [
        pair for pair in imports() if pair[0].split(".")[0] == "smartcity" and pair[1].split(".")[0] in DOMAINS
    ] == []


def test_domains_do_not_import_each_other():
    assert [
        (a, b)
        for a, b in imports()
        if {a.split(".")[0], b.split(".")[0]} <= set(DOMAINS) and a.split(".")[0] != b.split(".")[0]
    ] == []


def foreign_metrics(domain: str, path: Path) -> Iterator[str]:
    """Lines that ask a table for another domain's metric: `filter(metric="traffic.flow")`."""
    for node in ast.walk(ast.parse(path.read_text())):
        for word in node.keywords if isinstance(node, ast.Call) else ():
            names = [part.value for part in ast.walk(word.value) if isinstance(part, ast.Constant)]
            foreign = [n for n in names if isinstance(n, str) and n.partition(".")[0] in {*DOMAINS} - {domain}]
            if word.arg and word.arg.partition("__")[0] == "metric" and foreign:
                yield f"{path.relative_to(ROOT)}:{word.value.lineno} {foreign[0]}"


def test_domains_read_each_others_metrics_as_city_context_only():
    assert [
        line for domain in DOMAINS for path in (ROOT / domain).rglob("*.py") for line in foreign_metrics(domain, path)
    ] == []


def test_domains_import_only_what_the_platform_opens_to_them():
    assert [
        (a, b)
        for a, b in imports()
        if a.split(".")[0] in DOMAINS and b.split(".")[0] == "smartcity" and part(b) not in OPEN_TO_DOMAINS
    ] == []


def test_each_layer_imports_only_what_is_below_it():
    assert [
        (a, b)
        for a, b in imports()
        if a.startswith("smartcity.") and b.startswith("smartcity.")
        if part(a) in RANK and part(a) != part(b) and not is_entry(a)
        if RANK.get(part(b), len(LAYERS)) >= RANK[part(a)]
    ] == []


def test_the_base_map_knows_nothing_of_the_platform():
    assert [
        (a, b) for a, b in imports() if part(a) == "basemap" and b.startswith("smartcity.") and part(b) != "basemap"
    ] == []


@pytest.mark.parametrize("framework", ["django", "rest_framework", "channels"])
def test_the_kernel_is_plain_python(framework):
    assert [module for module in reach(framework) if part(module) == "kernel"] == []


@pytest.mark.parametrize("framework", ["django", "rest_framework", "channels"])
def test_pure_rooms_of_domains_reach_no_framework(framework):
    """Over however many steps: what a pure room imports is as pure as itself."""
    rooms = {f"{domain}.{room}" for domain in DOMAINS for room in PURE_ROOMS | WITHOUT_DJANGO}
    assert sorted(reach(framework) & rooms) == []


def test_what_the_twin_runs_imports_no_django():
    twin = {m for m in graph().modules if part(m) in WITHOUT_DJANGO and m.split(".")[0] in DOMAINS}
    twin |= {m for m in graph().modules if m in ("smartcity.twin.__main__", "smartcity.basemap.__main__")}
    assert len(twin) >= 2 and twin & reach("django") == set()


@pytest.mark.parametrize("library", NEVER_WITH_SPATIALITE)
def test_no_process_with_spatialite_loads_another_proj(library):
    """Neither by imports nor through a room the platform loads by name."""
    by_name = {f"{domain}.{room}" for domain in DOMAINS for room in WITH_DATABASE | PURE_ROOMS}
    assert sorted(reach(library) & (reach("django") | by_name)) == []


@pytest.mark.parametrize("library", HEAVY)
def test_a_heavy_library_lives_in_one_folder(library):
    assert len({module.rpartition(".")[0] for module, imported in imports() if imported == library}) <= 1


def test_no_heavy_library_is_loaded_before_it_is_needed():
    done = subprocess.run([sys.executable, "-c", START], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert loaded & {*SLOW_TO_LOAD, *NEVER_WITH_SPATIALITE} == set() and "django" in loaded


def test_domains_declare_and_the_platform_drives():
    """No domain sends, broadcasts, schedules or opens a socket; what stands on the street is not the domain's hall."""
    assert [
        (a, b)
        for a, b in imports()
        if a.split(".")[0] in DOMAINS and part(a) not in WITHOUT_DJANGO | {"street"} and b in DRIVES
    ] == []


def test_what_happens_next_is_the_next_line():
    """No model signals, no save() with side effects."""
    offences = []
    for path in sources():
        where = path.relative_to(ROOT)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").endswith((".signals", "django.dispatch")):
                offences.append(f"{where}:{node.lineno} imports {node.module}")
            if isinstance(node, ast.ClassDef) and any(_is_model(base) for base in node.bases):
                names = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
                offences += [f"{where}:{node.lineno} {node.name}.{name}" for name in names & {"save", "delete"}]
    assert offences == []


def _is_model(base: ast.expr) -> bool:
    return (base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")) in {"Model", "Asset"}


def test_no_query_asks_for_a_distance_that_means_degrees_on_one_engine_and_metres_on_the_other():
    assert [str(path.relative_to(ROOT)) for path in sources() if "__dwithin" in path.read_text()] == []


def test_every_file_is_named_after_what_it_holds():
    named = [path for path in sources() if path.name in NAMELESS and path != SPATIALITE_ENGINE]
    assert [str(path.relative_to(ROOT)) for path in named] == []


def test_there_is_something_to_police():
    assert len(DOMAINS) >= 3 and len(list(imports())) > 300
