# SPDX-License-Identifier: Apache-2.0
"""Commands into LoRaWAN: said once, for a group at once, within the airtime there is, and withdrawn when over."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from smartcity.transports.bridge import mapping
from smartcity.transports.bridge.airtime import EU868, band_of, time_on_air_s
from smartcity.transports.bridge.directory import Directory
from smartcity.transports.bridge.downlinks import Clocks, Downlinks
from smartcity.transports.bridge.network import Fate, OnAir, Told
from smartcity.transports.letters import Posted
from tests.transports.bridge.samples import APPLICATION, AT_MS, EUI, GATEWAY
from tests.transports.bridge.stand import letter, write_mapping

CHIRPSTACK = f'format = "chirpstack"\napplication = "{APPLICATION}"\n'
THINGS = 'format = "things_stack"\napplication = "city"\nuid = "{device}"\n'
GROUP = '[[group]]\ndevice = "mc-west"\nmembers = ["L-1", "L-2", "L-3"]\ngateways = ["roof", "tower"]\nf_port = 3\n'
BAND = EU868[2]


@dataclass
class Street:
    downlinks: Downlinks
    directory: Directory
    now: list[float] = field(default_factory=lambda: [0.0])

    def post(self, *letters):
        return self.downlinks.post([(one, self.address(one.device)) for one in letters])

    def address(self, device):
        found = self.directory.address(device)
        assert found
        return found

    def told(self, device, key, fate, **more):
        address = self.address(device)
        return [(a.device, a.id, a.state, a.reason) for a in self.downlinks.told(address, Told(key, fate, **more))]

    def hear(self, device, on_air):
        self.directory.heard(self.address(device), AT_MS, on_air)


@pytest.fixture
def build(tmp_path):
    def make(source=CHIRPSTACK, radio='{ class = "A", f_port = 2 }', rest=""):
        devices = "".join(f'{EUI[:-1]}{n} = "L-{n}"\n' for n in range(1, 4)) if "chirp" in source else ""
        devices = devices or "".join(f'lamp-{n} = "L-{n}"\n' for n in range(1, 4))
        path = write_mapping(tmp_path / "m.toml", 1, source + f"radio = {radio}\n", rest=f"[devices]\n{devices}{rest}")
        found = mapping.read(path)
        directory, now = Directory(found), [0.0]
        clocks = Clocks(
            lambda: now[0],
            lambda: AT_MS + int(now[0] * 1000),
            lambda ms: datetime.fromtimestamp(ms / 1000, UTC).strftime("%H:%M"),
        )
        return Street(Downlinks(found, directory, clocks), directory, now)

    return make


def asked(publication):
    return json.loads(publication.payload)


def test_a_command_becomes_a_downlink_under_its_own_id(build):
    street, key = build(), str(uuid4())
    posted, (publication,) = street.post(letter("L-1", key))
    assert posted == {key: Posted.SENT}
    assert publication.topic == f"application/{APPLICATION}/device/{EUI}/command/down"
    assert (asked(publication)["id"], asked(publication)["fPort"], asked(publication)["confirmed"]) == (key, 2, True)
    assert publication.about == (("L-1", key),)


def test_what_the_network_has_is_not_said_again_until_it_lets_go_of_it(build):
    street, key = build(), str(uuid4())
    street.post(letter("L-1", key))
    assert street.post(letter("L-1", key)) == ({key: Posted.SENT}, [])
    assert street.told("L-1", key, Fate.UNCONFIRMED) == [
        ("L-1", key, "transmitted", "not confirmed by the device, it goes out again")
    ]
    assert len(street.post(letter("L-1", key))[1]) == 1


@pytest.mark.parametrize("fate", [Fate.CONFIRMED, Fate.EXPIRED, Fate.FAILED])
def test_what_has_come_to_an_end_is_not_said_again_by_who_does_not_know_yet(build, fate):
    street, key = build(), str(uuid4())
    street.post(letter("L-1", key))
    street.told("L-1", key, fate)
    assert street.post(letter("L-1", key)) == ({key: Posted.SENT}, [])
    assert len(street.downlinks) == 0


def test_an_id_that_is_no_uuid_gets_one_that_is_always_the_same(build):
    street = build()
    (publication,) = street.post(letter("L-1", "f123"))[1]
    again = build()
    assert asked(publication)["id"] == asked(again.post(letter("L-1", "f123"))[1][0])["id"]
    assert str(UUID(asked(publication)["id"])) == asked(publication)["id"]
    assert street.told("L-1", asked(publication)["id"], Fate.CONFIRMED)[0][:3] == ("L-1", "f123", "applied")


@pytest.mark.parametrize(
    ("fate", "reason", "state", "words"),
    [
        (Fate.CONFIRMED, "", "applied", "confirmed by the device over the radio"),
        (Fate.TRIED_AGAIN, "", "transmitted", "not confirmed by the device yet, the network tries again"),
        (Fate.EXPIRED, "", "expired", "it ran out in the network's queue"),
        (Fate.FAILED, "no downlink path", "refused", "the network: no downlink path"),
        (Fate.TRANSMITTED, "", "transmitted", "transmitted at 05:12"),
    ],
)
def test_the_networks_word_becomes_an_answer_also_after_a_restart(build, fate, reason, state, words):
    for is_restarted in (False, True):
        street, key = build(), str(uuid4())
        if not is_restarted:
            street.post(letter("L-1", key))
        assert street.told("L-1", key, fate, reason=reason) == [("L-1", key, state, words)]


def test_what_nobody_confirms_is_for_the_readings_to_prove_once_the_device_has_spoken(build):
    street, key = build(radio="{ confirmed = false }"), str(uuid4())
    street.post(letter("L-1", key))
    on_air = OnAir(GATEWAY, 869_525_000, 12)
    words = f"transmitted by gateway {GATEWAY} at 05:12, unconfirmed: its readings must show it"
    assert street.told("L-1", key, Fate.TRANSMITTED, on_air=on_air) == [("L-1", key, "transmitted", words)]
    assert [(one.id, one.state) for one in street.downlinks.heard("L-1")] == [(key, "unconfirmed")]
    assert street.downlinks.heard("L-1") == []


def test_airtime_is_spent_on_the_gateway_and_band_of_the_last_uplink(build):
    street = build()
    street.hear("L-1", OnAir(GATEWAY, 868_100_000, 10))
    street.post(letter("L-1", str(uuid4())))
    assert street.downlinks.airtime.used_s(GATEWAY, BAND, 0) == pytest.approx(time_on_air_s(1, 10))


def test_a_device_that_always_listens_is_told_in_the_second_window(build):
    street = build(radio='{ class = "C" }', rest="[airtime]\nrx2_spreading = 9\n")
    street.hear("L-1", OnAir(GATEWAY, 868_100_000, 7))
    street.post(letter("L-1", str(uuid4())))
    spent = street.downlinks.airtime.used_s(GATEWAY, band_of(869_525_000), 0)
    assert spent == pytest.approx(time_on_air_s(1, 9))


def test_without_airtime_a_command_is_refused_in_a_sentence_and_there_is_room_again_later(build):
    street = build(rest="[airtime]\nshare = 0.1\n")  # 3.6 s an hour
    street.hear("L-1", OnAir(GATEWAY, 868_100_000, 12))
    each = time_on_air_s(1, 12)
    keys = [str(uuid4()) for _ in range(4)]
    posted, publications = street.post(*(letter("L-1", key) for key in keys))
    fitting = int(3.6 / each)
    assert [posted[key].is_sent for key in keys] == [n < fitting for n in range(4)]
    assert len(publications) == fitting == 3
    assert posted[keys[3]].refusal == (
        f"gateway {GATEWAY} has no airtime left in 868–868.6 MHz: {3 * each:.1f} of 3.6 s used within the hour, "
        "room at 06:12"
    )
    assert street.downlinks.refused_for_airtime == 1
    street.now[0] = 3600
    assert street.post(letter("L-1", str(uuid4())))[1]


def test_a_frame_longer_than_the_hour_allows_or_than_any_frame_is_refused(build):
    street = build(rest="[airtime]\nshare = 0.01\n")
    street.hear("L-1", OnAir(GATEWAY, 868_100_000, 12))
    for payload, why in (
        (b"x" * 51, "longer on air than the 0.4 s an hour"),
        (b"x" * 243, "1 to 242 bytes"),
        (b"", "1"),
    ):
        key = str(uuid4())
        posted, publications = street.post(letter("L-1", key, payload))
        assert why in posted[key].refusal and publications == []


def test_chirpstack_corrects_the_airtime_when_it_is_transmitted(build):
    street, key = build(), str(uuid4())
    street.hear("L-1", OnAir(GATEWAY, 868_100_000, 12))
    street.post(letter("L-1", key))
    street.told("L-1", key, Fate.TRANSMITTED, on_air=OnAir("other", 869_525_000, 9))
    assert street.downlinks.airtime.used_s(GATEWAY, BAND, 0) == 0
    assert street.downlinks.airtime.used_s("other", band_of(869_525_000), 0) == pytest.approx(time_on_air_s(1, 9))


def test_a_group_is_told_at_once_when_all_its_members_are_told_the_same(build):
    street = build(THINGS, radio='{ class = "C" }', rest=GROUP)
    keys = [str(uuid4()) for _ in range(3)]
    posted, (publication,) = street.post(*(letter(f"L-{n}", key) for n, key in enumerate(keys, 1)))
    assert set(posted.values()) == {Posted.SENT}
    assert publication.topic == "v3/city/devices/mc-west/down/push"
    (downlink,) = asked(publication)["downlinks"]
    assert (downlink["f_port"], downlink["confirmed"]) == (3, False)
    assert [one["gateway_ids"]["gateway_id"] for one in downlink["class_b_c"]["gateways"]] == ["roof", "tower"]
    on_air = time_on_air_s(1, 12)
    for gateway in ("roof", "tower"):
        assert street.downlinks.airtime.used_s(gateway, band_of(869_525_000), 0) == pytest.approx(on_air)
    key = downlink["correlation_ids"][0].removeprefix("smartcity:")
    answers = street.told("L-1", key, Fate.TRANSMITTED)
    assert [(device, one, state) for device, one, state, _ in answers] == [
        (f"L-{n}", key, "transmitted") for n, key in enumerate(keys, 1)
    ]
    assert [one.state for one in street.downlinks.heard("L-2")] == ["unconfirmed"]


def test_what_a_group_was_told_is_not_said_again_to_its_members(build):
    street = build(THINGS, radio='{ class = "C" }', rest=GROUP)
    letters = [letter(f"L-{n}", str(uuid4())) for n in range(1, 4)]
    assert len(street.post(*letters)[1]) == 1
    assert street.post(*letters) == ({one.id: Posted.SENT for one in letters}, [])
    assert street.post(letters[1])[1] == []
    street.downlinks.lost((("L-2", letters[1].id),))  # the broker did not pass it on: none of them has it
    assert len(street.post(*letters)[1]) == 1


def test_chirpstack_is_told_of_a_group_over_its_own_interface(build):
    source = CHIRPSTACK + 'api_url = "http://127.0.0.1:8090"\napi_token_file = "/etc/token"\n'
    street = build(source, radio='{ class = "C" }', rest=GROUP)
    letters = [letter(f"L-{n}", str(uuid4())) for n in range(1, 4)]
    (call,) = street.post(*letters)[1]
    assert (call.url, call.token_file) == ("http://127.0.0.1:8090/api/multicast-groups/mc-west/queue", "/etc/token")
    expires_at = datetime.fromtimestamp(AT_MS / 1000 + 600, UTC).isoformat()
    assert json.loads(call.body) == {"queueItem": {"fPort": 3, "data": "Mg==", "expiresAt": expires_at}}
    answers = street.downlinks.handed_over(call.key)
    words = "given to the network at 05:12, unconfirmed: its readings must show it"
    assert {(one.state, one.reason) for one in answers} == {("transmitted", words)}
    assert [one.id for one in answers] == [one.id for one in letters]
    assert [one.state for one in street.downlinks.heard("L-3")] == ["unconfirmed"]


@pytest.mark.parametrize(
    "letters",
    [
        [letter("L-1", "a"), letter("L-2", "b")],  # L-3 might be locked out
        [letter("L-1", "a"), letter("L-2", "b"), letter("L-3", "c", b"\x33")],
        [letter("L-1", "a"), letter("L-2", "b"), letter("L-3", "c", point="other")],
    ],
)
def test_a_group_is_not_told_what_is_not_for_every_member(build, letters):
    street = build(THINGS, radio='{ class = "C" }', rest=GROUP)
    publications = street.post(*letters)[1]
    assert [one.topic for one in publications] == [
        f"v3/city/devices/lamp-{n}/down/push" for n in range(1, len(letters) + 1)
    ]


def queue(publication):
    return [one["correlation_ids"][0].removeprefix("smartcity:") for one in asked(publication)["downlinks"]]


def test_the_queue_of_a_sleeper_holds_the_newest_command_on_each_point(build):
    street = build(THINGS)
    old, other, new = (str(uuid4()) for _ in range(3))
    (first,) = street.post(letter("L-1", old))[1]
    assert (first.topic, queue(first)) == ("v3/city/devices/lamp-1/down/replace", [old])
    (second,) = street.post(letter("L-1", other, point="lease"), letter("L-1", new))[1]
    assert queue(second) == [other, new]


def test_what_has_run_out_leaves_the_queue_of_a_sleeper(build):
    street = build(THINGS)
    short, long = str(uuid4()), str(uuid4())
    street.post(letter("L-1", short, expires_in_s=60), letter("L-1", long, point="lease", expires_in_s=600))
    assert street.downlinks.withdraw_expired() == []
    street.now[0] = 61
    (publication,) = street.downlinks.withdraw_expired()
    assert queue(publication) == [long]
    street.now[0] = 601
    (publication,) = street.downlinks.withdraw_expired()
    assert (queue(publication), len(street.downlinks)) == ([], 0)
    assert street.downlinks.withdraw_expired() == []


def test_what_was_transmitted_is_not_put_into_the_queue_again(build):
    street = build(THINGS)
    first, second = str(uuid4()), str(uuid4())
    street.post(letter("L-1", first))
    street.told("L-1", first, Fate.TRANSMITTED)
    (publication,) = street.post(letter("L-1", second, point="lease"))[1]
    assert queue(publication) == [second]
    street.told("L-1", first, Fate.TRIED_AGAIN)  # the network has put it back itself
    (publication,) = street.post(letter("L-1", str(uuid4()), point="other"))[1]
    assert queue(publication)[:2] == [first, second]


def test_what_the_broker_did_not_pass_on_may_be_said_again_and_costs_nothing(build):
    street, key = build(), str(uuid4())
    street.hear("L-1", OnAir(GATEWAY, 868_100_000, 12))
    (publication,) = street.post(letter("L-1", key))[1]
    street.downlinks.lost(publication.about)
    assert street.downlinks.airtime.used_s(GATEWAY, BAND, 0) == 0
    assert len(street.post(letter("L-1", key))[1]) == 1
