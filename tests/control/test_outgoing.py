# SPDX-License-Identifier: Apache-2.0
"""An instruction is written in the device's codec, and in the house format where that one cannot."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from smartcity import declared
from smartcity.control import outgoing
from smartcity.kernel.codecs import BadPayload, Instruction

TOLD = Instruction("7", "limit", 11.0, 1_800_000_000_000, 3, "a test")


@dataclass(frozen=True)
class Own:
    answer: bytes | Exception
    name: str = "own"
    version: str = "2"

    def encode(self, instruction):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def written(monkeypatch, answer):
    monkeypatch.setattr(declared, "codecs", lambda: {"own": Own(answer)})
    return outgoing.write("own", TOLD)


def test_a_codec_writes_in_its_own_way(monkeypatch):
    assert written(monkeypatch, b"\x01\x02") == b"\x01\x02"


@pytest.mark.parametrize("problem", [BadPayload("it takes no limit"), KeyError("limit"), AttributeError("oh")])
def test_what_a_codec_cannot_write_goes_out_in_the_house_format(monkeypatch, problem):
    assert json.loads(written(monkeypatch, problem))["value"] == 11.0


def test_only_a_codec_that_breaks_is_logged(monkeypatch, caplog):
    written(monkeypatch, BadPayload("it takes no limit"))
    assert caplog.records == []
    written(monkeypatch, ZeroDivisionError())
    assert "the codec own 2 broke: ZeroDivisionError" in caplog.text


def test_a_codec_there_is_not_means_the_house_format():
    assert json.loads(outgoing.write("no such codec", TOLD))["id"] == "7"
