"""Answer cache: answers that are asked for again and again, for as long as no file of the store changes.

The answer to a request follows from the request, the files of the store and the present. The files are known by their
listing, and the present counts for at most a minute: that is as long as a client may keep the answer itself.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from fxticker.web.answers import Answer, Keep

MAX_ANSWERS = 256
"""Answers that are kept."""
MAX_BYTES = 32_768
"""Bytes of an answer that is kept: of all of them 8 MB at most."""
_OK = 200


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer, the version of the store that it is of, and when it expires."""

    answer: Answer
    version: str
    expires: datetime


class AnswerCache:
    """The answers that were given last, by request."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[bytes, ...], Kept] = OrderedDict()

    def get(self, key: tuple[bytes, ...], version: str, now: datetime) -> Kept | None:
        """Return the answer to a request; None if it is not known, or not valid any more."""
        kept = self._kept.get(key)
        if kept is None or kept.version != version or kept.expires <= now:
            return None
        self._kept.move_to_end(key)
        return kept

    def put(self, key: tuple[bytes, ...], kept: Kept) -> None:
        """Keep an answer, if it is whole, sound and short."""
        answer = kept.answer
        is_meant = answer.is_cached and answer.keep is not Keep.NOT
        if is_meant and answer.status == _OK and isinstance(answer.body, bytes) and len(answer.body) <= MAX_BYTES:
            self._kept[key] = kept
            self._kept.move_to_end(key)
            if len(self._kept) > MAX_ANSWERS:
                self._kept.popitem(last=False)
