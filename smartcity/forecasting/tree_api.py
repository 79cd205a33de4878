# SPDX-License-Identifier: Apache-2.0
"""REST: what is foreseen of the whole city, a district, a street or a feeder, and of what it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity import declared
from smartcity.api.access import Scope
from smartcity.api.views import CityView
from smartcity.forecasting import quantiles
from smartcity.forecasting.models import ForecastNode, NodeForecast
from smartcity.forecasting.series import Array

BAND = (0.1, 0.5, 0.9)


class TreeView(CityView):
    """Without `metric`: the trees there are. With it: one node, its forecast, and the nodes it is the sum of.

    Points are [at, mean, median, low 80 %, high 80 %]; means add up exactly, quantiles do not and need not. Who may see
    some zones only sees the nodes that lie in them, `roots` being the uppermost. Series of personal data are in sums of
    at least so many as `SMARTCITY_PERSONAL_AT_LEAST` says, and never nodes.
    """

    @extend_schema(
        operation_id="forecast_tree",
        responses=OpenApiTypes.OBJECT,
        parameters=[
            OpenApiParameter("metric", str, description="Of this metric; none: which trees there are"),
            OpenApiParameter(
                "kind", str, description="Of these assets, where a metric has several trees; default: the first"
            ),
            OpenApiParameter("node", int, description="Default: the uppermost node that the caller may see"),
        ],
    )
    def get(self, request: Request) -> Response:
        reach = self.reach(request)
        asked = request.query_params
        if "metric" not in asked:
            return Response({"trees": _trees(reach)})
        named = {"metric": asked["metric"], **({"kind": asked["kind"]} if "kind" in asked else {})}
        nodes = [node for node in ForecastNode.objects.filter(**named).order_by("pk") if _sees(reach, node)]
        if not nodes:
            raise Http404("Nothing of this is foreseen that you may see.")
        nodes = [node for node in nodes if node.kind == nodes[0].kind]
        shown = {node.pk for node in nodes}
        roots = [node for node in nodes if node.parent_id not in shown]
        node = _asked(asked.get("node"), nodes, roots)
        children = sorted((one for one in nodes if one.parent_id == node.pk), key=lambda one: (-one.members, one.label))
        current = NodeForecast.objects.filter(node__in=[node, *children], is_current=True)
        said = {row.node_id: row for row in current}
        return Response(
            {
                **_head(node.metric, node.kind),
                "roots": [_place(one) for one in roots],
                "path": [_place(one) for one in _path(node, nodes)],
                "node": {**_place(node), **_foreseen(said.get(node.pk))},
                "children": [{**_place(one), **_summary(said.get(one.pk))} for one in children],
            }
        )


def _trees(reach: Scope) -> list[dict[str, Any]]:
    """Every metric and kind of which the caller may see a node."""
    found: dict[tuple[str, str], int] = {}
    for node in ForecastNode.objects.exclude(level="series").order_by("metric", "kind", "pk"):
        if _sees(reach, node):
            found[node.metric, node.kind] = found.get((node.metric, node.kind), 0) + 1
    return [{**_head(metric, kind), "nodes": count} for (metric, kind), count in found.items()]


def _sees(reach: Scope, node: ForecastNode) -> bool:
    """A sum tells of all that is in it, so all of it must be within reach."""
    domain = node.metric.partition(".")[0]
    return bool(node.zones) and all(reach.allows(domain, zone) for zone in node.zones)


def _asked(text: str | None, nodes: Sequence[ForecastNode], roots: Sequence[ForecastNode]) -> ForecastNode:
    if text is None:
        return roots[0]
    if not text.isdecimal():
        raise ValidationError({"node": "Write the number of a node."})
    found = next((node for node in nodes if node.pk == int(text)), None)
    if found is None:
        raise Http404("There is no such node that you may see.")
    return found


def _path(node: ForecastNode, nodes: Sequence[ForecastNode]) -> list[ForecastNode]:
    """From the uppermost that may be seen down to the node."""
    known = {one.pk: one for one in nodes}
    found, up = [node], known.get(node.parent_id or 0)
    while up is not None:
        found.append(up)
        up = known.get(up.parent_id or 0)
    return found[::-1]


def _head(metric: str, kind: str) -> dict[str, Any]:
    of = declared.metrics().get(metric)
    head = {"domain": metric.partition(".")[0], "metric": metric, "kind": kind}
    return {**head, "title": of.title if of else metric, "unit": of.unit if of else ""}


def _place(node: ForecastNode) -> dict[str, Any]:
    plain = {"node": node.pk, "level": node.level, "label": node.label, "members": node.members}
    return {**plain, "series": node.series_id}


def _foreseen(row: NodeForecast | None) -> dict[str, Any]:
    if row is None:
        return {"issued_at": None, "note": "", "points": []}
    means, band = _arrays(row)
    at = row.start + row.step_s * 1000 * np.arange(len(means))
    low, middle, high = band.round(4)
    points = zip(at.tolist(), means.round(4).tolist(), middle.tolist(), low.tolist(), high.tolist(), strict=True)
    return {
        "issued_at": row.issued_at,
        "step_s": row.step_s,
        "note": row.note,
        "points": [list(point) for point in points],
    }


def _summary(row: NodeForecast | None) -> dict[str, Any]:
    """The mean over the horizon, and when the most is expected, with its band."""
    if row is None:
        return {"mean": None, "peak": None}
    means, (low, _, high) = _arrays(row)
    at = int(np.argmax(means))
    peak = {"at": row.start + at * row.step_s * 1000, "mean": round(float(means[at]), 4)}
    peak |= {"low": round(float(low[at]), 4), "high": round(float(high[at]), 4)}
    return {"mean": round(float(means.mean()), 4), "peak": peak}


def _arrays(row: NodeForecast) -> tuple[Array, Array]:
    """Means `[H]`, and the band's low end, middle and high end `[3, H]`."""
    levels = tuple(float(level) for level in row.levels)
    values = np.frombuffer(row.values, "<f4").astype(np.float64).reshape(len(levels), -1)
    return np.frombuffer(row.means, "<f8"), np.stack([quantiles.at_level(values, levels, level) for level in BAND])
