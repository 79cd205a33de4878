# SPDX-License-Identifier: Apache-2.0
"""A million fuzzed payloads each over MQTT, HTTP and CoAP: nothing breaks, nothing hangs, everything is counted."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from random import Random
from typing import Any, Final

import mqtt5

from benchmarks.chaos import fuzz_coap, holdings, judge, mutations, payloads, victims
from benchmarks.chaos.findings import Findings, Options
from benchmarks.chaos.holdings import Holdings
from benchmarks.chaos.line import Line
from benchmarks.chaos.provision import TOKEN, secret, uid
from benchmarks.chaos.victims import Victim
from tests.transports.street import RawDevice

DEVICES: Final = 40
BEHIND_GATEWAY: Final = 20
WINDOW: Final = 50  # messages a device says at once
A_REQUEST: Final = 200
LINES: Final = 2  # of the gateway, at once
HURT_BODIES: Final = 0.1  # share of requests whose body is no envelope any more
A_PACKET: Final = 500  # payloads to one packet of MQTT that is hurt itself
ANSWER_S: Final = 60.0
MOST_SHOWN: Final = 4_000  # characters of the city's log where it shows an error of its own
HEADERS: Final = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}


@dataclass(slots=True)
class Told:
    """How often what was answered; `unanswered` are messages on connections that ended, `silent` those nobody answered
    though the connection stood. Over CoAP `packets` are datagrams that were hurt, `bodies` requests hurt under a right
    key."""

    answers: Counter[str] = field(default_factory=Counter)
    payloads: int = 0
    packets: int = 0
    bodies: int = 0
    unanswered: int = 0
    silent: int = 0


def run(found: Findings, options: Options) -> None:
    many = 5_000 if options.quick else 1_000_000
    with options.room(found.scenario) as var:
        with victims.victim(var, devices=DEVICES, behind_gateway=BEHIND_GATEWAY, coap=True) as city:
            before = city.memory_mb
            began = time.monotonic()
            mqtt, http, coap = asyncio.run(_attack(city, many, options.seed))
            took_s, grown = time.monotonic() - began, city.memory_mb - before
            honest_s = asyncio.run(_honest(city, http))
            health = city.health()
            city.stop()
            said = city.running.said()
        held = holdings.read(city.environment, var / "held.npz")
    for name, told in (("mqtt", mqtt), ("http", http), ("coap", coap)):
        print(f"  {name}: {dict(told.answers.most_common(8))}", file=sys.stderr)
        found.add(f"{name}_payloads", told.payloads, at_least=many)
        found.add(f"{name}_silent", told.silent, at_most=0)
        found.add(f"{name}_unanswered_on_ended_connections", told.unanswered)
    found.add("mqtt_packets_hurt", mqtt.packets)
    found.add("http_bodies_hurt", http.bodies)
    found.add("coap_datagrams_hurt", coap.packets)
    found.add("coap_requests_hurt_inside", coap.bodies)
    found.add("payloads_s", round((mqtt.payloads + http.payloads + coap.payloads) / took_s, 1))
    found.add("memory_growth_mb", round(grown, 1))
    found.add("honest_device_s", round(honest_s, 2), at_most=5)
    found.add("readings_kept", len(held.readings), at_least=1)
    _counted(found, http, held, health, said)
    _counted_coap(found, coap, health["coap"])
    many_ways = f"{mqtt.payloads:,} over MQTT, {http.payloads:,} over HTTP and {coap.payloads:,} over CoAP"
    found.headline = f"{many_ways}, {len(held.readings):,} readings in them"


def _counted(found: Findings, http: Told, held: Holdings, health: Mapping[str, Any], said: str) -> None:
    """What was heard is in the city's books, which balance; none of it broke the city's own code."""
    gateway, answers = health["gateway"], health["http"]["answers"]
    on_line = gateway["received"] - gateway["stored"] - sum(gateway["refused"].values())
    imbalances = [word for run, counts in held.runs.items() for word in judge.unbalanced(run, counts)]
    missing = sum(abs(n - answers.get(status, 0)) for status, n in http.answers.items() if status.isdigit())
    found.add("uncounted_messages", abs(on_line) + health["pipeline"]["waiting"], at_most=0)
    found.add("answers_not_counted", missing, at_most=0)
    found.add("ledger_imbalances", len(imbalances) + len(health["pipeline"]["imbalances"]), at_most=0)
    found.add("server_errors", sum(n for status, n in answers.items() if status.startswith("50")), at_most=0)
    found.add("failures_of_tasks", sum(task["failures"] for task in health["tasks"].values()), at_most=0)
    found.add("tracebacks", said.count("Traceback"), at_most=0)
    if "Traceback" in said:
        print(said[said.index("Traceback") :][:MOST_SHOWN], file=sys.stderr)
    found.add("database_faults", len(held.faults), at_most=0)


def _counted_coap(found: Findings, told: Told, counted: Mapping[str, Any]) -> None:
    """What was answered 2.04 is in the books, which balance."""
    on_line = counted["received"] - counted["stored"] - sum(counted["refused"].values())
    missing = max(0, told.answers["2.04"] - counted["stored"])
    found.add("coap_uncounted_messages", abs(on_line) + missing, at_most=0)
    found.add("coap_faults_of_our_own", counted["ignored"].get("a fault of our own", 0), at_most=0)
    found.add("coap_turned_away", sum(counted["auth_failures"].values()))


async def _attack(city: Victim, many: int, seed: int) -> tuple[Told, Told, Told]:
    mqtt, http, coap = Told(), Told(), Told()
    speakers = range(1, DEVICES - BEHIND_GATEWAY)  # the first device is the honest one
    behind = [uid(n) for n in range(DEVICES - BEHIND_GATEWAY, DEVICES)]
    rounds = ceil(many / (len(speakers) * WINDOW))
    requests = ceil(many / (LINES * A_REQUEST))
    async with asyncio.TaskGroup() as tasks:
        for device in speakers:
            tasks.create_task(_publish(city, device, Random(f"{seed} {device}"), rounds, mqtt))
        for n in range(LINES):
            tasks.create_task(_post(city, behind, Random(f"{seed} gateway {n}"), requests, http))
        tasks.create_task(fuzz_coap.attack(city, range(1, DEVICES), many, seed, coap))
    return mqtt, http, coap


async def _publish(city: Victim, device: int, random: Random, rounds: int, told: Told) -> None:
    """Windows of messages, each answered in turn; now and then a packet that is hurt, after which it comes again."""
    line = await _arrived(city, device)
    for _ in range(rounds):
        said = [mutations.payload(random, int(time.time())) for _ in range(WINDOW)]
        line.send(*(_packet(device, number, payload) for number, payload in enumerate(said, 1)))
        told.payloads += len(said)
        if not await _answered(line, len(said), told):
            line.leave()
            line = await _arrived(city, device)
        if random.randrange(A_PACKET) < WINDOW:
            told.packets += 1
            line.say(mutations.hurt(random, _packet(device, 1, said[0]).write(), 3))
            line.leave()
            line = await _arrived(city, device)
    line.leave()


async def _answered(line: RawDevice, many: int, told: Told) -> bool:
    """Whether the connection is still there when so many answers have been waited for."""
    for n in range(many):
        try:
            answer = await line.hear(ANSWER_S)
        except TimeoutError:
            told.silent += many - n
            return False
        if not isinstance(answer, mqtt5.PubAckPacket):
            told.unanswered += many - n
            told.answers[f"DISCONNECT {answer.reason_code.value:#04x}" if answer else "hung up"] += 1
            return False
        told.answers[f"PUBACK {answer.reason_code.value:#04x}"] += 1
    return True


async def _post(city: Victim, devices: list[str], random: Random, requests: int, told: Told) -> None:
    line = Line(city.ports[0], within_s=ANSWER_S)
    while requests:
        body = mutations.request(random, int(time.time()), devices, A_REQUEST)
        is_hurt = random.random() < HURT_BODIES
        answer = await line.post(HEADERS, mutations.hurt(random, body, 2) if is_hurt else body)
        told.answers[str(answer.status) if answer.status else "hung up"] += 1
        told.silent += not answer.status
        if answer.status == 503 or (answer.status == 429 and "accepted" not in answer.told):
            await asyncio.sleep(float(answer.headers.get("retry-after", 1)))
            continue
        told.bodies += is_hurt
        if not is_hurt:
            told.payloads += A_REQUEST
            requests -= 1


async def _arrived(city: Victim, device: int) -> RawDevice:
    line = RawDevice(city.ports[1], uid(device), secret(uid(device)))
    await line.arrive()
    return line


def _packet(device: int, number: int, payload: bytes) -> mqtt5.PublishPacket:
    return mqtt5.PublishPacket(f"sc/{uid(device)}/up", payload, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=number)


async def _honest(city: Victim, http: Told) -> float:
    """Seconds until a device that said nothing so far has been answered over MQTT and CoAP, the gateway once more."""
    began = time.monotonic()
    line = await _arrived(city, 0)
    line.publish(1, payload=payloads.record("40", int(time.time())))
    answer = await line.hear(ANSWER_S)
    assert isinstance(answer, mqtt5.PubAckPacket) and answer.reason_code.value == 0, answer
    line.leave()
    await fuzz_coap.honest(city, 0)
    await _post(city, [uid(DEVICES - 1)], Random(0), 1, http)
    return time.monotonic() - began
