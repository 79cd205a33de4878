# SPDX-License-Identifier: Apache-2.0
"""The independent check after the solver: physics and contract, asked of every setpoint, manual ones included."""

from __future__ import annotations

from smartcity.kernel.control import Interlock, Setpoint, Situation

STALE_S = 900.0
RESERVE_SOC = 10.0
ROUNDING_KW = 0.06
_RESERVE = f"{RESERVE_SOC:.0f} %"
DEFAULT_CHARGER_KW = 4.2


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def within_rating(setpoint: Setpoint, situation: Situation) -> str | None:
    """A charging limit lies between nothing and the signed rating of the charging point."""
    value, rated = _number(setpoint.value), _number(situation.signed.get("power_kw"))
    if value is None or rated is None:
        return "a limit in kW and a signed rating are needed"
    return None if 0 <= value <= rated + 0.05 else f"{value:g} kW is outside 0 to {rated:g} kW, the signed rating"


def band_is_sane(setpoint: Setpoint, situation: Situation) -> str | None:
    """A band for the site's import: kW within the signed contract and transformer, its lower bound not above the upper.

    The transformer counts where its rating is signed.
    """
    value, contract = _number(setpoint.value), _signed_above(situation, "connection_point", "contracted_kw")
    if value is None or not value >= 0:
        return f"an import bound is a power in kW, not {setpoint.value!r}"
    if contract is None:
        return "the contract of the battery's connection point is not signed"
    if value > contract + ROUNDING_KW:
        return f"{value:g} kW is above the contract of {contract:g} kW"
    carries = _signed_above(situation, "transformer", "rated_kva")
    if carries is not None and value > carries + ROUNDING_KW:
        return f"{value:g} kW is above what the transformer carries, {carries:g} kVA"
    return _crosses(setpoint.point, value, situation)


def _signed_above(situation: Situation, kind: str, name: str) -> float | None:
    above = situation.above.get(kind)
    return _number(above.signed.get(name)) if above is not None else None


def _crosses(point: str, value: float, situation: Situation) -> str | None:
    """The other bound as it stands, or as it is asked for together with this one."""
    other = _number(situation.held.get("import_low" if point == "import_high" else "import_high"))
    low, high = (other, value) if point == "import_high" else (value, other)
    if low is None or high is None or low <= high + ROUNDING_KW:
        return None
    return f"the lower bound of {low:g} kW would be above the upper one of {high:g} kW"


def within_reach(setpoint: Setpoint, situation: Situation) -> str | None:
    """A lower bound is one the battery's signed rating can bring about, from what the site draws without it.

    Twice the rating leaves room for what the load does while the command lasts. An upper bound may lie beyond reach: at
    a peak the battery gives all it has.
    """
    value, rated = _number(setpoint.value), _number(situation.signed.get("power_kw"))
    if value is None or rated is None or rated <= 0:
        return "the battery has no signed rating"
    if setpoint.point != "import_low" or value == 0:
        return None
    draws = _without_battery(situation)
    if draws is None:
        return "what the site draws is not known or older than 15 minutes"
    most = max(0.0, draws) + 2 * rated
    return None if value <= most else f"{value:g} kW is out of the battery's reach: {most:.0f} kW at {rated:g} kW rated"


def _without_battery(situation: Situation) -> float | None:
    """The site's import in kW less what the battery adds to it; None without fresh readings of both."""
    meter = situation.above.get("connection_point")
    drawn = _fresh(meter, "energy.import_kw") if meter is not None else None
    own = _fresh(situation, "energy.battery_kw")
    return None if drawn is None or own is None else drawn - own


def _fresh(situation: Situation, metric: str) -> float | None:
    return situation.reported.get(metric) if situation.ages_s.get(metric, STALE_S + 1) <= STALE_S else None


def keeps_reserve(setpoint: Setpoint, situation: Situation) -> str | None:
    """No bound under which the battery would give what it holds in reserve.

    Below the reserve only the contract itself may be the bound, and only while the site keeps it. Above it a battery
    that announces `reserve_soc` guards its reserve itself; any other must have enough for the command's whole life.
    """
    soc = _fresh(situation, "energy.soc")
    if soc is None:
        return "the state of charge is not known or older than 15 minutes"
    if setpoint.point != "import_high":
        return None
    if soc < RESERVE_SOC:
        return None if _asks_for_nothing(setpoint, situation) else f"{soc:.0f} % is below the reserve of {_RESERVE}"
    guarded = _number(situation.announced.get("reserve_soc"))
    if (guarded is not None and guarded >= RESERVE_SOC) or _asks_for_nothing(setpoint, situation):
        return None
    power, size = (_number(situation.signed.get(name)) for name in ("power_kw", "capacity_kwh"))
    if power is None or size is None or size <= 0:
        return "the battery has no signed rating and capacity"
    left = soc - 100 * power * setpoint.expires_in_s / 3600 / size
    return None if left >= RESERVE_SOC else f"it may leave less than the reserve of {_RESERVE}; ask for a shorter time"


def _asks_for_nothing(setpoint: Setpoint, situation: Situation) -> bool:
    """Whether the bound is the contract and the site keeps it without the battery."""
    value, contract = _number(setpoint.value), _signed_above(situation, "connection_point", "contracted_kw")
    draws = _without_battery(situation)
    if value is None or contract is None or draws is None:
        return False
    return value >= contract - ROUNDING_KW and draws <= value


def ends_soon(setpoint: Setpoint, situation: Situation) -> str | None:
    """A command outlives a lost link by 12 hours at most (overrides); loops ask for half an hour."""
    return None if setpoint.expires_in_s <= 12 * 3600 else "an energy command may last 12 hours at most"


_BAND = ("import_high", "import_low")
INTERLOCKS = (
    Interlock("signed rating", ("charger",), ("limit",), within_rating, "nameplate, OCPP TxDefaultProfile"),
    Interlock("band is sane", ("battery",), _BAND, band_is_sane, "grid contract, transformer nameplate"),
    Interlock("within reach", ("battery",), _BAND, within_reach, "nameplate"),
    Interlock("keeps its reserve", ("battery",), _BAND, keeps_reserve, "backup reserve"),
    Interlock("ends by itself", ("battery", "charger"), (*_BAND, "limit"), ends_soon, "silence returns to the default"),
)
