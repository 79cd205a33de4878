# SPDX-License-Identifier: Apache-2.0
"""The city's own roads for trucks: where a stop lies on them, how long from one to another, and which way.

The graph is over road pieces, so that forbidden turns hold: an arc leads from one piece into the next.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from smartcity.kernel.geo import LonLat, local_xy, metres
from smartcity.kernel.imports import Road, Town, Turn

Array = NDArray[np.float64]
TRUCK_SHARE, FASTEST_MS = 0.6, 13.9  # a truck in town makes about 60 % of the limit, junctions included
U_TURN_S = 60.0
WRONG_SIDE_M = 4.0


@dataclass(frozen=True, slots=True)
class Piece:
    """One directed piece of road, as far as driving goes."""

    way: int
    tail: int
    head: int
    points: tuple[LonLat, ...]
    length_m: float
    speed_ms: float
    name: str = ""

    @property
    def seconds(self) -> float:
        return self.length_m / (TRUCK_SHARE * min(self.speed_ms, FASTEST_MS))


@dataclass(frozen=True, slots=True)
class Place:
    """A stop on the network: piece, share of its length already driven, metres off the road."""

    piece: int
    share: float
    off_m: float


@dataclass(frozen=True, slots=True)
class Way:
    """A drive: points in order with the seconds since departure at each, metres in all, street names in order."""

    points: tuple[LonLat, ...]
    at_s: tuple[float, ...]
    length_m: float
    streets: tuple[str, ...]

    @property
    def seconds(self) -> float:
        return self.at_s[-1]


class Roads:
    """Immutable once built. Raises ValueError without a single piece."""

    def __init__(self, pieces: Sequence[Piece], turns: Iterable[Turn] = ()) -> None:
        if not pieces:
            raise ValueError("there is no drivable road")
        self.pieces = tuple(pieces)
        self.seconds = np.array([piece.seconds for piece in pieces])
        self.lengths = np.array([piece.length_m for piece in pieces])
        self.next = _successors(self.pieces, {(turn.from_way, turn.via, turn.to_way) for turn in turns})
        self.joined = _joined(self.next)

    @classmethod
    def of_town(cls, town: Town) -> Roads:
        return cls([_piece(road) for road in town.roads if road.drivable], town.turns)

    @cached_property
    def _segments(self) -> tuple[LonLat, Array, Array, NDArray[np.int64], Array]:
        """Origin, start xy, end xy, piece and metres driven at the start of each straight segment."""
        origin = self.pieces[0].points[0]
        rows, owner, driven = [], [], []
        for number in np.flatnonzero(self.joined).tolist():
            piece, done = self.pieces[number], 0.0
            for a, b in pairwise(piece.points):
                rows.append((*local_xy(origin, a), *local_xy(origin, b)))
                owner.append(number)
                driven.append(done)
                done += metres(a, b)
        table = np.array(rows)
        return origin, table[:, :2], table[:, 2:], np.array(owner), np.array(driven)

    def snap(self, point: LonLat) -> Place:
        """The nearest place on the network; of two directions the one with the stop on its right-hand side."""
        origin, a, b, owner, driven = self._segments
        p = np.array(local_xy(origin, point))
        ab, ap = b - a, p - a
        size = np.maximum((ab**2).sum(1), 1e-9)
        t = np.clip((ab * ap).sum(1) / size, 0, 1)
        off = np.hypot(*(ap - t[:, None] * ab).T)
        is_left = ab[:, 0] * ap[:, 1] - ab[:, 1] * ap[:, 0] > 0
        best = int(np.argmin(off + WRONG_SIDE_M * is_left))
        piece = int(owner[best])
        at = driven[best] + t[best] * np.sqrt(size[best])
        return Place(piece, float(min(1.0, at / self.lengths[piece])), float(off[best]))

    def _graph(self, starts: Sequence[int]) -> csr_array:
        """Pieces, and behind them a door of each start: out of its end without having driven it."""
        count = len(self.pieces)
        rows, columns, costs = [], [], []
        for node, piece in [*enumerate(range(count)), *((count + i, piece) for i, piece in enumerate(starts))]:
            for other, extra in self.next[piece]:
                rows.append(node)
                columns.append(other)
                costs.append(self.seconds[other] + extra)
        size = count + len(starts)
        return csr_array((costs, (rows, columns)), shape=(size, size))

    def _trees(self, starts: Sequence[int]) -> tuple[Array, NDArray[np.int64]]:
        doors = [len(self.pieces) + i for i in range(len(starts))]
        found, before = dijkstra(self._graph(starts), indices=doors, return_predecessors=True)
        return np.asarray(found), np.asarray(before, np.int64)

    def matrix(self, places: Sequence[Place]) -> tuple[Array, Array]:
        """(seconds, metres) from each place to each, metres along the fastest way; inf where there is none."""
        starts = sorted({place.piece for place in places})
        trees, before = self._trees(starts)
        driven = _along(before, np.concatenate([self.lengths, np.zeros(len(starts))]), len(self.pieces))
        row = np.array([starts.index(place.piece) for place in places])
        column = np.array([place.piece for place in places])
        share = np.array([place.share for place in places])
        out = []
        for tree, whole in ((trees, self.seconds), (driven, self.lengths)):
            tail, head = (1 - share) * whole[column], (1 - share) * whole[column]
            found = tail[:, None] + tree[row][:, column] - head[None, :]
            ahead = (column[:, None] == column[None, :]) & (share[None, :] >= share[:, None])
            gap = (share[None, :] - share[:, None]) * whole[column][:, None]
            out.append(np.where(ahead, gap, found))
        out[1] = np.where(np.isfinite(out[0]), out[1], np.inf)
        return out[0], out[1]

    def way(self, a: Place, b: Place) -> Way | None:
        """The fastest drive from a to b, or None."""
        if a.piece == b.piece and b.share >= a.share:
            return self._drawn([(a.piece, a.share, b.share)])
        trees, before = self._trees([a.piece])
        if not np.isfinite(trees[0, b.piece]):
            return None
        chain = [b.piece]
        while (earlier := int(before[0, chain[-1]])) < len(self.pieces):
            chain.append(earlier)
        inner = [(piece, 0.0, 1.0) for piece in reversed(chain[1:])]
        return self._drawn([(a.piece, a.share, 1.0), *inner, (b.piece, 0.0, b.share)])

    def _turning_s(self, number: int, other: int) -> float:
        return next(extra for follower, extra in self.next[number] if follower == other)

    def _drawn(self, parts: Sequence[tuple[int, float, float]]) -> Way:
        points: list[LonLat] = []
        at: list[float] = []
        clock, length = 0.0, 0.0
        streets: list[str] = []
        for order, (number, begin, end) in enumerate(parts):
            piece = self.pieces[number]
            if order:
                clock += self._turning_s(parts[order - 1][0], number)
            line, shares = _cut(piece, begin, end)
            points += line
            at += [clock + share * piece.seconds for share in shares]
            clock += (end - begin) * piece.seconds
            length += (end - begin) * piece.length_m
            if piece.name and piece.name not in streets[-1:]:
                streets.append(piece.name)
        return Way(tuple(points), tuple(at), length, tuple(streets))


def _piece(road: Road) -> Piece:
    return Piece(road.way, road.tail, road.head, road.points, road.length_m, road.speed_ms, road.name)


def _successors(pieces: Sequence[Piece], barred: set[tuple[int, int, int]]) -> list[list[tuple[int, float]]]:
    """Per piece the pieces one may drive into next, with the extra seconds of turning round."""
    out: defaultdict[int, list[int]] = defaultdict(list)
    for number, piece in enumerate(pieces):
        out[piece.tail].append(number)
    found: list[list[tuple[int, float]]] = []
    for piece in pieces:
        options = []
        for number in out[piece.head]:
            other = pieces[number]
            turns_round = other.head == piece.tail and other.way == piece.way
            if (piece.way, piece.head, other.way) not in barred or (turns_round and len(out[piece.head]) == 1):
                options.append((number, U_TURN_S if turns_round else 0.0))
        found.append(options)
    return found


def _joined(following: Sequence[Sequence[tuple[int, float]]]) -> NDArray[np.bool_]:
    """Which pieces lie in the largest part where each can be reached from each, forbidden turns included."""
    rows = [number for number, options in enumerate(following) for _ in options]
    columns = [other for options in following for other, _ in options]
    graph = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(following), len(following)))
    _, part = connected_components(graph, directed=True, connection="strong")
    return np.asarray(part == np.bincount(part).argmax())


def _along(before: NDArray[np.int64], lengths: Array, pieces: int) -> Array:
    """Metres from each door to the end of each piece along the tree: pointers jump twice as far each round."""
    rows, size = before.shape
    row = np.arange(rows)[:, None]
    itself = np.broadcast_to(np.arange(size), (rows, size))
    up = np.where(before < 0, itself, before)
    total = np.where(before < 0, 0.0, np.broadcast_to(lengths, (rows, size)))
    while True:
        total = total + np.where(up == itself, 0.0, total[row, up])
        higher = up[row, up]
        if np.array_equal(higher, up):
            return np.asarray(total[:, :pieces])
        up = higher


def _cut(piece: Piece, begin: float, end: float) -> tuple[list[LonLat], list[float]]:
    """The points of a piece between two shares of its length, with the share of the whole driven since `begin`."""
    sizes = [metres(a, b) for a, b in pairwise(piece.points)]
    whole = sum(sizes) or 1.0
    marks = [0.0]
    for size in sizes:
        marks.append(marks[-1] + size / whole)
    marks[-1] = 1.0
    inner = [(p, m) for p, m in zip(piece.points, marks, strict=True) if begin < m < end]
    line = [(_at(piece.points, marks, begin), begin), *inner, (_at(piece.points, marks, end), end)]
    return [point for point, _ in line], [mark - begin for _, mark in line]


def _at(points: Sequence[LonLat], marks: Sequence[float], share: float) -> LonLat:
    for (a, b), (low, high) in zip(pairwise(points), pairwise(marks), strict=True):
        if share <= high:
            t = 0.0 if high <= low else (share - low) / (high - low)
            return a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t
    return points[-1]
