"""Rows of a drift: what was looked up at its ends, whether it counts, and the change with its band."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import pandas as pd

from fxticker.analysis.lookup import Rate
from fxticker.model.bands import Band, drift_pct, drift_pct_of
from fxticker.model.days import Lookup
from fxticker.model.durations import OTHER_LIMIT
from fxticker.model.timestamps import minute_text
from fxticker.sources.age_limits import LIMIT, AgeLimit

COLUMNS = {
    "source": "str",
    "pair": "str",
    "start_at": "datetime64[us, UTC]",
    "end_at": "datetime64[us, UTC]",
    "rate_start": "float64",
    "rate_end": "float64",
    "rate_text_start": "str",
    "rate_text_end": "str",
    "drift_pct": "float64",
    "drift_lo_pct": "float64",
    "drift_hi_pct": "float64",
    "significant": "bool",
    "base_at": "datetime64[us, UTC]",
    "start_age_h": "float64",
    "end_age_h": "float64",
    "reason": "str",
    "nominal_start": "int32",
    "nominal_end": "int32",
    "rate_start_lo": "float64",
    "rate_start_hi": "float64",
    "rate_end_lo": "float64",
    "rate_end_hi": "float64",
    "values_start": "int32",
    "values_end": "int32",
    "several_values": "bool",
}
_HOUR = timedelta(hours=1)
_SAME_TICK = "the same tick at both ends"


@dataclass(frozen=True, slots=True)
class Found:
    """What a lookup found: its rate, the rate's age, and why the rate does not count."""

    rate: Rate | None
    age: timedelta | None = None
    problem: str | None = None
    is_too_old: bool = False

    @classmethod
    def of(cls, name: str, at: Lookup, rate: Rate | None, limit: AgeLimit, later: Callable[[Lookup], str]) -> Found:
        """Return what the lookup of an end, or of the base, by its name found; `later` is of when the first tick is."""
        if rate is None:
            return cls(None, problem=f"no tick by the {name}{later(at)}")
        age = rate.age(at.upto)
        excess = limit.excess(rate.legs[0].source, age)
        older = min(rate.legs, key=lambda leg: leg.counts_from)
        return cls(rate, age, excess and f"{name} tick {older.when}, {excess}", excess is not None)


def no_drift(rows: pd.DataFrame, first: datetime, last: datetime, first_one: str) -> str:
    """Return why no pair has a drift: what each source has at both ends, and the first tick after that."""
    pairs: dict[tuple[str, str], list[str]] = {}
    for row in rows.to_dict("records"):
        is_same = row["reason"] == _SAME_TICK
        reason = f"{_SAME_TICK}, {minute_text(row['end_at'])} UTC" if is_same else row["reason"]
        pairs.setdefault((row["source"], reason), []).append(row["pair"])
    found = "; ".join(f"{', '.join(names)} of {source}: {reason}" for (source, reason), names in pairs.items())
    is_old = any(LIMIT in reason and _SAME_TICK not in reason for _, reason in pairs)
    return (
        f"no pair has two recent ticks, one by {first:%Y-%m-%d %H:%M} and another by {last:%Y-%m-%d %H:%M} UTC: "
        f"{found or 'there are no two polls to compare'}{f'; {OTHER_LIMIT}' if is_old else '' if found else first_one}"
    )


def drift_row(start: Found, end: Found, base: Found, *, zone: tzinfo = UTC) -> tuple[Any, ...]:
    """Return the columns of a drift from `start_at` on; dates are those of the zone."""
    figures: dict[str, Any] = dict.fromkeys(COLUMNS, None) | {"significant": False, "several_values": False}
    figures |= dict.fromkeys(("nominal_start", "nominal_end", "values_start", "values_end"), 1)
    for name, found in (("start", start), ("end", end), ("base", base)):
        if found.rate is not None and found.age is not None:
            figures |= {f"{name}_at": found.rate.stands_at(zone), f"{name}_age_h": found.age / _HOUR}
    looked_up = (start, end) if base.rate is start.rate else (start, end, base)
    too_old = [found.problem for found in looked_up if found.is_too_old]
    is_same = start.rate is not None and end.rate is not None and start.rate.observed_at == end.rate.observed_at
    if too_old:
        reasons = [_SAME_TICK if is_same else None, *too_old]
        return _row(figures | {"reason": ", ".join(dict.fromkeys(filter(None, reasons)))})
    for name, rate in (("start", start.rate), ("end", end.rate)):
        if rate is not None:
            figures |= _end(name, rate)
    if start.rate is None or end.rate is None or base.rate is None:
        return _row(figures | {"reason": start.problem or end.problem or base.problem})
    if is_same:
        return _row(figures | {"reason": _SAME_TICK})
    change = 100 * (end.rate.value - start.rate.value) / base.rate.value
    band = _band(start.rate, end.rate, base.rate)
    percents = {"drift_pct": float(change), "drift_lo_pct": float(band.lo), "drift_hi_pct": float(band.hi)}
    is_significant = 0 not in band
    by_order = not is_significant and _decides_by_order(start.rate, end.rate)
    return _row(figures | percents | {"significant": is_significant, "several_values": by_order})


def _decides_by_order(start: Rate, end: Rate) -> bool:
    """Return what `fxticker.analysis.quote_change.decides_by_order` does of quotes."""
    is_several = start.single.count > 1 or end.single.count > 1
    return is_several and (end.single.decides(start.single) or start.value == end.value)


def _end(name: str, rate: Rate) -> dict[str, Any]:
    return {
        f"rate_{name}": float(rate.value),
        f"rate_{name}_lo": float(rate.band.lo),
        f"rate_{name}_hi": float(rate.band.hi),
        f"rate_text_{name}": rate.rate_text,
        f"nominal_{name}": rate.nominal,
        f"values_{name}": rate.single.count,
    }


def _row(figures: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(figures[name] for name in list(COLUMNS)[2:])


def _band(start: Rate, end: Rate, base: Rate) -> Band:
    # with the base at one end numerator and denominator share a rate, so the band is narrower
    if base.observed_at == start.observed_at:
        return drift_pct(start.band, end.band)
    if base.observed_at == end.observed_at:
        back = drift_pct(end.band, start.band)
        return Band(-back.hi, -back.lo)
    return drift_pct_of(start.band, end.band, base.band)
