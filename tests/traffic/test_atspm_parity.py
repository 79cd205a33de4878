# SPDX-License-Identifier: Apache-2.0
"""Our counts are those of the package `atspm` on the sample it brings, table by table."""

from __future__ import annotations

import pytest

from benchmarks.atspm import package as atspm_package
from benchmarks.atspm.package import TABLES

pytest.importorskip("atspm", reason="the package atspm is not installed: script/bootstrap --test")


@pytest.fixture(scope="module")
def package():
    return atspm_package.theirs()


@pytest.fixture(scope="module")
def sample():
    return atspm_package.sample()


@pytest.mark.parametrize("table", TABLES, ids=[table.name for table in TABLES])
def test_counts_are_those_of_the_package(table, package, sample):
    theirs = atspm_package.rows_of(package[table.name], table.columns)
    assert len(theirs) > 0
    assert atspm_package.differences(table, table.ours(*sample), theirs) == []


def test_intervals_are_those_of_the_package(package, sample):
    assert len(package["timeline"]) > 5000
    assert atspm_package.intervals(sample[0], package["timeline"]) == []
