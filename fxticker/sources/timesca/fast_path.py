"""Fast path: reads the ticker of a page's bytes from an excerpt, where that gives the answer of the whole page.

It is one function, and nothing else of the package uses excerpts. It never gives another answer than the whole page
does: only a sound ticker is taken from an excerpt, and only if nothing that the excerpt leaves out can contradict it.
``tests/test_fast_path.py`` compares the two on cut, damaged, hostile and random pages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fxticker.errors import DamagedPage, NoTicker
from fxticker.sources.timesca.candidate import Candidate
from fxticker.sources.timesca.excerpt import Excerpt, excerpt


def from_excerpt(
    page: bytes, headers: Mapping[str, str], find_ticker: Callable[[str], Candidate]
) -> tuple[Candidate, int] | None:
    """Read the ticker of a page from an excerpt.

    Parameters
    ----------
    page
        Bytes as received.
    headers
        The answer's headers by lower-case name; ``content-type`` may declare a charset.
    find_ticker
        Finds the ticker in a text. Raises `NoTicker` or `DamagedPage`.

    Returns
    -------
    tuple[Candidate, int] or None
        The ticker of the excerpt, and how many copies more the page has; None if the page has to be read as a whole.
    """
    piece = excerpt(page, headers)
    if piece is None:
        return None
    try:
        ticker = find_ticker(piece.text)
    except (NoTicker, DamagedPage):
        return None
    return (ticker, piece.left_out) if _holds_for_page(piece, ticker) else None


def _holds_for_page(piece: Excerpt, ticker: Candidate) -> bool:
    """Whether what an excerpt leaves out cannot contradict it.

    A price elsewhere matters only beside a single copy of the ticker. The units left out must each be one copy of the
    ticker: then only the number of copies is larger.
    """
    if piece.prices_left_out and ticker.copies + piece.left_out == 1:
        return False
    if not piece.left_out:
        return True
    repeated = [entry.tick.pair for entry in ticker.entries if entry.start in piece.unit]
    return len(repeated) == len(set(repeated)) == len(ticker.pairs)
