"""Design parameters: measurements of fxticker's own, such as the rows of a segment, and of its parser beside others."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.running import Workers, log_progress
from benchmarks.storing import ROUNDS
from fxticker.store.segments import SEGMENT_ROWS

SEGMENT_SIZES = (10_000, 25_000, 50_000, 100_000, 250_000)
READERS = (
    "fxticker.parse",
    "selectolax, pattern",
    "lxml, pattern",
    "BeautifulSoup (lxml), pattern",
    "BeautifulSoup (html.parser), pattern",
)
ARCHIVE_PAGES = 10_000
"""Captures in the file, 275 MB: ten seconds on one core."""
ARCHIVE_WAYS = ("parser", "1", "2")
"""Ways to read an archive: the parser alone, and imports in one process and in two."""
_IMPORT_LIMIT_S = 60.0
"""Seconds after which an import is stopped."""
_READING_S = 1.5
"""Seconds of reading per turn."""


def import_rows(workers: Workers, stores: dict[int, Path], rows: int, work: Path) -> list[dict[str, Any]]:
    """Measure imports into copies of stores of some sizes, as objects and as a table."""
    log_progress("--- import")
    records = []
    for stored, store in stores.items():
        for way in ("table", "objects"):
            copy = work / "import"
            shutil.copytree(store, copy)
            done = workers.attempt(
                "importing:run", way=way, folder=str(copy), rows=min(rows, 1_000_000), limit_s=_IMPORT_LIMIT_S
            )
            shutil.rmtree(copy)
            if done and done["rows"]:
                records.append({"held": stored, "way": way, **done})
    return records


def segment_growth(workers: Workers, rows: int, work: Path) -> dict[str, Any] | None:
    """Measure appends while a segment grows from its first row until it is sealed."""
    log_progress("--- segment growth until sealed")
    folder = work / "growth"
    done = workers.attempt("segment_growth:run", folder=str(folder), segment_rows=min(SEGMENT_ROWS, rows))
    shutil.rmtree(folder)
    return done


def segment_sizes(workers: Workers, data: Path, work: Path) -> list[list[dict[str, Any]]]:
    """Return, for each size of a segment, the results of its turns."""
    log_progress("--- segment sizes and encodings")
    turns: dict[int, list[dict[str, Any]]] = {size: [] for size in SEGMENT_SIZES}
    for _ in range(ROUNDS):
        for size in SEGMENT_SIZES:
            done = workers.attempt(
                "encoding:segments", folder=str(work / "segments"), data=str(data), segment_rows=size
            )
            shutil.rmtree(work / "segments")
            if done:
                turns[size].append(done)
    return [results for results in turns.values() if results]


def codecs(workers: Workers, work: Path) -> dict[str, list[dict[str, Any]] | None]:
    """Measure the encodings of an open segment, half full, and of a sealed one."""
    return {
        state: workers.attempt("encoding:codecs", folder=str(work / state), rows=rows, segment_rows=SEGMENT_ROWS)
        for state, rows in (("open", SEGMENT_ROWS // 2), ("sealed", SEGMENT_ROWS))
    }


def import_archive(workers: Workers, work: Path, pages: int = ARCHIVE_PAGES) -> dict[str, Any] | None:
    """Measure the import of a WARC file in one process and in two, and the parser alone on its pages."""
    log_progress("--- archive of pages")
    path = work / "pages.warc.gz"
    sizes = workers.attempt("archive_import:write", path=str(path), pages=pages)
    turns: dict[str, list[float]] = {way: [] for way in ARCHIVE_WAYS}
    for _ in range(ROUNDS if sizes else 0):
        for way, speeds in turns.items():
            done = workers.attempt("archive_import:run", way=way, path=str(path), folder=str(work / "archive"))
            if done:
                speeds.append(done["pages_per_s"])
                if way != "parser" and done["pages"] != pages:
                    workers.problem(f"{done['pages']} of {pages} pages were imported by {way} processes")
    path.unlink(missing_ok=True)
    return {**sizes, "ways": turns} if sizes else None


def read_pages(workers: Workers, readers: Iterable[str] = READERS) -> list[dict[str, Any]]:
    """Measure the pages per second of each reader; all must read the same."""
    log_progress("--- pages")
    turns: dict[str, list[dict[str, Any]]] = {reader: [] for reader in readers}
    for _ in range(ROUNDS):
        for reader, done in turns.items():
            result = workers.attempt("page_reading:run", reader=reader, seconds=_READING_S)
            if result:
                done.append(result)
    answers = {str(turn["answer"]) for done in turns.values() for turn in done}
    if len(answers) > 1:
        workers.problem(f"readers of the page disagree: {answers}")
    return [
        {"reader": reader, "page_bytes": done[0]["page_bytes"], "pages_per_s": [turn["pages_per_s"] for turn in done]}
        for reader, done in turns.items()
        if done
    ]
