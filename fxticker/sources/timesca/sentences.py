"""Sentences right beside the ticker: separates their prices from entries of the block (row 22 of the parser's table).

A sentence may end with a price above the block or begin with one below it: ``… 0% <newline> KGS/USD = 5 was the``. The
entries of such a line are left out of a candidate that disagrees, unless one of the checks below forbids it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from fxticker.sources.timesca.candidate import MIN_PAIRS, Candidate, Run, end_of_line
from fxticker.sources.timesca.entries import Entry, pairs_of


class _Parted(NamedTuple):
    """The entries of a candidate: those of the block, and those of sentences above and below its runs."""

    block: list[Entry]
    above: list[Entry]
    below: list[Entry]


def without_sentences(
    text: str, ticker: Sequence[Run], disagreement: Callable[[Sequence[Entry]], str | None]
) -> list[Entry]:
    """Return the entries of a candidate without those of sentences beside it; none if that does not make it sound.

    Parameters
    ----------
    text
        The text in which the entries stand.
    ticker
        The candidate's runs.
    disagreement
        Why entries are not a whole number of equal copies; None if they are.
    """
    block: list[Entry] = []
    above: list[Entry] = []
    below: list[Entry] = []
    for run in ticker:
        first_line, last_line = _sentence_lines(text, run)
        block += run.entries[len(first_line) : len(run.entries) - len(last_line)]
        above += first_line
        below += last_line
    parted = _Parted(block, above, below)
    if any(forbids(parted) for forbids in _CHECKS) or disagreement(block):
        return []
    return block


def _sentence_lines(text: str, run: Run) -> tuple[list[Entry], list[Entry]]:
    """Return the entries of a run's first and last line that stand in a sentence."""
    entries = run.entries
    first_end = end_of_line(text, entries[0].end, entries[-1].end)
    last_start = text.rfind("\n", entries[0].start, entries[-1].start)
    first_line = [entry for entry in entries if run.words_before and entry.start < first_end]
    last_line = [entry for entry in entries if run.words_behind and entry.start > last_start]
    return _unless_ticker(first_line), _unless_ticker(last_line)


def _unless_ticker(line: list[Entry]) -> list[Entry]:
    """Return a line's entries; none if it has as many pairs as a ticker, for it is a line of the block then."""
    return line if len(pairs_of(line)) < MIN_PAIRS else []


def _has_no_sentence(parted: _Parted) -> bool:
    return not parted.above and not parted.below


def _has_no_block(parted: _Parted) -> bool:
    return not parted.block


def _has_unreadable_price(parted: _Parted) -> bool:
    """It may be an entry of the block with a bad number."""
    return any(entry.problem for entry in (*parted.above, *parted.below))


def _has_pair_of_its_own(parted: _Parted) -> bool:
    """A price for a pair that the block lacks may be the block's own entry."""
    return not pairs_of((*parted.above, *parted.below)) <= pairs_of(parted.block)


def _may_be_first_entry(parted: _Parted) -> bool:
    """A price above a single copy that ends with the same pair may be its first entry, and the last one be cut."""
    is_single = Candidate.of("", parted.block).copies == 1
    return is_single and parted.block[-1].tick.pair in pairs_of(parted.above)


_CHECKS = (_has_no_sentence, _has_no_block, _has_unreadable_price, _has_pair_of_its_own, _may_be_first_entry)
"""In the order in which they are asked; each forbids to leave the sentences out."""
