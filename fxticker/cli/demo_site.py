"""The command `demo-site`: a site on loopback for a recorder to poll."""

from __future__ import annotations

import signal
import sys
import threading

import click


@click.command("demo-site")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, help="Port on 127.0.0.1.")
def demo_site(port: int) -> None:
    """Serve recorded tickers on loopback, for a recorder to poll.

    To try a recorder without the network. Each request gets the next of the tickers that the demo replays, with today's
    date: real rates, but not of today, so let the recorder have a store of its own. Prints a configuration for it.
    SIGTERM and Ctrl-C end it.
    """
    from fxticker.model.clock import SystemClock
    from fxticker.simulation.recorded_site import CONFIGURATION, recorded_site

    with recorded_site(port, clock=SystemClock()) as url:
        signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))  # a container's first process needs one
        print(f"Serving recorded tickers on {url} until Ctrl-C. A recorder polls them with this configuration:\n")
        print(CONFIGURATION.format(url=url), flush=True)
        threading.Event().wait()
