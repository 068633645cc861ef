"""Reading process: reads stretches of WARC files, one after the other, for the process that started it.

It is started as ``python -m fxticker.backfill.reading_process``. Stretches arrive on standard input, what is read
leaves on standard output, both pickled; it ends with its input. Files are untrusted, and these pipes are not: both ends
are this program.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys

from fxticker.backfill.stretches import read_stretch
from fxticker.errors import FxTickerError


def main() -> None:
    """Answer until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is for the process that started this one
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # what a plug-in prints is no answer
        while True:
            try:
                arguments = pickle.load(sys.stdin.buffer)  # noqa: S301  of the process that started this one
            except EOFError:
                return
            try:
                answer: object = read_stretch(*arguments)
            except (OSError, FxTickerError) as error:
                answer = error
            try:
                pickle.dump(answer, answers, pickle.HIGHEST_PROTOCOL)
                answers.flush()
            except BrokenPipeError:  # the process that asked is gone
                os._exit(1)


if __name__ == "__main__":
    main()
