"""Command run: one run of the operator's command, bounded in time and output.

Not `subprocess.run`: its timeout kills the command and not the processes it started, it keeps all output in memory, and
no stop can interrupt it.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from fxticker.errors import one_line

_OUTPUT_BYTES = 2_000
"""Bytes of a command's output that are kept."""
_END_S = 1.0
"""Seconds that a killed command has to end."""
_CHECK_S = 0.05
"""Seconds between two checks for the time limit and the stop."""


@dataclass(frozen=True, slots=True)
class CommandEnd:
    """How a run ended.

    Attributes
    ----------
    code
        Exit code; negative, the signal that ended it; ``None`` if it could not be killed and still runs.
    output
        The beginning of what the command printed, as one line; empty if it printed nothing.
    is_killed
        Whether it had to be killed, because it took too long or a stop did not wait for it.
    """

    code: int | None
    output: str
    is_killed: bool

    @property
    def is_good(self) -> bool:
        """Whether the command succeeded."""
        return self.code == 0 and not self.is_killed

    def described(self, timeout_s: float) -> str:
        """Return the end and what was printed as one line, given the time limit of the run."""
        text = f"was killed after {timeout_s:g} s" if self.is_killed else f"ended with {self.code}"
        if self.code is None:
            text = f"took more than {timeout_s:g} s and cannot be killed"
        return f"{text}: {self.output}" if self.output else text


def run_command(
    arguments: Sequence[str], data: bytes, *, timeout_s: float, is_closing: threading.Event | None = None
) -> CommandEnd:
    """Run a command with data on its standard input, without a shell.

    Parameters
    ----------
    arguments
        The program and its arguments.
    data
        At most what fits into a pipe: the command need not read it.
    timeout_s
        Seconds after which its process group is killed.
    is_closing
        Once set, the process group is killed.

    Raises
    ------
    OSError, ValueError
        If it cannot be started.
    """
    limit = _Limit(time.monotonic() + timeout_s, is_closing or threading.Event())
    process = subprocess.Popen(  # noqa: S603  the operator's own command, without a shell
        list(arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdout:  # not `with process`, which waits for its end without a limit
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(data)
        output = _read_output(process, process.stdout.fileno(), limit)
        while process.poll() is None and not limit.is_over():
            limit.is_closing.wait(_CHECK_S)
        is_late = process.returncode is None
        code = _killed(process) if is_late else process.returncode
    return CommandEnd(code, one_line(output.decode("utf-8", "replace")), is_late and code == -signal.SIGKILL)


def _killed(process: subprocess.Popen[bytes]) -> int | None:
    """Kill a command's process group, and return its exit code; None if it goes on.

    It does where it runs as another account, as with sudo, or waits for a disk that does not answer.
    """
    with contextlib.suppress(PermissionError):
        # it was not waited for yet, so no other process can have its group's number
        os.killpg(process.pid, signal.SIGKILL)
    try:
        return process.wait(_END_S)
    except subprocess.TimeoutExpired:
        threading.Thread(target=process.wait, daemon=True).start()
        return None


@dataclass(frozen=True, slots=True)
class _Limit:
    """When a run must be over: at an instant of the monotonic clock, or once the program stops."""

    deadline_s: float
    is_closing: threading.Event

    def is_over(self) -> bool:
        return self.is_closing.is_set() or time.monotonic() >= self.deadline_s


def _read_output(process: subprocess.Popen[bytes], pipe: int, limit: _Limit) -> bytes:
    """Returns the first bytes of the output; the rest is read too, so that the command does not block.

    A process that the command left behind may keep the pipe open: once the command has ended, what is there counts.
    """
    output = b""
    while not limit.is_over():
        has_ended = process.poll() is not None
        if select.select([pipe], [], [], 0 if has_ended else _CHECK_S)[0]:
            if not (part := os.read(pipe, 65_536)):
                break
            output += part[: _OUTPUT_BYTES - len(output)]
        elif has_ended:
            break
    return output
