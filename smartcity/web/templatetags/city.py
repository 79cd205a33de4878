# SPDX-License-Identifier: Apache-2.0
"""What the shell's templates need: the import map, icons, and the settings scripts read."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from django import template
from django.conf import settings
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from smartcity import domains

register = template.Library()

SCRIPTS = Path(settings.ROOT) / "static" / "js"
THIRD_PARTY = {"#city/uplot": "npm/uplot/uPlot.esm.js"}


def imports() -> dict[str, str]:
    """Every `#city/…` name and its address: our modules, the domains' layers, third parties."""
    names = {f"#city/{path.stem}": static(f"js/{path.name}") for path in sorted(SCRIPTS.glob("*.js"))}
    names |= {name: static(path) for name, path in THIRD_PARTY.items()}
    return names | {f"#city/layers/{label}": address for label, address in layers().items()}


def layers() -> dict[str, str]:
    """Label → address of its layer.js, for the installed domains that have one."""
    labels = [config.label for config in domains.installed()]
    return {label: static(f"{label}/layer.js") for label in labels if finders.find(f"{label}/layer.js")}


@register.simple_tag(takes_context=True)
def importmap(context: template.Context) -> SafeString:
    """The one inline script the content security policy lets in, by its nonce."""
    body = json.dumps({"imports": imports()}).replace("<", "\\u003c")
    nonce = getattr(context["request"], "csp_nonce", "")
    return format_html('<script type="importmap" nonce="{}">{}</script>', nonce, mark_safe(body))


@cache
def icon_names() -> frozenset[str]:
    sprite = (Path(settings.ROOT) / "static" / "icons" / "icons.svg").read_text()
    return frozenset(re.findall(r'symbol id="([a-z]+)"', sprite))


@register.simple_tag
def icon(*names: str) -> SafeString:
    """The first icon of that name the sprite has, else a dot. Decoration: the label stands beside it."""
    name = next((n for n in names if n in icon_names()), "dot")
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>', static("icons/icons.svg"), name
    )


@register.filter
def speed(value: float) -> str:
    """10.0 → '10', 0.5 → '0.5'."""
    return f"{value:g}"


@register.inclusion_tag("web/parts/rail.html", takes_context=True)
def rail(context: template.Context) -> dict[str, Any]:
    path = context["request"].path
    return {"domains": context["domains"], "here": path.strip("/").partition("/")[0] or "map"}
