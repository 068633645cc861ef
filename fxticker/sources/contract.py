"""Contract of a source: what the parsers of each source have to do, as checks for the tests of a source."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from urllib.parse import urljoin, urlsplit

from fxticker.errors import OtherDate, ParseError
from fxticker.model.normalise import normalise
from fxticker.model.printed import InvalidNumber
from fxticker.model.records import Origin, PrintedTick, Snapshot, TimeBasis
from fxticker.sources.fields import require_fields
from fxticker.sources.source import Parse, Source

NO_ANSWERS = (
    b"",
    b" \n",
    b"<!DOCTYPE html><html><head><title>Please wait</title></head><body>Checking your browser</body></html>",
    bytes(range(256)),
    b"null",
    b"[]",
    b"{}",
    b"<rates/>",
    b"0.01",
)
"""What servers send in place of rates: nothing, a guard's page, other bytes, empty documents, a number."""
CUTS = 100
"""Parts of equal length at whose ends an answer is cut, beside the cuts within its rates."""
_PAIR = re.compile(r"([A-Z]{3})/(?!\1)[A-Z]{3}")
_ANY_INSTANT = datetime(2026, 1, 1, tzinfo=UTC)

Printed = tuple[str, str, int]
"""Pair, rate and nominal of a tick, as printed: ``("USD/KZT", "478.77", 1)``."""


def check_source(
    source: Source, body: bytes, headers: Mapping[str, str], *, printed: Sequence[Printed], day: date | None
) -> None:
    """Check what a source reads in a recorded answer, and what it makes of answers that are damaged or no rates at all.

    Parameters
    ----------
    source
        The source.
    body, headers
        An answer that its publisher really gave; headers by lower-case name.
    printed
        The ticks that a person reads in it: pair, rate and nominal, in the answer's order.
    day
        The date that it prints; None if it prints none.

    Raises
    ------
    AssertionError
        If the source breaks the contract; the message says how.
    """
    require_fields(source)
    snapshot = _read(source.parse, body, headers)
    _compare(_printed(snapshot), [*printed])
    _require(snapshot.source_date == day, f"the date is read as {snapshot.source_date}, and is {day}")
    _require(_read(source.parse, body, headers) == snapshot, "the same answer is read in two ways")
    _check_ticks(source, snapshot)
    for other in NO_ANSWERS:
        _check_refused(source.parse, other, headers)
    _check_cuts(lambda answer: source.parse(answer, headers).ticks, body, snapshot.ticks)
    _check_evidence(source, body, headers, snapshot)


def check_history(
    source: Source,
    body: bytes,
    headers: Mapping[str, str],
    *,
    first: date,
    last: date,
    printed: Mapping[date, Sequence[Printed]],
) -> None:
    """Check what a source reads in a recorded answer about past days.

    Parameters
    ----------
    source, body, headers
        As in `check_source`.
    first, last
        The requested days.
    printed
        The ticks of each day that the answer has.

    Raises
    ------
    AssertionError
        If the source breaks the contract; the message says how.
    """
    history = source.history
    if history is None:
        raise AssertionError("the source has no history")
    require_fields(source)
    asked, own = urlsplit(urljoin(source.url, history.path(first, last))), urlsplit(source.url)
    _require((asked.scheme, asked.netloc) == (own.scheme, own.netloc), f"past days are requested from {asked.netloc}")
    snapshots = history.parse(body, headers, first, last)
    _compare(
        {snapshot.source_date: _printed(snapshot) for snapshot in snapshots},
        {day: [*rows] for day, rows in printed.items()},
    )
    for snapshot in snapshots:
        _check_ticks(source, snapshot)
    elsewhere = date(1993, 1, 2)  # before any of these currencies had been printed for a year
    try:
        other = history.parse(body, headers, elsewhere, elsewhere)
    except OtherDate:
        other = ()
    _require(not other, f"rates of {first} to {last} are given for {elsewhere}")


def _read(parse: Parse, body: bytes, headers: Mapping[str, str]) -> Snapshot:
    try:
        return parse(body, headers)
    except ParseError as error:
        raise AssertionError(f"the recorded answer is refused: {error}") from error


def _printed(snapshot: Snapshot) -> list[Printed]:
    return [(tick.pair, tick.rate_text, tick.nominal) for tick in snapshot.ticks]


def _check_ticks(source: Source, snapshot: Snapshot) -> None:
    """Check that the store can take the ticks: pairs are pairs, each stands there once, and numbers are numbers."""
    pairs = [tick.pair for tick in snapshot.ticks]
    _require(len(pairs) == len({*pairs}), f"a pair stands there twice: {', '.join(pairs)}")
    for pair in pairs:
        _require(_PAIR.fullmatch(pair) is not None, f"{pair} is no pair such as USD/KZT")
    try:
        normalise(snapshot, source=source.id, observed_at=_ANY_INSTANT, time_basis=TimeBasis.CLOCK, origin=Origin.LIVE)
    except InvalidNumber as error:
        raise AssertionError(f"the store cannot take what is read: {error}") from error


def _check_refused(parse: Parse, body: bytes, headers: Mapping[str, str]) -> None:
    try:
        snapshot = parse(body, headers)
    except ParseError:
        return
    except Exception as error:
        raise AssertionError(f"{body[:40]!r} raises {type(error).__name__}, and must raise a ParseError") from error
    raise AssertionError(f"{body[:40]!r} is read as {_printed(snapshot)}, and must be refused")


def _check_cuts(read: Callable[[bytes], Collection[PrintedTick]], body: bytes, ticks: Collection[PrintedTick]) -> None:
    """Check that a part of an answer is refused, or holds nothing that the whole one does not."""
    for length in _lengths(body, ticks):
        try:
            found = read(body[:length])
        except ParseError:
            continue
        except Exception as error:
            raise AssertionError(f"the first {length} bytes raise {type(error).__name__}: {error}") from error
        invented = [(tick.pair, tick.rate_text) for tick in found if tick not in ticks]
        _require(not invented, f"in the first {length} bytes are read {invented}, which the answer does not print")


def _lengths(body: bytes, ticks: Iterable[PrintedTick]) -> list[int]:
    """Return where an answer is cut: at equal distances, and within each of its rates."""
    lengths = {len(body) * part // CUTS for part in range(1, CUTS)}
    for tick in ticks:
        start = body.find(tick.rate_text.encode())
        lengths |= {start + digits for digits in range(1, len(tick.rate_text)) if start >= 0}
    return sorted(lengths)


def _check_evidence(source: Source, body: bytes, headers: Mapping[str, str], snapshot: Snapshot) -> None:
    piece = source.evidence(body, headers, snapshot) if source.evidence else None
    if piece is not None:
        _compare(source.parse(piece.body, piece.headers), snapshot, "in the kept piece of the answer")


def _compare(found: object, expected: object, where: str = "in the answer") -> None:
    _require(found == expected, f"{where} are read {found}, and it prints {expected}")


def _require(is_kept: bool, problem: str) -> None:  # noqa: FBT001
    if not is_kept:
        raise AssertionError(problem)
