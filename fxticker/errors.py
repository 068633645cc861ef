"""The error tree: every failure that fxticker names.

::

    FxTickerError
    ├── ConfigError(ValueError)          a setting is unknown or bad: mend config.toml
    ├── NoData(LookupError)              nothing stored answers the question
    │   └── StaleRate                    … but an older rate than was allowed would: allow it, or see why none came
    ├── NotDerivable(ValueError)         no stored pair gives the one asked for: see what is stored
    ├── UndatedPage(ValueError)          a saved page shows no date: say --observed-at
    ├── FetchError                       no usable answer from the net; carries `outcome`
    │   ├── Unreachable                  no whole HTTP answer: DNS, refused, TLS, reset, cut short
    │   ├── DeadlineExceeded             the answer took longer than the deadline
    │   ├── BadStatus                    an answer whose status is not the one asked for
    │   ├── BodyTooLarge                 the decoded body passes the limit
    │   ├── UnexpectedContent            a 200 that is no page: wrong type or encoding
    │   ├── Disallowed                   the site's robots.txt forbids the page
    │   └── FetchStopped                 we were told to stop while waiting
    ├── ParseError(ValueError)           the page cannot be read; carries `outcome`
    │   ├── NoTicker                     the page shows no ticker
    │   │   └── ChallengePage            … because it is a challenge or refusal page
    │   ├── DamagedPage                  copies disagree, are cut short, or hold bad figures
    │   └── OtherDate                    an answer for another day than was asked for
    └── StoreError
        ├── StoreLocked(TimeoutError)    another process writes: wait or stop it
        ├── SegmentUnreadable            a file is corrupt or foreign: run ``fxticker check``
        ├── SchemaMismatch               rows or a file do not fit the schema
        │   └── NewerSchema              … because a newer fxticker wrote the file: use that one
        └── WriteFailed(OSError)         the medium refused: disk full, no permission, gone
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import ClassVar

from fxticker.model.records import Outcome


def one_line(text: object) -> str:
    """A text as one bounded line: the words of a page or a file's name must not forge lines of a log or a terminal."""
    joined = " ".join(str(text).split())
    return "".join(mark if mark.isprintable() else "\N{REPLACEMENT CHARACTER}" for mark in joined)[:300]


_MINUTE = timedelta(minutes=1)


class FxTickerError(Exception):
    """The root of every error that fxticker raises on purpose."""


class ConfigError(FxTickerError, ValueError):
    """The configuration is not usable.

    Attributes
    ----------
    problems
        One line per bad key: the key, what was given, what is allowed.
    """

    def __init__(self, origin: str, problems: list[str]) -> None:
        self.origin = origin
        self.problems = problems
        super().__init__(f"{origin}: " + "; ".join(problems))


class NoData(FxTickerError, LookupError):
    """Nothing stored answers the question."""


class StaleRate(NoData):
    """The last rate is older than the caller allows.

    Attributes
    ----------
    pair, source
        Which rate, by which source.
    when
        When it was last shown, as a sentence says it.
    age
        How old it is at the instant asked for; that of a day counts from its end.
    """

    def __init__(self, pair: str, source: str, when: str, age: timedelta, max_age: timedelta) -> None:
        self.pair = pair
        self.source = source
        self.when = when
        self.age = age
        # rounded apart: what is more than allowed is not to be shown as if it were not
        old, allowed = -(-age // _MINUTE), max_age // _MINUTE
        super().__init__(
            f"{source} last showed {pair} {when}, and that is {old // 60} h {old % 60} min old at the instant that was "
            f"asked for; at most {allowed // 60} h {allowed % 60} min are allowed"
        )


class NotDerivable(FxTickerError, ValueError):
    """A pair is neither stored nor the inverse or cross of what is."""


class UndatedPage(FxTickerError, ValueError):
    """A saved page shows no date and none was given for it."""


class FetchError(FxTickerError):
    """A poll got no usable answer.

    Attributes
    ----------
    http_status
        Status of the last answer, null if there was none.
    attempts
        Requests made, retries included.
    retry_after
        The server's Retry-After exactly as it came, not to be trusted; null if there was none.
    """

    outcome: ClassVar[Outcome] = Outcome.UNREACHABLE

    def __init__(
        self, message: str, *, http_status: int | None = None, attempts: int = 1, retry_after: str | None = None
    ) -> None:
        self.http_status = http_status
        self.attempts = attempts
        self.retry_after = retry_after
        super().__init__(message)


class Unreachable(FetchError):
    """No whole HTTP answer came: name lookup, connection, TLS, reset or a body cut short."""


class DeadlineExceeded(FetchError, TimeoutError):
    """The answer was not complete within the total deadline."""

    outcome = Outcome.TIMEOUT


class BadStatus(FetchError):
    """The answer's status is none that the request can use."""

    outcome = Outcome.HTTP_ERROR


class BodyTooLarge(FetchError):
    """The body passes the limit on decoded bytes."""

    outcome = Outcome.TOO_LARGE


class UnexpectedContent(FetchError):
    """A 200 whose type or encoding cannot be the page."""

    outcome = Outcome.BLOCKED


class Disallowed(FetchError):
    """The site's robots.txt forbids the page: it was not asked for."""

    outcome = Outcome.DISALLOWED


class FetchStopped(FetchError):
    """The program was told to stop while the answer was awaited."""

    outcome = Outcome.STOPPED


class ParseError(FxTickerError, ValueError):
    """A page cannot be read as a snapshot."""

    outcome: ClassVar[Outcome] = Outcome.DAMAGED


class NoTicker(ParseError):
    """The page shows no ticker."""

    outcome = Outcome.NO_TICKER


class ChallengePage(NoTicker):
    """The page is a challenge or refusal, shown instead of the content."""

    outcome = Outcome.BLOCKED


class DamagedPage(ParseError):
    """The ticker's copies disagree, are cut short, or hold figures that cannot be."""


class OtherDate(ParseError):
    """The answer is for another day than was asked for: some sources send today's rates for a day that they lack.

    Attributes
    ----------
    asked, answered
        The two days; for a span, the day that lies outside it.
    """

    def __init__(self, asked: str, answered: date) -> None:
        self.asked = asked
        self.answered = answered
        super().__init__(f"asked for {asked}, answered for {answered}")


class StoreError(FxTickerError):
    """The store cannot do what was asked."""


class StoreLocked(StoreError, TimeoutError):
    """Another process holds the store's lock.

    Attributes
    ----------
    holder
        What the holder said of itself: process id, program, since when.
    """

    def __init__(self, path: str, waited_s: float, holder: str) -> None:
        self.path = path
        self.waited_s = waited_s
        self.holder = holder
        waited = f"waited {waited_s:g} s for the lock; it" if waited_s else "the lock"
        super().__init__(f"{path}: {waited} is held by {holder or 'an unnamed process'}")


class SegmentUnreadable(StoreError):
    """A file of the store is corrupt or not ours.

    Attributes
    ----------
    name
        The file's name inside the store.
    cause
        What is wrong with it, in one line.
    """

    def __init__(self, name: str, cause: str) -> None:
        self.name = name
        self.cause = cause
        super().__init__(f"{name}: cannot be read ({cause}); `fxticker check` lists every such file")


class SchemaMismatch(StoreError):
    """Rows or a file do not fit the schema of this version."""


class NewerSchema(SchemaMismatch):
    """A file of a newer version of the schema: sound, and not for this fxticker."""


class WriteFailed(StoreError, OSError):
    """The medium refused a write; nothing of it is acknowledged.

    Attributes
    ----------
    store
        Where the store lies.
    name
        The file's name inside the store.
    """

    def __init__(self, store: object, name: str, cause: OSError) -> None:
        self.name = name
        super().__init__(cause.errno, f"{store}/{name}: {cause.strerror or cause}")

    def __str__(self) -> str:
        return f"{self.args[1]} (nothing of this write is acknowledged)"
