# SPDX-License-Identifier: Apache-2.0
"""The package `atspm` from PyPI on the sample it brings, and our measures of the same log, table by table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from traffic.atspm import arrivals, codes, counts, failures, timeline, waits
from traffic.atspm.log import Detectors, Log

BIN_MIN = 15
AGGREGATIONS: Mapping[str, Mapping[str, Any]] = {
    "has_data": {"no_data_min": 5, "min_data_points": 3},
    "actuations": {"fill_in_missing": True},
    "arrival_on_green": {"latency_offset_seconds": 0},
    "split_failures": {
        "red_time": 5, "red_occupancy_threshold": 0.8, "green_occupancy_threshold": 0.8, "by_approach": True,
        "by_cycle": False,
    },
    "yellow_red": {"latency_offset_seconds": 0},
    "timeline": {"maxtime": True, "min_duration": 0, "cushion_time": 1},
    "full_ped": {"seconds_between_actuations": 15, "return_volumes": True},
    "phase_wait": {
        "preempt_recovery_seconds": 120, "assumed_cycle_length": 140, "skip_multiplier": 1.5,
        "tsp_skip_multiplier": 2.0,
    },
    "ped_delay": {}, "platoon_ratio": {}, "terminations": {}, "splits": {}, "coordination": {}, "coordination_agg": {},
    "communications": {"event_codes": "400,503,502"},
}  # fmt: skip
Rows = list[tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Table:
    """One table: the package's columns, and ours as rows; the first `exact` columns are keys and counts, which must be
    equal, the others means."""

    name: str
    columns: tuple[str, ...]
    exact: int
    ours: Callable[[Log, Detectors], Rows]


def rows(*columns: Any) -> Rows:
    return sorted(zip(*(np.asarray(column, np.float64).tolist() for column in columns), strict=True))


def _aog(log: Log, of: Detectors) -> Rows:
    """The package leaves out bins without an arrival on green; we say nought of so many."""
    found = arrivals.arrivals_on_green(log, of)
    some = found.on_green > 0
    return rows(found.bin[some], found.device[some], found.phase[some], found.total[some], found.share[some])


def _platoons(log: Log, of: Detectors) -> Rows:
    f = arrivals.platoon_ratio(log, of)
    return rows(f.bin, f.device, f.phase, f.total, f.on_green, f.arrival_type, f.green_s, f.ratio)


def _splits(log: Log, of: Detectors) -> Rows:
    f = failures.split_failures(log, of)
    return rows(f.bin, f.device, f.phase, f.failures, f.green_s, f.green_occupancy, f.red_occupancy)


def _yellow_red(log: Log, of: Detectors) -> Rows:
    f = counts.yellow_red(log, of)
    return rows(f.bin, f.device, f.phase, f.state, f.from_red_s, f.total)


def _people(log: Log, of: Detectors) -> Rows:
    f = counts.pedestrians(log)
    return rows(f.bin, f.device, f.phase, f.services, f.presses, f.unique, f.volume)


def _waits(log: Log, of: Detectors) -> Rows:
    f = waits.phase_wait(log, cycle_code=codes.ACTUAL_CYCLE)
    return rows(f.bin, f.device, f.phase, f.skips, f.mean_s, f.longest_s)


def _terminations(log: Log, of: Detectors) -> Rows:
    f = counts.terminations(log)
    return rows(f.bin, f.device, f.phase, f.code, f.total)


def _coordination(log: Log, of: Detectors) -> Rows:
    f = counts.coordination(log)
    return rows(f.bin, f.device, f.pattern, f.cycle_s, f.actual_cycle_s, f.actual_offset_s)


def _actuations(log: Log, of: Detectors) -> Rows:
    f = counts.actuations(log)
    return rows(f.bin, f.device, f.key, f.total)


def _ped_delay(log: Log, of: Detectors) -> Rows:
    f = waits.pedestrian_delay(log)
    return rows(f.bin, f.device, f.key, f.total, f.mean_s)


def _logged(log: Log, of: Detectors) -> Rows:
    f = counts.logged_splits(log)
    return rows(f.bin, f.device, f.code, f.services, f.mean_s)


def _communications(log: Log, of: Detectors) -> Rows:
    f = counts.mean_parameters(log, (400, 503, 502))
    return rows(f.bin, f.device, f.code, f.mean_s)


def _changes(log: Log, of: Detectors) -> Rows:
    f = counts.coordination_events(log)
    return rows(f.at, f.device, f.code, f.parameter)


KEYS = ("TimeStamp", "DeviceId", "Phase")
TABLES = (
    Table("has_data", KEYS[:2], 2, lambda log, of: rows(*counts.complete_bins(log))),
    Table("actuations", (*KEYS[:2], "Detector", "Total"), 4, _actuations),
    Table("arrival_on_green", (*KEYS, "Total_Actuations", "Percent_AOG"), 4, _aog),
    Table(
        "platoon_ratio",
        (*KEYS, "Total_Actuations", "Green_Actuations", "Arrival_Type", "Green_Seconds", "Platoon_Ratio"),
        6,
        _platoons,
    ),
    Table("split_failures", (*KEYS, "Split_Failure", "Green_Time", "Green_Occupancy", "Red_Occupancy"), 4, _splits),
    Table("yellow_red", (*KEYS, "Signal_State", "Red_Offset", "Count"), 6, _yellow_red),
    Table("full_ped", (*KEYS, "PedServices", "PedActuation", "Unique_Actuations", "Estimated_Volumes"), 6, _people),
    Table("phase_wait", (*KEYS, "TotalSkips", "AvgPhaseWait", "MaxPhaseWait"), 4, _waits),
    Table("ped_delay", (*KEYS, "Samples", "AvgPedDelay"), 4, _ped_delay),
    Table("terminations", (*KEYS, "Code", "Total"), 5, _terminations),
    Table("splits", (*KEYS[:2], "EventId", "Services", "Average_Split"), 4, _logged),
    Table("coordination", ("Raw_TimeStamp", "DeviceId", "EventId", "Parameter"), 4, _changes),
    Table(
        "coordination_agg", (*KEYS[:2], "Pattern", "CycleLength", "ActualCycleLength", "ActualOffset"), 6, _coordination
    ),
    Table("communications", (*KEYS[:2], "EventId", "Average"), 3, _communications),
)
ENDED = {"GapOut": codes.GAP_OUT, "MaxOut": codes.MAX_OUT, "ForceOff": codes.FORCE_OFF}


def sample() -> tuple[Log, Detectors]:
    """The package's two hours of one controller: 37,152 events and its detectors. Raises ImportError without it."""
    from atspm import sample_data

    data, config = sample_data.data.df(), sample_data.config.df()
    log = Log.of(*(data[name].to_numpy() for name in ("TimeStamp", "DeviceId", "EventId", "Parameter")))
    return log, Detectors.of(config["DeviceId"], config["Phase"], config["Parameter"], list(config["Function"]))


def theirs() -> dict[str, Any]:
    """Every table the package makes of its sample, as data frames. Raises ImportError without it."""
    from atspm import SignalDataProcessor, sample_data

    wanted = [{"name": name, "params": dict(given)} for name, given in AGGREGATIONS.items()]
    made = SignalDataProcessor(
        raw_data=sample_data.data, detector_config=sample_data.config, bin_size=BIN_MIN, verbose=0,
        controller_type="maxtime", remove_incomplete=False, aggregations=wanted,
    )  # fmt: skip
    with made as processor:
        processor.load()
        processor.aggregate()
        return {name: processor.conn.query(f"SELECT * FROM {name}").df() for name in AGGREGATIONS}


def rows_of(frame: Any, columns: tuple[str, ...]) -> Rows:
    """The package's rows of a table; instants as ms."""
    if "PerformanceMeasure" in frame:
        frame = frame.assign(Code=frame["PerformanceMeasure"].map(ENDED))
    found = [frame[name].to_numpy() for name in columns]
    return rows(*(one.astype("datetime64[ms]").astype(np.int64) if one.dtype.kind == "M" else one for one in found))


def differences(table: Table, ours: Rows, package: Rows) -> list[str]:
    """What is not equal, in words: keys and counts to the last one, means to the eighth digit of a 4-byte float."""
    counted = [sorted(row[: table.exact] for row in side) for side in (ours, package)]
    if counted[0] != counted[1]:
        return [f"{table.name}: {len(ours)} rows of ours, {len(package)} of the package, or their counts differ"]
    if not np.allclose(np.array(ours), np.array(package), rtol=1e-6, atol=1e-6):
        return [f"{table.name}: counts are equal, means are not"]
    return []


def intervals(log: Log, frame: Any) -> list[str]:
    """The same of the timeline, whose rows are intervals by class."""
    ours = timeline.timeline(log)
    found = []
    for name, part in frame.groupby("EventClass"):
        one = ours.get(str(name))
        columns = ("StartTime", "EndTime", "DeviceId", "EventValue", "IsValid")
        mine = [] if one is None else rows(one.begin, one.end, one.device, one.value, one.valid)
        if mine != rows_of(part, columns):
            found.append(f"timeline, {name}: {len(mine)} of ours, {len(part)} of the package")
    return found
