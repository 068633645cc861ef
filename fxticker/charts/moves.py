"""Moves in words: titles of charts of changes, which state what the bands prove and nothing more."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import pandas as pd

from fxticker.model.currencies import NAMES
from fxticker.model.formatting import format_with_band
from fxticker.model.pairs import COMMON, currencies_of

_MINUS = "\N{MINUS SIGN}"
_MOST_NAMED = 5
"""Moves that a title has room for."""


def real_minus(text: str) -> str:
    """Return the text of numbers with minus signs in place of hyphens."""
    return text.replace("-", _MINUS)


def change_text(value: float, lo: float, hi: float) -> str:
    """Return a change with the digits that its band supports: ``+2.0 %``."""
    return real_minus(f"{format_with_band(value, lo, hi, signed=True).value} %")


def band_text(lo: float, hi: float) -> str:
    """Return a band: ``+1.2 to +1.4 %``."""
    return real_minus(f"{format_with_band((lo + hi) / 2, lo, hi, signed=True).band} %")


def moves_text(rows: pd.DataFrame) -> str:
    """Return the proven moves as a sentence without an end: ``The tenge lost 1.0 % against the dollar, the som 2.1 %``.

    Parameters
    ----------
    rows
        One row per change: ``pair``, ``drift_pct``, ``drift_lo_pct``, ``drift_hi_pct``, ``significant``, ``peg_hop``.
    """
    proven = rows[is_move(rows)]
    if proven.empty:
        return _no_move(rows)
    if len(proven) > _MOST_NAMED or proven["pair"].astype(str).duplicated().any():
        return f"{len(proven):,} of {len(rows):,} rates moved by more than rounding"
    proven = proven.iloc[proven["drift_pct"].abs().argsort(kind="stable")[::-1]]
    sides = [proven[proven["drift_pct"] > 0], proven[proven["drift_pct"] < 0]]
    sides.sort(key=lambda side: -side["drift_pct"].abs().max() if len(side) else 0.0)
    text = "; ".join(_side(side, is_first=side is sides[0]) for side in sides if len(side))
    return text[0].upper() + text[1:]


def is_move(rows: pd.DataFrame) -> pd.Series:
    """Return which changes are more than rounding, and no peg hop."""
    return rows["significant"].astype(bool) & ~rows["peg_hop"].astype(bool)


def move_text(pair: str, lo: float, hi: float) -> str:
    """Return one proven move: ``the tenge lost 1.0 % against the dollar``."""
    base, quote = currencies_of(pair)
    return f"{who(base)} {_verb(lo)} {amount(lo, hi)} % against {who(quote)}"


def who(code: str) -> str:
    """Return a currency in a sentence: ``the tenge``, or its code if it has no name here."""
    return f"the {NAMES[code]}" if code in NAMES else code


def amount(lo: float, hi: float) -> str:
    """Return the size of a proven change with two digits: one number if both ends round to it, else the range."""
    least, most = (Decimal(repr(float(end))) for end in sorted((abs(lo), abs(hi))))
    step = Decimal(1).scaleb(min(most.adjusted() - 1, 0))
    if least.quantize(step) == most.quantize(step):
        return f"{most.quantize(step)}"
    floor, ceiling = least.quantize(step, ROUND_FLOOR), most.quantize(step, ROUND_CEILING)
    return f"{floor} to {ceiling}" if floor else f"up to {ceiling}"


def _side(rows: pd.DataFrame, *, is_first: bool) -> str:
    """Return the moves to one side; the verb and what all are measured against stand once."""
    pairs = [currencies_of(str(pair)) for pair in rows["pair"]]
    bases, quotes = {base for base, _ in pairs}, {quote for _, quote in pairs}
    amounts = [f"{amount(*ends)} %" for ends in zip(rows["drift_lo_pct"], rows["drift_hi_pct"], strict=True)]
    verb = _verb(float(rows["drift_pct"].iloc[0]))
    if bases == {COMMON}:
        losses = ", ".join(f"{size} against {who(quote)}" for size, (_, quote) in zip(amounts, pairs, strict=True))
        return f"{f'{who(COMMON)} ' if is_first else ''}{verb} {losses}"
    texts = [f"{who(base)} {size}" for size, (base, _) in zip(amounts, pairs, strict=True)]
    against = [f" against {who(quote)}" for _, quote in pairs]
    if len(quotes) == 1:  # stated once, of the first
        against = [against[0] if is_first else "", *[""] * (len(pairs) - 1)]
    first = f"{who(pairs[0][0])} {verb} {amounts[0]}"
    return ", ".join(f"{text}{end}" for text, end in zip([first, *texts[1:]], against, strict=True))


def _verb(change: float) -> str:
    return "gained" if change > 0 else "lost"


def _no_move(rows: pd.DataFrame) -> str:
    if rows["peg_hop"].all():
        return "Nothing but peg hops"
    what = "rounding and peg hops" if rows["peg_hop"].any() else "rounding"
    if len(rows) == 1:
        base, quote = currencies_of(str(rows["pair"].iloc[0]))
        return f"{what.capitalize()} could explain the change of {who(base)} against {who(quote)}"
    return f"{what.capitalize()} could explain all {len(rows):,} changes"
