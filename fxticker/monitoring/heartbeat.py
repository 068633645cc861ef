"""Heartbeat: calls a URL while all is well, so that a dead man's switch elsewhere reports a machine that is lost."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Self

from fxticker.errors import BadStatus, FetchError, StoreError, one_line
from fxticker.fetch.client import Fetcher, Request
from fxticker.monitoring.observer import Observer

PAUSE_S = 60.0
"""Seconds between two calls, and before the first one: a daemon that its store ends at once makes none."""
CALL_S = 20.0
"""Seconds that a call may take."""
_MAX_BYTES = 100_000
"""Bytes of an answer that are accepted: services of this kind answer with a word."""
_STOP_S = 1.0
_SUCCESSFUL = range(200, 300)
_log = logging.getLogger("fxticker")


def call_url(fetcher: Fetcher, url: str) -> None:
    """Call a heartbeat's URL once; any failure is a `FetchError`."""
    fetcher.send(
        Request(
            url,
            media_types=None,
            statuses=_SUCCESSFUL,
            conditions={},
            timeout_s=CALL_S,
            max_bytes=_MAX_BYTES,
            retry_pauses_s=(),
        )
    )


class Heartbeat(Observer):
    """Makes calls in a thread of its own, within `with`.

    Parameters
    ----------
    call
        Makes one call; a `FetchError` if it fails.
    is_well
        Whether all sources are healthy at an instant.
    was_written
        Whether the last write before this process succeeded.
    monotonic
        Returns the seconds that pauses are measured by.
    """

    def __init__(
        self,
        call: Callable[[], None],
        *,
        is_well: Callable[[datetime], bool],
        was_written: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._call = call
        self._is_well = is_well
        self._is_written = was_written
        self._monotonic = monotonic
        self._last_s = monotonic()
        self._is_due = threading.Event()
        self._is_ending = False
        self._has_failed = False
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._is_ending = True
        self._is_due.set()
        self._thread.join(_STOP_S)

    def write_ended(self, duration_s: float, error: StoreError | None) -> None:
        """Note whether the last write succeeded."""
        del duration_s
        self._is_written = error is None

    def beat(self, now: datetime) -> None:
        """Have a call made if one is due and all is well."""
        now_s = self._monotonic()
        if now_s - self._last_s >= PAUSE_S and self._is_written and self._is_well(now):
            self._last_s = now_s
            self._is_due.set()

    def _run(self) -> None:
        while True:
            self._is_due.wait()
            self._is_due.clear()
            if self._is_ending:
                return
            try:
                self._call()
                self._has_failed = False
            except FetchError as error:
                # once, and without the URL, which is a secret, as is where a redirect leads
                has_status = isinstance(error, BadStatus) and error.http_status is not None
                text = f"status {error.http_status}" if has_status else one_line(error)
                _log.log(logging.DEBUG if self._has_failed else logging.WARNING, "heartbeat: %s", text)
                self._has_failed = True
