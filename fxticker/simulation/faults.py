"""Faults of the network and of the site: what the server does for each, and what the collector must record."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from fxticker.model.records import Outcome, PrintedTick
from fxticker.simulation.loopback_server import Answer, Exchange, answering, date_line, head, no_robots, request_host
from fxticker.simulation.site import MARKUPS, render_html

SLOT = datetime(2025, 11, 14, 12, tzinfo=UTC)
"""Slot of the faults, by the simulated clock: the pages carry the date of that day."""
_TODAY = SLOT.date()
_TICKS = (
    PrintedTick("KGS/USD", "0.01144", "0%"),
    PrintedTick("KZT/USD", "0.00191", "-0%"),
    PrintedTick("TJS/USD", "0.10840", "0.37%"),
    PrintedTick("UZS/USD", "0.00008", "0%"),
    PrintedTick("TMT/USD", "0.28571", "0%"),
)
_ETAG = '"a-sound-page"'
_DRIP_PAUSE_S = 0.05
"""Seconds between two pieces of a response that never gets complete: far shorter than a deadline."""
_DRIPS = 1_000
"""Pieces of such a response: 50 s, longer than any deadline of a drill."""
_SILENCE_S = 60.0
"""Seconds without a byte: longer than any deadline of a drill. Closing the server ends it."""
_BLOCK = bytes(65_536)
_TEN_MB = 10_000_000
_URL = "http://127.0.0.1:{port}/"
_CHALLENGE = "<title>Just a moment...</title><body>Checking your browser before you go on. Enable JavaScript.</body>"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, and what the collector must record.

    Attributes
    ----------
    name
        Argument of `fxticker drill`.
    what
        What the server does, for the reader of the table.
    answer
        What the server does.
    outcomes
        Outcomes that are correct; several if it depends on the machine.
    ticks
        Number of ticks that must be stored.
    http_status
        Status that must be recorded; `None` if none may be.
    needle
        Text that `detail` must contain; empty for no requirement.
    before
        What the server answers to the previous poll, one slot earlier; `None` if there is no previous poll.
    robots
        What the server answers to requests for robots.txt.
    url
        Of the page; ``{port}`` is the server's port, ``{closed_port}`` one where nothing listens.
    """

    name: str
    what: str
    answer: Answer
    outcomes: tuple[Outcome, ...]
    ticks: int = 0
    http_status: int | None = 200
    needle: str = ""
    before: Answer | None = None
    robots: Answer = no_robots
    url: str = _URL


def _page(ticks: Sequence[PrintedTick] = _TICKS, page_date: date = _TODAY) -> bytes:
    return render_html(ticks, page_date).encode()


def _dated(*lines: str, at: datetime = SLOT) -> Answer:
    """The correct page with this ``Date``; the simulated clock shows `SLOT`."""
    return answering(_PAGE, date_line(at), *lines)


_PAGE = _page()
_NESTED_PAGE = render_html(_TICKS, _TODAY, markup=MARKUPS["nested"]).encode()
_SUCCESSFUL = _dated(f"ETag: {_ETAG}")


def _reset_in_body(exchange: Exchange) -> None:
    exchange.send(head(f"Content-Length: {len(_PAGE)}") + _PAGE[:500])
    exchange.reset()


def _drips_headers(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\n")
    exchange.drip([b"X-Slow: 1\r\n"] * _DRIPS, _DRIP_PAUSE_S)


def _drips_body(exchange: Exchange) -> None:
    exchange.send(head(f"Content-Length: {len(_PAGE)}"))
    exchange.drip([_PAGE[offset : offset + 1] for offset in range(_DRIPS)], _DRIP_PAUSE_S)


def _stalls_in_body(exchange: Exchange) -> None:
    exchange.send(head(f"Content-Length: {len(_PAGE)}") + _PAGE[:500])
    exchange.pause(_SILENCE_S)


def _cuts_short(exchange: Exchange) -> None:
    exchange.send(head(f"Content-Length: {len(_PAGE)}") + _PAGE[: len(_PAGE) // 2])


def _sends_wrong_length(exchange: Exchange) -> None:
    exchange.send(head(f"Content-Length: {_PAGE.rindex(b'0.00008')}") + _PAGE)


def _sends_bomb(exchange: Exchange) -> None:
    """Send 1 GB of zeros as 1 MB of gzip: after each full flush the same compressed block is valid again."""
    compressor = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    blocks = [compressor.compress(bytes(1_000_000)) + compressor.flush(zlib.Z_FULL_FLUSH) for _ in range(2)]
    exchange.send(head("Content-Encoding: gzip") + blocks[0])
    exchange.drip([blocks[1]] * 999, 0)


def _sends_endless_body(exchange: Exchange) -> None:
    exchange.send(head("Transfer-Encoding: chunked"))
    exchange.drip([b"10000\r\n" + _BLOCK + b"\r\n"] * 100_000, 0)


def _sends_10_mb(exchange: Exchange) -> None:
    exchange.send(head(f"Content-Length: {_TEN_MB}") + _PAGE)
    exchange.drip([b" " * 10_000] * ((_TEN_MB - len(_PAGE)) // 10_000 + 1), 0)


def _moves_to_other_host(exchange: Exchange) -> None:
    port = request_host(exchange.request).rpartition(":")[2]
    exchange.send(head("Content-Length: 0", f"Location: http://localhost:{port}/", status="301 Moved Permanently"))


def _not_modified(exchange: Exchange) -> None:
    if f"if-none-match: {_ETAG}" in exchange.request.lower():
        exchange.send(head(f"ETag: {_ETAG}", status="304 Not Modified"))
    else:
        _SUCCESSFUL(exchange)


def _no_response(name: str, what: str, answer: Answer, *outcomes: Outcome, url: str = _URL) -> Fault:
    """A fault of the network: no status is recorded."""
    return Fault(name, what, answer, outcomes, http_status=None, url=url)


def _status(name: str, what: str, status: str, *lines: str) -> Fault:
    """A response whose status is an error."""
    answer = answering(b"", *lines, status=status)
    return Fault(name, what, answer, (Outcome.HTTP_ERROR,), http_status=int(status[:3]))


def _served(name: str, what: str, body: bytes, outcome: Outcome, ticks: int = 0) -> Fault:
    """A response of status 200."""
    return Fault(name, what, answering(body), (outcome,), ticks)


def _anomaly(name: str, what: str, ticks: Sequence[PrintedTick], needle: str) -> Fault:
    """A page that differs from the one before in a way that `detail` must name."""
    return Fault(name, what, answering(_page(ticks)), (Outcome.OK,), len(ticks), needle=needle, before=_SUCCESSFUL)


_NETWORK = (
    _no_response(
        "refused",
        "nothing listens on the port",
        _SUCCESSFUL,
        Outcome.UNREACHABLE,
        url="http://127.0.0.1:{closed_port}/",
    ),
    _no_response(
        "dns",
        "the host name does not exist",
        _SUCCESSFUL,
        Outcome.UNREACHABLE,
        Outcome.TIMEOUT,  # if the machine's name server does not answer
        url="http://ticker.invalid/",
    ),
    _no_response("tls", "an https port without TLS", _SUCCESSFUL, Outcome.UNREACHABLE, url="https://127.0.0.1:{port}/"),
    _no_response("reset", "connection reset in the body", _reset_in_body, Outcome.UNREACHABLE),
    _no_response("silent", "no response", lambda exchange: exchange.pause(_SILENCE_S), Outcome.TIMEOUT),
    _no_response("slow-headers", "headers, one line at a time", _drips_headers, Outcome.TIMEOUT),
    _no_response("dripping-body", "body, one byte at a time", _drips_body, Outcome.TIMEOUT),
    _no_response("stalled-body", "500 bytes of body, then silence", _stalls_in_body, Outcome.TIMEOUT),
    _no_response("truncated-body", "connection closed after half the page", _cuts_short, Outcome.UNREACHABLE),
    Fault("wrong-length", "Content-Length ends within the ticker", _sends_wrong_length, (Outcome.DAMAGED,)),
    Fault("gzip-bomb", "1 MB of gzip that decodes to 1 GB", _sends_bomb, (Outcome.TOO_LARGE,)),
    Fault("endless-body", "endless body", _sends_endless_body, (Outcome.TOO_LARGE,)),
    Fault("10-mb-page", "correct page, followed by 10 MB", _sends_10_mb, (Outcome.TOO_LARGE,)),
)
_STATUSES = (
    Fault("moved", "301 to another host", _moves_to_other_host, (Outcome.HTTP_ERROR,), http_status=301),
    _status("redirect-loop", "302 to itself", "302 Found", "Location: /"),
    Fault(
        "not-modified",
        "304 after a page with an ETag",
        _not_modified,
        (Outcome.OK,),
        ticks=5,
        http_status=304,
        before=_SUCCESSFUL,
    ),
    _status("403", "access refused", "403 Forbidden"),
    _status("404", "no such page", "404 Not Found"),
    _status("429", "429 with a Retry-After of one hour", "429 Too Many Requests", "Retry-After: 3600"),
    Fault(
        "backoff",
        "the slot after such a 429",
        _SUCCESSFUL,
        (Outcome.BACKOFF,),
        http_status=None,
        before=answering(b"", "Retry-After: 3600", status="429 Too Many Requests"),
    ),
    _status("500", "server error", "500 Oops"),
    _status("503", "server under maintenance", "503 Service Unavailable"),
    Fault(
        "robots",
        "robots.txt forbids the page",
        _SUCCESSFUL,
        (Outcome.DISALLOWED,),
        http_status=None,
        robots=answering(b"User-agent: *\nDisallow: /\n"),
    ),
    Fault(
        "robots-500",
        "server error for robots.txt",
        _SUCCESSFUL,
        (Outcome.HTTP_ERROR,),
        http_status=500,
        needle="robots.txt: status 500",
        robots=answering(b"", status="500 Oops"),
    ),
)
_PAGES = (
    Fault("sound", "correct page", _SUCCESSFUL, (Outcome.OK,), ticks=5),
    _served("other-markup", "correct page with other elements in its items", _NESTED_PAGE, Outcome.OK, ticks=5),
    _served("challenge", "challenge page with status 200", _CHALLENGE.encode(), Outcome.BLOCKED),
    _served("empty", "empty page", b"", Outcome.NO_TICKER),
    _served("no-ticker", "page without the ticker", _page(()), Outcome.NO_TICKER),
    _served("damaged", "one copy of the ticker disagrees", _PAGE.replace(b"0.28571", b"0.38571", 1), Outcome.DAMAGED),
    _served("stale", "page dated a week ago", _page(page_date=date(2025, 11, 7)), Outcome.STALE, ticks=5),
    Fault(
        "clock-behind",
        "correct page, made three hours after this machine's time",
        _dated(at=SLOT + timedelta(hours=3)),
        (Outcome.CLOCK,),
        needle="this machine's clock is 3:00:00 behind",
    ),
    Fault(
        "clock-inexact",
        "correct page, made five minutes before this machine's time",
        _dated(at=SLOT - timedelta(minutes=5)),
        (Outcome.OK,),
        ticks=5,
        needle="this machine's clock is 0:05:00 ahead",
    ),
    Fault(
        "old-copy",
        "a cache's copy of the page that is a week old",
        _dated("Age: 604800", at=SLOT - timedelta(days=7)),
        (Outcome.STALE,),
        ticks=5,
        needle="a cache's copy, 7 days, 0:00:00 old",
    ),
    _anomaly("pair-missing", "ticker without TMT", _TICKS[:4], "pair missing: TMT/USD"),
    _anomaly(
        "new-pair", "ticker with AFN added", [*_TICKS, PrintedTick("AFN/USD", "0.01512", "0%")], "new pair: AFN/USD"
    ),
    _anomaly(
        "rate-jump",
        "KZT at 100 times its last rate",
        [replace(tick, rate_text="0.19100", change_text="0%") if tick.pair == "KZT/USD" else tick for tick in _TICKS],
        "rate jump: KZT/USD",
    ),
)
FAULTS = {fault.name: fault for fault in (*_PAGES[:1], *_NETWORK, *_STATUSES, *_PAGES[1:])}
"""All faults by name; the first one is the correct page."""
