"""What goes wrong on the net and on the site: each fault, what the server does for it, and what must be recorded."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from fxticker.model.records import Outcome, PrintedTick
from fxticker.simulation.fault_server import Answer, Exchange, no_robots
from fxticker.simulation.site import render_html

SLOT = datetime(2025, 11, 14, 12, tzinfo=UTC)
"""When the drill takes place, by its clock: the pages carry the date of that day."""
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
_DRIPS = 1_000
_SILENCE_S = 60.0
"""Longer than any deadline of a drill; the server's close ends it."""
_BLOCK = bytes(65_536)
_TEN_MB = 10_000_000
_CHALLENGE = "<title>Just a moment...</title><body>Checking your browser before you go on. Enable JavaScript.</body>"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, and what the collector must make of it.

    Attributes
    ----------
    name
        What `fxticker drill` calls it.
    what
        What the server does, for a person.
    answer
        The same for the server.
    outcomes
        What may be recorded; one, but where it depends on the machine.
    ticks
        How many must be stored.
    http_status
        That must be recorded; null if none may be.
    needle
        What `detail` must say; empty if nothing in particular.
    before
        What the server answers to the poll before, at the slot before; null if there is none.
    robots
        What it answers when asked for its rules for robots.
    url
        Of the page, with the places of the server's port and of one where nothing listens.
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
    url: str = "http://127.0.0.1:{port}/"


def head(*lines: str, status: str = "200 OK") -> bytes:
    """The head of an answer of type HTML."""
    named = [f"HTTP/1.1 {status}", "Content-Type: text/html; charset=utf-8", "Connection: close", *lines]
    return "\r\n".join([*named, "", ""]).encode("latin-1")


def answering(body: bytes, *lines: str, status: str = "200 OK") -> Answer:
    """A whole answer, with more header lines if there are any."""
    whole = head(f"Content-Length: {len(body)}", *lines, status=status) + body
    return lambda exchange: exchange.send(whole)


def page(ticks: Sequence[PrintedTick] = _TICKS, page_date: date = _TODAY) -> bytes:
    """A page of the site."""
    return render_html(ticks, page_date).encode()


def _with_rate(pair: str, rate_text: str, change_text: str) -> list[PrintedTick]:
    return [
        replace(tick, rate_text=rate_text, change_text=change_text) if tick.pair == pair else tick for tick in _TICKS
    ]


_PAGE = page()
_SOUND = answering(_PAGE, f"ETag: {_ETAG}")


def _reset_in_body(exchange: Exchange) -> None:
    exchange.send(head(f"Content-Length: {len(_PAGE)}") + _PAGE[:500])
    exchange.reset()


def _says_nothing(exchange: Exchange) -> None:
    exchange.pause(_SILENCE_S)


def _drips_headers(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\n")
    exchange.drip([b"X-Slow: 1\r\n"] * _DRIPS, _DRIP_PAUSE_S)


def _drips_body(exchange: Exchange) -> None:
    exchange.send(head(f"Content-Length: {len(_PAGE)}"))
    exchange.drip([_PAGE[at : at + 1] for at in range(_DRIPS)], _DRIP_PAUSE_S)


def _stalls(exchange: Exchange) -> None:
    exchange.send(head(f"Content-Length: {len(_PAGE)}") + _PAGE[:500])
    exchange.pause(_SILENCE_S)


def _cuts_short(exchange: Exchange) -> None:
    exchange.send(head(f"Content-Length: {len(_PAGE)}") + _PAGE[: len(_PAGE) // 2])


def _announces_less(exchange: Exchange) -> None:
    exchange.send(head(f"Content-Length: {_PAGE.rindex(b'0.00008')}") + _PAGE)


def _sends_bomb(exchange: Exchange) -> None:
    """One gigabyte of zeros as gzip, a megabyte on the wire: after each full flush the same block comes again."""
    packing = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    blocks = [packing.compress(bytes(1_000_000)) + packing.flush(zlib.Z_FULL_FLUSH) for _ in range(2)]
    exchange.send(head("Content-Encoding: gzip") + blocks[0])
    exchange.drip([blocks[1]] * 999, 0)


def _never_ends(exchange: Exchange) -> None:
    exchange.send(head("Transfer-Encoding: chunked"))
    exchange.drip([b"10000\r\n" + _BLOCK + b"\r\n"] * 100_000, 0)


def _sends_much(exchange: Exchange) -> None:
    exchange.send(head(f"Content-Length: {_TEN_MB}") + _PAGE)
    exchange.drip([b" " * 10_000] * ((_TEN_MB - len(_PAGE)) // 10_000 + 1), 0)


def _moves_to_other_host(exchange: Exchange) -> None:
    port = exchange.request.host.rpartition(":")[2]
    exchange.send(head("Content-Length: 0", f"Location: http://localhost:{port}/", status="301 Moved Permanently"))


def _unmodified(exchange: Exchange) -> None:
    if f"if-none-match: {_ETAG}" in exchange.request.head:
        exchange.send(head(f"ETag: {_ETAG}", status="304 Not Modified"))
    else:
        _SOUND(exchange)


_NET = (
    Fault(
        "refused",
        "nothing listens at the port",
        _SOUND,
        (Outcome.UNREACHABLE,),
        http_status=None,
        url="http://127.0.0.1:{closed_port}/",
    ),
    Fault(
        "dns",
        "the host's name does not exist",
        _SOUND,
        (Outcome.UNREACHABLE, Outcome.TIMEOUT),  # a name server that does not answer takes all the time there is
        http_status=None,
        url="http://ticker.invalid/",
    ),
    Fault(
        "tls",
        "an https port that speaks no TLS",
        _SOUND,
        (Outcome.UNREACHABLE,),
        http_status=None,
        url="https://127.0.0.1:{port}/",
    ),
    Fault("reset", "resets the connection in the body", _reset_in_body, (Outcome.UNREACHABLE,), http_status=None),
    Fault("silent", "takes the request, never answers", _says_nothing, (Outcome.TIMEOUT,), http_status=None),
    Fault("slow-headers", "one header line at a time", _drips_headers, (Outcome.TIMEOUT,), http_status=None),
    Fault("dripping-body", "one byte at a time", _drips_body, (Outcome.TIMEOUT,), http_status=None),
    Fault("stalled-body", "500 bytes, then silence", _stalls, (Outcome.TIMEOUT,), http_status=None),
    Fault("truncated-body", "half the page, then a close", _cuts_short, (Outcome.UNREACHABLE,), http_status=None),
    Fault("wrong-length", "a length that ends in the ticker", _announces_less, (Outcome.DAMAGED,)),
    Fault("gzip-bomb", "1 MB of gzip that holds 1 GB", _sends_bomb, (Outcome.TOO_LARGE,)),
    Fault("endless-body", "a body without an end", _never_ends, (Outcome.TOO_LARGE,)),
    Fault("10-mb-page", "a sound page with 10 MB behind it", _sends_much, (Outcome.TOO_LARGE,)),
)
_STATUS = (
    Fault("moved", "301 to another host", _moves_to_other_host, (Outcome.HTTP_ERROR,), http_status=301),
    Fault(
        "redirect-loop",
        "302 to itself",
        answering(b"", "Location: /", status="302 Found"),
        (Outcome.HTTP_ERROR,),
        http_status=302,
    ),
    Fault(
        "not-modified",
        "304 after a sound page with an ETag",
        _unmodified,
        (Outcome.OK,),
        ticks=5,
        http_status=304,
        before=_SOUND,
    ),
    Fault("403", "refuses", answering(b"no", status="403 Forbidden"), (Outcome.HTTP_ERROR,), http_status=403),
    Fault("404", "knows no such page", answering(b"", status="404 Not Found"), (Outcome.HTTP_ERROR,), http_status=404),
    Fault(
        "429",
        "asks for an hour of peace",
        answering(b"", "Retry-After: 3600", status="429 Too Many Requests"),
        (Outcome.HTTP_ERROR,),
        http_status=429,
    ),
    Fault(
        "backoff",
        "the slot after such a 429",
        _SOUND,
        (Outcome.BACKOFF,),
        http_status=None,
        before=answering(b"", "Retry-After: 3600", status="429 Too Many Requests"),
    ),
    Fault("500", "a fault of the site's", answering(b"", status="500 Oops"), (Outcome.HTTP_ERROR,), http_status=500),
    Fault(
        "503",
        "away for maintenance",
        answering(b"", status="503 Service Unavailable"),
        (Outcome.HTTP_ERROR,),
        http_status=503,
    ),
    Fault(
        "robots",
        "robots.txt forbids the page",
        _SOUND,
        (Outcome.DISALLOWED,),
        http_status=None,
        robots=answering(b"User-agent: *\nDisallow: /\n"),
    ),
    Fault(
        "robots-500",
        "cannot say what robots may ask",
        _SOUND,
        (Outcome.HTTP_ERROR,),
        http_status=500,
        needle="robots.txt: status 500",
        robots=answering(b"", status="500 Oops"),
    ),
)
_PAGES = (
    Fault("sound", "the page as it should be", _SOUND, (Outcome.OK,), ticks=5),
    Fault("challenge", "a 200 that is a challenge page", answering(_CHALLENGE.encode()), (Outcome.BLOCKED,)),
    Fault("empty", "a page of no bytes", answering(b""), (Outcome.NO_TICKER,)),
    Fault("no-ticker", "a page without the ticker", answering(page(())), (Outcome.NO_TICKER,)),
    Fault(
        "damaged",
        "one copy of the ticker disagrees",
        answering(_PAGE.replace(b"0.28571", b"0.38571", 1)),
        (Outcome.DAMAGED,),
    ),
    Fault(
        "stale",
        "a page with a date of last week",
        answering(page(page_date=date(2025, 11, 7))),
        (Outcome.STALE,),
        ticks=5,
    ),
    Fault(
        "pair-missing",
        "TMT is gone from the ticker",
        answering(page(_TICKS[:4])),
        (Outcome.OK,),
        ticks=4,
        needle="pair missing: TMT/USD",
        before=_SOUND,
    ),
    Fault(
        "new-pair",
        "AFN has come to the ticker",
        answering(page([*_TICKS, PrintedTick("AFN/USD", "0.01512", "0%")])),
        (Outcome.OK,),
        ticks=6,
        needle="new pair: AFN/USD",
        before=_SOUND,
    ),
    Fault(
        "rate-jump",
        "KZT is a hundred times what it was",
        answering(page(_with_rate("KZT/USD", "0.19100", "0%"))),
        (Outcome.OK,),
        ticks=5,
        needle="rate jump: KZT/USD",
        before=_SOUND,
    ),
)
FAULTS = {fault.name: fault for fault in (*_PAGES[:1], *_NET, *_STATUS, *_PAGES[1:])}
"""All faults by name, the page as it should be before them."""
