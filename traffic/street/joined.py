# SPDX-License-Identifier: Apache-2.0
"""Signals with one stop line behind another: what the first lets in, the second must let out."""

from __future__ import annotations

from collections.abc import Mapping

from traffic.street.net import Net, Signal

REACH_M = 30.0  # further on, vehicles find room to wait


def behind(net: Net, signal: Signal) -> dict[int, frozenset[str]]:
    """Link → incoming edges of the same signal that its vehicles come to next, over short pieces without a signal."""
    found = {}
    for link, row in enumerate(signal.links):
        edges: set[str] = set()
        for connection in row:
            edges |= _reached(net, signal, connection.to_edge) - {connection.edge}
        found[link] = frozenset(edges)
    return found


def _reached(net: Net, signal: Signal, start: str) -> set[str]:
    incoming, reached, seen = set(signal.incoming), set(), {start}
    todo = [(start, 0.0)]
    while todo:
        edge, gone = todo.pop()
        if edge in incoming:
            reached.add(edge)
            continue
        gone += net.edges[edge].length_m
        for connection in net.onward.get(edge, ()):
            if gone < REACH_M and not connection.signal and connection.to_edge not in seen:
                seen.add(connection.to_edge)
                todo.append((connection.to_edge, gone))
    return reached


def inner(found: Mapping[int, frozenset[str]]) -> frozenset[str]:
    """Edges between two stop lines of one signal."""
    return frozenset().union(*found.values()) if found else frozenset()


def let_out(net: Net, signal: Signal, state: str) -> str:
    """The green state with second stop lines opened where the first is open and there is no room to wait between.

    Where a crossing movement is green too, the opened one gives way to it: never two crossing main greens.
    """
    letters = list(state)
    for link, edges in behind(net, signal).items():
        if state[link] not in "Gg":
            continue
        for after in _short_links(net, signal, edges):
            if letters[after] == "r":
                crossed = any(a == after and letters[b] in "Gg" for a, b in signal.foes)
                letters[after] = "g" if crossed else "G"
    for one, other in sorted(signal.foes):  # netconvert opens some pairs of left turns that cross inside
        if letters[one] == "G" == letters[other]:
            letters[max(one, other)] = "g"
    return "".join(letters)


def _short_links(net: Net, signal: Signal, edges: frozenset[str]) -> list[int]:
    short = {edge for edge in edges if net.edges[edge].length_m < REACH_M}
    return [index for index, row in enumerate(signal.links) if any(c.edge in short for c in row)]
