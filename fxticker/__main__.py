"""``python -m fxticker`` and the command ``fxticker``."""

import _signal  # type: ignore[import-not-found]  # is loaded already, unlike `signal` and what that imports
import os

os.environ.setdefault(
    "OPENBLAS_NUM_THREADS", "1"
)  # starting its threads takes longer than all that a command multiplies
if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
    # Until a command runs, an interrupt ends the process at once instead of with a traceback through imports.
    _signal.signal(_signal.SIGINT, lambda _number, _frame: os._exit(130))

from fxticker.cli import main

if __name__ == "__main__":
    main()
