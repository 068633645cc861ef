"""Clock synchronisation: asks the kernel, or systemd-timesyncd, whether a time service keeps the machine's clock right.

Every time service (chrony, ntpd, systemd-timesyncd) reports this to the kernel, which clears the flag when the clock is
set by hand or not corrected for some hours: adjtimex(2), which needs no right to read. Where it cannot be called, as
under systemd's ``ProtectClock=yes``, the file counts that systemd-timesyncd touches at each synchronisation. The file
stays when it no longer runs, or reaches no server, or when the clock is set by hand, so its time must be of the last
hour by the clock that is judged. Where neither can be read, it is not known.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

TIMESYNCD_FILE = Path("/run/systemd/timesync/synchronized")
"""Touched by systemd-timesyncd at each synchronisation since boot: systemd-timesyncd.service(8)."""
_SYNCHRONISED_FOR = timedelta(hours=1)
"""How long a synchronisation counts: by default there is one at least every 34 min (timesyncd.conf(5)), and a clock
that is wrong by less is merely inexact."""
_SAME_CLOCK = timedelta(minutes=1)
"""A clock farther from the kernel's is another one, as of a simulation or of libfaketime."""
_STA_UNSYNC = 0x40
_TIME_ERROR = 5
"""Returned for a clock that is not synchronised: adjtimex(2)."""


@dataclass(frozen=True, slots=True)
class KernelClock:
    """The kernel's clock to the second, aware UTC, and whether it is synchronised."""

    now: datetime
    is_synchronised: bool


class _Timex(ctypes.Structure):
    """``struct timex``, with room for what follows its first fields: the kernel writes 208 bytes on 64-bit machines."""

    _fields_ = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("seconds", ctypes.c_long),
        ("rest", ctypes.c_char * 256),
    ]


def read_kernel_clock() -> KernelClock | None:
    """Ask the kernel; `None` if it cannot be asked."""
    timex = _Timex()  # modes 0: nothing is changed
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.byref(timex))
        now = datetime.fromtimestamp(timex.seconds, UTC)
    except (OSError, AttributeError, ValueError, OverflowError):
        return None
    if state < 0:
        return None
    return KernelClock(now, is_synchronised=state != _TIME_ERROR and not timex.status & _STA_UNSYNC)


def is_synchronised(
    now: datetime,
    *,
    read_kernel: Callable[[], KernelClock | None] = read_kernel_clock,
    timesyncd_file: Path = TIMESYNCD_FILE,
) -> bool | None:
    """Whether a clock that shows `now` is synchronised; `None` if that is not known."""
    kernel = read_kernel()
    if kernel is not None:
        return kernel.is_synchronised if abs(kernel.now - now) <= _SAME_CLOCK else None
    try:
        last = datetime.fromtimestamp(timesyncd_file.stat().st_mtime, UTC)
    except (OSError, ValueError, OverflowError):
        return None
    return True if -_SAME_CLOCK <= now - last <= _SYNCHRONISED_FOR else None
