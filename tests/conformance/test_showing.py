# SPDX-License-Identifier: Apache-2.0
"""What people see, and what other programs may ask."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.template.loader import select_template

from smartcity import domains
from tests.conformance.installed import each_domain, kinds_of


@pytest.mark.django_db(databases=["default", "telemetry", "tasks"])
@each_domain
def test_a_domain_names_itself_and_its_models_need_no_migration(domain):
    config = next(config for config in domains.installed() if config.label == domain)
    assert config.title and config.icon and config.shape
    assert config.name == domain
    call_command("makemigrations", domain, check=True, dry_run=True, skip_checks=True, verbosity=0)


@each_domain
def test_a_domain_has_a_page(domain):
    assert select_template([f"{domain}/page.html", "web/domain.html"])


LOOK = """
const layer = await import(process.argv[1]);
const values = new Map();
const out = { kinds: Object.keys(layer.kinds), faults: [] };
for (const [kind, look] of Object.entries(layer.kinds)) {
  const asset = { uid: "X-1", kind, name: "x", domain: "", series: {}, estimated: true, simulated: true };
  if (!look.shape || !look.title || !look.plural) out.faults.push(`${kind}: shape, title and plural are required`);
  for (const [name, call] of Object.entries({
    style: () => layer.style(asset, values), state: () => layer.state?.(asset, values, []),
    rows: () => layer.rows?.(asset, values, []), columns: () => layer.columns?.(kind),
    headline: () => layer.headline?.([]),
  })) {
    try { call(); } catch (error) { out.faults.push(`${kind}: ${name} throws ${error}`); }
  }
}
console.log(JSON.stringify(out));
"""


@each_domain
def test_the_map_layer_knows_every_kind_and_survives_an_asset_without_values(domain):
    layer = Path(settings.ROOT) / domain / "static" / domain / "layer.js"
    assert layer.exists()
    node = shutil.which("node") or str(Path(sys.executable).with_name("node"))
    if not Path(node).exists():
        pytest.skip("node is not installed")
    run = [node, "--input-type=module", "--eval", LOOK, layer.as_uri()]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["faults"] == [] and set(kinds_of(domain)) <= set(found["kinds"])


@each_domain
def test_every_rest_route_says_which_action_it_needs(domain):
    room = domains.room(domain, "api")
    for route in getattr(room, "ROUTES", ()):
        assert getattr(route.callback, "view_class", route.callback).needs
