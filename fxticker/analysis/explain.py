"""Explanation: where a rate comes from, down to the printed text and its page, and what contradicts it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from fxticker.analysis.provenance import PrintedRate, printed_rates
from fxticker.analysis.rate import rows_of
from fxticker.analysis.rate_choice import choices_of
from fxticker.analysis.rate_grid import grid_at
from fxticker.analysis.rate_lines import RateLine
from fxticker.analysis.rate_texts import distance_pct, of_one_kind
from fxticker.errors import NoData
from fxticker.frames.now_and_zone import in_zone, present, resolved, zone_of
from fxticker.frames.pairs import StorePath
from fxticker.model.durations import age_text
from fxticker.model.formatting import format_with_band, printed_text
from fxticker.model.selection import Selection, Zone
from fxticker.model.timestamps import Moment, iso_text, lookup_text, minute_text
from fxticker.sources.age_limits import AgeLimit, MaxAge
from fxticker.sources.rate_order import SourceOrder
from fxticker.store.arrow import instant_of
from fxticker.store.store import opened

STATED = ("pair", "at", "rate", "rate_lo", "rate_hi", "kind", "source", "value_date", "age_h", "leg_dates")
"""Columns of `fxticker.rate` that an explanation repeats."""
_HOUR_US = 3_600_000_000
_LABEL = 12
"""Characters of the labels of a text."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where the rate of a pair at an instant comes from.

    Attributes
    ----------
    rate
        The row of `fxticker.rate`, by column; ``passed_over`` is a tuple of texts.
    order
        The order that chose the source.
    printed
        The stored rows that the rate follows from: one, or those of both legs of a cross rate.
    others
        What each other source has: ``source``, ``kind``, ``rate_lo``, ``rate_hi``, ``age_h``, ``agrees`` and
        ``distance_pct``, as in the column ``others`` of `fxticker.rate`; those that contradict first.
    """

    rate: Mapping[str, Any]
    order: SourceOrder
    printed: tuple[PrintedRate, ...]
    others: tuple[Mapping[str, Any], ...]

    def facts(self) -> dict[str, Any]:
        """Return the explanation for a document."""
        rate = {name: self.rate[name] for name in STATED} | {"value_date": self.rate["value_date"].date()}
        order = {"order": list(self.order.entries), "passed_over": list(self.rate["passed_over"])}
        return {**rate, **order, "printed": [each.facts() for each in self.printed], "others": list(self.others)}

    def __str__(self) -> str:
        rate = self.rate
        text = format_with_band(rate["rate"], rate["rate_lo"], rate["rate_hi"])
        day, between = rate["leg_dates"] or f"{rate['value_date']:%Y-%m-%d}", text.band.replace(" to ", " and ")
        age = f"{'the older ' if rate['leg_dates'] else ''}{_age(rate['age_h'])}"
        value = text.value if rate["values"] == 1 else f"{rate['values']} values of one date"
        lines = [
            f"{rate['pair']} {value}, between {between}, at {lookup_text(rate['at'])} {rate['at'].tzname()}",
            f"  {rate['kind']} rate of {rate['source']} of {day}, {age} old; order {self.order}",
            *(f"  passed over: {each}" for each in rate["passed_over"]),
        ]
        for each in self.printed:
            lines += ["", *_lines_of(each)]
        lines += [
            "",
            "other sources" if self.others else "no other source has a rate alone, or with another of its kind",
        ]
        for other in self.others:
            band = format_with_band(other["rate_lo"], other["rate_lo"], other["rate_hi"]).band
            verdict = "agrees" if other["agrees"] else f"contradicts by {other['distance_pct']:+.2g} %"
            lines.append(f"  {other['source']} {verdict}: {band}, {_age(other['age_h'])} old")
        return "\n".join(lines)


def explain(
    store: StorePath,
    pair: str,
    *,
    at: Moment | None = None,
    order: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
    max_age: MaxAge = None,
    as_of: Moment | None = None,
    tz: Zone = "UTC",
) -> Explanation:
    """Return where the rate of a pair comes from, as `fxticker.rate` states it.

    Parameters
    ----------
    store
        The store's folder, or an open store.
    pair
        Stored, inverse or cross, ``"UZS/USD"``.
    at, order, sources, max_age, as_of, tz
        As for `fxticker.rate`.

    Returns
    -------
    Explanation
        As text it is for people; `Explanation.facts` is for programs.

    Raises
    ------
    NoData
        If no source has a rate; names what is missing.
    ValueError
        As `fxticker.rate`.
    """
    opened_store = opened(store)
    wanted = replace(resolved(Selection.of(pairs=[pair], sources=sources, as_of=as_of, tz=tz)), tz=None)
    grid = grid_at("now" if at is None else at, present(), zone_of(tz))
    [choice] = choices_of(opened_store, wanted, grid, AgeLimit.of(max_age), order)
    line = choice.line
    if line is None:
        raise NoData(choice.reason)
    [row] = in_zone(rows_of(choice, grid, zone_of(tz)), tz).to_dict("records")
    known = wanted.as_of if isinstance(wanted.as_of, datetime) else None
    printed = [
        rate
        for part in line.parts or (line,)
        for source, name in part.printed
        for rate in printed_rates(opened_store, source, name, instant_of(int(part.observed_at[0])), known)
    ]
    found = SourceOrder.of(order, {line.source for line in choice.others})
    stated = {str(name): value for name, value in row.items()} | {"passed_over": choice.passed_over}
    return Explanation(stated, found, tuple(printed), _others(line, choice.others))


def _others(line: RateLine, others: Iterable[RateLine]) -> tuple[dict[str, Any], ...]:
    """Return what the other sources have, those that contradict first, the farthest of them foremost."""
    found = []
    for other in of_one_kind(list(others)):
        if other.is_young[0]:
            distance = float(distance_pct(line, other)[0])
            bounds = {
                "rate_lo": float(other.lo[0]),
                "rate_hi": float(other.hi[0]),
                "age_h": float(other.age[0] / _HOUR_US),
            }
            verdict = {"agrees": distance == 0, "distance_pct": distance}
            found.append({"source": other.source, "kind": other.kind, **bounds, **verdict})
    return tuple(sorted(found, key=lambda each: -abs(each["distance_pct"])))


def _lines_of(printed: PrintedRate) -> list[str]:
    """Return the lines of a text about a stored row."""
    row, poll = printed.row, printed.poll
    band = format_with_band(row["rate"], printed.rate_lo, printed.rate_hi).band
    change = f" {row['change_text']}" if row["change_text"] else ""
    date = f", printed date {row['source_date']}" if row["source_date"] else ""
    facts = {
        "printed": f"{printed_text(row['rate_text'], row['nominal'])}{change}: {band}",
        "observed": f"{iso_text(row['observed_at'])}, basis {row['time_basis']}, origin {row['origin']}{date}",
        "recorded": iso_text(row["recorded_at"]),
        "file": printed.file or "rewritten while it was looked for",
        "poll": "none on record" if poll is None else _poll_text(poll),
        "page": "" if poll is None or poll["body_sha256"] is None else f"SHA-256 {poll['body_sha256']}",
        "evidence": printed.evidence_file or ("not in this store" if row["evidence"] else "none was kept"),
    }
    lines = [f"{row['pair']} of {row['source']}"]
    lines += [f"  {name:<{_LABEL}}{text}" for name, text in facts.items() if text]
    words = {True: "passed", False: "FAILED", None: "not checked"}
    for check in printed.checks:
        detail = f" ({check.detail})" if check.detail else ""
        lines.append(f"  {words[check.passed]:<{_LABEL}}{check.name}{detail}")
    return lines


def _poll_text(poll: Mapping[str, Any]) -> str:
    version = "unknown" if poll["parser_version"] is None else poll["parser_version"]
    status = "" if poll["http_status"] is None else f", HTTP {poll['http_status']}"
    return f"slot {_minute(poll['slot'])}, {poll['outcome']}{status}, parser version {version}"


def _age(hours: float) -> str:
    return age_text(timedelta(hours=hours))


def _minute(instant: datetime) -> str:
    return f"{minute_text(instant)} {instant.tzname()}"
