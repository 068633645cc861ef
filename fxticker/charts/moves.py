"""Moves in words: titles of charts of changes, which state what the bands prove and nothing more."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import pandas as pd

from fxticker.analysis.hopping_leg import hopping_leg
from fxticker.model.currencies import NAMES
from fxticker.model.formatting import format_with_band, real_minus
from fxticker.model.pairs import COMMON, currencies_of
from fxticker.model.pegs import PEGS, pegs_of
from fxticker.model.verdicts import open_changes, unproven

_MOST_NAMED = 5
"""Moves that a title has room for."""


def change_text(value: float, lo: float, hi: float) -> str:
    """Return a change with the digits that its band supports: ``+2.0 %``."""
    return real_minus(f"{format_with_band(value, lo, hi, signed=True).value} %")


def band_text(lo: float, hi: float) -> str:
    """Return a band: ``+1.2 to +1.4 %``."""
    return real_minus(f"{format_with_band((lo + hi) / 2, lo, hi, signed=True).band} %")


def moves_text(rows: pd.DataFrame, between: str = "") -> str:
    """Return the proven moves as a sentence without an end: ``The tenge lost 1.0 % against the dollar, the som 2.1 %``.

    Parameters
    ----------
    rows
        One row per change: ``source``, ``pair``, ``drift_pct``, ``drift_lo_pct``, ``drift_hi_pct``, ``significant``,
        ``peg_hop``, ``several_values``.
    between
        Of a chart that shows values between the ends of its changes: what these ends are. Without a proven change it is
        said, for the chart may show moves that came back.
    """
    proven = rows[is_move(rows)]
    if proven.empty:
        return _no_move(rows, f" {between}" if between else "")
    if len(proven) > _MOST_NAMED or proven["pair"].astype(str).duplicated().any():
        return f"{len(proven):,} of {len(rows):,} rates moved by more than rounding{peg_notes(proven)}"
    proven = proven.iloc[proven["drift_pct"].abs().argsort(kind="stable")[::-1]]
    changes = [
        (*currencies_of(str(pair)), lo, hi)
        for pair, lo, hi in zip(proven["pair"], proven["drift_lo_pct"], proven["drift_hi_pct"], strict=True)
    ]
    text = _sentence(changes)
    return f"{text[0].upper()}{text[1:]}{peg_notes(proven)}"


def peg_notes(proven: pd.DataFrame) -> str:
    """Return what a peg has to do with proven moves, as the end of a sentence: newer levels, hops of a cross rate."""
    codes = {code for pair in proven["pair"].astype(str) if pegs_of(pair) for code in pair.split("/") if code != COMMON}
    new = "".join(f", {f'the {NAMES[code]} ' if len(proven) > 1 else ''}to a newer level" for code in sorted(codes))
    return new + "".join(f", hops of {who(code)} not told apart" for code in hopping(keys_of(proven)))


def hopping(keys: Iterable[tuple[str, str]]) -> list[str]:
    """Return the pegged currencies in whose hops cross rates take part, given pairs and their sources."""
    return sorted({code for pair, source in keys if (code := hopping_leg(pair, source))})


def hopping_text(keys: Iterable[tuple[str, str]]) -> str:
    """Return that cross rates hop as one leg does, as a sentence of a caption, or nothing."""
    codes = hopping(keys)
    return f"Cross rates take part in the peg hops of {', '.join(codes)}." if codes else ""


def keys_of(rows: pd.DataFrame) -> set[tuple[str, str]]:
    """Return the pairs of some rows, each with its source."""
    return {*rows[["pair", "source"]].astype(str).itertuples(index=False, name=None)}


def is_move(rows: pd.DataFrame) -> pd.Series:
    """Return which changes are more than rounding, and no peg hop."""
    return rows["significant"].astype(bool) & ~rows["peg_hop"].astype(bool)


def unproven_text(rows: pd.DataFrame, what: str) -> str:
    """Return what the unproven ones of changes rest on, as part of a legend; `what` is one of them."""
    rounding, by_order = _reasons(rows)
    return unproven(what, rounding=rounding, several_values=by_order)


def _reasons(rows: pd.DataFrame) -> tuple[bool, bool]:
    """Return whether rounding alone could explain an unproven change, and whether one is open for want of an order."""
    proven, by_order = (rows[name].astype(bool) for name in ("significant", "several_values"))
    return bool((~proven & ~by_order).any()), bool(by_order.any())


def move_text(pair: str, lo: float, hi: float) -> str:
    """Return one proven move: ``the tenge lost 1.0 % against the dollar``."""
    base, quote = currencies_of(pair)
    return f"{who(base)} {_verb(lo)} {amount(lo, hi)} % against {who(quote)}"


def who(code: str) -> str:
    """Return a currency in a sentence: ``the tenge``, ``the pegged manat``, or its code if it has no name here.

    Of a peg it is said, as a change of its rate is the supplier's, or the end of the peg.
    """
    pegged = "pegged " if any(peg.currency == code and peg.until is None for peg in PEGS) else ""
    return f"the {pegged}{NAMES[code]}" if code in NAMES else code


def amount(lo: float, hi: float) -> str:
    """Return the size of a proven change with two digits: one number if both ends round to it, else the range.

    From 10 % on it has a tenth where the band does not reach the number without.
    """
    least, most = (Decimal(repr(float(end))) for end in sorted((abs(lo), abs(hi))))
    step = Decimal(1).scaleb(min(most.adjusted() - 1, 0))
    if step == 1 and least.quantize(step) == most.quantize(step) and not least <= most.quantize(step) <= most:
        step = Decimal("0.1")
    if least.quantize(step) == most.quantize(step):
        return f"{most.quantize(step)}"
    floor, ceiling = least.quantize(step, ROUND_FLOOR), most.quantize(step, ROUND_CEILING)
    return f"{floor} to {ceiling}" if floor else f"up to {ceiling}"


def _sentence(changes: list[tuple[str, str, float, float]]) -> str:
    """Return changes, the largest first, grouped by their sign; what all are of, or against, stands once."""
    bases, quotes = {base for base, *_ in changes}, {quote for _, quote, *_ in changes}
    is_first_gain, text, before = changes[0][2] > 0, "", None
    for base, quote, lo, hi in sorted(changes, key=lambda change: (change[2] > 0) != is_first_gain):
        subject = "" if text and bases == {COMMON} else f"{who(base)} "
        verb = "" if before == _verb(lo) else f"{_verb(lo)} "
        against = "" if text and len(quotes) == 1 else f" against {who(quote)}"
        joint = "" if not text else "; " if verb else ", "
        text += f"{joint}{subject}{verb}{amount(lo, hi)} %{against}"
        before = _verb(lo)
    return text


def _verb(change: float) -> str:
    return "gained" if change > 0 else "lost"


def told(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the changes that `moves_text` tells of, which the dates of a title are those of."""
    return rows[is_move(rows)] if is_move(rows).any() else rows


def _no_move(rows: pd.DataFrame, between: str) -> str:
    base, quote = currencies_of(str(rows["pair"].iloc[0]))
    if rows["peg_hop"].all():  # of the two ends: what was shown between them is not said
        subject = who(quote if base == COMMON else base) if len(rows) == 1 else f"all {len(rows):,}"
        return f"{subject[0].upper()}{subject[1:]} came back to a level shown before"
    rounding, by_order = _reasons(rows)
    if not rows["drift_pct"].any() and not rows["peg_hop"].any() and not by_order:
        if len(rows) > 1:
            return f"None of {len(rows):,} printed rates changed{between}" if between else _equal(len(rows), len(rows))
        allowed = band_text(rows["drift_lo_pct"].iloc[0], rows["drift_hi_pct"].iloc[0])
        return f"The digits allow {allowed} for {who(base)} against {who(quote)}: equal at both ends"
    is_printed = (rows["drift_pct"] != 0) | rows["peg_hop"].astype(bool) | rows["several_values"].astype(bool)
    if not is_printed.all():
        open_ones = _no_move(rows[is_printed], between)
        kept, ends = int((~is_printed).sum()), "" if between in open_ones else between
        unchanged = (
            f"{kept:,} of {len(rows):,} rates did not change in print{ends}" if between else _equal(kept, len(rows))
        )
        return f"{open_ones}; {unchanged}"
    what = f"the change of {who(base)} against {who(quote)}" if len(rows) == 1 else f"all {len(rows):,} changes"
    return open_changes(what + between, rounding=rounding, several_values=by_order, hops=bool(rows["peg_hop"].any()))


def _equal(count: int, whole: int) -> str:
    """Return how many rates have one printed value at both ends; what was printed between them is not said."""
    return f"{count:,} of {whole:,} rates are equal at both ends"
