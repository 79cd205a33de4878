# SPDX-License-Identifier: Apache-2.0
"""Bodies lie encrypted, keys can be changed, what may not be kept is not, and after two weeks all of it is gone."""

from __future__ import annotations

from hashlib import sha256

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from smartcity.telemetry import cipher, quarantine, upkeep
from tests.telemetry.conftest import NOW, batch, quarantined, rows

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(databases=["default", "telemetry"], transaction=True)]
DAY = 86_400_000
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def bodies(store):
    return [quarantine.body(row["payload"], row["encrypted"]) for row in quarantine.rows(store.engine)]


def plain(payload):
    """A row as it was written before bodies were encrypted."""
    with connections["telemetry"].cursor() as cursor:
        cursor.execute(
            "INSERT INTO quarantine (device, uid, received_at, transport, codec, kind, reason, readings, payload) "
            "VALUES (1, 'D-1', %s, 'mqtt', 'senml', 'bad payload', 'x', 0, %s)",
            [NOW, payload],
        )


def test_a_body_lies_encrypted_with_its_size_and_digest_beside_it(store):
    store.write(batch(quarantined=[quarantined(payload=b"secret words")]))
    ((payload, size, digest),) = rows("SELECT payload, size, digest FROM quarantine")
    assert b"secret" not in bytes(payload)
    assert (size, digest) == (12, sha256(b"secret words").hexdigest())
    assert bodies(store) == [b"secret words"]


def test_of_a_body_that_may_not_be_kept_only_reason_size_and_digest_are(store):
    store.write(batch(quarantined=[quarantined(payload=b"a plate", keeps_body=False)]))
    ((payload, size, digest, reason),) = rows("SELECT payload, size, digest, reason FROM quarantine")
    assert (bytes(payload), size, digest, reason) == (b"", 7, sha256(b"a plate").hexdigest(), "not SenML JSON")
    assert bodies(store) == [None]


def test_what_is_not_kept_takes_no_room_of_its_device(store, new_store, monkeypatch):
    monkeypatch.setattr(quarantine, "MOST_BYTES", 100)
    store.write(batch(quarantined=[quarantined(payload=bytes(90), keeps_body=False), quarantined(payload=bytes(60))]))
    again = new_store()
    assert again.write(batch(quarantined=[quarantined(payload=bytes(30))])).refused == ()
    assert again.write(batch(quarantined=[quarantined(payload=bytes(30))])).refused == (0,)


def test_a_body_is_read_with_any_listed_key_and_written_with_the_first(store, settings):
    settings.QUARANTINE_KEY = OLD
    store.write(batch(quarantined=[quarantined(payload=b"one")]))
    settings.QUARANTINE_KEY = f"{NEW}\n{OLD}"
    store.write(batch(quarantined=[quarantined(payload=b"two")]))
    assert bodies(store) == [b"two", b"one"]
    settings.QUARANTINE_KEY = NEW
    with pytest.raises(cipher.Locked):
        bodies(store)


def test_after_rotating_the_old_key_may_go(store, settings, monkeypatch):
    monkeypatch.setattr(quarantine, "AT_ONCE", 2)
    settings.QUARANTINE_KEY = OLD
    store.write(batch(quarantined=[quarantined(payload=b"%d" % n, keeps_body=n != 1) for n in range(5)]))
    settings.QUARANTINE_KEY = f"{NEW},{OLD}"
    total, after = quarantine.rotate_some(store.engine, 0)
    while after is not None:
        done, after = quarantine.rotate_some(store.engine, after)
        total += done
    settings.QUARANTINE_KEY = NEW
    assert (total, bodies(store)) == (4, [b"4", b"3", b"2", None, b"0"])


def test_without_a_key_no_body_is_written_down_at_all(store, settings):
    settings.QUARANTINE_KEY = ""
    store.write(batch(quarantined=[quarantined(payload=b"words")]))
    assert (bodies(store), rows("SELECT size FROM quarantine")) == ([None], [(5,)])
    plain(b"before")
    upkeep.retain(store, NOW)
    assert bodies(store)[0] == b"before"


def test_a_key_that_is_none_is_said_so(settings):
    settings.QUARANTINE_KEY = "short"
    with pytest.raises(ImproperlyConfigured, match="URL-safe Base64"):
        cipher.lock(b"x")


def test_rows_from_before_are_encrypted_by_the_next_upkeep(store, monkeypatch):
    monkeypatch.setattr(quarantine, "AT_ONCE", 2)
    for payload in (b"one", b'{"plate":"ABC-123"}', b"three"):
        plain(payload)
    upkeep.retain(store, NOW)
    assert bodies(store) == [b"three", None, b"one"]
    assert rows("SELECT min(encrypted), min(size), min(length(digest)) FROM quarantine") == [(1, 3, 64)]
    assert all(b"one" not in bytes(payload) for (payload,) in rows("SELECT payload FROM quarantine"))


def test_after_fourteen_days_it_is_gone_and_there_is_room_again(store, settings):
    store.write(batch(quarantined=[quarantined() for _ in range(100)]))
    assert upkeep.retain(store, NOW + 14 * DAY).quarantined == 0
    assert upkeep.retain(store, NOW + 14 * DAY + 1).quarantined == 100
    assert store.write(batch(quarantined=[quarantined()])).refused == ()
    settings.QUARANTINE_DAYS = 3
    assert upkeep.retain(store, NOW + 3 * DAY + 1).quarantined == 1
