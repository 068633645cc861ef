"""Printed numbers: reads rates and percentages as exact decimals, with the size of their last step."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

MAX_DECIMALS = 12
"""Decimals: more than any published rate of these currencies has (7 at most so far)."""
MAX_INTEGER_DIGITS = 12
"""Digits before the decimals: a trillion units is no rate; with MAX_DECIMALS it bounds the size of a number."""

MINUS = "-\N{MINUS SIGN}\N{EN DASH}\N{SMALL HYPHEN-MINUS}\N{FULLWIDTH HYPHEN-MINUS}"
"""The characters that sites print as a minus."""
SIGN = rf"[+\{MINUS}]"
NUMBER = "[0-9]++(?>(?:[.,][0-9]++)?)"
"""Digits with a decimal point or comma. ASCII digits only: the ticker prints no others."""

_THOUSANDS = {
    ".": re.compile(rf"{SIGN}?[1-9][0-9]{{0,2}},[0-9]{{3}}"),
    ",": re.compile(rf"{SIGN}?[1-9][0-9]{{0,2}}\.[0-9]{{3}}"),
}
"""By the decimal mark of a publisher, numbers whose other mark may stand before thousands: 12,345 is above 12 where a
comma stands before decimals, and 12 thousand elsewhere; 0,345 is unambiguous."""
_POINT_MISSING = re.compile(rf"{SIGN}?0[0-9]+")
"""Whole numbers with a zero in front, as 0.28571 without its point: none is printed so."""
_SHOWN_CHARS = 40
_NUMBER = re.compile(rf"(?P<sign>{SIGN})?(?P<whole>[0-9]+)(?:[.,](?P<decimals>[0-9]+))?")
_PLAIN_RATE = re.compile(r"[0-9]{1,6}\.(?=0*[1-9])[0-9]{1,8}")
_PLAIN_CHANGE = re.compile(r"-?(?!0[0-9]+%)[0-9]{1,6}(?:\.[0-9]{1,8})?%")
"""Numbers that are certainly valid: nearly all, matched in a fifth of the time that reading them takes."""


class InvalidNumber(ValueError):
    """A printed text that is no valid rate or percentage."""


@dataclass(frozen=True, slots=True)
class PrintedNumber:
    """A printed number, exactly.

    Attributes
    ----------
    value
        The number as printed.
    decimals
        Printed decimals, trailing zeros included.
    minus
        Whether a minus is printed. ``-0`` has one, and its value is 0.
    """

    value: Decimal
    decimals: int
    minus: bool

    @property
    def quantum(self) -> Decimal:
        """One step of the last printed decimal."""
        return Decimal(1).scaleb(-self.decimals)


def read_rate(text: str, decimal_mark: str = ".") -> PrintedNumber:
    """Read a printed rate.

    Parameters
    ----------
    text
        As printed.
    decimal_mark
        The character that its publisher prints before decimals, ``"."`` or ``","``.

    Raises
    ------
    InvalidNumber
        If it is no number, is not above zero, has more digits than a rate can have, may lack its decimal mark, or has
        another one than its publisher's that may stand before thousands.
    """
    if _THOUSANDS[decimal_mark].fullmatch(text):
        mark = "comma" if decimal_mark == "." else "point"
        raise InvalidNumber(f"the {mark} of {_shown(text)} may stand before decimals or thousands")
    _refuse_missing_point(text)
    return read_recorded_rate(text)


def read_recorded_rate(text: str) -> PrintedNumber:
    """Read the text of a rate that was accepted before, as its source prints it: its mark stands before decimals.

    Raises
    ------
    InvalidNumber
        If it is no number, is not above zero, or has more digits than a rate can have.
    """
    number = _read(text)
    if number.minus or number.value == 0:
        raise InvalidNumber(f"a rate must be above zero, not {text!r}")
    return number


def read_change(text: str) -> PrintedNumber:
    """Read a printed percentage, sign and ``%`` included, in percent.

    Any size is valid: for UZS the site's own formula prints falls of more than 100 %.

    Raises
    ------
    InvalidNumber
        If it is no percentage, has more digits than one can have, or may lack its decimal mark.
    """
    if not text.endswith("%"):
        raise InvalidNumber(f"a percentage must end in %, not {_shown(text)}")
    if _THOUSANDS["."].fullmatch(text[:-1]):
        raise InvalidNumber(f"the comma of {_shown(text)} may stand before decimals or thousands")
    _refuse_missing_point(text[:-1])
    return _read(text[:-1])


def check_rate(text: str, decimal_mark: str = ".") -> None:
    """Raise what `read_rate` raises, without reading a rate that is certainly valid."""
    if decimal_mark != "." or not _PLAIN_RATE.fullmatch(text):
        read_rate(text, decimal_mark)


def check_change(text: str) -> None:
    """Raise what `read_change` raises, without reading a percentage that is certainly valid."""
    if not _PLAIN_CHANGE.fullmatch(text):
        read_change(text)


def _refuse_missing_point(text: str) -> None:
    if _POINT_MISSING.fullmatch(text):
        raise InvalidNumber(f"a zero stands before the digits of {_shown(text)}, whose decimal point may be missing")


def _read(text: str) -> PrintedNumber:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise InvalidNumber(f"not a number: {_shown(text)}")
    whole, decimals = match["whole"], match["decimals"] or ""
    if len(whole) > MAX_INTEGER_DIGITS or len(decimals) > MAX_DECIMALS:
        raise InvalidNumber(f"more than {MAX_INTEGER_DIGITS} digits or {MAX_DECIMALS} decimals: {_shown(text)}")
    minus = match["sign"] is not None and match["sign"] != "+"
    magnitude = Decimal(f"{whole}.{decimals}" if decimals else whole)
    return PrintedNumber(magnitude.copy_negate() if minus and magnitude else magnitude, len(decimals), minus)


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "…")
