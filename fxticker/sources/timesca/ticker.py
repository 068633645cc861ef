"""The ticker in a page's text: found by its content, not by the markup around it.

An *entry* is ``PAIR = RATE``, perhaps with ``CHANGE%`` behind; entries side by side form a *run*; the runs that are
taken for the ticker are the *candidate*. The rules below are decided in this order, row 8 before rows 3 to 6, each by
the function that is named in its row, and the first that applies gives the answer. Those of entries are in
`fxticker.sources.timesca.entries`, those of runs in `fxticker.sources.timesca.candidate`, row 22 in
`fxticker.sources.timesca.sentences`, the others here.

Entry by entry; a problem is kept with its entry, and damages the page only in row 18:

====  ==============================  ===========================================  =====================================
row   check                           consequence                                  case that made it necessary
====  ==============================  ===========================================  =====================================
1     ``_base_before_slash``          no 1 to 9 letters before the slash: no       ``Currencies/USD = 5 3%``
                                      entry
2     ``_is_words``                   neither a number nor two codes: no entry     ``Photo/Agency: some name``
3     ``_no_number``                  problem: codes, and no number to read        ``KGS/USD = n/a``, ``0.011.44``
4     ``_no_pair``                    problem: not two different codes of three    ``kgs/USD``, ``USD/USD``
                                      capital letters, or a note at them           ``KGS/USD<sup>1</sup>``
5     ``_no_rate``                    problem: not above zero, too many digits, a  ``0.00000``, ``-0.01144``, ``1,144``,
                                      comma that may stand before thousands, or a  ``0<wbr>28571``
                                      zero before digits without a point
6     ``_no_percentage``              problem: too many digits, or such a comma    30 digits before a ``%``
                                      or zero
7     ``_is_text_of_next_line``       the percentage belongs to the next line's    ticker without percentages, and
                                      text: no change is printed                   ``3% growth was …`` below it
8     ``_touched``                    problem: a note, hidden text, an ellipsis,   ``0.28571<sup>1</sup>``, ``0.285…``,
                                      or a digit of another kind touches them      ``0.1084<span hidden>9</span>0``
9     ``_number_too_many``            problem: one number more on the line         ``0.10840 0.10850 0.37%``
10    ``_no_gap_behind_rate``         problem: without a change, and letters or    ``0.00008x``, ``8e-5``, ``0.0OO08``
                                      digits touch the rate
11    ``_percentage_apart``           problem: without a change, and a percentage  ``0.01144 som 0%``, ``0.01144 (5%)``,
                                      follows behind something else                ``0.01144 …%``, a per mille sign
12    ``digits_behind``               problem: more digits behind separators       ``12&nbsp;194``, ``12150 / 12250``
====  ==============================  ===========================================  =====================================

A page with more than `MAX_ENTRIES` entries is damaged, whatever they are (hostile pages).

Run by run:

====  ==============================  ===========================================  =====================================
13    ``_has_only_digits``            only digits and separators between two       ``0.285<br>71 0%`` in the middle of a
                                      entries: problem, and the run goes on        block
14    ``_is_parted``                  more than bullets and list numbers between   articles that name several prices;
                                      two entries: another run begins              ``1. KGS/USD = …`` is a ticker's line
15    ``_is_whole_copy``              4 pairs or more, with a percentage, a        captures before September 2024 have 4
                                      repetition, or no words beside: ticker       pairs; ``We expect KGS/USD = 5, …``
16    ``_is_part_of_copy``            fewer pairs, with a percentage, and no       last copy cut short; ``It stood at
                                      words beside: part of the ticker             KGS/USD = 5 3%.`` is none
====  ==============================  ===========================================  =====================================

On the page; rows 18 to 20 entry by entry:

====  ==============================  ===========================================  =====================================
17    ``find_ticker``                 no run is of the ticker: `NoTicker`          pages without a ticker, or with a
                                                                                   hidden one only
18    ``Entry.problem``               damage: an entry with a problem              rows 3 to 13
19    ``_difference``                 damage: two texts for one pair               ``KZT/USD`` with ``-0%`` and ``0%``
20    ``_excess``                     damage: more than 64 pairs                   a table of all currencies
21    ``_uneven_copies``              damage: one pair more often than another     last copy cut between two entries
22    ``without_sentences``           excuse for rows 18 to 21: prices of          ``KGS/USD = 5 was the price.`` right
                                      sentences right beside the block             below the block
23    ``_cut_entry``                  damage: the page ends inside an entry        page cut at ``• KGS/U``
24    ``_too_few_pairs``              damage: fewer than 4 pairs                   no capture has fewer
24a   ``_change_apart``              damage: a percentage on a line of its own,    ``0.01144<div>som</div>0%``
                                      little more than a word behind a rate;
                                      others have a change
25    ``_cut_rate``                   damage: a single copy, and the page ends     page cut at ``TMT/USD = 0.28``
                                      behind the last rate; others have a change
26    ``_dangling_bullet``            damage: a single copy, and the page ends     page cut behind ``•``
                                      with a bullet
27    ``_pair_apart``                 damage: a single copy, which lacks a pair    ``KGS/USD = 0.01144 som`` above the
                                      that stands elsewhere                        others
====  ==============================  ===========================================  =====================================

A candidate that no row refuses is sound. Its date is the first that follows an entry directly (captures of article
pages have a second date line below it); its forms are in `fxticker.sources.timesca.dates`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import zip_longest

from fxticker.errors import DamagedPage, NoTicker
from fxticker.model.printed import NUMBER, SIGN
from fxticker.model.records import PrintedTick, Snapshot
from fxticker.sources.html import marked_text
from fxticker.sources.timesca.candidate import CUT_ENTRY, MIN_PAIRS, Candidate, find_runs
from fxticker.sources.timesca.dates import SHORTEST_DATE, PrintedDate, date_behind
from fxticker.sources.timesca.entries import Entry, find_entries, pairs_of
from fxticker.sources.timesca.fast_path import from_excerpt
from fxticker.sources.timesca.sentences import without_sentences

MAX_PAIRS = 64
"""Pairs, far above any ticker: a page with more is a table of something else."""

_PERCENTAGE_ALONE = re.compile(
    r"(?=[^%=:/]{0,32}%)[^\n]*+(?:\n[^\n0-9%]*+)*?\n"
    rf"[^\w\n%]*+(?:{NUMBER}[^\w\n%]*+){{1,2}}%[^\w\n]*+(?=\n|\Z|[A-Za-z]{{3}}\s*/)"
)
"""A percentage on a line of its own, little more than a word behind a rate."""
_CUT_RATE = re.compile(rf"(?:\s*+(?:{SIGN}|[0-9])[0-9.,]*+)?[^\S\n]*+\Z")
_DANGLING_BULLET = re.compile(r"\s*+[^\w\s]{1,8}+\s*+\Z")


def parse(page: bytes | str, headers: Mapping[str, str] | None = None) -> Snapshot:
    """Read the ticker that a page shows, exactly as printed.

    Bytes are read from an excerpt where that gives the same answer (`fxticker.sources.timesca.fast_path`).

    Parameters
    ----------
    page
        A page, HTML or saved text.
    headers
        The answer's headers by lower-case name, for the charset they may declare.

    Returns
    -------
    Snapshot
        One tick per pair in the page's order; white space within a number is dropped, nothing else is changed.

    Raises
    ------
    NoTicker
        If the page shows none.
    DamagedPage
        If copies disagree or one is cut short, or a number cannot be a rate or a percentage.
    """
    fast = from_excerpt(page, headers or {}, find_ticker) if isinstance(page, bytes) else None
    ticker, more_copies = fast or (find_ticker(marked_text(page, headers)), 0)
    printed = _date_behind(ticker)
    return Snapshot(
        ticks=tuple({entry.tick.pair: entry.tick for entry in ticker.entries}.values()),
        source_date=printed.date if printed else None,
        copies=ticker.copies + more_copies,
        unread_date=printed.text if printed and printed.date is None else None,
    )


def find_ticker(text: str) -> Candidate:
    """Return the sound ticker of a text.

    Raises
    ------
    NoTicker
        If no run of entries is one.
    DamagedPage
        If a row of the table refuses it.
    """
    runs = list(find_runs(text, find_entries(text)))
    ticker = [run for run in runs if run.is_ticker]
    if not ticker:
        raise NoTicker("the page shows no ticker: no group of entries such as `KZT/USD = 0.00191 0%`")
    entries: Sequence[Entry] = [entry for run in ticker for entry in run.entries]
    if reason := disagreement(entries):
        entries = without_sentences(text, ticker, disagreement)
        if not entries:
            raise DamagedPage(reason)
    apart = [entry for run in runs if not run.is_ticker and not run.words_before for entry in run.entries]
    candidate = Candidate.of(text, entries, apart)
    if reason := _sign_of_cut(candidate):
        raise DamagedPage(reason)
    return candidate


# --- rows 18 to 21: copies that disagree ------------------------------------------------------------------------------


def disagreement(entries: Sequence[Entry]) -> str | None:
    """Return why entries are not a whole number of equal copies (rows 18 to 21); None if they are."""
    printed: dict[str, PrintedTick] = {}
    for _, _, tick, problem in entries:
        first = printed.setdefault(tick.pair, tick)
        if first is tick and problem is None and len(printed) <= MAX_PAIRS:  # as nearly always
            continue
        if reason := problem or _difference(first, tick) or _excess(printed):
            return reason
    return _uneven_copies(entries)


def _difference(first: PrintedTick, tick: PrintedTick) -> str | None:
    if first is tick or first == tick:
        return None
    return f"{first.pair} is printed as {_shown(first)} and as {_shown(tick)}"


def _excess(printed: Mapping[str, PrintedTick]) -> str | None:
    return f"more than {MAX_PAIRS} pairs: this is no ticker" if len(printed) > MAX_PAIRS else None


def _uneven_copies(entries: Sequence[Entry]) -> str | None:
    pairs = [entry.tick.pair for entry in entries]
    if len({pairs.count(pair) for pair in set(pairs)}) == 1:
        return None
    counts = Counter(pairs)
    (most_pair, most), (least_pair, least) = counts.most_common(1)[0], min(counts.items(), key=lambda item: item[1])
    return f"a copy is cut short: {most_pair} is printed {most} times and {least_pair} {least} times"


def _shown(tick: PrintedTick) -> str:
    return f"{tick.rate_text} {tick.change_text or 'without a change'}"


# --- rows 23 to 27: copies that agree, and may not be whole -----------------------------------------------------------


def _sign_of_cut(candidate: Candidate) -> str | None:
    reason = _cut_entry(candidate) or _too_few_pairs(candidate) or _change_apart(candidate)
    if reason or candidate.copies > 1:
        return reason
    return _cut_rate(candidate) or _dangling_bullet(candidate) or _pair_apart(candidate)


def _cut_entry(candidate: Candidate) -> str | None:
    last = candidate.entries[-1]
    if not CUT_ENTRY.match(candidate.text, last.end):
        return None
    return f"the page ends inside the entry after {last.tick.pair}"


def _too_few_pairs(candidate: Candidate) -> str | None:
    count = len(candidate.pairs)
    if count >= MIN_PAIRS:
        return None
    return f"{count} pairs, fewer than the {MIN_PAIRS} ever seen: this is no ticker, or not the whole of one"


def _change_apart(candidate: Candidate) -> str | None:
    without = [entry for entry in candidate.entries if entry.tick.change_text is None]
    if not without or len(without) == len(candidate.entries):
        return None
    for entry in without:
        if _PERCENTAGE_ALONE.match(candidate.text, entry.end):
            return f"{entry.tick.pair} has a percentage that does not stand directly behind the rate"
    return None


def _cut_rate(candidate: Candidate) -> str | None:
    last = candidate.entries[-1]
    has_changes = any(entry.tick.change_text is not None for entry in candidate.entries)
    if last.tick.change_text is not None or not has_changes or not _CUT_RATE.match(candidate.text, last.end):
        return None
    return f"the page ends right behind the rate of {last.tick.pair}, which may be cut short"


def _dangling_bullet(candidate: Candidate) -> str | None:
    last = candidate.entries[-1]
    if not _DANGLING_BULLET.match(candidate.text, last.end):
        return None
    return f"the page ends with a bullet behind the single copy's {last.tick.pair}: more may have followed"


def _pair_apart(candidate: Candidate) -> str | None:
    apart = pairs_of(candidate.apart) - candidate.pairs
    return f"{min(apart)} stands apart from a single copy that lacks it" if apart else None


def _date_behind(candidate: Candidate) -> PrintedDate | None:
    """Return the first date that directly follows an entry; None if there is none."""
    entries = candidate.entries
    for entry, following in zip_longest(entries, entries[1:]):
        if following is not None and following.start - entry.end < SHORTEST_DATE:
            continue
        is_blank = following is not None and candidate.text[entry.end : following.start].isspace()
        if not is_blank and (printed := date_behind(candidate.text, entry.end)):
            return printed
    return None
