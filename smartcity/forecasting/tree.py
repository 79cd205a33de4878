# SPDX-License-Identifier: Apache-2.0
"""What a series is part of: series → street → district → city, or meter → transformer → feeder → city. Pure.

A tree is a partition on every level: what a node has below it, added up, is the node. Personal series are never nodes;
they come in parts of at least k, each whole, so that no difference of two nodes tells of fewer than k either.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

CITY, SERIES, OTHERS = "city", "series", "others"


@dataclass(frozen=True, slots=True)
class Leaf:
    """A series with the places it is part of, from the city down: (level, key, label) each."""

    series: int
    label: str
    asset: str
    zone: str
    above: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Node:
    """`members`: positions of the leaves below it; `parent`: position of its node, -1 for the city.

    `key` tells it among the nodes of its tree, and stays the same as long as the place is called so.
    """

    key: str
    level: str
    label: str
    parent: int
    members: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """Parents come before their children, the city first."""

    leaves: tuple[Leaf, ...]
    nodes: tuple[Node, ...]

    def children(self, position: int) -> list[int]:
        return [k for k, node in enumerate(self.nodes) if node.parent == position]

    @property
    def bottoms(self) -> list[int]:
        """Nodes with nothing below them: what all others are sums of."""
        parents = {node.parent for node in self.nodes}
        return [k for k in range(len(self.nodes)) if k not in parents]

    def series_of(self, position: int) -> int | None:
        """The series that a node is, None for a sum of several."""
        node = self.nodes[position]
        return self.leaves[node.members[0]].series if node.level == SERIES else None

    def zones_of(self, position: int) -> list[str]:
        return sorted({self.leaves[k].zone for k in self.nodes[position].members})


def grow(leaves: Sequence[Leaf], *, at_least: int = 1) -> Tree:
    """All leaves, each under the places it is part of. With `at_least` above 1 no node stands for fewer series."""
    tree = Tree(tuple(leaves), tuple(_grown(leaves)))
    return tree if at_least <= 1 else _gathered(tree, at_least)


def _grown(leaves: Sequence[Leaf]) -> Iterator[Node]:
    """The city, then level by level, then the series themselves."""
    yield Node("", CITY, "The whole city", -1, tuple(range(len(leaves))))
    at: dict[tuple[str, ...], int] = {(): 0}
    count = 1
    depth = max((len(leaf.above) for leaf in leaves), default=0)
    for level in range(depth):
        found: dict[tuple[str, ...], list[int]] = {}
        for k, leaf in enumerate(leaves):
            if level < len(leaf.above):
                found.setdefault(_path(leaf, level + 1), []).append(k)
        for path, members in found.items():
            name, _, label = leaves[members[0]].above[level]
            yield Node("/".join(path), name, label, at[path[:-1]], tuple(members))
            at[path], count = count, count + 1
    for k, leaf in enumerate(leaves):
        path = _path(leaf, len(leaf.above))
        yield Node("/".join((*path, str(leaf.series))), SERIES, leaf.label, at[path], (k,))


def _path(leaf: Leaf, depth: int) -> tuple[str, ...]:
    return tuple(key.replace("/", "-") for _, key, _ in leaf.above[:depth])


def _gathered(tree: Tree, at_least: int) -> Tree:
    """The same city in parts of at least so many series. What is too small is put together with its siblings: all of
    the small ones, and as many of the next larger as it takes. No part is left over, so none can be worked out."""
    if len(tree.leaves) < at_least:
        return Tree(tree.leaves, ())
    kept: list[Node] = [tree.nodes[0]]

    def below(position: int, parent: int) -> None:
        children = sorted(tree.children(position), key=lambda k: len(tree.nodes[k].members), reverse=True)
        large = [k for k in children if len(tree.nodes[k].members) >= at_least]
        rest = [member for k in children if k not in large for member in tree.nodes[k].members]
        while rest and len(rest) < at_least and large:
            rest += tree.nodes[large.pop()].members
        if not large:
            return
        for k in large:
            kept.append(replace(tree.nodes[k], parent=parent))
            below(k, len(kept) - 1)
        if rest:
            kept.append(Node(f"{tree.nodes[position].key}/{OTHERS}", OTHERS, "Others", parent, tuple(sorted(rest))))

    below(0, 0)
    return Tree(tree.leaves, tuple(kept))


def sums(tree: Tree) -> csr_array:
    """`[nodes, bottoms]`, 1 where a bottom is part of a node (S of the literature; rows in the order of the nodes)."""
    bottoms = tree.bottoms
    column = {member: k for k, bottom in enumerate(bottoms) for member in tree.nodes[bottom].members}
    pairs = [(row, one) for row, node in enumerate(tree.nodes) for one in {column[member] for member in node.members}]
    rows, columns = zip(*pairs, strict=True) if pairs else ((), ())
    return csr_array((np.ones(len(pairs)), (rows, columns)), shape=(len(tree.nodes), len(bottoms)))


def summed(values: npt.NDArray[np.float64], least_known: float = 0.8) -> npt.NDArray[np.float64]:
    """One past `[T]` from those of its members `[n, T]`, NaN where too little is known.

    Where members are silent for a while, the others stand for them by their usual share of the whole.
    """
    known = np.isfinite(values)
    filled = np.where(known, values, 0.0)
    usual = np.abs(filled.sum(axis=1) / np.maximum(known.sum(axis=1), 1))
    whole = usual.sum()
    share = (usual @ known) / whole if whole > 0 else known.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(share >= least_known, filled.sum(axis=0) / share, np.nan)
