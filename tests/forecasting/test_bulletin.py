# SPDX-License-Identifier: Apache-2.0
"""A weather forecast is read as its service issued it, or refused with a sentence that says what is wrong."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity.forecasting.bulletin import BadBulletin, of_csv, of_json

HOUR = 3_600_000
NOW = 1_795_593_600_000  # 2026-11-25T08:00Z
START = "2026-11-25T08:00Z"


def own(**changed):
    whole = {"issued_at": START, "start": START, "step_s": 3600, "temperature_c": [1.5, 2.0, -3.0]} | changed
    return json.dumps({name: value for name, value in whole.items() if value is not None}).encode()


def meteo(times=("2026-11-25T08:00", "2026-11-25T09:00"), values=(3.0, 4.0), unit="°C", **more):
    hourly = {"time": list(times), "temperature_2m": list(values), "shortwave_radiation": [0.0, 12.0]}
    return json.dumps({"hourly_units": {"temperature_2m": unit}, "hourly": hourly} | more).encode()


def csv(*rows, head="time,temperature_c"):
    return "\n".join([head, *rows]).encode()


def test_our_own_form_is_read():
    found = of_json(own(irradiance_w_m2=[0, 5, -1]), NOW)
    assert (found.issued_ms, found.start_ms, found.step_s) == (NOW, NOW, 3600)
    np.testing.assert_array_equal(found.values["temperature"], [1.5, 2.0, -3.0])
    np.testing.assert_array_equal(found.values["irradiance"], [0, 5, 0])


def test_who_does_not_say_when_it_was_issued_has_issued_it_now():
    assert of_json(own(issued_at=None), NOW + 60_000).issued_ms == NOW + 60_000


def test_open_meteo_s_hourly_form_is_read_by_its_own_clock():
    found = of_json(meteo(utc_offset_seconds=0), NOW)
    assert (found.issued_ms, found.start_ms, found.step_s) == (NOW, NOW, 3600)
    np.testing.assert_array_equal(found.values["irradiance"], [0, 12])
    assert of_json(meteo(utc_offset_seconds=3600), NOW).start_ms == NOW - HOUR


def test_what_is_not_known_yet_at_the_end_is_cut_off():
    assert len(of_json(own(temperature_c=[1, 2, None]), NOW).values["temperature"]) == 2


def test_a_table_is_issued_when_it_was_written():
    found = of_csv(csv("2026-11-25T08:00Z,1.5", "2026-11-25T09:00Z,2.5"), NOW, NOW - 5_000)
    assert (found.issued_ms, found.start_ms, found.step_s) == (NOW - 5_000, NOW, 3600)
    np.testing.assert_array_equal(found.values["temperature"], [1.5, 2.5])


WRONG = {
    "cut short": (own()[:40], "still being written"),
    "not an object": (b"[1]", "not a JSON object"),
    "kelvin": (own(temperature_c=[274.0, 275.0]), "looks like kelvin"),
    "fahrenheit": (own(temperature_c=[48.0, 59.0]), "looks like °F"),
    "too hot": (own(temperature_c=[20.0, 10.0, 99.0]), "of 99 is outside -70 to 60 °C"),
    "a gap": (own(temperature_c=[1, None, 3]), "of 2026-11-25 09:00 UTC is missing or not a number"),
    "NaN": (b'{"start": "2026-11-25T08:00Z", "temperature_c": [1, NaN, 2]}', "missing or not a number"),
    "words": (own(temperature_c=["mild", "cold"]), "has no value"),
    "truth": (own(temperature_c=[True, False]), "has no value"),
    "nothing": (own(temperature_c=[]), "has no value"),
    "a number": (own(temperature_c=3), "not a list"),
    "endless": (own(temperature_c=[1.0] * 2000), "at most 31 days"),
    "no temperature": (own(temperature_c=None, temperature_k=[1]), "none of temperature_c, irradiance_w_m2"),
    "odd steps": (own(step_s=700), "steps must be"),
    "words for steps": (own(step_s="1h"), "steps must be"),
    "between steps": (own(start="2026-11-25T08:10Z"), "begin on a full one"),
    "no start": (own(start=None), "`start` is None"),
    "no offset": (own(start="2026-11-25T08:00"), "how far from UTC"),
    "the future": (own(issued_at="2026-11-25T09:00Z"), "is in the future"),
    "long over": (own(issued_at=None, start="2026-11-20T08:00Z"), "not what comes next"),
    "Open-Meteo in °F": (meteo(unit="°F"), "is in °F; ask for °C"),
    "Open-Meteo with a hole": (meteo(times=("2026-11-25T08:00", "2026-11-25T09:00", "2026-11-25T11:00")), "far apart"),
    "Open-Meteo without times": (b'{"hourly": {}}', "no list `time`"),
    "Open-Meteo's error": (b'{"error": true, "reason": "x"}', "`start` is None"),
}


@pytest.mark.parametrize(("body", "says"), WRONG.values(), ids=WRONG)
def test_what_makes_no_sense_is_refused_in_words(body, says):
    with pytest.raises(BadBulletin, match=says.replace("(", r"\(")):
        of_json(body, NOW)


TABLES = {
    "empty": (b"", "no column `time`"),
    "cut short": (csv("2026-11-25T08:00Z,1", "2026-11-25T09:00Z"), "not as many fields"),
    "one row": (csv("2026-11-25T08:00Z,1"), "far apart"),
    "no time": (csv("1,2", head="at,temperature_c"), "no column `time`"),
    "not text": (b"time,temperature_c\n\xff\xfe,1", "UTF-8"),
    "not a number": (csv("2026-11-25T08:00Z,cold", "2026-11-25T09:00Z,1"), "missing or not a number"),
}


@pytest.mark.parametrize(("body", "says"), TABLES.values(), ids=TABLES)
def test_a_table_that_makes_no_sense_is_refused_in_words(body, says):
    with pytest.raises(BadBulletin, match=says):
        of_csv(body, NOW, NOW)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(["issued_at", "start", "step_s", "temperature_c", "irradiance_w_m2", "hourly", "hourly_units",
                         "utc_offset_seconds"])  # fmt: skip


@given(st.dictionaries(NAMES, ANYTHING | st.just(START) | st.just({"time": [START], "temperature_2m": [1]})))
def test_whatever_is_said_it_is_read_or_refused(found):
    try:
        read = of_json(json.dumps(found).encode(), NOW)
    except BadBulletin:
        return
    assert all(math.isfinite(value) for row in read.values.values() for value in row)
