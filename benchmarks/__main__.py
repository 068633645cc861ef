"""Benchmarks: measure all contenders and write tables and charts: ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import design_parameters, machine, storing
from benchmarks.contenders import CONTENDERS, Contender
from benchmarks.drawing import draw
from benchmarks.report import render, summary
from benchmarks.running import Workers

_SIZES = (7_200, storing.SMALL_ROWS, storing.MIDDLE_ROWS)
"""Numbers of rows below the largest size at which growth is shown; the first is one day."""
_PACKAGES = ("fxticker", "pyarrow", "pandas", "numpy", "duckdb", "polars", "deltalake")
_READING_PACKAGES = ("beautifulsoup4", "lxml", "selectolax")


def main() -> int:
    """Run all measurements; return 1 if anything failed or gave a wrong answer."""
    options = _options()
    if options.redraw:
        _show(options.results, json.loads((options.results / "results.json").read_text()))
        return 0
    workers = Workers(options.arcticdb_python if _exists(options.arcticdb_python) else None)
    versions = _versions(workers)
    contenders = [contender for contender in CONTENDERS.values() if _can_run(contender, versions)]
    options.work.mkdir(parents=True, exist_ok=True)
    work = options.work / f"run-{time.time_ns()}"
    work.mkdir()
    began = time.monotonic()
    try:
        results = _measured(workers, contenders, options.rows, work)
    finally:
        shutil.rmtree(work)
    results = {
        "machine": machine.facts(options.work),
        "versions": versions,
        "measured_on": f"{datetime.now(UTC):%Y-%m-%d}",
        "minutes": round((time.monotonic() - began) / 60, 1),
        "rows": options.rows,
        "not_run": sorted(set(CONTENDERS) - {contender.name for contender in contenders}),
        "problems": workers.problems,
        **results,
    }
    _write(options.results, results)
    print(summary(results))
    return 1 if workers.problems else 0


def _measured(workers: Workers, contenders: list[Contender], rows: int, work: Path) -> dict[str, Any]:
    sizes = sorted({*(size for size in _SIZES if size < rows), rows})
    sites = [storing.Site(work / str(size), size, is_largest=size == rows) for size in sizes]
    comparison = []
    for site in sites:
        comparison.append({"rows": site.rows, "contenders": storing.compare(site, workers, contenders)})
        storing.discard(site, but=["fxticker"])
    fxticker = CONTENDERS["fxticker"]
    ends = {site.rows: site.folder_of(fxticker) for site in (sites[0], sites[-1])}
    middle = [site for site in sites if site.rows <= storing.MIDDLE_ROWS or site is sites[0]][-1]
    return {
        "comparison": comparison,
        "import": design_parameters.import_rows(workers, ends, rows, work),
        "segment_life": design_parameters.segment_growth(workers, rows, work),
        "segment_sizes": design_parameters.segment_sizes(workers, middle.data, work),
        "codecs": design_parameters.codecs(workers, work),
        "pages": design_parameters.read_pages(workers),
        "archive": design_parameters.import_archive(workers, work),
    }


def _versions(workers: Workers) -> dict[str, str | None]:
    versions = workers.run("about:versions", packages=[*_PACKAGES, *_READING_PACKAGES])
    versions["arcticdb"] = None
    if workers.arcticdb_python is not None:
        separate = workers.run("about:versions", arcticdb=True, packages=["arcticdb", "pandas"])
        versions["arcticdb"] = separate["arcticdb"]
        versions["pandas (ArcticDB's)"] = separate["pandas"]
    return versions


def _can_run(contender: Contender, versions: dict[str, str | None]) -> bool:
    return all(versions[package] is not None for package in contender.packages)


def _exists(python: Path | None) -> bool:
    return python is not None and python.exists()


def _write(folder: Path, results: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    _show(folder, results)


def _show(folder: Path, results: dict[str, Any]) -> None:
    (folder / "README.md").write_text(render(results))
    for name, figure in draw(results).items():
        figure.savefig(folder / f"{name}.png", dpi=150)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", type=int, default=13_147_200, help="the largest size; five years by default")
    parser.add_argument("--work", type=Path, default=Path("benchmarks/.work"), help="folder of the data during the run")
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results"), help="folder of the results")
    parser.add_argument("--arcticdb-python", type=Path, help="the interpreter of ArcticDB's environment")
    parser.add_argument("--redraw", action="store_true", help="measure nothing; redraw the stored results")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
