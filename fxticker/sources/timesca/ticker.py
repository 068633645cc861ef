"""The ticker in a page's text: found by what it says, not by the markup around it.

An *entry* is ``PAIR = RATE`` with perhaps ``CHANGE%`` behind. Entries with nothing but white space and bullets between
them form a *run*. A run with as many pairs as a ticker is one if it carries percentages, repeats itself, or has no
words beside it on its lines; a shorter run counts as a part of one if it carries percentages and stands alone; every
other run is prices in an article. All runs of the ticker together must print each pair equally often and always with
the same figures: then the page holds that many sound copies.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import zip_longest
from typing import NamedTuple

from fxticker.errors import DamagedPage, NoTicker
from fxticker.model.printed import NUMBER, SIGN, InvalidNumber, check_change, check_rate
from fxticker.model.records import PrintedTick, Snapshot
from fxticker.sources.html import page_text
from fxticker.sources.timesca.excerpt import Excerpt, excerpt

MIN_PAIRS = 4
"""The fewest pairs that any of 371 captures shows: fewer are a ticker cut short, or something else."""
MAX_PAIRS = 64
"""Far above any ticker: a page with more is a table of something else."""

MAX_ENTRIES = 200_000
"""What is read of a page before it is given up: 5,000 times the 40 entries of a real one."""

_CODE_LETTERS = 3
_BASE = r"(?<![A-Za-z])[A-Za-z]{1,9}+"
_FROM_SLASH = re.compile(
    r"/\s*+(?P<quote>[A-Za-z]{1,9}+)\s*+[=:]"
    rf"(?:\s*+(?P<rate>{SIGN}?+{NUMBER})(?![0-9]|[.,][0-9]|\s*+%)"
    rf"(?:\s*+(?P<change>{SIGN}?+{NUMBER})\s*+%)?)?"
)
"""An entry from its slash on: a text has far fewer slashes than words, each of which might be a base."""
_ENTRY = re.compile(rf"{_BASE}\s*+{_FROM_SLASH.pattern}")
_BASE_AT_THE_END = re.compile(rf"{_BASE}\Z")
_MAX_WORD = 10
"""So many letters at the end of a word tell whether it is short enough for a base."""
_TEXT_OF_THE_LINE = re.compile(r"[^\n]{0,200}?[^\W\d_]")
_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W_]")
_LIST_NUMBER = re.compile(r"(?m)^[^\S\n]*[0-9]{1,3}[.)]\s")
_OTHER_PERCENTS = "\N{PER MILLE SIGN}\N{FULLWIDTH PERCENT SIGN}\N{SMALL PERCENT SIGN}"
_PERCENTAGE_BEHIND = re.compile(
    rf"[^\n%{_OTHER_PERCENTS}=:]{{1,32}}+(?<=[0-9\s])[%{_OTHER_PERCENTS}]|\s*+[{_OTHER_PERCENTS}]"
)
_FIGURE_BEHIND = re.compile(rf"[^\S\n]*+{SIGN}?+(?:[0-9]++[.,][0-9]|{NUMBER}\s*+%)")
_CUT_ENTRY = re.compile(
    r"[\W_\d]{0,32}+[A-Z]{1,3}+(?:\s*+/\s*+[A-Z]{0,3}+\s*+)?(?:<|&[#\w]{0,32}+|\N{REPLACEMENT CHARACTER})?\s*+\Z"
)
_CUT_FIGURE = re.compile(rf"(?:\s*+(?:{SIGN}|[0-9])[0-9.,]*+)?[^\S\n]*+\Z")
_DANGLING_BULLET = re.compile(r"\s*+[^\w\s]{1,8}+\s*+\Z")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_DATE = re.compile(
    rf"[\W_]*+(?P<day>[0-9]{{1,2}})\s++(?P<month>{'|'.join(_MONTHS)})\s++(?P<year>[0-9]{{4}})(?!\d)", re.IGNORECASE
)
_SHORTEST_DATE = len("1 May 2025")
_GARBAGE_SPAN = 64
"""How far a figure that cannot be read may reach: to the end of its line, and no farther than this."""


class _Entry(NamedTuple):
    start: int
    end: int
    tick: PrintedTick
    problem: str | None


class _Reading(NamedTuple):
    """An entry, wherever it stands: `offset` behind the one before, its change perhaps on a line of its own."""

    offset: int
    tick: PrintedTick
    problem: str | None
    is_wrapped: bool


class _Run(NamedTuple):
    entries: tuple[_Entry, ...]
    words_before: bool
    words_behind: bool
    is_ticker: bool


def parse(page: bytes | str, headers: Mapping[str, str] | None = None) -> Snapshot:
    """Read the ticker that a page shows, exactly as printed.

    Bytes are answered from a few pieces of the page where those are enough for the same answer
    (`fxticker.sources.timesca.excerpt`).

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
    found = excerpt(page, headers or {}) if isinstance(page, bytes) else None
    if found is not None:
        try:
            entries = _ticker(found.text)
        except (NoTicker, DamagedPage):
            pass  # only a sound ticker is taken from an excerpt: the whole page has the last word on every other answer
        else:
            if _answers_for_the_page(found, entries):
                return _snapshot(found.text, entries, found.left_out)
    text = page_text(page, headers)
    return _snapshot(text, _ticker(text), 0)


def _ticker(text: str) -> list[_Entry]:
    """The entries of a text's ticker, of all its copies."""
    runs = list(_runs(text, _entries(text)))
    ticker = [run for run in runs if run.is_ticker]
    if not ticker:
        raise NoTicker("the page shows no ticker: no group of entries such as `KZT/USD = 0.00191 0%`")
    entries = [entry for run in ticker for entry in run.entries]
    problem = _disagreement(entries)
    if problem and (apart := _without_sentences(text, ticker)):
        entries, problem = apart, None
    if problem is None:
        others = [entry for run in runs if not run.is_ticker and not run.words_before for entry in run.entries]
        problem = _sign_of_a_cut(text, entries, others)
    if problem:
        raise DamagedPage(problem)
    return entries


def _snapshot(text: str, entries: Sequence[_Entry], more_copies: int) -> Snapshot:
    return Snapshot(
        ticks=tuple({entry.tick.pair: entry.tick for entry in entries}.values()),
        source_date=_date_after(text, entries),
        copies=_copies(entries) + more_copies,
    )


def _answers_for_the_page(found: Excerpt, entries: Sequence[_Entry]) -> bool:
    """Whether nothing that an excerpt leaves out can say anything else.

    A price elsewhere means something only beside a single copy of the ticker. Of what is left out between the zone's
    lines all must be copies of the ticker, one a time: only their number is larger then.
    """
    if found.prices_left_out and _copies(entries) + found.left_out == 1:
        return False
    if not found.left_out:
        return True
    repeated = [entry.tick.pair for entry in entries if entry.start in found.unit]
    return len(repeated) == len(set(repeated)) == len(_pairs(entries))


def _entries(text: str) -> list[_Entry]:
    """All entries of a text, one object per distinct text and occurrence."""
    entries: list[_Entry] = []
    readings: dict[str, _Reading | None] = {}
    before = 0
    for found in _FROM_SLASH.finditer(text):
        end = found.end()
        printed = text[before:end]
        if printed not in readings:
            readings[printed] = _read_behind(text[before : found.start()], found)
        reading, before, start = readings[printed], end, before
        if reading is None:
            continue
        tick, problem = reading.tick, reading.problem
        if reading.is_wrapped and _TEXT_OF_THE_LINE.match(text, end):
            # The percentage is the begin of the next line's text: `3% growth was …`.
            end = found.end("rate")
            base, quote = tick.pair.split("/")
            tick, problem = _read(base, quote, tick.rate_text, None)
        if problem is None:
            problem = _problem_behind(text, tick, end)
        if problem is not None:
            end = _end_of_garbage(text, end)
        entries.append(_Entry(start + reading.offset, end, tick, problem))
        if len(entries) > MAX_ENTRIES:
            raise DamagedPage(f"more than {MAX_ENTRIES} entries: this is no ticker")
    return entries


def _read_behind(head: str, found: re.Match[str]) -> _Reading | None:
    """The entry with this slash behind a text that holds no other; null if there is none."""
    head = head.rstrip()
    base = _BASE_AT_THE_END.search(head[-_MAX_WORD:])
    if base is None:
        return None
    quote, rate, change = found.groups()
    tick, problem = _read(base[0], quote, rate, change)
    if tick.rate_text == "" and problem is None:
        return None
    is_wrapped = change is not None and "\n" in found.string[found.end("rate") : found.start("change")]
    return _Reading(len(head) - len(base[0]), tick, problem, is_wrapped)


def _read(base: str, quote: str, rate: str | None, change: str | None) -> tuple[PrintedTick, str | None]:
    """One entry as printed, and why its figures cannot be, if they cannot.

    Words with a slash and a colon, ``Photo/Agency: …``, are no entry: they give no rate and no problem.
    """
    tick = PrintedTick(f"{base}/{quote}", rate or "", None if change is None else f"{change}%")
    is_pair = len(base) == len(quote) == _CODE_LETTERS and base.isupper() and quote.isupper() and base != quote
    if rate is None:
        return tick, f"{tick.pair} has no figure that can be read" if is_pair else None
    if not is_pair:
        return tick, f"{tick.pair} is no pair of two currency codes"
    try:
        check_rate(tick.rate_text)
        if tick.change_text is not None:
            check_change(tick.change_text)
    except InvalidNumber as error:
        return tick, f"{tick.pair}: {error}"
    return tick, None


def _end_of_garbage(text: str, start: int) -> int:
    """Where a figure that cannot be read is taken to end: with its line, or where the next entry begins."""
    stop = min(len(text), start + _GARBAGE_SPAN)
    line_end = text.find("\n", start, stop)
    following = _ENTRY.search(text, start, stop)
    return min(end for end in (line_end, following.start() if following else -1, stop) if end >= 0)


def _problem_behind(text: str, tick: PrintedTick, end: int) -> str | None:
    """What stands right behind an entry and forbids to read it as whole."""
    if not text.startswith("\n", end) and _FIGURE_BEHIND.match(text, end):
        return f"{tick.pair} has one figure more than a rate and a percentage"
    if tick.change_text is not None:
        return None
    if _WORD.match(text, end) and not _ENTRY.match(text, end):
        return f"{tick.pair}: {text[end : end + 12].split(maxsplit=1)[0]!r} follows the rate without a gap"
    if _PERCENTAGE_BEHIND.match(text, end):
        return f"{tick.pair} has a percentage that does not stand directly behind the rate"
    return None


def _runs(text: str, entries: Sequence[_Entry]) -> Iterator[_Run]:
    held: list[_Entry] = []
    before = 0
    for entry, following in zip_longest(entries, entries[1:]):
        held.append(entry)
        until = len(text) if following is None else following.start
        if following is not None and not _parts_runs(text, entry.end, until):
            continue
        line_start = max(before, text.rfind("\n", before, held[0].start))
        words_before = _has_word(text, line_start, held[0].start)
        words_behind = _has_word(text, entry.end, _or_end(text.find("\n", entry.end, until), until))
        words_behind = words_behind and not _CUT_ENTRY.match(text, entry.end)
        yield _Run(tuple(held), words_before, words_behind, _is_ticker(held, not (words_before or words_behind)))
        held = []
        before = entry.end


def _parts_runs(text: str, start: int, end: int) -> bool:
    """Whether more than bullets, numbers of a list among them, stands between two entries."""
    if text[start:end].isspace():  # as nearly always
        return False
    return bool(_WORD.search(text, start, end)) and bool(_WORD.search(_LIST_NUMBER.sub("", text[start:end])))


def _is_ticker(entries: Sequence[_Entry], stands_alone: bool) -> bool:  # noqa: FBT001
    has_change = any(entry.tick.change_text is not None for entry in entries)
    pairs = len(_pairs(entries))
    if pairs >= MIN_PAIRS:
        return has_change or stands_alone or len(entries) > pairs
    return has_change and stands_alone


def _has_word(text: str, start: int, end: int) -> bool:
    return _LETTER.search(text, start, end) is not None


def _or_end(found: int, end: int) -> int:
    return end if found < 0 else found


def _without_sentences(text: str, ticker: Sequence[_Run]) -> list[_Entry] | None:
    """The ticker without the sentences right beside it, if that makes it sound; else null.

    A sentence may end with a price above the block or begin with one below it: ``… 0% <newline> KGS/USD = 5 was the``.
    Its line is left out only if every pair of it stands in the block too, or the entry could be the block's own. A
    price above a single copy that ends with the same pair may be that copy's first entry, and the last one be cut.
    """
    kept: list[_Entry] = []
    left_out: list[_Entry] = []
    above: set[str] = set()
    for run in ticker:
        first_line, last_line = _sentence_lines(text, run)
        kept += run.entries[len(first_line) : len(run.entries) - len(last_line)]
        left_out += [*first_line, *last_line]
        above |= _pairs(first_line)
    if not left_out or not kept or any(entry.problem for entry in left_out) or _disagreement(kept):
        return None
    is_ambiguous = _copies(kept) == 1 and kept[-1].tick.pair in above
    return kept if _pairs(left_out) <= _pairs(kept) and not is_ambiguous else None


def _sentence_lines(text: str, run: _Run) -> tuple[list[_Entry], list[_Entry]]:
    """The entries of a run's first and last line that stand in a sentence; none on lines with a ticker's pairs."""
    entries = run.entries
    first_end = _or_end(text.find("\n", entries[0].end, entries[-1].end), len(text))
    last_start = text.rfind("\n", entries[0].start, entries[-1].start)
    first_line = [entry for entry in entries if run.words_before and entry.start < first_end]
    last_line = [entry for entry in entries if run.words_behind and entry.start > last_start]
    return _unless_ticker(first_line), _unless_ticker(last_line)


def _unless_ticker(line: list[_Entry]) -> list[_Entry]:
    return line if len(_pairs(line)) < MIN_PAIRS else []


def _sign_of_a_cut(text: str, entries: Sequence[_Entry], others: Sequence[_Entry]) -> str | None:
    """Why copies that agree may still not be whole; null if nothing says so.

    Parameters
    ----------
    entries
        The ticker's.
    others
        Entries elsewhere on the page that no words precede on their line.
    """
    last = entries[-1]
    if _CUT_ENTRY.match(text, last.end):
        return f"the page ends inside the entry after {last.tick.pair}"
    pairs = _pairs(entries)
    if len(pairs) < MIN_PAIRS:
        return f"{len(pairs)} pairs, fewer than the {MIN_PAIRS} ever seen: this is no ticker, or not the whole of one"
    if _copies(entries) > 1:
        return None
    has_changes = any(entry.tick.change_text is not None for entry in entries)
    if last.tick.change_text is None and has_changes and _CUT_FIGURE.match(text, last.end):
        return f"the page ends right behind the rate of {last.tick.pair}, which may be cut short"
    if _DANGLING_BULLET.match(text, last.end):
        return f"the page ends with a bullet behind the single copy's {last.tick.pair}: more may have followed"
    strays = sorted(_pairs(others) - pairs)
    return f"{strays[0]} stands apart from a single copy that lacks it" if strays else None


def _pairs(entries: Iterable[_Entry]) -> set[str]:
    return {entry.tick.pair for entry in entries}


def _copies(entries: Sequence[_Entry]) -> int:
    return [entry.tick.pair for entry in entries].count(entries[0].tick.pair)


def _disagreement(entries: Sequence[_Entry]) -> str | None:
    """Why these entries are not a whole number of equal copies; null if they are."""
    printed: dict[str, PrintedTick] = {}
    for _, _, tick, problem in entries:
        if problem:
            return problem
        first = printed.setdefault(tick.pair, tick)
        if first is not tick and first != tick:
            return f"{first.pair} is printed as {_shown(first)} and as {_shown(tick)}"
        if len(printed) > MAX_PAIRS:
            return f"more than {MAX_PAIRS} pairs: this is no ticker"
    pairs = [entry.tick.pair for entry in entries]
    if len({pairs.count(pair) for pair in printed}) == 1:
        return None
    counts = Counter(pairs)
    (most_pair, most), (least_pair, least) = counts.most_common(1)[0], min(counts.items(), key=lambda item: item[1])
    return f"a copy is cut short: {most_pair} is printed {most} times and {least_pair} {least} times"


def _shown(tick: PrintedTick) -> str:
    return f"{tick.rate_text} {tick.change_text or 'without a change'}"


def _date_after(text: str, entries: Sequence[_Entry]) -> date | None:
    """The first date that directly follows a run of the ticker; null if none does or it is no day of the calendar."""
    for entry, following in zip_longest(entries, entries[1:]):
        has_room = following is None or following.start - entry.end >= _SHORTEST_DATE
        if has_room and (found := _DATE.match(text, entry.end)):
            try:
                return date(int(found["year"]), _MONTHS.index(found["month"].lower()) + 1, int(found["day"]))
            except ValueError:
                return None
    return None
