"""Entries of a text: finds every ``PAIR = RATE CHANGE%`` and names what is wrong with its numbers.

The rules are rows 1 to 12 of the table in `fxticker.sources.timesca.ticker`. An entry that cannot be read is returned
with its problem, for it may stand in an article, where it does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple
from unicodedata import category

from fxticker.errors import DamagedPage
from fxticker.model.printed import NUMBER, SIGN, InvalidNumber, check_change, check_rate
from fxticker.model.records import PrintedTick
from fxticker.sources.markup import TOUCHED
from fxticker.sources.timesca.dates import is_date_or_time

MAX_ENTRIES = 200_000
"""Entries: what is read of a page before it is given up, 5,000 times the 40 entries of a real one."""

_PAIR = re.compile(r"([A-Z]{3})/(?!\1)[A-Z]{3}")
"""Two different codes by ISO 4217."""
_BASE = r"(?<![A-Za-z])[A-Za-z]{1,9}+"
_NOTE = (
    r"(?:[^\S\n]?(?:[*#^+\u2020\u2021\u00a7\u00b2\u00b3\u00b90-9\u2070-\u209c\u2460-\u24ff\u2776-\u2793,]|[0-9]\)"
    r"|\[[^\n\]=:/]{1,8}\]|\([^\n)=:/]{1,8}\))){1,4}"
)
_FROM_SLASH = re.compile(
    rf"/\s*+(?P<quote>[A-Za-z]{{1,9}}+)(?:\s*+|(?P<note>{_NOTE})\s*+)[=:]"
    rf"(?:\s*+(?P<rate>{SIGN}?+{NUMBER})(?![0-9]|[.,][0-9]|\s*+%)"
    rf"(?:\s*+(?P<change>{SIGN}?+{NUMBER})\s*+%)?)?"
)
"""An entry from its slash on: a text has far fewer slashes than words, each of which might be a base."""
_ENTRY = re.compile(rf"{_BASE}\s*+{_FROM_SLASH.pattern}")
_BASE_AT_THE_END = re.compile(rf"{_BASE}\Z")
_BASE_WITH_NOTE = re.compile(rf"(?<![A-Za-z])([A-Z]{{3}}){_NOTE}\Z")
_MAX_BASE_WITH_NOTE = 48
"""Characters at the end of a text that decide whether it ends with a base and a note."""
_MAX_WORD = 10
"""Letters at the end of a word that decide whether it is short enough for a base: one more than a base has."""
_TEXT_OF_THE_LINE = re.compile(r"[^\n]{0,200}?[^\W\d_]")
_WORD = re.compile(r"[^\W_]")
_OTHER_PERCENTS = "\N{PER MILLE SIGN}\N{FULLWIDTH PERCENT SIGN}\N{SMALL PERCENT SIGN}"
_PERCENTAGE_BEHIND = re.compile(
    rf"[^\n%{_OTHER_PERCENTS}=:]{{1,32}}+(?<=[0-9\s.,\u2026+\u2212-])[%{_OTHER_PERCENTS}]|\s*+[{_OTHER_PERCENTS}]"
    rf"|[^\S\n]*+{SIGN}[^\S\n]*+(?:\u2026|\.\.)"
)
_NUMBER_BEHIND = re.compile(rf"[^\S\n]*+{SIGN}?+(?:[0-9]++[.,][0-9]|{NUMBER}\s*+%)")
_REST_OF_GAP, _REST_OF_GAP_ON_LINE = re.compile(r"[\W_]{0,64}+"), re.compile(r"[^\w\n]{0,64}+_?")
"""What may stand between a figure and digits that go on with it."""
_TOUCHED_NUMBER = re.compile(rf"\s*+{SIGN}?+[0-9.,]*+{TOUCHED}")
_ELLIPSES = "\u2026\u2025\u22ef\u22ee\u1801\ufe19\ufe30"
_ELLIPSIS = re.compile(rf"[{_ELLIPSES}]|\.[^\S\n]?\.|[\u00b7\u2024\u3002\uff0e\uff61]{{2}}")
"""An ellipsis of whatever form, or points in a row that stand for one."""
_ELLIPSIS_BEHIND_RATE = re.compile(rf"[\u00a0\u202f]?[\[(]?(?:[{_ELLIPSES}]|\.[^\S\n]?\.)")
"""Behind a rate without a change, in brackets or kept on its line. Behind a plain space it may part two entries."""
_RAISED = frozenset("\N{SUPERSCRIPT LEFT PARENTHESIS}\N{SUBSCRIPT LEFT PARENTHESIS}\N{SUPERSCRIPT MINUS}")
"""Begin a note that is no letter or digit."""
_MAX_UNREADABLE_CHARS = 64
"""Characters: the farthest that a number that cannot be read may reach within its line."""


class Entry(NamedTuple):
    """One entry of a text.

    Attributes
    ----------
    start, end
        Its place in the text.
    tick
        As printed; the rate is empty if none can be read.
    problem
        Why its numbers cannot be right; None if they can.
    """

    start: int
    end: int
    tick: PrintedTick
    problem: str | None


class _Reading(NamedTuple):
    """An entry, wherever it stands: `offset` behind the one before, its change perhaps on a line of its own.

    It is plain if it has a rate and a change, both without a problem and on one line.
    """

    offset: int
    tick: PrintedTick
    problem: str | None
    is_wrapped: bool
    is_plain: bool


def pairs_of(entries: Iterable[Entry]) -> set[str]:
    """Return the pairs that entries are for."""
    return {entry.tick.pair for entry in entries}


def find_entries(text: str) -> list[Entry]:
    """Return all entries of a text in order.

    Raises
    ------
    DamagedPage
        If there are more than `MAX_ENTRIES`.
    """
    entries: list[Entry] = []
    readings: dict[str, _Reading | None] = {}
    before = 0
    for match in _FROM_SLASH.finditer(text):
        start, before = before, match.end()
        printed = text[start:before]
        if printed not in readings:
            readings[printed] = _read(text[start : match.start()], match)
        reading = readings[printed]
        if reading is None:
            continue
        if reading.is_plain and text.startswith("\n", before):  # as nearly always
            entries.append(Entry(start + reading.offset, before, reading.tick, None))
        else:
            entries.append(_placed(text, start, match, reading))
        if len(entries) > MAX_ENTRIES:
            raise DamagedPage(f"more than {MAX_ENTRIES} entries: this is no ticker")
    return entries


def _placed(text: str, start: int, match: re.Match[str], reading: _Reading) -> Entry:
    """Return an entry at its place, once the text behind it is checked too."""
    end, (offset, tick, problem, is_wrapped, _) = match.end(), reading
    if is_wrapped and _is_text_of_next_line(text, end):
        end = match.end("rate")
        tick = PrintedTick(tick.pair, tick.rate_text, None)
        problem = _problem_of_numbers(tick)
    problem = _touched(text, tick, end) or problem
    if problem is None and not text.startswith("\n", end):
        problem = _number_too_many(text, tick, end)
    if problem is None and tick.change_text is None:
        problem = _no_gap_behind_rate(text, tick, end) or _percentage_apart(text, tick, end)
    problem = problem or digits_behind(text, tick, end)
    return Entry(start + offset, end if problem is None else _end_of_unreadable(text, end), tick, problem)


def _read(head: str, match: re.Match[str]) -> _Reading | None:
    """Return the entry of a slash, `head` being the text behind the entry before; None if there is none."""
    head = head.rstrip()
    base = _base_before_slash(head) or _base_with_note(head, match)
    if base is None:
        return None
    quote, note, rate, change = match.groups()
    tick = PrintedTick(f"{base}/{quote}", rate or "", None if change is None else f"{change}%")
    is_noted = note is not None or not head.endswith(base)
    if _is_words(tick) or (is_noted and not _is_pair(tick)):
        return None
    is_wrapped = (
        change is not None
        and not is_noted
        and "\n" in match[0]
        and "\n" in match.string[match.end("rate") : match.start("change")]
    )
    problem = _problem_of_numbers(tick)
    if is_noted:
        problem = f"{tick.pair}: a note or a digit touches its codes, which may be others"
    is_plain = problem is None and change is not None and not is_wrapped
    return _Reading(head.rindex(base), tick, problem, is_wrapped, is_plain)


# --- rows 1 and 2: what is no entry -----------------------------------------------------------------------------------


def _base_before_slash(head: str) -> str | None:
    base = _BASE_AT_THE_END.search(head[-_MAX_WORD:])
    return None if base is None else base[0]


def _base_with_note(head: str, match: re.Match[str]) -> str | None:
    """Return a base with a note behind it, if the slash stands between two codes for certain."""
    if match.start("quote") - match.start() > 1:
        return None
    base = _BASE_WITH_NOTE.search(head[-_MAX_BASE_WITH_NOTE:])
    return None if base is None else base[1]


def _is_words(tick: PrintedTick) -> bool:
    return not tick.rate_text and not _is_pair(tick)


def _is_pair(tick: PrintedTick) -> bool:
    return _PAIR.fullmatch(tick.pair) is not None


# --- rows 3 to 6: the numbers themselves ------------------------------------------------------------------------------


def _problem_of_numbers(tick: PrintedTick) -> str | None:
    return _no_number(tick) or _no_pair(tick) or _no_rate(tick) or _no_percentage(tick)


def _no_number(tick: PrintedTick) -> str | None:
    return None if tick.rate_text else f"{tick.pair} has no figure that can be read"


def _no_pair(tick: PrintedTick) -> str | None:
    return None if _is_pair(tick) else f"{tick.pair} is no pair of two currency codes"


def _no_rate(tick: PrintedTick) -> str | None:
    try:
        check_rate(tick.rate_text)
    except InvalidNumber as error:
        return f"{tick.pair}: {error}"
    return None


def _no_percentage(tick: PrintedTick) -> str | None:
    try:
        if tick.change_text is not None:
            check_change(tick.change_text)
    except InvalidNumber as error:
        return f"{tick.pair}: {error}"
    return None


# --- rows 7 to 12: what stands right behind the numbers ---------------------------------------------------------------


def _is_text_of_next_line(text: str, end: int) -> bool:
    return _TEXT_OF_THE_LINE.match(text, end) is not None


def _touched(text: str, tick: PrintedTick, end: int) -> str | None:
    char = text[end : end + 1]
    if char == TOUCHED or (not tick.rate_text and _TOUCHED_NUMBER.match(text, end)):
        return f"{tick.pair}: a tag or text that is not shown touches its figures, so their digits are not certain"
    is_rate = tick.rate_text and tick.change_text is None
    if _ELLIPSIS.match(text, end) or (is_rate and _ELLIPSIS_BEHIND_RATE.match(text, end)):
        return f"{tick.pair}: an ellipsis touches its figures, which may be cut short"
    if tick.rate_text and (char.isnumeric() or char in _RAISED or category(char or " ").startswith("M")):
        return f"{tick.pair}: {char!r} touches its figures, and may be a note or a digit"
    return None


def _number_too_many(text: str, tick: PrintedTick, end: int) -> str | None:
    if not _NUMBER_BEHIND.match(text, end):
        return None
    return f"{tick.pair} has one figure more than a rate and a percentage"


def _no_gap_behind_rate(text: str, tick: PrintedTick, end: int) -> str | None:
    if not _WORD.match(text, end) or _ENTRY.match(text, end):
        return None
    return f"{tick.pair}: {text[end : end + 12].split(maxsplit=1)[0]!r} follows the rate without a gap"


def _percentage_apart(text: str, tick: PrintedTick, end: int) -> str | None:
    if not _PERCENTAGE_BEHIND.match(text, end):
        return None
    return f"{tick.pair} has a percentage that does not stand directly behind the rate"


def digits_behind(text: str, tick: PrintedTick, end: int) -> str | None:
    """Return why a rate or percentage may go on in digits behind it; None if it does not.

    Digits on the next line may only be a part of a rate, not of a percentage that is whole; and if words stand beside
    them, they are of a text of their own.
    """
    is_whole = tick.change_text is not None
    place = (_REST_OF_GAP_ON_LINE if is_whole else _REST_OF_GAP).match(text, end).end()  # type: ignore[union-attr]
    if not text[place : place + 1].isnumeric() or is_date_or_time(text, place):
        return None
    if (is_whole or "\n" in text[end:place]) and _TEXT_OF_THE_LINE.match(text, place):
        return None
    return f"{tick.pair}: its figures may go on in the digits that stand behind them"


def _end_of_unreadable(text: str, start: int) -> int:
    """Return where a number that cannot be read ends: with its line, or where the next entry begins."""
    stop = min(len(text), start + _MAX_UNREADABLE_CHARS)
    line_end = text.find("\n", start, stop)
    following = _ENTRY.search(text, start, stop)
    return min(end for end in (line_end, following.start() if following else -1, stop) if end >= 0)
