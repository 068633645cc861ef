"""Error tree: every error that fxticker raises itself, a class per kind of failure.

::

    FxTickerError
    ├── ConfigError(ValueError)          a setting is unknown or invalid: correct config.toml
    ├── NoData(LookupError)              nothing stored matches the request
    │   └── StaleRate                    … but a rate older than allowed: raise max_age, or find why no newer one came
    ├── NotDerivable(ValueError)         no stored pair gives the requested one: see what is stored
    │   └── NotStored                    … and only stored ones were asked for
    ├── UndatedPage(ValueError)          a saved page shows no date: give --observed-at
    ├── MissingExtra(ImportError)        a package of an extra is not installed: install the extra
    ├── FetchError                       no usable HTTP answer; carries `outcome`
    │   ├── Unreachable                  no whole HTTP answer: DNS, refused, TLS, reset, cut short
    │   ├── DeadlineExceeded             the answer took longer than the deadline
    │   ├── BadStatus                    an answer whose status the request cannot use
    │   ├── BodyTooLarge                 the decoded body exceeds the limit
    │   ├── UnexpectedContent            a 200 that is no page: wrong type or encoding
    │   ├── Disallowed                   the site's robots.txt forbids the page
    │   └── FetchStopped                 fxticker was stopped while waiting
    ├── ParseError(ValueError)           the page cannot be read; carries `outcome`
    │   ├── NoTicker                     the page shows no ticker
    │   │   └── ChallengePage            … because it is a challenge or refusal page
    │   ├── DamagedPage                  copies disagree, are cut short, or have invalid numbers
    │   └── OtherDate                    an answer for another day than the requested one
    └── StoreError
        ├── StoreLocked(TimeoutError)    another process writes: wait for it or stop it
        ├── NotOwner                     root was to write into another account's store: run it as that account
        ├── OtherStore                   the store of before is gone: mount or move it back, or ask for a new one
        ├── NestedStore                  a new store would lie inside another one: name that one, or a place apart
        ├── SegmentUnreadable            a file is corrupt or foreign: run ``fxticker check``
        ├── SchemaMismatch               rows or a file do not fit the schema
        │   └── NewerSchema              … because a newer fxticker wrote the file: use that one
        └── WriteFailed(OSError)         the storage refused: disk full, no permission, gone
            └── Conflict                 … because another writer replaced the object meanwhile: repeat the call

Beside it, as the model imports nothing: ``model.invalid.InvalidArgument(ValueError)``, a given value is meaningless.
"""

from __future__ import annotations

import errno
import shlex
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import ClassVar, Self

from fxticker.model.durations import OTHER_LIMIT, excess_text, limit_text
from fxticker.model.outcome import Outcome


def one_line(text: object, most: int = 300) -> str:
    """Return a text as one line of so many characters at most: text of a page or a file must not forge log lines.

    A longer one ends with an ellipsis.
    """
    joined = " ".join(str(text).split())
    if len(joined) > most:
        joined = joined[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"
    if joined.isprintable():
        return joined
    return "".join(mark if mark.isprintable() else "\N{REPLACEMENT CHARACTER}" for mark in joined)


class FxTickerError(Exception):
    """The root of every error that fxticker raises on purpose, apart from arguments that mean nothing: see above."""


class ConfigError(FxTickerError, ValueError):
    """The configuration is invalid.

    Attributes
    ----------
    problems
        One line per invalid key: the key, the given value, the allowed values.
    """

    def __init__(self, origin: str, problems: list[str]) -> None:
        self.origin = origin
        self.problems = problems
        super().__init__(f"{origin}: " + "; ".join(problems))


class NoData(FxTickerError, LookupError):
    """Nothing stored matches the request."""


class StaleRate(NoData):
    """The last rate is older than the caller allows.

    Attributes
    ----------
    pair, source
        The rate's pair and source.
    when
        When it was last shown, as text for the message.
    age
        Its age at the requested instant; that of a date-only rate counts from the end of the day.
    """

    def __init__(self, pair: str, source: str, when: str, age: timedelta, max_age: timedelta) -> None:
        self.pair = pair
        self.source = source
        self.when = when
        self.age = age
        super().__init__(
            f"{source} last showed {pair} {when}, and that is {excess_text(age, max_age)} old at the instant that was "
            f"asked for; the limit is {limit_text(max_age)}; {OTHER_LIMIT}"
        )


class NotDerivable(FxTickerError, ValueError):
    """A pair is neither stored nor the inverse or cross of what is."""


class NotStored(NotDerivable):
    """A pair is not among the stored ones, and stored ticks were asked for, which are never derived.

    Attributes
    ----------
    pairs, stored
        The pairs that are not stored, and those that are.
    sources
        The sources that were asked for; none for all.
    """

    def __init__(self, pairs: Sequence[str], stored: Sequence[str], sources: Sequence[str] = ()) -> None:
        self.pairs = pairs
        self.stored = stored
        self.sources = sources
        of = f" of {', '.join(sources)}" if sources else ""
        are = "is" if len(pairs) == 1 else "are"
        known = {code for pair in stored for code in pair.split("/")}
        derivable = [pair for pair in pairs if {*pair.split("/")} <= known]
        ways = f"; quotes derives {', '.join(derivable)}" if derivable else ""
        super().__init__(f"{', '.join(pairs)} {are} not stored{of}; stored are {', '.join(stored)}{ways}")


class UndatedPage(FxTickerError, ValueError):
    """A saved page shows no date and none was given for it."""


class MissingExtra(FxTickerError, ImportError):
    """A package that only an extra installs is missing.

    Attributes
    ----------
    extra
        The extra's name.
    """

    def __init__(self, message: str, extra: str) -> None:
        self.extra = extra
        super().__init__(f"{message}: pip install 'fxticker[{extra}]'")


class FetchError(FxTickerError):
    """A request got no usable answer.

    Attributes
    ----------
    http_status
        Status of the last answer; None if there was none.
    attempts
        Requests made, retries included.
    retry_after
        The server's Retry-After header exactly as received, untrusted; None if there was none.
    headers
        Of the last answer, by lower-case name, untrusted; empty if there was none.
    """

    outcome: ClassVar[Outcome] = Outcome.UNREACHABLE

    def __init__(
        self,
        message: str,
        *,
        http_status: int | None = None,
        attempts: int = 1,
        retry_after: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.http_status = http_status
        self.attempts = attempts
        self.retry_after = retry_after
        self.headers = headers or {}
        super().__init__(message)

    def reworded(self, message: str) -> Self:
        """Return the same failure with another message."""
        return type(self)(
            message,
            http_status=self.http_status,
            attempts=self.attempts,
            retry_after=self.retry_after,
            headers=self.headers,
        )


class Unreachable(FetchError):
    """No whole HTTP answer came: name lookup, connection, TLS, reset or a body cut short."""


class DeadlineExceeded(FetchError, TimeoutError):
    """The answer was not complete within the total deadline."""

    outcome = Outcome.TIMEOUT


class BadStatus(FetchError):
    """The request cannot use the answer's status."""

    outcome = Outcome.HTTP_ERROR


class BodyTooLarge(FetchError):
    """The body exceeds the limit on decoded bytes."""

    outcome = Outcome.TOO_LARGE


class UnexpectedContent(FetchError):
    """A 200 whose type or encoding cannot be the page."""

    outcome = Outcome.BLOCKED


class Disallowed(FetchError):
    """The site's robots.txt forbids the page: it was not requested."""

    outcome = Outcome.DISALLOWED


class FetchStopped(FetchError):
    """The program was stopped while it waited for the answer."""

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
    """The ticker's copies disagree, are cut short, or have invalid numbers."""


class OtherDate(ParseError):
    """The answer is for another day than the requested one: some sources send today's rates for a day that they lack.

    Attributes
    ----------
    asked, answered
        The requested day or span, and the day of the answer.
    """

    def __init__(self, asked: str, answered: date) -> None:
        self.asked = asked
        self.answered = answered
        super().__init__(f"asked for {asked}, answered for {answered}")


class StoreError(FxTickerError):
    """The store cannot do what was requested."""


class StoreLocked(StoreError, TimeoutError):
    """Another process holds the store's lock.

    Attributes
    ----------
    holder
        The holder's entry in the lock file: process id, program, start time.
    is_daemon
        Whether it is the lock of the store's one daemon, and not that of writers.
    """

    def __init__(self, path: str, waited_s: float, holder: str, *, is_daemon: bool = False) -> None:
        self.path = path
        self.is_daemon = is_daemon
        self.waited_s = waited_s
        self.holder = holder
        waited = f"waited {waited_s:g} s for the lock; it" if waited_s else "the lock"
        super().__init__(f"{path}: {waited} is held by {holder or 'an unnamed process'}")


class NotOwner(StoreError):
    """Root was to write into the store of another account, which could then not replace the files."""

    def __init__(self, store: object, owner: str) -> None:
        super().__init__(
            f"{store}: this store belongs to {owner}, which cannot replace files that root writes: run the command as "
            f"`sudo -u {shlex.quote(owner)} fxticker ...`"
        )


class OtherStore(StoreError):
    """The daemon recorded into another store at this path before: the ids, and None for a store without one."""

    def __init__(self, store: object, known: str, found: str | None, state_file: str) -> None:
        self.known = known
        self.found = found
        here = "no store with an id" if found is None else f"another one, {found}"
        super().__init__(
            f"{store}: the store {known} was here before, and now there is {here}: mount its disk or move it back, or "
            f"begin a new one on purpose with `fxticker run --new-store`; what was before is from {state_file}"
        )


class NestedStore(StoreError):
    """A new store would lie inside another one, or have another one in the place of a table.

    Attributes
    ----------
    other
        Where the other store lies.
    """

    def __init__(self, store: object, other: object) -> None:
        self.other = str(other)
        super().__init__(
            f"{store}: no new store is begun here, because {other} is a store, and one must not lie inside the other: "
            f"name {other} itself, or a place apart from it"
        )


class SegmentUnreadable(StoreError):
    """A file of the store is corrupt or foreign.

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
    """A file of a newer version of the schema: intact, and not readable by this version of fxticker."""


class WriteFailed(StoreError, OSError):
    """The storage refused a write; nothing of it is acknowledged.

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


class Conflict(WriteFailed):
    """An object is not of the version that was read: another writer replaced, created or removed it meanwhile."""

    def __init__(self, store: object, name: str) -> None:
        super().__init__(store, name, OSError(errno.EAGAIN, "another writer changed it meanwhile"))
