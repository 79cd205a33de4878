# SPDX-License-Identifier: Apache-2.0
"""Tiny OpenStreetMap files, written where a test needs one."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import quoteattr

STEP = 0.001
SQUARE = {1: (0, 0), 2: (1, 0), 3: (1, 1), 4: (0, 1)}
ROUND_THE_BLOCK = [(10, [1, 2, 3, 4, 1], {"highway": "residential", "name": "Ring Street"})]


def osm(path, *, nodes=SQUARE, ways=ROUND_THE_BLOCK, tagged=None, relations=()) -> Path:
    """Nodes are {id: (column, row)} on a grid of a thousandth of a degree; ways (id, refs, tags);
    relations (id, tags, [(type, ref, role)])."""
    tagged = tagged or {}
    lines = ["<osm version='0.6'>"]
    for ref, (column, row) in nodes.items():
        lines.append(f"<node id='{ref}' lon='{24 + column * STEP:.7f}' lat='{60 + row * STEP:.7f}' version='1'>")
        lines += [*_tags(tagged.get(ref, {})), "</node>"]
    for ref, refs, tags in ways:
        lines += [f"<way id='{ref}' version='1'>", *(f"<nd ref='{r}'/>" for r in refs), *_tags(tags), "</way>"]
    for ref, tags, members in relations:
        lines.append(f"<relation id='{ref}' version='1'>")
        lines += [f"<member type='{kind}' ref='{r}' role='{role}'/>" for kind, r, role in members]
        lines += [*_tags(tags), "</relation>"]
    path.write_text("\n".join([*lines, "</osm>"]))
    return path


def _tags(tags):
    return [f"<tag k={quoteattr(k)} v={quoteattr(v)}/>" for k, v in tags.items()]
