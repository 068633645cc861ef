"""Section: the change of each rate over the month, what the digits prove of it, and its path."""

from __future__ import annotations

import pandas as pd

from fxticker.model.currencies import name_of
from fxticker.model.formatting import Written, format_with_band
from fxticker.model.pairs import currencies_of
from fxticker.model.pegs import peg_on
from fxticker.model.timestamps import minute_text
from fxticker.model.verdicts import HOP, MORE, NEWER, NONE, SEVERAL, WITHIN, verdict
from fxticker.report.drawings import Charts, placed
from fxticker.report.facts import MonthFacts
from fxticker.report.html import Content, Html, element, joined
from fxticker.report.printed_values import PrintedValues
from fxticker.report.rates import COARSE_PCT, last_rates, shown_text
from fxticker.report.tables import Column, table
from fxticker.report.texts import NONE as DASH
from fxticker.report.texts import between, listed, number

_ENDS = ("start", "end")
_PROOFS = {
    WITHIN: WITHIN,
    HOP: f"{HOP}, no move of the rate",
    NONE: NONE,
    SEVERAL: f"{SEVERAL}: which of them was the last is not known",
}


def moves_section(facts: MonthFacts, charts: Charts) -> Html:
    """Return the section of the changes of the main source."""
    own = facts.own_drifts
    if own.empty:
        return element("p", f"{facts.main} has no rate at two different instants, so that no change can be stated.")
    caption = f"Change of each rate in {facts.period.name}, in percent of its rate at the start"
    return joined(
        element("p", _intro(own)), change_table(caption, own, facts.printed), *placed(charts, "drift", "path")
    )


def change_table(caption: str, drifts: pd.DataFrame, printed: PrintedValues | None = None) -> Html:
    """Return changes as a table; of official rates, if none are printed, with sources and both ends per USD."""
    is_official = printed is None
    unit = ": units per USD" if is_official else ""
    columns = [
        Column("Pair"),
        *([Column("Source")] if is_official else []),
        Column(f"From{unit}"),
        Column(f"To{unit}"),
        Column("Change of USD per unit" if is_official else "Change", is_number=True),
        Column("The digits allow", is_number=True),
        Column("What that proves"),
    ]
    return table(caption, columns, [_row(row, printed) for _, row in drifts.iterrows()])


def move_sentences(facts: MonthFacts) -> list[str]:
    """Return what happened to each rate of the main source, a sentence or two each."""
    steps = last_rates(facts).set_index("pair")["step_pct"]
    return [
        _sentence(row, facts.printed) + _remarks(row, float(steps.loc[str(row["pair"])]))
        for _, row in facts.own_drifts.iterrows()
    ]


def _intro(own: pd.DataFrame) -> str:
    from_close = own["from_close"]
    start = (
        "the last tick before the month"
        if from_close.all()
        else "the first tick of the month, for none before it is young enough to stand for its beginning,"
        if not from_close.any()
        else "the last tick before the month, or from its first one where none before it is young enough,"
    )
    return (
        f"The change runs from {start} to the last tick of the month; each row names both. It is more than rounding "
        "only if the rate moved the same way for all true rates that the digits of both ends allow."
    )


def _row(row: pd.Series, printed: PrintedValues | None) -> list[Content]:
    texts = _written(row)
    return [
        str(row["pair"]),
        *([str(row["source"])] if printed is None else []),
        *(_end(row, end, printed) for end in _ENDS),
        DASH if _has_several(row) else number(f"{texts.value} %"),
        between(texts, " %"),
        _proof(row),
    ]


def _end(row: pd.Series, end: str, printed: PrintedValues | None) -> Html:
    rate, lo, hi = (float(row[f"rate_{end}{bound}"]) for bound in ("", "_lo", "_hi"))
    at, values = row[f"{end}_at"], int(row[f"values_{end}"])
    if printed is None:
        texts = format_with_band(1 / rate, 1 / hi, 1 / lo)
        shown = number(texts.value) if values == 1 else f"{between(texts)} ({values} values)"
        stated = f"{at:%Y-%m-%d}" if at == at.normalize() else minute_text(at)
    else:
        several = printed.all_of(str(row["pair"]), at) if values > 1 else None
        shown = several or shown_text(row[f"rate_text_{end}"], int(row[f"nominal_{end}"]), (rate, lo, hi))
        stated = printed.when(str(row["pair"]), at)
    return joined(shown, " ", element("span", stated, class_="soft whole"))


def _has_several(row: pd.Series) -> bool:
    """Return whether several values of one date count at an end, so that no change between two of them was printed."""
    return any(row[f"values_{end}"] > 1 for end in _ENDS)


def _proof(row: pd.Series) -> str:
    word = _verdict(row)
    if word not in (MORE, NEWER):
        return _PROOFS[word]
    of_peg = "; a newer level, the supplier's or a move" if word == NEWER else ""
    return f"{MORE}: {name_of(currencies_of(str(row['pair']))[0])} {_way(row)}{of_peg}"


def _sentence(row: pd.Series, printed: PrintedValues) -> str:
    pair, texts, word = str(row["pair"]), _written(row), _verdict(row)
    who = name_of(currencies_of(pair)[0])
    first, last = (f"{row[name]:%Y-%m-%d}" for name in ("start_at", "end_at"))
    span = f"from {first} to {last}" if first != last else f"on {first}"
    if _has_several(row) and word != HOP:
        text = _open_sentence(row, printed, who, span, word)
    elif word in (MORE, NEWER):
        of_peg = " Its value was first shown after the one at the start: it is the supplier's, or a move."
        text = (
            f"the {who} became {_size(row).value} % {_way(row)} {span}; the digits allow {between(_size(row), ' %')}."
            f"{of_peg if word == NEWER else ''}"
        )
    elif word == HOP:
        text = "its value came back to a level that had been shown before, which is no move of the rate."
    elif word == NONE:
        text = f"the same value was printed at both ends, {span}; a change of {between(texts, ' %')} would not show."
    else:
        text = (
            f"a change of {number(texts.value)} % was printed {span}, within rounding: the digits allow "
            f"{between(texts, ' %')}, so whether the {who} moved cannot be told."
        )
    return f"{pair}: {text}"


def _open_sentence(row: pd.Series, printed: PrintedValues, who: str, span: str, word: str) -> str:
    """Return what happened to a rate where several values of one date count at an end, without a figure of its own."""
    several = [row[f"{end}_at"] for end in _ENDS if row[f"values_{end}"] > 1]
    shown = listed([f"{printed.all_of(str(row['pair']), at)} of {at:%Y-%m-%d}" for at in several])
    order = f"on record are {shown}, and in which order they were shown is not known"
    if word in (MORE, NEWER):
        return f"the {who} became {_way(row)} {span}, by {between(_size(row), ' %')}; {order}."
    reason = "may all lie within rounding" if word == WITHIN else "depends on that order"
    subject = "the differences between both ends" if word == WITHIN else f"how the {who} moved {span}"
    return f"{order}; {subject} {reason}: {between(_written(row), ' %')} are possible."


def _remarks(row: pd.Series, step_pct: float) -> str:
    who = name_of(currencies_of(str(row["pair"]))[0])
    blind = " Its digits are too few to show a usual month." if step_pct > COARSE_PCT else ""
    peg = peg_on(str(row["pair"]), row["end_at"].date())
    return blind + (f" The {who} is pegged at {peg.units_text} per dollar." if peg is not None else "")


def _way(row: pd.Series) -> str:
    return "stronger" if row["drift_pct"] > 0 else "weaker"


def _size(row: pd.Series) -> Written:
    """Return a change that is more than rounding without its sign."""
    ends = ("", "_lo", "_hi") if row["drift_pct"] > 0 else ("", "_hi", "_lo")
    size, lo, hi = (abs(float(row[f"drift{end}_pct"])) for end in ends)
    return format_with_band(size, lo, hi)


def _written(row: pd.Series) -> Written:
    return format_with_band(row["drift_pct"], row["drift_lo_pct"], row["drift_hi_pct"], signed=True)


def _verdict(row: pd.Series) -> str:
    return verdict(row)
