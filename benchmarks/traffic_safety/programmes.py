# SPDX-License-Identifier: Apache-2.0
"""Signal programmes by chance: crossing links, stages that give way, crossings on foot, changes that are forbidden.

The matrix of the judge is made here, beside the programme and not out of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from traffic.street.detectors import Lane
from traffic.street.groups import matrix
from traffic.street.monitor import Monitor
from traffic.street.stages import Programme, Stage, Walk

YELLOW_S, ALL_RED_S, MIN_GREEN_S, MAX_RED_S = 3.0, 2.0, 5.0, 120.0
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Case:
    """A programme, and what the judge holds against it."""

    programme: Programme
    conflicts: frozenset[Pair]
    permitted: frozenset[Pair]
    intergreen_s: dict[Pair, float]

    def judge(self) -> Monitor:
        size = len(self.programme.stages[0].green)
        return Monitor(size, self.conflicts, self.permitted, self.intergreen_s, MIN_GREEN_S, YELLOW_S)


def draw(random: Random) -> Case:
    """Three to eight links, two to six stages; every stage can be reached from every other."""
    while True:
        case = _case(random)
        if 2 <= len(case.programme.stages) <= 6 and _is_connected(case.programme):
            return case


def _case(random: Random) -> Case:
    size = random.randint(3, 8)
    foes = {(i, j) for i in range(size) for j in range(i) if random.random() < 0.5}
    foes |= {(j, i) for i, j in foes}
    greens = _stages(random, size, foes)
    walks = _walks(random, size, greens)
    between = {pair: float(random.randint(3, 8)) for pair in foes if random.random() < 0.3}
    numbers = range(1, len(greens) + 1)
    pairs = [(a, b) for a in numbers for b in numbers if a != b]
    clash = {
        (a, b)
        for a, b in pairs
        if any(greens[a - 1][i] in "Gg" and greens[b - 1][j] in "Gg" and greens[b - 1][i] == "r" for i, j in foes)
    }
    programme = Programme(
        uid="K-1",
        signal="s",
        stages=tuple(Stage(n, f"stage {n}", green, {}) for n, green in zip(numbers, greens, strict=True)),
        conflicts=frozenset(clash | {(b, a) for a, b in clash}),
        plan=tuple((n, float(random.randint(8, 30))) for n in numbers),
        downstream={},
        groups={},
        storage={},
        foes=frozenset(foes),
        intergreens=between,
        forbidden=frozenset(pair for pair in pairs if len(greens) > 2 and random.random() < 0.15),
        walks=walks,
        lanes={f"l{i}": Lane(f"A-{i // 2}", _serving(greens, i)) for i in range(size)},
    )
    return _judged(programme, foes, between, size)


def _stages(random: Random, size: int, foes: set[Pair]) -> list[str]:
    """Sets of links that do not cross, until each link has its green; now and then one more that gives way."""
    left, greens = set(range(size)), []
    while left:
        order = [*random.sample(sorted(left), len(left)), *random.sample(range(size), size)]
        chosen: set[int] = set()
        for link in order:
            if all((link, other) not in foes for other in chosen):
                chosen.add(link)
        left -= chosen
        letters = ["G" if i in chosen else "r" for i in range(size)]
        turning = [i for i in range(size) if i not in chosen]
        if turning and random.random() < 0.3:
            letters[random.choice(turning)] = "g"
        greens.append("".join(letters))
    return list(dict.fromkeys(greens))


def _walks(random: Random, size: int, greens: list[str]) -> tuple[Walk, ...]:
    found = []
    for number in range(random.randint(0, 2)):
        links = frozenset(random.sample(range(size), 2))
        if any(all(green[i] == "r" for i in links) for green in greens):
            found.append(Walk(f"A-{number}", random.uniform(3, 11), links))
    return tuple(found)


def _serving(greens: list[str], link: int) -> tuple[int, ...]:
    return tuple(n for n, green in enumerate(greens, start=1) if green[link] in "Gg")


def _judged(programme: Programme, foes: set[Pair], between: dict[Pair, float], size: int) -> Case:
    conflicts = set(foes)
    intergreen = {pair: between.get(pair, YELLOW_S + ALL_RED_S) for pair in foes}
    for number, walk in enumerate(programme.walks, start=size):
        for link in walk.links:
            conflicts |= {(link, number), (number, link)}
            intergreen[link, number], intergreen[number, link] = YELLOW_S + ALL_RED_S, walk.width_m / 1.2
    gives_way = {
        pair
        for stage in programme.stages
        for pair in foes
        if {stage.green[pair[0]], stage.green[pair[1]]} in ({"G", "g"}, {"g"})
    }
    return Case(programme, frozenset(conflicts), frozenset(gives_way), intergreen)


def _is_connected(programme: Programme) -> bool:
    count = len(programme.stages)
    return len(matrix(programme).reach_s) == count * (count - 1)
