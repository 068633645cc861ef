"""Real history end to end: days of a real aggregator, from its packages to the comparison with the ticker.

    python tests/real_history.py

The aggregator publishes each day's collection as a package of npm, one version a day. This takes the days of
``cases/real_history.toml`` with ``npm pack``, one after another and only those that are not in the folder yet, and
keeps of each the file that the source requests. A server on loopback serves the files at the source's own paths,
`backfill` stores them through the source's own client, and `compare` puts them beside the ticker of the packaged
captures. Printed are the scores of each pair and lag.
"""

import argparse
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pandas as pd
from builders import capture_ticks, cases
from servers import fetcher

import fxticker as fx
from fxticker.backfill.bank_history import backfill
from fxticker.fetch.throttle import Throttle
from fxticker.simulation.loopback_server import LoopbackServer, answering
from fxticker.sources.fawazahmed0 import SOURCE
from fxticker.store.store import Store

CASES = cases("real_history")
FOLDER = Path(__file__).parent.parent / "real-history"
PACKAGE = "@fawazahmed0/currency-api"
MEMBER = "package/v1/currencies/usd.json"
MAX_MEMBER_BYTES = 1_000_000
"""Bytes of the file of a day: it has some 10,000."""
MAX_PACKAGES = 40
"""Packages that are taken at most: this is a test, and no mirror."""
LAGS_DAYS = range(-2, 3)
_DAY = timedelta(days=1)


def published_days():
    """The days to take, in order."""
    spans = [
        (first + _DAY * number, last) for first, last in CASES["spans"] for number in range((last - first).days + 1)
    ]
    days = [day for day, last in spans if day not in CASES["absent"]]
    assert len(days) <= MAX_PACKAGES
    return days


def download(folder):
    """Take the days that the folder lacks, one by one."""
    folder.mkdir(exist_ok=True)
    for day in published_days():
        if not (folder / f"{day}.json").exists():
            with tempfile.TemporaryDirectory() as place:
                version = f"{PACKAGE}@{day.year}.{day.month}.{day.day}"
                command = ["npm", "pack", "--silent", "--pack-destination", place, version]
                subprocess.run(command, check=True, timeout=120, stdout=subprocess.DEVNULL)
                [package] = Path(place).iterdir()
                unpack(package, folder / f"{day}.json")
            print(f"{version} taken")


def unpack(package, target):
    """Write the file of a package that the source requests."""
    with tarfile.open(package) as archive:
        member = archive.getmember(MEMBER)
        if not member.isfile() or member.size > MAX_MEMBER_BYTES:
            raise ValueError(f"{package}: {MEMBER} is no file of at most {MAX_MEMBER_BYTES} bytes")
        target.write_bytes(archive.extractfile(member).read())


def fill(store, folder):
    """Store the folder's days over HTTP; the counts of each span's run."""

    def serve(exchange):
        path = exchange.request.split()[1]
        file = next(
            (file for file in folder.glob("*.json") if path == f"/npm/{PACKAGE}@{file.stem}/v1/currencies/usd.json"),
            None,
        )
        if file is None:
            answering(b"Couldn't find the requested release version", status="404 Not Found")(exchange)
        else:
            answering(file.read_bytes(), media_type="application/json; charset=utf-8")(exchange)

    with LoopbackServer(serve) as server, fetcher() as fetch:
        source = replace(SOURCE, url=f"{server.url.rstrip('/')}/npm/{PACKAGE}@latest/v1/currencies/usd.json")
        throttle = Throttle(sleep=lambda seconds: None)  # nobody else is served
        return [
            backfill(source, source.history, first=first, last=last, fetch=fetch, store=store, throttle=throttle)
            for first, last in CASES["spans"]
        ]


def agreement(store):
    """The scores of each pair and lag: see `fx.scores`.

    Only ticks of days whose own collection is stored count, with none carried forward.
    """
    parts = []
    for lag in LAGS_DAYS:
        rows = fx.compare(store, sources=[SOURCE.id], lag_days=lag)
        rows = rows[rows["official_at"] == rows["day"] - pd.Timedelta(days=lag)]
        parts += [fx.scores(rows).assign(lag_days=lag)] if len(rows) else []
    return pd.concat(parts).sort_values(["pair", "lag_days"], ignore_index=True)


def main():
    """Take what is missing, run, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the files of the days are kept")
    folder = parser.parse_args().folder
    download(folder)
    with tempfile.TemporaryDirectory() as place:
        store = Store(Path(place))
        store.append(capture_ticks())
        runs = fill(store, folder)
        print(f"{sum(run.filled for run in runs)} days stored, {sum(run.absent for run in runs)} not published")
        table = agreement(store)
    print(table.to_string(index=False, float_format="{:.3f}".format))
    return 0 if all(not run.refused and run.stopped is None for run in runs) else 1


if __name__ == "__main__":
    sys.exit(main())
