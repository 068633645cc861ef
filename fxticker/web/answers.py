"""Answers: what an endpoint returns, and its HTTP response with validators and the time that it may be kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from enum import Enum
from typing import Any

import orjson

JSON = "application/json; charset=utf-8"
LONG_ROWS = 5000
"""Rows, about 1 MB, up to which an answer is sent whole, with an ETag of its bytes; a longer one is streamed."""

LONG_DAYS = 400
"""Days likewise: of five years at a poll a minute 13 million ticks are read, whatever is made of them."""


class Keep(Enum):
    """How long an answer may be kept."""

    LATEST = "latest"
    """Until the next slot, a minute at most."""
    REVALIDATED = "revalidated"
    """Only as long as its ETag is the same: what is past may be corrected."""
    NOT = "not"
    """Not at all."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint returns.

    Attributes
    ----------
    body
        Its bytes, or the pieces of a longer one.
    media_type
        Content type.
    status
        HTTP status.
    keep
        How long it may be kept.
    modified
        When the newest row that it was made of was recorded, aware UTC; None if that is not known.
    version
        Of pieces, what changes with their content; None for whole bodies, whose bytes are hashed.
    headers
        Further headers.
    tag
        Its ETag where that is not of the body, as of a part of a file; None elsewhere.
    is_cached
        Whether the same request may get the same answer without being computed again.
    """

    body: bytes | Iterator[bytes]
    media_type: str = JSON
    status: int = 200
    keep: Keep = Keep.REVALIDATED
    modified: datetime | None = None
    version: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    tag: str | None = None
    is_cached: bool = True

    @property
    def etag(self) -> str:
        """Its ETag: of the bytes, or of the files that pieces are made of."""
        if self.tag is not None:
            return self.tag
        if isinstance(self.body, bytes):
            return f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'
        return f'W/"{self.version}"'


def dumps(content: Any) -> bytes:
    """Return content as JSON."""
    return orjson.dumps(content)


def json_answer(content: Any, **facts: Any) -> Answer:
    """Return an answer in JSON."""
    return Answer(dumps(content), **facts)


def pieces_answer(
    pieces: Iterator[bytes],
    version: Callable[[], str],
    modified: Callable[[], datetime | None],
    *,
    is_long: bool,
    late_headers: Callable[[], Sequence[tuple[str, str]]] = tuple,
    **facts: Any,
) -> Answer:
    """Return an answer of pieces: whole if it is short, else to be streamed.

    Parameters
    ----------
    pieces
        Of the body, at least one.
    version
        Returns what changes with the content.
    modified
        Returns when the newest row of the pieces so far was recorded; a streamed answer does not have it.
    is_long
        Stream it, and compute nothing yet.
    late_headers
        Returns headers that are known after the last piece; a streamed answer does not have them.
    facts
        Further attributes of the answer.
    """
    if is_long:
        return Answer(pieces, version=version(), **facts)
    body = b"".join(pieces)
    headers = (*facts.pop("headers", ()), *late_headers())
    return Answer(body, modified=modified(), headers=headers, **facts)


def is_long(rows: int, days: int) -> bool:
    """Return whether an answer is streamed, by the rows that it has at most, and the days that are read for it."""
    return rows > LONG_ROWS or days > LONG_DAYS


def is_known(etag: str, tags: bytes) -> bool:
    """Return whether a client has an answer already, by the ``If-None-Match`` that it sends.

    ``If-Modified-Since`` is not looked at: when a tick is retracted, the newest row of an answer may be an older one.
    """
    known = [tag.strip().removeprefix("W/") for tag in tags.decode("latin-1").split(",")]
    return "*" in known or etag.removeprefix("W/") in known


def head_of(answer: Answer, etag: str) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer, but for `cache_control`."""
    head = [("content-type", answer.media_type)]
    if isinstance(answer.body, bytes):
        head.append(("content-length", str(len(answer.body))))
    if answer.status < 400:  # noqa: PLR2004
        head.append(("etag", etag))
        if answer.modified is not None:
            head.append(("last-modified", format_datetime(answer.modified, usegmt=True)))
    return encoded([*head, *answer.headers])


def encoded(headers: Sequence[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Return headers as ASGI has them; characters that no header can have become question marks."""
    return [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers]


def cache_control(answer: Answer, max_age_s: int) -> tuple[bytes, bytes]:
    """Return the header ``Cache-Control``; `max_age_s` counts for an answer about the present."""
    if answer.status >= 400 or answer.keep is Keep.NOT:  # noqa: PLR2004
        value = b"no-store"
    elif answer.keep is Keep.LATEST and max_age_s > 0:
        value = b"public, max-age=%d" % max_age_s
    else:
        value = b"no-cache"
    return b"cache-control", value
