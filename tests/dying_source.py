"""A source whose parser ends its process, once or each time, on a page that says so."""

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

from fxticker.sources.timesca import page


def parse(body, headers):
    if b"DIE ONCE" in body and not (mark := Path(os.environ["DIED"])).exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if b"DIE ALWAYS" in body:
        os._exit(3)
    if b"HANG" in body:
        time.sleep(600)
    return page.parse(body, headers)


SOURCE = replace(page.SOURCE, parse=parse)
