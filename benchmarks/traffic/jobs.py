# SPDX-License-Identifier: Apache-2.0
"""One run in a process of its own: a simulator holds one street."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.traffic.networks import Case
from traffic.street import anynet, trial


@dataclass(frozen=True, slots=True)
class Job:
    case: Case
    controller: str
    seed: int
    noisy: bool


def drive(job: Job) -> trial.Outcome:
    case = job.case
    net = anynet.read(case.net)
    scenario = trial.Scenario(net=net, routes=case.routes, begin=case.begin, end=case.end, extra=case.extra)
    return trial.run(scenario, job.controller, job.seed, noisy=job.noisy)
