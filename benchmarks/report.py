"""Report: renders the results as a Markdown page of tables, with a summary of ratios."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from benchmarks import measurements
from benchmarks.contenders import CONTENDERS

_POLLS_PER_YEAR = 525_600
_ROWS_PER_POLL = 5
_NONE = "-"
_FEW_FILES = 10
"""Number of files up to which the count is constant and not given per year."""
_PART = " †"
"""Mark of a contender that stores only a part of the rows."""
_STATES = {"open": "a half-full open segment", "sealed": "a sealed segment"}


def render(results: dict[str, Any]) -> str:
    """Return the whole page."""
    parts = [
        "# Results",
        _machine(results),
        _problems(results),
        summary(results),
        "## Append\n\nOne snapshot of five rows, median in ms, and the ratio to the floor at the largest size.",
        _appends(results),
        _segment_growth(results),
        "## Load\n\nMedian in ms; the quickest in brackets; memory at its peak in MB, the result included.",
        _loads(results),
        "## Import\n\nUnordered rows over 60 months, one core.",
        _imports(results),
        "## Size",
        _sizes(results),
        "## Growth\n\nMedian in ms.",
        _growth(results),
        "![Appends and loads of all contenders](comparison.png)\n\n![Growth with the rows stored](growth.png)",
        "## The store's own choices\n\nRows at which a segment is sealed (a month has some 220,000):",
        _segment_sizes(results),
        *_codecs(results),
        "## Pages\n\nOne page of some 150 kB, one core.",
        _pages(results),
        *_archive(results),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def summary(results: dict[str, Any]) -> str:
    """Return the section of the main results, a line each."""
    rows = measurements.sizes(results)[-1]
    lines = [*_append_summary(results, rows), *_load_summary(results, rows), *_page_summary(results)]
    return "## Summary\n\n" + "\n".join(f"- {line}" for line in lines)


def _append_summary(results: dict[str, Any], rows: int) -> Iterable[str]:
    ours, floor = (measurements.append_ms(results, rows, name) for name in ("fxticker", "floor"))
    if ours and floor:
        yield f"Append at {rows:,} rows: {_ms(ours)} ms, {ours / floor:.1f} times the floor ({_ms(floor)} ms)."
        others = [name for name in measurements.names(results, with_="appends") if name not in {"fxticker", "floor"}]
        yield "Others' appends against fxticker's: " + _ratios(
            {name: measurements.append_ms(results, rows, name) for name in others}, ours
        )
    if growth := results["segment_life"]:
        ratio = growth["median_ms"] / growth["floor_ms"]
        yield (
            f"Append while a segment grows to {growth['segment_rows']:,} rows: median {_ms(growth['median_ms'])} ms, "
            f"{ratio:.1f} times the floor; 99 % within {_ms(growth['p99_ms'])} ms."
        )
    for record in results["import"]:
        per_s = measurements.import_rows_per_s(record)
        yield (
            f"Import ({record['way']}) into {record['held']:,} rows: {per_s:,.0f} rows/s, "
            f"peak {record['peak_mb']:,.0f} MB ({record['before_mb']:,.0f} MB before, the rows included)."
        )


def _load_summary(results: dict[str, Any], rows: int) -> Iterable[str]:
    for load, shown in measurements.LOAD_NAMES.items():
        ours = measurements.load_ms(results, rows, "fxticker", load)
        if ours:
            others = [name for name in measurements.whole(results, rows) if name != "fxticker"]
            times = {name: measurements.load_ms(results, rows, name, load) for name in others}
            yield f"Load of {shown} at {rows:,} rows: {_ms(ours)} ms; others against it: {_ratios(times, ours)}"


def _page_summary(results: dict[str, Any]) -> Iterable[str]:
    speeds = {record["reader"]: median(record["pages_per_s"]) for record in results["pages"]}
    if ours := speeds.pop("fxticker.parse", None):
        others = ", ".join(f"{name} {speed:,.0f}" for name, speed in speeds.items())
        yield f"Pages per second per core: {ours:,.0f}; {others}."


def _ratios(times_ms: dict[str, float | None], ours_ms: float) -> str:
    return ", ".join(f"{name} {_factor(ms / ours_ms)}" for name, ms in times_ms.items() if ms is not None) + "."


def _machine(results: dict[str, Any]) -> str:
    machine = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items() if version)
    return (
        f"Measured on {results['measured_on']} in {results['minutes']} minutes: {machine['cpu']}, {machine['cores']} "
        f"cores, {machine['memory_gib']} GiB, {machine['kernel']}, {machine['file_system']}; "
        f"Python {machine['python']}, {versions}.\n\n"
        "What is compared, and what is not: [../README.md](../README.md). All measurements: "
        "[results.json](results.json)."
    )


def _problems(results: dict[str, Any]) -> str:
    lines = [f"- **Wrong or failed:** {problem.splitlines()[0]}" for problem in results["problems"]]
    lines += [f"- Not run: {name}" for name in results["not_run"]]
    return "\n".join(lines) or "All loads gave the same rows, and no append was lost."


def _appends(results: dict[str, Any]) -> str:
    sizes = measurements.sizes(results)
    floor = measurements.append_ms(results, sizes[-1], "floor")
    rows = []
    for name in measurements.names(results, with_="appends"):
        times = [measurements.append_ms(results, size, name) for size in sizes]
        last, least = times[-1], measurements.append_ms(results, sizes[-1], name, min)
        ratio = _factor(last / floor) if last and floor else _NONE
        rows.append(
            [_marked(results, sizes[-1], name), *map(_ms, times), _ms(least), ratio, CONTENDERS[name].durability]
        )
    head = ["", *(f"{size:,} rows" for size in sizes), "quickest there", "to the floor", "durable by"]
    return _table(head, rows) + _part_note(results)


def _segment_growth(results: dict[str, Any]) -> str:
    growth = results["segment_life"]
    if not growth:
        return ""
    rows = [[f"{segment_rows:,}", _ms(ms), _factor(ms / growth["floor_ms"])] for segment_rows, ms in growth["points"]]
    rows += [
        ["until sealed, median", _ms(growth["median_ms"]), _factor(growth["median_ms"] / growth["floor_ms"])],
        ["until sealed, 99th percentile", _ms(growth["p99_ms"]), _factor(growth["p99_ms"] / growth["floor_ms"])],
        ["the one that seals", _ms(growth["sealing_ms"]), _factor(growth["sealing_ms"] / growth["floor_ms"])],
        ["the floor in between", _ms(growth["floor_ms"]), "1"],
    ]
    title = f"fxticker's append while a segment grows until it is sealed at {growth['segment_rows']:,} rows:\n\n"
    return title + _table(["rows in the open segment", "ms", "to the floor"], rows)


def _loads(results: dict[str, Any]) -> str:
    size = measurements.sizes(results)[-1]
    rows = []
    for name in measurements.names(results, with_="loads"):
        times = [
            _both(*(measurements.load_ms(results, size, name, load, statistic) for statistic in (median, min)))
            for load in measurements.LOAD_NAMES
        ]
        peak = measurements.load_peak_mb(results, size, name, "load_all")
        rows.append(
            [_marked(results, size, name), *times, _NONE if peak is None else f"{peak:,.0f}", CONTENDERS[name].returns]
        )
    head = [f"{size:,} rows", *measurements.LOAD_NAMES.values(), "peak MB, all rows", "returns"]
    return _table(head, rows) + _part_note(results)


def _imports(results: dict[str, Any]) -> str:
    ways = {"table": "`append_table`", "objects": "`append` of ticks, 20,000 at a time"}
    rows = [
        [
            ways[record["way"]],
            f"{record['held']:,}",
            f"{record['rows']:,}",
            f"{measurements.import_rows_per_s(record):,.0f}",
            f"{record['peak_mb']:,.0f}",
            f"{record['before_mb']:,.0f}",
        ]
        for record in results["import"]
    ]
    head = ["", "rows in the store", "rows imported", "rows per second", "peak MB", "MB before, the rows included"]
    return _table(head, rows)


def _sizes(results: dict[str, Any]) -> str:
    size = measurements.sizes(results)[-1]
    rows = []
    for name, record in measurements.records(results, size).items():
        if CONTENDERS[name].reads is None and name != "floor":
            filled = record["filled"]
            years = record["rows"] / _ROWS_PER_POLL / _POLLS_PER_YEAR
            rows.append(
                [
                    _marked(results, size, name),
                    f"{filled['bytes'] / record['rows']:,.2f}",
                    f"{filled['disk_bytes'] / record['rows']:,.2f}",
                    f"{filled['disk_bytes'] / years / 1e6:,.0f}",
                    f"{filled['files'] / years:,.0f}" if filled["files"] > _FEW_FILES else f"{filled['files']}",
                ]
            )
    head = ["", "bytes per row", "on disk", "MB a year on disk", "files a year"]
    return _table(head, rows) + _part_note(results)


def _growth(results: dict[str, Any]) -> str:
    sizes = [size for size in measurements.sizes(results) if size >= 10_000] or measurements.sizes(results)  # noqa: PLR2004
    rows = []
    for name in measurements.records(results, sizes[-1]):
        if name == "floor":
            continue
        marked = _marked(results, sizes[-1], name)
        appends = [measurements.append_ms(results, size, name) for size in sizes]
        if any(appends):
            rows.append([marked, "append", *map(_ms, appends)])
        for load, shown in measurements.LOAD_NAMES.items():
            times = [measurements.load_ms(results, size, name, load) for size in sizes]
            if any(times):
                rows.append([marked, shown, *map(_ms, times)])
    return _table(["", "", *(f"{size:,} rows" for size in sizes)], rows) + _part_note(results)


def _segment_sizes(results: dict[str, Any]) -> str:
    rows = [
        [
            f"{turns[0]['segment_rows']:,}",
            f"{turns[0]['files']:,}",
            f"{turns[0]['bytes_per_row']:.2f}",
            _ms(median(turn["append_half_full_ms"] for turn in turns)),
            _ms(median(turn["load_all_ms"] for turn in turns)),
        ]
        for turns in results["segment_sizes"]
    ]
    stored = results["segment_sizes"][0][0]["rows"] if results["segment_sizes"] else 0
    head = ["rows", f"files of {stored:,} rows", "bytes per row", "append, half full, ms", "load of all, ms"]
    return _table(head, rows)


def _codecs(results: dict[str, Any]) -> Iterable[str]:
    for state, variants in results["codecs"].items():
        if variants:
            rows = [
                [item["variant"], f"{item['bytes_per_row']:.2f}", _ms(item["encode_ms"]), _ms(item["load_ms"])]
                for item in variants
            ]
            yield f"Encodings of {variants[0]['rows']:,} rows, as in {_STATES[state]}:"
            yield _table(["", "bytes per row", "encode ms", "load ms"], rows)


def _archive(results: dict[str, Any]) -> Iterable[str]:
    if archive := results.get("archive"):  # results of earlier versions have none
        sizes = f"pages of {archive['page_bytes']:,} bytes that pack to {archive['packed_bytes']:,}"
        yield f"## Archives\n\n{archive['pages']:,} captures in a WARC file, {sizes}."
        names = {"parser": "parser alone, one core", "1": "import, one core", "2": "import in two processes, two cores"}
        rows = [
            [names[way], f"{median(speeds):,.0f}", f"{max(speeds):,.0f}"]
            for way, speeds in archive["ways"].items()
            if speeds
        ]
        yield _table(["", "pages per second", "at best"], rows)


def _pages(results: dict[str, Any]) -> str:
    rows = [
        [record["reader"], f"{median(record['pages_per_s']):,.0f}", f"{max(record['pages_per_s']):,.0f}"]
        for record in results["pages"]
    ]
    return _table(["", "pages per second", "at best"], rows)


def _marked(results: dict[str, Any], rows: int, name: str) -> str:
    return name + (_PART if measurements.is_part(results, rows, name) else "")


def _part_note(results: dict[str, Any]) -> str:
    size = measurements.sizes(results)[-1]
    parts = [record for record in measurements.records(results, size).values() if record["rows"] < size]
    stored = ", ".join(f"{record['contender']}: {record['rows']:,} rows" for record in parts)
    return f"\n\n† stores only a part ({stored}, one month) at the largest size." if parts else ""


def _both(middle: float | None, least: float | None) -> str:
    return _NONE if middle is None else f"{_ms(middle)} ({_ms(least)})"


def _ms(value: float | None) -> str:
    if value is None:
        return _NONE
    return f"{value:,.2f}" if value < 10 else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"  # noqa: PLR2004 - three digits


def _factor(value: float) -> str:
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 10 else f"{value:,.0f}"  # noqa: PLR2004 - two digits


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
