"""Section: what was polled, what is missing, and what was put right later."""

from __future__ import annotations

import pandas as pd

from fxticker.analysis.coverage import SILENCE
from fxticker.model.durations import age_text
from fxticker.model.formatting import counted
from fxticker.model.records import Origin, Outcome
from fxticker.model.timestamps import minute_text
from fxticker.report.drawings import Charts, placed
from fxticker.report.facts import MonthFacts
from fxticker.report.html import Content, Html, element, joined
from fxticker.report.tables import Column, table
from fxticker.report.texts import listed

_MOST_GAPS = 12
"""Number of gaps that are listed, the longest ones: each failed poll between two successful ones is a gap."""
_ORIGINS = {"live": "polls", "page": "saved pages", "archive": "web archives", "constant": "a fixed rate"}
_POLLS = (Column("Source"), Column("Polls", is_number=True), Column("Successful", is_number=True), Column("Others"))
_GAPS = (
    Column("From"),
    Column("To"),
    Column("Length", is_number=True),
    Column("Source"),
    Column("On record in it"),
)


def record_section(facts: MonthFacts, charts: Charts) -> Html:
    """Return the section of the polls and gaps."""
    sentences = element("p", " ".join(record_sentences(facts)))
    polls = facts.polls
    if polls.empty:
        are_of_polls = (facts.ticks["origin"] == Origin.LIVE).any()
        but = "though ticks of polls are" if are_of_polls else "as with imported ticks"
        none = f"No outcome of a poll is on record for this month, {but}: nothing shows what was missed."
        return joined(sentences, element("p", none), *_gaps(facts))
    rows = [_source_row(str(source), part) for source, part in polls.groupby("source", observed=True)]
    return joined(
        sentences,
        table(f"Polls on record in {facts.period.name}", _POLLS, rows),
        *placed(charts, "coverage"),
        *_gaps(facts),
    )


def record_sentences(facts: MonthFacts) -> list[str]:
    """Return how much of the month is on record, as sentences."""
    period = facts.period
    if facts.main is None:
        return [f"No tick is on record in {period.name}."]
    days = facts.ticks["observed_at"].dt.date.nunique()
    instants = counted(facts.ticks["observed_at"].nunique(), "instant")
    origins = listed([_ORIGINS.get(str(name), str(name)) for name in facts.ticks["origin"].unique()])
    so_far = " so far" if period.is_running else ""
    found = [
        f"{facts.main} is on record at {instants} on {days} of {counted(period.days, 'day')}{so_far}, from {origins}."
    ]
    if days < period.days:
        found.append(f"Nothing is known of the other {counted(period.days - days, 'day')}.")
    own = facts.polls[facts.polls["source"] == facts.main]
    if len(own):
        found.append(
            f"{int((own['outcome'] == Outcome.OK).sum()):,} of {counted(len(own), 'poll')} on record succeeded."
        )
    if facts.retracted:
        found.append(f"{counted(facts.retracted, 'tick')} retracted as misread: left out.")
    return found


def _source_row(source: str, polls: pd.DataFrame) -> list[Content]:
    counts = polls["outcome"].astype(str).value_counts()
    ok = int(counts.get(Outcome.OK, 0))
    others = counts.drop(Outcome.OK, errors="ignore").sort_index(kind="stable")
    why = ", ".join(f"{name} \u00d7 {many:,}" for name, many in others.items())
    return [source, f"{len(polls):,}", f"{ok:,} ({100 * ok / len(polls):.1f} %)", why or "none"]


def _gaps(facts: MonthFacts) -> list[Html]:
    inside = _inside(facts)
    if inside.empty:
        return [] if facts.polls.empty else [element("p", "There is no gap: no period without a successful poll.")]
    longest = inside.nlargest(_MOST_GAPS, "length", keep="first").sort_values(["start", "source"], kind="stable")
    is_part = len(longest) < len(inside)
    caption = f"The longest {len(longest)} of {len(inside):,} gaps" if is_part else "Gaps"
    intro = (
        f"{counted(len(inside), 'gap')}: a gap is a period without a successful poll, also where the next poll on "
        "record came more than three times as late as is usual. No value is filled in for it; what changed across it "
        "changed at some time within."
    )
    rows = [_gap_row(row, facts) for _, row in longest.iterrows()]
    return [element("p", intro), table(f"{caption} in {facts.period.name}, by time", _GAPS, rows)]


def _inside(facts: MonthFacts) -> pd.DataFrame:
    """Return the gaps of sources of the month, cut to it, with their ``start``, ``end`` and ``length``.

    A source that is not polled any more has one gap for ever, which is none of the report's.
    """
    begin, cut = pd.Timestamp(facts.period.begin), pd.Timestamp(facts.period.cut)
    polled = {facts.main, *facts.polls["source"]}
    gaps = facts.gaps if facts.main is None else facts.gaps[facts.gaps["source"].isin(polled)]
    start, end = gaps["start_at"], gaps["end_at"]
    is_open = end.isna() | (end > cut)
    start, end = start.where(start >= begin, begin), end.where(~is_open, cut)
    inside = gaps.assign(start=start, end=end, length=end - start, is_open=is_open)
    return inside[inside["length"] > pd.Timedelta(0)]


def _gap_row(row: pd.Series, facts: MonthFacts) -> list[Content]:
    zone = facts.period.zone
    is_before = row["start_at"] < pd.Timestamp(facts.period.begin)
    end = "the cut of the report" if facts.period.is_running else "the end of the month"
    return [
        "the beginning of the month" if is_before else minute_text(row["start"].tz_convert(zone)),
        end if row["is_open"] else minute_text(row["end"].tz_convert(zone)),
        age_text(row["length"].to_pytimedelta()),
        str(row["source"]),
        "nothing" if row["why"] == SILENCE else _outcomes(row, facts.polls),
    ]


def _outcomes(gap: pd.Series, polls: pd.DataFrame) -> str:
    """Return the outcomes that the month has of a gap, with their counts."""
    is_in = (polls["source"] == gap["source"]) & (polls["slot"] >= gap["start"]) & (polls["slot"] < gap["end"])
    counts = polls.loc[is_in, "outcome"].astype(str).value_counts()
    return ", ".join(f"{name} \u00d7 {count}" for name, count in counts.items()) or "nothing"
