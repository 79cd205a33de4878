# SPDX-License-Identifier: Apache-2.0
"""The simulated street itself. SUMO runs in processes of its own."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.traffic.helsinki import MAP, ROOT, devices, needs_map, python

pytestmark = [pytest.mark.needs_sumo, needs_map]

TWIN = """
from traffic import twin as twins
from traffic.twin import Twin
class World:
    map_file, folder, zone = told['map'], told['folder'], 'Europe/Helsinki'
    seen, speed = (), 1.0
    def local_hours(self, at_ms):
        return at_ms / 3_600_000 % 24, 0
    def note_traffic(self, seen):
        self.seen = list(seen)
world = World()
def make(seed=1):
    return Twin(devices, world, seed)
def alone(twin):
    twin.beside.close()  # the second street, on fixed plans, costs as much as the first
    twin.beside = None
    return twin
START = 1_699_833_600_000 + 8 * 3_600_000
def live(twin, seconds, start=START):
    list(twin.step(start, 1.0))
    return [up for n in range(1, seconds + 1) for up in twin.step(start + n * 1000, 1.0)]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("street")


def test_nearly_every_signal_of_the_simulator_is_a_junction_of_ours(folder):
    found = python(
        "from traffic.street import match, net\n"
        "n = net.read(net.build(Path(told['map']), Path(told['folder'])))\n"
        "pairs = match.pairs(n, [d for d in devices if d.kind == 'intersection'])\n"
        "print(json.dumps([len(pairs), len(set(pairs.values())), len(n.signals)]))",
        folder,
    )
    assert found[0] == found[1] >= 33
    assert found[2] == 35


def test_no_stage_of_the_town_has_two_crossing_main_greens(folder):
    found = python(
        "from traffic.street.junctions import lay_out\n"
        "lay = lay_out(Path(told['map']), Path(told['folder']), devices, 1)\n"
        "bad = [p.uid for p in lay.programmes.values() for s in p.stages\n"
        "       for a, b in lay.net.signals[p.signal].foes if s.green[a] == 'G' == s.green[b]]\n"
        "print(json.dumps([len(lay.programmes), bad]))",
        folder,
    )
    assert found[0] >= 33
    assert found[1] == []


@pytest.fixture(scope="module")
def lived(folder):
    """What a minute of one street told, and what a lease and requests did to a signal of it afterwards."""
    return python(
        TWIN + "from collections import Counter\nfrom traffic.codecs import DETECTOR, SIGNAL\n"
        "twins.WARM_UP_S = 120\n"  # enough for queues at the signals
        "twin = make(); ups = live(twin, 60)\n"
        "names = {}\n"
        "for up in ups:\n"
        "    codec = DETECTOR if up.uid.startswith('A') else SIGNAL\n"
        "    names.setdefault(up.uid, set()).update(o.metric for o in codec.decode(up.payload, START))\n"
        "least = min(Counter(up.uid for up in ups).values())\n"
        "extra = {n for uid, own in names.items() for n in own - set(twin.devices[uid].metrics)}\n"
        "told = [len(names), len(devices), least, sorted(extra), len(world.seen)]\n"
        "uid = sorted(twin.cabinets)[0]; now = twin.street.now; box = twin.street.cabinets[uid]\n"
        "def order(key, point, value, n):\n"
        "    return [[a.state, a.reason] for a in twin.command(uid, {'id': key, 'point': point, 'value': value,\n"
        "            'expires_at': (now + 200) * 1000, 'sequence': n}, twin.street.now * 1000)]\n"
        "said = [order('f1', 'stage_plan', f'1@{now}', 1), order('a', 'lease', 'auto', 2)]\n"
        "live(twin, 25, now * 1000); other = 2 if box.running == 1 else 1\n"
        "said += [order('f2', 'stage_plan', f'{other}@{twin.street.now + 10}', 3)]\n"
        "said += [order('f3', 'stage_plan', f'99@{now}', 4)]\n"
        "live(twin, 30, twin.street.now * 1000)\n"
        "twin.close(); print(json.dumps([told, [said, box.running == other, box.source]]))",
        folder,
    )


def test_every_device_reports_every_few_seconds_in_its_codec_and_tells_the_lamps(lived):
    found = lived[0]
    assert found[0] == found[1]
    assert found[2] >= 12
    assert found[3] == []
    assert found[4] > 90


def test_a_lease_and_a_request_move_a_signal_and_a_foreign_stage_is_refused(lived):
    said, has_moved, source = lived[1]
    assert said[0] == [["refused", "no lease"]]
    assert [state for state, _ in said[1]] == ["received", "applied"]
    assert said[2] == [["applied", ""]] and has_moved and source == 1
    assert said[3][0][0] == "refused"


def test_the_same_seed_makes_the_same_street(folder):
    code = (
        TWIN + "import hashlib\ntwins.WARM_UP_S = 120\n"
        "def digest(seed):\n"
        "    twin = alone(make(seed)); ups = live(twin, 90); twin.close()\n"
        "    return hashlib.sha256(b''.join(u.payload for u in ups if u.uid.startswith('A'))).hexdigest()\n"
        "print(json.dumps([digest(seed) for seed in SEEDS]))"
    )
    (first,), (other, again) = (python(code.replace("SEEDS", seeds), folder) for seeds in ("[3]", "[4, 3]"))
    assert first == again != other


@pytest.mark.slow
def test_history_meets_the_live_day_without_a_step(folder):
    found = python(
        TWIN + "import numpy as np\nfrom traffic.history import LENGTHS, History\n"
        "LENGTHS.update(settle_s=10, measure_s=20)\n"  # flows are the demand's own and need no run
        "past = History(devices, world, 1); street = alone(make()); live(street, 300)\n"
        "zones = sorted(street.street.layout.zones)\n"
        "before = {uid: street.street.simulation.departed(uid) for uid in zones}\n"
        "live(street, 900, START + 300_000)\n"
        "lived = sum(street.street.simulation.departed(uid) - before[uid] for uid in zones) * 4\n"
        "street.close()\n"
        "times = np.full(400, START - 2 * 3_600_000 + 750_000)\n"
        "told = sum(past.profile(street.devices[uid], 'traffic.flow', times, np.random.default_rng(1)).mean()\n"
        "           for uid in zones)\n"
        "print(json.dumps([lived, told]))",
        folder,
    )
    lived, told = found
    assert lived == pytest.approx(told, rel=0.08)


@pytest.mark.slow
@pytest.mark.proof
def test_the_adaptive_plan_beats_the_fixed_plan_for_vehicles_and_not_at_the_cost_of_people_on_foot(folder):
    told = {"devices": devices(), "map": str(MAP), "folder": str(folder), "hours": 0.4, "seeds": 1, "from_hour": 16}
    done = subprocess.run(
        [sys.executable, "-m", "traffic.street", "compare"],
        input=json.dumps(told), capture_output=True, text=True, cwd=ROOT, check=True,
    )  # fmt: skip
    fixed, adaptive = json.loads(done.stdout.splitlines()[-1])
    assert adaptive["delay_s"] < 0.85 * fixed["delay_s"]
    assert adaptive["on_foot_s"] <= fixed["on_foot_s"]
    assert adaptive["refused"] == 0
    assert adaptive["longest_red_s"] <= 130


def test_cabinets_log_what_they_show_and_announce_what_the_numbers_mean(folder):
    """Two minutes of the town: each cabinet's batches are in order, and greens and detectors are those announced."""
    found = python(
        TWIN + "twin = make()\nups = live(twin, 120)\n"
        "from traffic import event_codec, signal_log\n"
        "logs = {}\n"
        "for up in ups:\n"
        "    if up.payload[:2] == b'TE':\n"
        "        logs.setdefault(up.uid, []).append(up.payload)\n"
        "told = {uid: signal_log.configuration(twin.hello(uid)) for uid in twin.cabinets}\n"
        "numbers = {uid: [event_codec.head_of(b).number for b in found] for uid, found in logs.items()}\n"
        "events = {uid: signal_log.log_of(found, 0, 2**60) for uid, found in logs.items()}\n"
        "loops = [int(p) in told[uid].detectors.detector for uid, log in events.items()\n"
        "         for p in log.only(81, 82).parameter]\n"
        "greens = [int(p) in told[uid].phases for uid, log in events.items() for p in log.only(1).parameter]\n"
        "twin.close()\n"
        "print(json.dumps([len(logs), len(twin.cabinets), sorted({tuple(n) for n in numbers.values()}), all(loops),\n"
        "                  all(greens), len(loops), len(greens)]))",
        folder,
    )
    logged, cabinets, numbers, loops_known, greens_known, loops, greens = found
    assert logged == cabinets and numbers == [[1, 2, 3, 4]]
    assert loops_known and greens_known and loops > 500 and greens > 2 * cabinets
