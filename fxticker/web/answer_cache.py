"""Answer cache: answers that are asked for again and again, for as long as no file of the store changes.

The answer to a request follows from the request, the files of the store and the present. The files are known by their
listing, and the present counts for at most a minute: that is as long as a client may keep the answer itself.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from fxticker.web.answers import Answer, Keep, head_of

MAX_ANSWERS = 256
"""Answers that are kept."""
MAX_BYTES = 32_768
"""Bytes of an answer that is kept: of all of them 8 MB at most."""
_OK = 200

Key = tuple[str, bytes, bytes]
"""Path, query and the header ``Accept`` of a request."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer and how long it holds.

    Attributes
    ----------
    answer
        The answer.
    head
        Its headers, but for how long it may be kept.
    etag
        Its ETag.
    version
        The version of the store that it is of.
    expires
        When the present has gone on too far for it, aware UTC.
    """

    answer: Answer
    head: tuple[tuple[bytes, bytes], ...]
    etag: str
    version: str
    expires: datetime

    @classmethod
    def of(cls, answer: Answer, version: str, expires: datetime) -> Kept:
        """Return an answer with its headers."""
        etag = answer.etag
        return cls(answer, tuple(head_of(answer, etag)), etag, version, expires)

    @property
    def is_shared(self) -> bool:
        """Whether other requests may get it too: pieces are there once."""
        answer = self.answer
        return answer.is_cached and answer.keep is not Keep.NOT and isinstance(answer.body, bytes)


class AnswerCache:
    """The answers that were given last, by request."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self._computing: dict[tuple[Key, str], asyncio.Future[Kept]] = {}

    def get(self, key: Key, version: str, now: datetime) -> Kept | None:
        """Return the answer to a request; None if it is not known, or not valid any more."""
        kept = self._kept.get(key)
        if kept is None or kept.version != version or kept.expires <= now:
            return None
        self._kept.move_to_end(key)
        return kept

    async def computed(self, key: Key, version: str, compute: Callable[[], Awaitable[Kept]]) -> Kept:
        """Return the answer to a request, computed once for all that wait for the same one."""
        under_way = self._computing.get((key, version))
        if under_way is not None:
            kept = await asyncio.shield(under_way)
            return kept if kept.is_shared else await compute()
        task = asyncio.ensure_future(compute())
        self._computing[key, version] = task
        task.add_done_callback(lambda _: self._computing.pop((key, version)))
        kept = await asyncio.shield(task)
        self._put(key, kept)
        return kept

    def _put(self, key: Key, kept: Kept) -> None:
        """Keep an answer, if it is whole, sound and short."""
        body = kept.answer.body
        if kept.is_shared and kept.answer.status == _OK and isinstance(body, bytes) and len(body) <= MAX_BYTES:
            self._kept[key] = kept
            self._kept.move_to_end(key)
            if len(self._kept) > MAX_ANSWERS:
                self._kept.popitem(last=False)
