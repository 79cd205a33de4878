# SPDX-License-Identifier: Apache-2.0
"""One message to one browser: encrypted for it (RFC 8291), signed as the city (RFC 8292), and how it went."""

from __future__ import annotations

import time
from typing import Any, Final

import pywebpush
import requests
from django.conf import settings

from smartcity.alarms import addresses
from smartcity.alarms.models import PushSubscription
from smartcity.alarms.outcome import Again, Gone, Outcome, Refused, Sent
from smartcity.alarms.wording import Message

TIMEOUT_S: Final = 10.0
LIVES_S: Final = 3600
SIGNED_FOR_S: Final = 3600


def send(to: PushSubscription, message: Message) -> Outcome:
    """Hand the message to the browser's push service; never raises for what the service or the network does."""
    problem = "the city has no push key" if not settings.VAPID_PRIVATE_KEY else addresses.why_not(to.endpoint)
    if problem:
        return Refused(problem)
    try:
        answer = _post(to, message)
    except pywebpush.WebPushException as error:
        return _judge(error.response, str(error.message)) if error.response is not None else Refused(str(error.message))
    except requests.TooManyRedirects:
        return Refused("the push service sends elsewhere")
    except requests.RequestException as error:
        return Again(f"{type(error).__name__} at {addresses.host(to.endpoint)}")
    return _judge(answer, "")


def _post(to: PushSubscription, message: Message) -> Any:
    with requests.Session() as session:
        session.max_redirects = 0
        return pywebpush.webpush(
            {"endpoint": to.endpoint, "keys": {"p256dh": to.p256dh, "auth": to.auth}},
            message.as_push(),
            vapid_private_key=settings.VAPID_PRIVATE_KEY,
            vapid_claims={"sub": settings.VAPID_SUBJECT, "exp": int(time.time()) + SIGNED_FOR_S},
            ttl=LIVES_S,
            headers={"Urgency": "high" if message.severity <= 2 else "normal", "Topic": f"alarm-{message.number}"},
            timeout=TIMEOUT_S,
            requests_session=session,
        )


def _judge(answer: Any, words: str) -> Outcome:
    status = answer.status_code
    if 200 <= status < 300:
        return Sent()
    if status in (404, 410):
        return Gone(f"the push service says {status}: the browser has unsubscribed")
    if status == 429 or status >= 500:
        after = answer.headers.get("Retry-After", "")
        return Again(f"the push service answers {status}", float(after) if after.isdigit() else 0.0)
    return Refused(f"the push service refuses with {status} {words}".strip())
