"""The ticker in a page's text: found by what it says, not by the markup around it.

An *entry* is ``PAIR = RATE`` with perhaps ``CHANGE%`` behind. Entries with nothing but white space and bullets between
them form a *run*. A run is the ticker if it has the pairs of one, or if it carries percentages and does not stand
inside a sentence; every other run is a price in an article. All runs of the ticker together must print each pair
equally often and always with the same figures: then the page holds that many sound copies.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import NamedTuple

from fxticker.errors import DamagedPage, NoTicker
from fxticker.models import PrintedTick, Snapshot
from fxticker.page_text import page_text
from fxticker.printed import NUMBER, SIGN, BadFigure, read_change, read_rate

MIN_PAIRS = 4
"""The fewest pairs that any of 371 captures shows. A lone copy with fewer cannot be told from one cut short."""
MAX_PAIRS = 64
"""Far above any ticker: a page with more is a table of something else."""

MAX_ENTRIES = 500_000
"""What is read of a page before it is given up: 10 MB of sound copies have fewer."""

_CODE = re.compile("[A-Z]{3}")
_ENTRY = re.compile(
    r"(?<![A-Za-z])(?P<base>[A-Za-z]{1,9}+)\s*+/\s*+(?P<quote>[A-Za-z]{1,9}+)\s*+[=:]"
    rf"(?:\s*+(?P<rate>{SIGN}?+{NUMBER})(?![0-9]|[.,][0-9]|\s*+%)(?:\s*+(?P<change>{SIGN}?+{NUMBER})\s*+%)?)?"
)
_WORD = re.compile(r"[^\W_]")
_STRAY_PERCENTAGE = re.compile(r"[^\w\n%]{1,8}+[0-9][0-9.,]{0,24}+\s?%")
_NEXT_WORD = re.compile(r"[^\S\n]*+[^\W\d_]")
_LAST_WORD = re.compile(r"(?:[^\W_]|[,;:(])[^\S\n]{0,8}\Z")
_CUT_ENTRY = re.compile(r"\s*+[^\w\s]{0,3}\s*+[A-Z]{1,3}(?:\s*+/\s*+[A-Z]{0,3}\s*+)?\s*+\Z")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_DATE = re.compile(
    rf"[\W_]*+(?P<day>[0-9]{{1,2}})\s++(?P<month>{'|'.join(_MONTHS)})\s++(?P<year>[0-9]{{4}})(?!\d)", re.IGNORECASE
)
_GARBAGE_SPAN = 64
"""How far a figure that cannot be read may reach: to the end of its line, and no farther than this."""


class _Entry(NamedTuple):
    start: int
    end: int
    tick: PrintedTick
    problem: str | None


def parse(page: bytes | str, headers: Mapping[str, str] | None = None) -> Snapshot:
    """Read the ticker that a page shows, exactly as printed.

    Parameters
    ----------
    page
        A page, HTML or saved text.
    headers
        The answer's headers by lower-case name, for the charset they may declare.

    Returns
    -------
    Snapshot
        One tick per pair in the page's order; white space within a figure is dropped, nothing else is changed.

    Raises
    ------
    NoTicker
        If the page shows none.
    DamagedPage
        If copies disagree or one is cut short, or a figure cannot be a rate or a percentage.
    """
    text = page_text(page, headers)
    runs = [run for run in _runs(text, _entries(text)) if _is_ticker(text, run)]
    if not runs:
        raise NoTicker("the page shows no ticker: no group of entries such as `KZT/USD = 0.00191 0%`")
    entries = [entry for run in runs for entry in run]
    problem = _disagreement(entries)
    if problem:
        # A sentence may begin or end with a price right beside the block: `… 0% <newline> KGS/USD = 5 was the …`
        in_prose = {id(run[end]) for run in runs for end in (0, -1) if _in_prose(text, run[end])}
        apart = [entry for entry in entries if id(entry) not in in_prose]
        if in_prose and apart and _disagreement(apart) is None:
            entries, problem = apart, None
    last = entries[-1]
    if problem is None and _CUT_ENTRY.match(text, last.end):
        problem = f"the page ends inside the entry after {last.tick.pair}"
    if problem:
        raise DamagedPage(problem)
    copies = Counter(entry.tick.pair for entry in entries)
    return Snapshot(
        ticks=tuple({entry.tick.pair: entry.tick for entry in entries}.values()),
        source_date=_date_after(text, entries),
        copies=copies[last.tick.pair],
    )


def _entries(text: str) -> list[_Entry]:
    """All entries of a text, one object per distinct text and occurrence."""
    entries: list[_Entry] = []
    read: dict[tuple[str, str, str | None, str | None], tuple[PrintedTick, str | None]] = {}
    for found in _ENTRY.finditer(text):
        printed: tuple[str, str, str | None, str | None] = (
            found["base"],
            found["quote"],
            found["rate"],
            found["change"],
        )
        if printed not in read:
            read[printed] = _read(*printed)
        tick, problem = read[printed]
        start, end = found.span()
        if tick.rate_text == "":
            end = _end_of_garbage(text, end)
        elif tick.change_text is None and problem is None:
            problem = _problem_behind(text, tick.pair, end)
        entries.append(_Entry(start, end, tick, problem))
        if len(entries) > MAX_ENTRIES:
            raise DamagedPage(f"more than {MAX_ENTRIES} entries: this is no ticker")
    return entries


def _read(base: str, quote: str, rate: str | None, change: str | None) -> tuple[PrintedTick, str | None]:
    """One entry as printed, and why its figures cannot be, if they cannot."""
    tick = PrintedTick(f"{base}/{quote}", rate or "", None if change is None else f"{change}%")
    if rate is None:
        return tick, f"{tick.pair} has no figure that can be read"
    if not (_CODE.fullmatch(base) and _CODE.fullmatch(quote)) or base == quote:
        return tick, f"{tick.pair} is no pair of two currency codes"
    try:
        read_rate(tick.rate_text)
        if tick.change_text is not None:
            read_change(tick.change_text)
    except BadFigure as error:
        return tick, f"{tick.pair}: {error}"
    return tick, None


def _end_of_garbage(text: str, start: int) -> int:
    """Where a figure that cannot be read is taken to end: with its line, or where the next entry begins."""
    stop = min(len(text), start + _GARBAGE_SPAN)
    line_end = text.find("\n", start, stop)
    following = _ENTRY.search(text, start, stop)
    return min(end for end in (line_end, following.start() if following else -1, stop) if end >= 0)


def _problem_behind(text: str, pair: str, end: int) -> str | None:
    """What stands right behind a rate without a percentage and forbids to read it as whole."""
    if _WORD.match(text, end) and not _ENTRY.match(text, end):
        return f"{pair}: {text[end : end + 12].split(maxsplit=1)[0]!r} follows the rate without a gap"
    if _STRAY_PERCENTAGE.match(text, end):
        return f"{pair} has a percentage behind a mark that may be its sign"
    return None


def _in_prose(text: str, entry: _Entry) -> bool:
    """Whether an entry stands in a sentence: a word before or behind it on its line, and no bullet before it."""
    before = text[max(0, entry.start - 40) : entry.start].rpartition("\n")[2]
    if before.strip():
        return _LAST_WORD.search(before) is not None
    return _NEXT_WORD.match(text, entry.end) is not None


def _runs(text: str, entries: Sequence[_Entry]) -> list[list[_Entry]]:
    runs = [[entry] for entry in entries[:1]]
    for previous, entry in pairwise(entries):
        if _WORD.search(text, previous.end, entry.start):
            runs.append([entry])
        else:
            runs[-1].append(entry)
    return runs


def _is_ticker(text: str, run: Sequence[_Entry]) -> bool:
    if len({entry.tick.pair for entry in run}) >= MIN_PAIRS:
        return True
    has_change = any(entry.tick.change_text is not None for entry in run)
    return has_change and not (_in_prose(text, run[0]) or _in_prose(text, run[-1]))


def _disagreement(entries: Sequence[_Entry]) -> str | None:
    """Why these entries are not a whole number of equal copies; null if they are."""
    printed: dict[str, PrintedTick] = {}
    counts: Counter[str] = Counter()
    for entry in entries:
        if entry.problem:
            return entry.problem
        first = printed.setdefault(entry.tick.pair, entry.tick)
        if first != entry.tick:
            return f"{first.pair} is printed as {_shown(first)} and as {_shown(entry.tick)}"
        counts[first.pair] += 1
        if len(counts) > MAX_PAIRS:
            return f"more than {MAX_PAIRS} pairs: this is no ticker"
    (most_pair, most), (least_pair, least) = counts.most_common(1)[0], min(counts.items(), key=lambda item: item[1])
    if most != least:
        return f"a copy is cut short: {most_pair} is printed {most} times and {least_pair} {least} times"
    if most == 1 and len(counts) < MIN_PAIRS:
        return f"a single copy with {len(counts)} pairs, fewer than the {MIN_PAIRS} ever seen, may be cut short"
    return None


def _shown(tick: PrintedTick) -> str:
    return f"{tick.rate_text} {tick.change_text or 'without a change'}"


def _date_after(text: str, entries: Sequence[_Entry]) -> date | None:
    """The first date that directly follows a run of the ticker; null if none does or it is no day of the calendar."""
    for entry in entries:
        found = _DATE.match(text, entry.end)
        if found:
            try:
                return date(int(found["year"]), _MONTHS.index(found["month"].lower()) + 1, int(found["day"]))
            except ValueError:
                return None
    return None
