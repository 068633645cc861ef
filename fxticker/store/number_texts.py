"""Numbers and their printed texts: whether each stored number follows from its text."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from fxticker.model.printed import InvalidNumber, PrintedNumber, read_change, read_recorded_rate
from fxticker.store.arrow import doubles, text_codes, to_int64


def wrong_numbers(rows: pa.Table) -> str | None:
    """Return the first number of some ticks that does not follow from its text, in one line; None if all do."""
    nominal = to_int64(rows.column("nominal"))
    if (nominal < 1).any():
        return f"nominal {nominal.min()}"
    columns = (
        (
            "rate",
            rows.column("rate_text"),
            _numbers(rows.column("rate_text"), read_recorded_rate) / nominal,
            nominal > 1,
        ),
        ("change_pct", rows.column("change_text"), _numbers(rows.column("change_text"), read_change), nominal < 1),
    )
    for name, texts, wanted, is_quotient in columns:
        values = doubles(rows.column(name))
        with np.errstate(invalid="ignore"):
            # A rate is the double nearest to the exact quotient: the quotient of doubles may be its neighbour.
            is_near = is_quotient & (np.abs(values - wanted) <= np.spacing(np.abs(wanted)))
        is_wrong = (values != wanted) & ~(np.isnan(values) & np.isnan(wanted)) & ~is_near
        is_wrong |= np.isinf(values) | ((values == 0) & np.signbit(values))
        if rows.column(name).null_count != np.isnan(values).sum():
            return f"{name} is NaN and not null"
        wrong = np.flatnonzero(is_wrong)
        if len(wrong):
            text = texts[int(wrong[0])].as_py()
            return f"{name} {values[wrong[0]]} where the text is {text!r}"
    return None


def _numbers(texts: pa.ChunkedArray, read: Callable[[str], PrintedNumber]) -> np.ndarray:
    """The value of each printed text; NaN where there is no text, infinite where it is not a number."""
    vocabulary: dict[str | None, int] = {}
    codes = text_codes(texts, vocabulary)
    values = np.full(len(vocabulary), np.inf)
    for text, code in vocabulary.items():
        with contextlib.suppress(InvalidNumber):
            values[code] = np.nan if text is None else float(read(text).value)
    result: np.ndarray = values[codes]
    return result
