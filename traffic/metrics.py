# SPDX-License-Identifier: Apache-2.0
"""What detectors and signal controllers measure."""

from __future__ import annotations

from smartcity.kernel.metrics import DataClass, Keep, Metric, Total

STATUS = ("ok", "dark", "flashing", "conflict trip", "door open", "mains fail")
SOURCES = ("local", "centre", "manual", "fallback")

DETECTOR_EVERY_S = 5.0
SIGNAL_EVERY_S = 5.0
MEASURE_EVERY_S = 60.0

FLOW = Metric(
    name="traffic.flow",
    title="Traffic flow",
    unit="veh/h",
    low=0,
    high=8000,
    every_s=DETECTOR_EVERY_S,
    data_class=DataClass.PUBLIC,
    purpose="Counts vehicles so that signals and street lighting follow the traffic.",
    keep=Keep.EVERY,
    keep_every_s=60,
    shared=True,
)
OCCUPANCY = Metric(
    name="traffic.occupancy",
    title="Detector occupancy",
    unit="%",
    low=0,
    high=100,
    every_s=DETECTOR_EVERY_S,
    data_class=DataClass.PUBLIC,
    purpose="Shows how full an approach is, to find split failures and spillback.",
    keep=Keep.EVERY,
    keep_every_s=60,
)
QUEUE = Metric(
    name="traffic.queue",
    title="Queue",
    unit="veh",
    low=0,
    high=200,
    every_s=DETECTOR_EVERY_S,
    data_class=DataClass.PUBLIC,
    purpose="Counts standing vehicles so that the signal serves who waits.",
    keep=Keep.EVERY,
    keep_every_s=60,
)
SPEED = Metric(
    name="traffic.speed",
    title="Mean speed",
    unit="km/h",
    low=0,
    high=130,
    every_s=DETECTOR_EVERY_S,
    data_class=DataClass.PUBLIC,
    purpose="Tells free traffic from standing traffic on an approach.",
    keep=Keep.EVERY,
    keep_every_s=60,
)
CONGESTION = Metric(
    name="traffic.congestion",
    title="Congestion",
    unit="1",
    low=0,
    high=1,
    every_s=DETECTOR_EVERY_S,
    data_class=DataClass.PUBLIC,
    purpose="Share of the free speed that is lost, for drivers, lighting and collection rounds.",
    keep=Keep.EVERY,
    keep_every_s=60,
    shared=True,
)
STAGE = Metric(
    name="traffic.stage",
    title="Running stage",
    unit="1",
    low=0,
    high=16,
    every_s=SIGNAL_EVERY_S,
    data_class=DataClass.SAFETY,
    purpose="Which stage is green (0 in the intergreen): what the controller confirms and measures rest on.",
    total=Total.LAST,
    keep=Keep.EVERY,
    keep_every_s=5,
    rolled=False,
)
GREEN = Metric(
    name="traffic.green_s",
    title="Green so far",
    unit="s",
    low=0,
    high=86_400,
    every_s=SIGNAL_EVERY_S,
    data_class=DataClass.INTERNAL,
    purpose="Age of the running stage, from which the minimum green is checked.",
    keep=Keep.LATEST,
    total=Total.LAST,
    rolled=False,
)
LONGEST_RED = Metric(
    name="traffic.longest_red_s",
    title="Longest red with a call",
    unit="s",
    low=0,
    high=86_400,
    every_s=SIGNAL_EVERY_S,
    data_class=DataClass.INTERNAL,
    purpose="How long somebody has waited at red, from which the maximum red is checked.",
    keep=Keep.EVERY,
    keep_every_s=60,
    total=Total.MAX,
)
WAITING_STAGE = Metric(
    name="traffic.waiting_stage",
    title="Stage waiting longest",
    unit="1",
    low=0,
    high=16,
    every_s=SIGNAL_EVERY_S,
    data_class=DataClass.INTERNAL,
    purpose="The stage that would serve who has waited longest (0: nobody).",
    keep=Keep.LATEST,
    total=Total.LAST,
    rolled=False,
)
PLAN = Metric(
    name="traffic.plan",
    title="Running plan",
    unit="1",
    low=0,
    high=99,
    every_s=SIGNAL_EVERY_S,
    data_class=DataClass.INTERNAL,
    purpose="Number of the fixed plan that runs; 0 while stages come by request.",
    keep=Keep.EVERY,
    keep_every_s=60,
    total=Total.LAST,
)
SOURCE = Metric(
    name="traffic.control_source",
    title="Source of control",
    unit="1",
    low=0,
    high=len(SOURCES) - 1,
    every_s=SIGNAL_EVERY_S,
    data_class=DataClass.SAFETY,
    purpose="Who chooses the stages: the local plan, the centre, a person at the cabinet, or the fallback.",
    states=SOURCES,
    keep=Keep.EVERY,
    keep_every_s=60,
    total=Total.LAST,
)
STATUS_METRIC = Metric(
    name="traffic.status",
    title="Controller status",
    unit="1",
    low=0,
    high=len(STATUS) - 1,
    every_s=SIGNAL_EVERY_S,
    data_class=DataClass.SAFETY,
    purpose="Whether the signal works, is dark or flashes, so that somebody is sent at once.",
    states=STATUS,
    keep=Keep.EVERY,
    keep_every_s=60,
    total=Total.MAX,
)
DELAY = Metric(
    name="traffic.control_delay",
    title="Control delay",
    unit="s/veh",
    low=0,
    high=3600,
    every_s=MEASURE_EVERY_S,
    data_class=DataClass.PUBLIC,
    purpose="Mean time a vehicle loses at the signal, to compare plans.",
)
FOOT_WAIT = Metric(
    name="traffic.pedestrian_wait",
    title="Wait on foot",
    unit="s",
    low=0,
    high=3600,
    every_s=MEASURE_EVERY_S,
    data_class=DataClass.PUBLIC,
    purpose="Expected wait of a person who comes to a crossing at a random moment: nobody may gain at their cost.",
)

TRAM_FLOW = Metric(
    name="traffic.tram_flow",
    title="Trams",
    unit="trams/h",
    low=0,
    high=400,
    every_s=MEASURE_EVERY_S,
    data_class=DataClass.PUBLIC,
    purpose="Counts trams over the stop lines, so that their delay is weighed by their number.",
)
TRAM_DELAY = Metric(
    name="traffic.tram_delay",
    title="Control delay of trams",
    unit="s/tram",
    low=0,
    high=3600,
    every_s=MEASURE_EVERY_S,
    data_class=DataClass.PUBLIC,
    purpose="Mean time a tram loses at the signal, apart from cars: many people ride in one.",
)
FIXED_DELAY = Metric(
    name="traffic.fixed_plan_delay",
    title="Control delay on the fixed plan",
    unit="s/veh",
    low=0,
    high=3600,
    every_s=MEASURE_EVERY_S,
    data_class=DataClass.PUBLIC,
    purpose="What vehicles would lose on the fixed plan, run beside in the twin: the baseline of the adaptive plan.",
)
FIXED_FOOT_WAIT = Metric(
    name="traffic.fixed_plan_pedestrian_wait",
    title="Wait on foot on the fixed plan",
    unit="s",
    low=0,
    high=3600,
    every_s=MEASURE_EVERY_S,
    data_class=DataClass.PUBLIC,
    purpose="What people on foot would wait on the fixed plan, run beside in the twin.",
)
FIXED_TRAM_DELAY = Metric(
    name="traffic.fixed_plan_tram_delay",
    title="Control delay of trams on the fixed plan",
    unit="s/tram",
    low=0,
    high=3600,
    every_s=MEASURE_EVERY_S,
    data_class=DataClass.PUBLIC,
    purpose="What trams would lose on the fixed plan, run beside in the twin.",
)

DETECTOR = (FLOW, OCCUPANCY, QUEUE, SPEED, CONGESTION)
STATE = (STAGE, GREEN, LONGEST_RED, WAITING_STAGE, PLAN, SOURCE, STATUS_METRIC)
MEASURES = (DELAY, FOOT_WAIT, FIXED_DELAY, FIXED_FOOT_WAIT)
TRAM = (TRAM_FLOW, TRAM_DELAY, FIXED_TRAM_DELAY)
SIGNAL = (*STATE, *MEASURES)
METRICS = (*DETECTOR, *SIGNAL, *TRAM)
