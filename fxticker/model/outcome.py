"""Outcomes of slots; apart from the records, so that errors and the command line start without those."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """The outcome of one slot: a closed set."""

    OK = "ok"
    """The ticker was read and its ticks are stored."""
    MISSED = "missed"
    """Nothing ran: the daemon was down or the machine asleep."""
    OVERRUN = "overrun"
    """The previous poll of this source was still running."""
    BACKOFF = "backoff"
    """Backed off, because the source sent Retry-After or failed too often: nothing was requested."""
    DISALLOWED = "disallowed"
    """The site's robots.txt forbids the page: it was not requested."""
    STOPPED = "stopped"
    """The daemon was stopped while this poll ran."""
    UNREACHABLE = "unreachable"
    """No whole HTTP answer: DNS, refused, TLS, reset, cut short."""
    TIMEOUT = "timeout"
    """The total deadline passed."""
    HTTP_ERROR = "http_error"
    """An answer whose status is not 200."""
    TOO_LARGE = "too_large"
    """The decoded body passes the limit."""
    BLOCKED = "blocked"
    """A 200 that is a challenge page or no page at all."""
    NO_TICKER = "no_ticker"
    """A page without the ticker."""
    DAMAGED = "damaged"
    """Copies disagree, are cut short, or have invalid numbers."""
    STALE = "stale"
    """The page prints an old date, or a cache had it for too long. Its ticks are stored, for the source showed them."""
    ERROR = "error"
    """A fault in fxticker or in the code of a source; the log has the traceback."""
    CLOCK = "clock"
    """This machine's clock is an hour or more behind the time that servers send: no tick is stored."""
