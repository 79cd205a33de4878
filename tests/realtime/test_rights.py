# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import json

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser, Group

from smartcity.api.access import EVERYWHERE, NOWHERE, Action, scope, scopes
from smartcity.api.models import Grant
from smartcity.realtime import consumer
from smartcity.realtime.consumer import CHANGED, MAY_NOT, SIGNED_OUT, Live
from smartcity.realtime.hub import Hub

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


def person(name, *pairs, **more):
    made = get_user_model().objects.create_user(name, "", "x", **more)
    Grant.objects.bulk_create([Grant(user=made, action=Action.VIEW, domain=d, zone=z) for d, z in pairs])
    return made


@pytest.fixture
def live(monkeypatch):
    monkeypatch.setattr(consumer, "RECHECK_S", 0.05)
    hub = Hub(dict)
    monkeypatch.setattr(Live, "hub", hub)
    return hub


async def look(user):
    browser = ApplicationCommunicator(Live.as_asgi(), {"type": "websocket", "user": user})
    await browser.send_input({"type": "websocket.connect"})
    assert (await browser.receive_output(5))["type"] == "websocket.accept"
    return browser


async def told(browser):
    return json.loads((await browser.receive_output(5))["text"])["t"]


async def leave(browser):
    await browser.send_input({"type": "websocket.disconnect", "code": 1001})
    await browser.wait(5)


def test_many_accounts_are_told_what_each_is_told_alone():
    crew = Group.objects.create(name="crew")
    Grant.objects.create(group=crew, action=Action.VIEW, domain="waste", zone="north")
    anna, bert = person("anna", ("lighting", ""), ("traffic", "centre")), person("bert")
    bert.groups.add(crew)
    anna.groups.add(crew)
    boss, gone, none = person("boss", is_superuser=True), person("gone", ("", ""), is_active=False), person("none")
    found = scopes([anna.pk, bert.pk, boss.pk, gone.pk, none.pk, 10**6], Action.VIEW)
    assert set(found) == {anna.pk, bert.pk, boss.pk, none.pk}
    assert {one.pk: found.get(one.pk, NOWHERE) for one in (anna, bert, boss, gone, none)} == {
        one.pk: scope(one, Action.VIEW) for one in (anna, bert, boss, gone, none)
    }
    assert found[boss.pk] == EVERYWHERE


def test_many_accounts_take_as_many_queries_as_one(django_assert_num_queries):
    people = [person(f"p{n}", ("", "")).pk for n in range(20)]
    with django_assert_num_queries(4):
        scopes(people, Action.VIEW)


async def test_who_loses_a_right_is_shown_out_and_who_keeps_it_stays(live):
    anna = await sync_to_async(person)("anna", ("lighting", ""))
    bert = await sync_to_async(person)("bert", ("", ""))
    hers, his = await look(anna), await look(bert)
    assert await told(hers) == await told(his) == "snapshot"
    await Grant.objects.filter(user=anna).adelete()
    assert await hers.receive_output(5) == {"type": "websocket.close", "code": CHANGED}
    live.tick()
    assert await told(his) == "delta"
    await leave(hers)
    await leave(his)
    await asyncio.sleep(0.1)
    assert not Live.present and Live.count == 0


async def test_who_comes_while_rights_are_asked_is_not_shown_out(live, monkeypatch):
    anna = await sync_to_async(person)("anna", ("", ""))
    bert = await sync_to_async(person)("bert", ("", ""))
    hers = await look(anna)
    assert await told(hers) == "snapshot"
    ask, asked, answered = consumer._sights, asyncio.Event(), asyncio.Event()

    async def slowly(accounts):
        found = await ask(accounts)
        if anna.pk in accounts and not asked.is_set():
            asked.set()
            await answered.wait()
        return found

    monkeypatch.setattr(consumer, "_sights", slowly)
    await asyncio.wait_for(asked.wait(), 5)
    his = await look(bert)
    assert await told(his) == "snapshot"
    answered.set()
    await asyncio.sleep(0.2)
    live.tick()
    assert await told(his) == await told(hers) == "delta"
    await leave(hers)
    await leave(his)


async def test_an_account_without_a_right_and_nobody_at_all_are_refused(live):
    for user, code in ((await sync_to_async(person)("none"), MAY_NOT), (AnonymousUser(), SIGNED_OUT)):
        browser = await look(user)
        assert await browser.receive_output(5) == {"type": "websocket.close", "code": code}
        await leave(browser)
