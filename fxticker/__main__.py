"""``python -m fxticker`` and the command ``fxticker``."""

import os
import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # Until a command runs, an interrupt ends the process at once instead of with a traceback through imports.
    signal.signal(signal.SIGINT, lambda _number, _frame: os._exit(130))

from fxticker.cli import main

if __name__ == "__main__":
    main()
