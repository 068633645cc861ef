"""The command `demo`: a complete example, offline."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import click

_MARKER = ".fxticker-demo"
"""Marks a folder as the demonstration's own, whose stores it may replace."""
_STORES = ("history", "official", "live")
_LIVE_POLLS = 10


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default="fxticker-demo",
    help="Output folder of the demo only; stores of an earlier demo are replaced.",
)
def demo(output: Path) -> None:
    """Run a complete example offline.

    A site on loopback replays real history through the real client, parser, store and charts; then the real daemon
    polls it ten times. A second store has the same history beside official rates of eight of its days.
    """
    from fxticker.analysis.drift import drift
    from fxticker.charts import plot_compare, plot_drift, plot_history, save_figure
    from fxticker.charts.settings import use_default_epoch
    from fxticker.cli.analysis import DRIFT
    from fxticker.cli.columns import Printed
    from fxticker.cli.formats import Format
    from fxticker.cli.output import show, show_frame
    from fxticker.cli.progress import tracked
    from fxticker.cli.verdicts import tell_verdicts
    from fxticker.files import replaced
    from fxticker.frames.latest import latest
    from fxticker.frames.load import load
    from fxticker.simulation.captures import dated_slots, read_captures
    from fxticker.simulation.replay import replay, run_daemon
    from fxticker.simulation.site import TickerSite, render_html

    _make_folder(output)
    history_store, official_store, live_store = (output / name for name in _STORES)
    history = list(dated_slots(read_captures()))
    with TickerSite() as site:
        print(f"A ticker site on {site.url} replays {len(history)} recorded pages under a simulated clock.")
        print("Their dates are real; their hours are not on record: the pages of a date are spread over its day.")
        polls = list(tracked(replay(history, site=site, store_path=history_store), "replaying", len(history)))
        print(f"  outcomes: {_counted([poll.outcome for poll in polls])}")
        store_with_official(history_store, official_store)
        print(f"\nNow the daemon polls the same site once a second, {_LIVE_POLLS} times.")
        captures = [capture for _, capture in history[-_LIVE_POLLS:]]
        live = run_daemon(
            captures,
            site=site,
            store_path=live_store,
            on_poll=lambda poll: print(
                f"  {poll.slot:%H:%M:%S} {poll.outcome}: {poll.ticks} ticks, {poll.duration_ms} ms"
            ),
        )
        print(f"  outcomes: {_counted([poll.outcome for poll in live])}")

    page = output / "page.html"
    with replaced(page) as file:
        file.write(render_html(captures[-1].ticks, captures[-1].page_date).encode())
    first, last = history[0][0].date(), history[-1][0].date()
    print(f"\nThe last ticker of the history ({last}):\n")
    show(latest(history_store), ["pair", Printed(), "change_text", "observed_at"], Format())
    moved = drift(history_store, start=first, end=last)
    print(f"\nDrift from {first} to {last}, with what the printed digits allow, in percent:\n")
    show_frame(tell_verdicts(moved), DRIFT, Format())
    use_default_epoch()
    charts = {
        output / "history.png": plot_history(load(history_store)),
        output / "drift.png": plot_drift(moved),
        output / "compare.png": plot_compare(official_store, start="2026-02-20"),
    }
    for path, figure in charts.items():
        save_figure(figure, path)
    print(
        f"\nStores:  {history_store}, {live_store}, and {official_store} with official rates beside the history\n"
        f"Charts:  {', '.join(map(str, charts))}\nA saved page:  {page}\n"
        f'In pandas:  pandas.read_parquet("{history_store}/ticks")\n'
        f'       or:  fxticker.load("{history_store}", bands=True)\n'
        f"Over HTTP:  fxticker serve --store {history_store} --at {last}"
    )


def store_with_official(history: Path, folder: Path) -> None:
    """Make a store of the ticks of another one and the packaged official rates."""
    from fxticker.backfill.page_files import find_pages
    from fxticker.backfill.saved_pages import import_pages
    from fxticker.simulation.official import official_ticks
    from fxticker.sources.timesca.page import SOURCE
    from fxticker.store.store import Store

    store = Store(folder)
    import_pages(find_pages([str(history / "ticks")]), source=SOURCE, store=store)
    store.append(official_ticks())


def _make_folder(output: Path) -> None:
    if output.exists() and not (output / _MARKER).exists() and any(output.iterdir()):
        raise FileExistsError(f"{output}: exists and is not an earlier demonstration's; name another with -o")
    output.mkdir(parents=True, exist_ok=True)
    (output / _MARKER).touch()
    for own in _STORES:  # nothing else in the folder is touched
        if (output / own).exists():
            shutil.rmtree(output / own)


def _counted(outcomes: list[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in Counter(outcomes).most_common())
