"""Candidate for the ticker: groups the entries of a text into runs, and separates the ticker's from prices in articles.

A *run* is a sequence of entries with nothing but white space, bullets and list numbers between them. The rules are rows
13 to 16 of the table in `fxticker.sources.timesca.ticker`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

from fxticker.sources.timesca.dates import is_date_or_time
from fxticker.sources.timesca.entries import Entry, pairs_of

MIN_PAIRS = 4
"""Pairs: the fewest that any of 371 captures shows. Fewer are a ticker cut short, or something else."""

_LETTERS = r"[^\W\d_\u00b2\u00b3\u00b9\u00bc-\u00be\u2070-\u2094\u2150-\u218b\u2460-\u24ff\u2776-\u2793]"
"""Letters, and no digits that are raised, in a circle or part of a fraction, as notes are."""
_LETTER = re.compile(_LETTERS)
_WORD = re.compile(r"[^\W_]")
_LIST_NUMBER = re.compile(r"(?m)^[^\S\n]*([0-9]{1,3})[.)]\s")
_LIST_NUMBER_BEFORE = re.compile(r"(?:\A|\n)[^\S\n]*([0-9]{1,3})[.)]\s\W*\Z")
_NUMERAL = re.compile(rf"(?!{_LETTERS})[^\W_]")
_MAX_DIGITS_BEHIND = 64
"""Characters: the farthest that digits which may belong to an entry reach behind it."""
CUT_ENTRY = re.compile(
    r"[\W_\d]{0,32}+[A-Z]{1,3}+(?:\s*+/\s*+[A-Z]{0,3}+\s*+)?(?:<|&[#\w]{0,32}+|\N{REPLACEMENT CHARACTER})?\s*+\Z"
)
"""The begin of an entry at the very end of a text, perhaps cut within a tag, a character reference or a character."""


class Run(NamedTuple):
    """Entries side by side.

    Attributes
    ----------
    entries
        At least one.
    words_before, words_behind
        Whether words stand before the first entry on its line, or behind the last on its line.
    is_ticker
        Whether this is a copy of the ticker, several, or a part of one.
    """

    entries: tuple[Entry, ...]
    words_before: bool
    words_behind: bool
    is_ticker: bool


class Candidate(NamedTuple):
    """All entries of a text that are taken for its ticker.

    Attributes
    ----------
    text
        The whole text.
    entries
        Those of all copies, in order; at least one.
    apart
        Entries elsewhere in the text that no words precede on their line.
    pairs
        The pairs of `entries`.
    copies
        How often the first pair stands in `entries`.
    """

    text: str
    entries: Sequence[Entry]
    apart: Sequence[Entry]
    pairs: set[str]
    copies: int

    @classmethod
    def of(cls, text: str, entries: Sequence[Entry], apart: Sequence[Entry] = ()) -> Candidate:
        """Return the candidate that entries make."""
        pairs = [entry.tick.pair for entry in entries]
        return cls(text, entries, apart, set(pairs), pairs.count(pairs[0]))


def find_runs(text: str, entries: Sequence[Entry]) -> Iterator[Run]:
    """Group the entries of a text into runs, in order."""
    run: list[Entry] = []
    before = 0
    for entry, following in zip_longest(entries, entries[1:]):
        until = len(text) if following is None else following.start
        if following is not None and not _WORD.search(text, entry.end, until):  # as nearly always
            run.append(entry)
            continue
        has_digits = following is not None and _has_only_digits(text, entry, following)
        run.append(_with_digits_behind(entry) if has_digits else entry)
        if following is not None and (has_digits or not _is_parted(text, entry.end, until)):
            continue
        words_before = _has_word(text, max(before, text.rfind("\n", before, run[0].start)), run[0].start)
        words_behind = _has_word(text, entry.end, end_of_line(text, entry.end, until))
        words_behind = words_behind and not CUT_ENTRY.match(text, entry.end)
        is_alone = not (words_before or words_behind)
        is_ticker = _is_whole_copy(run, is_alone=is_alone) or _is_part_of_copy(run, is_alone=is_alone)
        yield Run(tuple(run), words_before, words_behind, is_ticker)
        run = []
        before = entry.end


def end_of_line(text: str, start: int, stop: int) -> int:
    """Return where the line ends that `start` is in, but no place behind `stop`."""
    end = text.find("\n", start, stop)
    return stop if end < 0 else end


def _has_word(text: str, start: int, end: int) -> bool:
    return _LETTER.search(text, start, end) is not None


# --- rows 13 to 16 ----------------------------------------------------------------------------------------------------


def _is_parted(text: str, start: int, end: int) -> bool:
    # A letter is in no list number, and an article between two runs has one soon.
    return _has_word(text, start, end) or bool(_WORD.search(_LIST_NUMBER.sub("", text[start:end])))


def _has_only_digits(text: str, entry: Entry, following: Entry) -> bool:
    """Whether digits and separators, and nothing else, stand between two entries: no list number, date or time."""
    start, end = entry.end, following.start
    if end - start > _MAX_DIGITS_BEHIND:
        return False
    numeral = _NUMERAL.search(text, start, end)
    if numeral is None or _LETTER.search(text, start, end) or is_date_or_time(text, numeral.start()):
        return False
    number = _LIST_NUMBER.search(text, start, end)
    if number is None or _WORD.search(text, number.end(), end) or _NUMERAL.search(text, start, number.start()):
        return True
    before = _LIST_NUMBER_BEFORE.search(text[max(0, entry.start - _MAX_DIGITS_BEHIND) : entry.start])
    return int(number[1]) not in (1, int(before[1]) + 1 if before else 1)


def _with_digits_behind(entry: Entry) -> Entry:
    reason = f"{entry.tick.pair}: its figures may go on in the digits that stand behind them"
    return entry._replace(problem=entry.problem or reason)


def _is_whole_copy(entries: Sequence[Entry], *, is_alone: bool) -> bool:
    pairs = len(pairs_of(entries))
    return pairs >= MIN_PAIRS and (is_alone or len(entries) > pairs or _has_change(entries))


def _is_part_of_copy(entries: Sequence[Entry], *, is_alone: bool) -> bool:
    return is_alone and _has_change(entries)


def _has_change(entries: Sequence[Entry]) -> bool:
    return any(entry.tick.change_text is not None for entry in entries)
