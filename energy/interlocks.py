# SPDX-License-Identifier: Apache-2.0
"""The independent check after the solver: physics and contract, asked of every setpoint, manual ones included."""

from __future__ import annotations

from smartcity.kernel.control import Interlock, Setpoint, Situation

STALE_S = 900.0
RESERVE_SOC = 10.0
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
    """A band for the site's import is a number of kW that the battery could ever influence."""
    value = _number(setpoint.value)
    if value is None or not 0 <= value <= 5000:
        return f"an import bound is 0 to 5000 kW, not {setpoint.value!r}"
    if _number(situation.signed.get("power_kw")) is None:
        return "the battery has no signed rating"
    return None


def battery_is_known(setpoint: Setpoint, situation: Situation) -> str | None:
    """No command to a battery whose state of charge is not known, or that would empty its reserve."""
    soc, age = situation.reported.get("energy.soc"), situation.ages_s.get("energy.soc", float("inf"))
    if soc is None or age > STALE_S:
        return "the state of charge is not known or older than 15 minutes"
    if setpoint.point == "import_high" and soc < RESERVE_SOC and _number(setpoint.value) == 0:
        return f"{soc:.0f} % is below the reserve of {RESERVE_SOC:.0f} %"
    return None


def ends_soon(setpoint: Setpoint, situation: Situation) -> str | None:
    """A command outlives a lost link by 12 hours at most (overrides); loops ask for half an hour."""
    return None if setpoint.expires_in_s <= 12 * 3600 else "an energy command may last 12 hours at most"


_BAND = ("import_high", "import_low")
INTERLOCKS = (
    Interlock("signed rating", ("charger",), ("limit",), within_rating, "nameplate, OCPP TxDefaultProfile"),
    Interlock("band is sane", ("battery",), _BAND, band_is_sane, "nameplate"),
    Interlock("battery is known", ("battery",), _BAND, battery_is_known, "backup reserve"),
    Interlock("ends by itself", ("battery", "charger"), (*_BAND, "limit"), ends_soon, "silence returns to the default"),
)
