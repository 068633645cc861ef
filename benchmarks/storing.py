"""Comparison: fill, load and append to every contender at one size, in turns."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.answers import Answer
from benchmarks.contenders import CONTENDERS, Contender
from benchmarks.running import Workers, log_progress

ROUNDS = 3
"""Turns per contender, A B C A B C: a temporary disturbance of the machine affects all contenders."""
MIDDLE_ROWS = 1_000_000
"""Rows up to which a contender that rewrites all rows appends three times per turn."""
SMALL_ROWS = 10_000
"""Fewest rows at which loads are measured, unless it is the largest size."""
_APPENDS, _LOADS = 50, 5
"""Appends per turn, and repetitions of a load per turn at most."""


@dataclass(frozen=True, slots=True)
class Site:
    """One size of data, with the contenders' folders.

    Attributes
    ----------
    folder
        Folder of this size.
    rows
        Number of rows.
    is_largest
        Whether this is the largest size, where a contender with a limit stores as many rows as it can.
    """

    folder: Path
    rows: int
    is_largest: bool

    @property
    def data(self) -> Path:
        """File of the data for all contenders."""
        return self.folder / "data.arrow"

    def folder_of(self, contender: Contender) -> Path:
        """Return the folder of a contender's data."""
        return self.folder / _slug(contender.reads or contender.name)

    def rows_of(self, contender: Contender) -> int:
        """Return the number of rows that a contender stores; 0 if it is not measured at this size."""
        if contender.max_rows is None or contender.max_rows >= self.rows:
            return self.rows
        return contender.max_rows if self.is_largest else 0


def compare(site: Site, workers: Workers, contenders: Iterable[Contender]) -> list[dict[str, Any]]:
    """Return one record per contender: its size, loads and appends, as the workers reported them."""
    log_progress(f"--- {site.rows:,} rows")
    site.folder.mkdir(parents=True)
    workers.run("data:make", path=str(site.data), rows=site.rows)
    records = {}
    for contender in contenders:
        if not site.rows_of(contender):
            continue
        if contender.reads is None:
            filled = _filled(site, workers, contender)
            if filled is None:
                continue
        elif contender.reads not in records:
            continue
        else:
            filled = records[contender.reads]["filled"]
        records[contender.name] = {"contender": contender.name, "rows": site.rows_of(contender), "filled": filled}
    truths = {rows: _truth(site, workers, rows) for rows in {record["rows"] for record in records.values()}}
    if site.rows >= SMALL_ROWS or site.is_largest:
        _load(site, workers, records, truths)
    _append(site, workers, records, truths)
    return list(records.values())


def discard(site: Site, *, but: Iterable[str] = ()) -> None:
    """Remove the contenders' data with some exceptions, and leave the common data."""
    kept = {_slug(name) for name in but}
    for folder in site.folder.iterdir():
        if folder.is_dir() and folder.name not in kept:
            shutil.rmtree(folder)


def _filled(site: Site, workers: Workers, contender: Contender) -> dict[str, Any] | None:
    return workers.attempt(
        "storing:fill",
        arcticdb=_needs_arcticdb(contender),
        contender=contender.name,
        folder=str(site.folder_of(contender)),
        data=str(site.data),
    )


def _truth(site: Site, workers: Workers, rows: int) -> dict[str, Any]:
    return workers.run("data:answers", path=str(site.data), last_rows=None if rows == site.rows else rows)


def _load(site: Site, workers: Workers, records: dict[str, Any], truths: dict[int, Any]) -> None:
    for turn in range(ROUNDS):
        for name, record in records.items():
            contender, truth = CONTENDERS[name], truths[record["rows"]]
            if not contender.returns or (contender.loads_once and turn):
                continue
            loads = workers.attempt(
                "storing:load",
                arcticdb=_needs_arcticdb(contender),
                contender=name,
                folder=str(site.folder_of(contender)),
                month=truth["month"],
                at_most=1 if contender.loads_once else _LOADS,
                warm=not contender.loads_once,
                all_rows=contender.max_loaded_rows is None or record["rows"] <= contender.max_loaded_rows,
            )
            for load, measured in (loads or {}).items():
                if measured is not None:
                    _check(workers, f"{name}, {load} of {site.rows:,} rows", measured, truth["loads"][load])
                    kept = record.setdefault("loads", {}).setdefault(load, {"seconds": [], "peak_mb": 0})
                    kept["seconds"] += measured["seconds"]
                    kept["peak_mb"] = max(kept["peak_mb"], measured["peak_mb"])


def _append(site: Site, workers: Workers, records: dict[str, Any], truths: dict[int, Any]) -> None:
    appended: dict[str, int] = {}
    for turn in range(ROUNDS):
        for name, record in records.items():
            contender = CONTENDERS[name]
            if not contender.durability:
                continue
            count, warm = _appends(site, contender)
            done = workers.attempt(
                "storing:append",
                arcticdb=_needs_arcticdb(contender),
                contender=name,
                folder=str(site.folder_of(contender)),
                first=appended.get(name, 0),
                count=count,
                warm=warm,
                verify=turn == ROUNDS - 1,
            )
            if done is None:
                continue
            appended[name] = appended.get(name, 0) + done["appended"]
            expected = truths[record["rows"]]["last_month_rows_of_pair"] + appended[name]
            if done["rows_of_pair"] not in {None, expected}:
                workers.problem(f"{name}: {done['rows_of_pair']} rows of a pair after appends, not {expected}")
            record.setdefault("appends", {"seconds": []})["seconds"] += done["seconds"]


def _appends(site: Site, contender: Contender) -> tuple[int, bool]:
    """Return the number of appends in a turn, and whether uncounted ones come first."""
    if contender.rewrites and site.rows > SMALL_ROWS:
        return (3, False) if site.rows <= MIDDLE_ROWS else (1, False)
    return _APPENDS, True


def _check(workers: Workers, what: str, measured: dict[str, Any], truth: dict[str, Any]) -> None:
    if not Answer(**measured["answer"]).agrees(Answer(**truth)):
        workers.problem(f"{what}: {measured['answer']}, not {truth}")


def _needs_arcticdb(contender: Contender) -> bool:
    return "arcticdb" in contender.packages


def _slug(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name.lower())
