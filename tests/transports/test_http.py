# SPDX-License-Identifier: Apache-2.0
"""POST /ingest: who may come in, with what, and that a 2xx is a promise."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass, field

import pytest

from smartcity.transports.credentials import SecretTable, digest
from smartcity.transports.http import HttpLimits, Ingest
from smartcity.transports.inbox import BoundedInbox
from smartcity.transports.messages import QUOTA_EXCEEDED, Outcome, RawMessage
from tests.transports.street import CITY_MS, SECRETS

PACK = b'[{"n":"lighting.power_w","v":1,"t":1800000000}]'
JSON = "application/json"


@dataclass
class Gate:
    name: str = "roof"
    devices: frozenset[str] = frozenset({"L-1", "L-2"})


class Doors(SecretTable):
    def token(self, text: str) -> Gate | None:
        return Gate() if text == "token" else None


@dataclass
class Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def told(self):
        return json.loads(self.body)


def basic(uid="L-1", secret=None):
    return "Basic " + base64.b64encode(f"{uid}:{secret or SECRETS.get(uid, '')}".encode()).decode()


@dataclass
class Door:
    app: Ingest
    inbox: BoundedInbox

    async def post(
        self, body=PACK, *, key=None, media=JSON, method="POST", parts=1, length=None, receive=None, **headers
    ):
        lines = {"content-type": media, "authorization": key if key is not None else basic()} | headers
        if length is not None:
            lines["content-length"] = str(length)
        size = -(-len(body) // parts) or 1
        chunks = [body[n : n + size] for n in range(0, len(body), size)] or [b""]
        queue = [{"type": "http.request", "body": c, "more_body": n < len(chunks) - 1} for n, c in enumerate(chunks)]
        answer = Answer()

        async def queued():
            return queue.pop(0) if queue else {"type": "http.disconnect"}

        async def send(message):
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            else:
                answer.body += message["body"]

        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in lines.items()]
        scope = {"type": "http", "method": method, "path": "/ingest", "headers": raw, "client": ("127.0.0.1", 1)}
        await self.app(scope, receive or queued, send)
        return answer

    async def settle(self, verdict=lambda message: Outcome.STORED, many=1):
        taken: list[RawMessage] = []
        while len(taken) < many:
            taken += await self.inbox.take(within_s=0)
        for message in taken:
            message.settle(verdict(message))
        return taken


def open_door(*, max_messages=100, **limits):
    inbox = BoundedInbox(max_messages=max_messages)
    doors = Doors({uid: digest(secret) for uid, secret in SECRETS.items()})
    return Door(Ingest(inbox, doors, city_ms=lambda: CITY_MS, limits=HttpLimits(**limits)), inbox)


@pytest.fixture
def door():
    return open_door()


def messages(*items):
    return json.dumps({"messages": list(items)}).encode()


ITEM = {"device": "L-1", "payload": [{"n": "lighting.power_w", "v": 1, "t": 1_800_000_000}]}


async def test_a_device_posts_its_pack_and_hears_200_only_after_the_commit(door):
    posting = asyncio.create_task(door.post())
    await asyncio.sleep(0.05)
    assert not posting.done()
    (message,) = await door.settle()
    assert (message.device, message.kind, message.payload, message.transport) == ("L-1", "up", PACK, "http")
    answer = await posting
    assert (answer.status, answer.told) == (200, {"accepted": 1})


async def test_a_gateway_posts_for_its_devices_json_and_base64(door):
    raw = {"device": "L-2", "payload": base64.b64encode(b"\x01\x02").decode(), "codec": "senml"}
    posting = asyncio.create_task(door.post(messages(ITEM, raw), key="Bearer token", parts=7))
    first, second = await door.settle(many=2)
    assert json.loads(first.payload) == ITEM["payload"]
    assert (second.device, second.payload, second.codec) == ("L-2", b"\x01\x02", "senml")
    assert (await posting).told == {"accepted": 2}


async def test_what_was_set_aside_is_named(door):
    posting = asyncio.create_task(door.post(messages(ITEM, ITEM), key="Bearer token"))
    outcomes = iter([Outcome.STORED, Outcome.quarantined("nothing is called 'x'")])
    await door.settle(lambda message: next(outcomes), many=2)
    answer = await posting
    assert answer.status == 200
    assert answer.told["quarantined"] == [{"message": 1, "reason": "nothing is called 'x'"}]


async def test_what_was_refused_is_named_and_answered_with_429(door):
    posting = asyncio.create_task(door.post(messages(ITEM, ITEM), key="Bearer token"))
    outcomes = iter([Outcome.STORED, Outcome.refused("quarantine is full", QUOTA_EXCEEDED)])
    await door.settle(lambda message: next(outcomes), many=2)
    answer = await posting
    assert (answer.status, answer.told["accepted"], answer.told["refused"][0]["message"]) == (429, 1, 1)
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    "key",
    ["", "Basic", "Basic !!", "Basic TC0x", "Basic /zph",
     basic("L-1", "wrong"), basic("X-1", "wrong"), "Bearer wrong", "Bearer ", "Digest x"],
)  # fmt: skip
async def test_a_wrong_key_is_401_with_a_challenge_and_says_no_more(door, key):
    answer = await door.post(key=key)
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Basic")
    assert "unknown" not in answer.told["detail"]
    assert len(door.inbox) == 0


async def test_who_goes_on_with_wrong_keys_is_told_to_wait_and_right_keys_still_work(door):
    answers = [(await door.post(key="Bearer wrong")).status for _ in range(30)]
    assert answers[0] == 401
    assert answers[-1] == 429
    posting = asyncio.create_task(door.post())
    await door.settle()
    assert (await posting).status == 200


async def test_devices_of_others_are_403_and_nothing_of_the_request_is_taken(door):
    answer = await door.post(messages(ITEM, ITEM | {"device": "L-7"}), key="Bearer token")
    assert (answer.status, answer.told["devices"]) == (403, ["L-7"])
    assert (await door.post(messages(ITEM | {"device": "L-2"}))).status == 403
    assert len(door.inbox) == 0


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[", b"{}", b'"x"', b'{"messages":[]}', b'{"messages":[{}]}', b"\xff",
     b"[" * 60_000, b'{"messages":' + b"[" * 100_000,
     b'{"messages":[{"device":"L-1","payload":"no base64!"}]}',
     b'{"messages":[{"device":"L-1","payload":[],"codec":"unheard"}]}',
     messages(*[ITEM] * 1001)],
)  # fmt: skip
async def test_a_body_that_cannot_be_read_is_422_with_the_reason(door, body):
    answer = await door.post(body)
    assert (answer.status, bool(answer.told["detail"]), len(door.inbox)) == (422, True, 0)


async def test_a_gateway_cannot_send_a_pack_without_a_device(door):
    assert (await door.post(PACK, key="Bearer token")).status == 422


async def test_too_much_is_413_whether_the_head_says_so_or_not():
    door = open_door(max_body=1000)
    assert (await door.post(b"x" * 2000, length=2000)).status == 413
    assert (await door.post(b"[" + b" " * 2000, parts=4)).status == 413
    assert (await open_door().post(b"[1" + b" " * 70_000 + b"]")).status == 413
    assert (await open_door().post(b"[" * 70_000)).status == 413


async def test_a_pack_too_large_for_a_message_is_413_as_soon_as_that_is_seen():
    door = open_door()
    read = []

    async def endless():
        read.append(1)
        return {"type": "http.request", "body": b" [1," + b"1," * 20_000, "more_body": True}

    assert (await door.post(receive=endless)).status == 413
    assert len(read) == 2


async def test_bodies_of_all_senders_together_have_a_bound_and_room_is_given_back():
    door = open_door(max_held=5_000, commit_within_s=0.5)
    big = messages(*[ITEM] * 40)
    assert 2_500 < len(big) < 5_000
    waiting = asyncio.create_task(door.post(big, key="Bearer token"))
    await asyncio.sleep(0.05)
    answer = await door.post(big, key="Bearer token")
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert (await door.post(PACK, method="PUT")).status == 405
    await door.settle(many=40)
    assert (await waiting).status == 200
    again = asyncio.create_task(door.post(big, key="Bearer token"))
    await door.settle(many=40)
    assert (await again).status == 200


@pytest.mark.parametrize("media,encoding", [("text/plain", ""), ("", ""), (JSON, "gzip"), (JSON, "br")])
async def test_another_type_or_encoding_is_415(door, media, encoding):
    more = {"content_encoding": encoding} if encoding else {}
    assert (await door.post(media=media, **more)).status == 415


async def test_other_methods_are_405(door):
    answer = await door.post(method="GET")
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


async def test_a_length_that_is_no_number_is_400(door):
    assert (await door.post(length="1e3")).status == 400


async def test_a_sender_with_too_many_requests_is_429_and_may_come_again():
    door = open_door(burst=2, rate_s=20, commit_within_s=0.01)
    statuses = [(await door.post()).status for _ in range(3)]
    assert statuses[-1] == 429
    await asyncio.sleep(0.1)
    assert (await door.post()).status == 503


async def test_when_the_store_does_not_commit_in_time_the_answer_is_503_with_retry_after():
    door = open_door(commit_within_s=0.05)
    answer = await door.post()
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    (late,) = door.inbox.take_now(10)
    late.settle(Outcome.STORED)


async def test_a_full_inbox_makes_the_sender_wait():
    door = open_door(max_messages=1, commit_within_s=5)
    first, second = asyncio.create_task(door.post()), asyncio.create_task(door.post())
    await asyncio.sleep(0.05)
    assert len(door.inbox) == 1
    await door.settle()
    await door.settle()
    assert [(await first).status, (await second).status] == [200, 200]


async def test_when_too_many_wait_the_next_is_503_at_once():
    door = open_door(max_waiting=1, commit_within_s=5)
    first = asyncio.create_task(door.post())
    await asyncio.sleep(0.05)
    assert (await door.post()).status == 503
    await door.settle()
    assert (await first).status == 200


async def test_a_body_that_never_ends_is_408_and_a_sender_that_leaves_takes_no_place():
    door = open_door(body_within_s=0.05)
    never = asyncio.get_running_loop().create_future()
    said = []

    async def receive():
        return await never

    async def send(message):
        said.append(message.get("status"))

    headers = [(b"content-type", b"application/json"), (b"authorization", basic().encode())]
    scope = {"type": "http", "method": "POST", "headers": headers, "client": None}
    await door.app(scope, receive, send)
    assert said[0] == 408
    assert door.app._waiting == 0
