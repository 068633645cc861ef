"""What all charts have in common: they take a store or a frame, a size or axes, a title; notebooks show them."""

import gc
import re
import warnings
import weakref
from datetime import timedelta
from inspect import signature

import nbformat
import pytest
from builders import NOON, snapshot_ticks, tick
from click.testing import CliRunner
from drawn import drawn, outside, overlapping
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import same_color
from matplotlib.figure import Figure
from nbclient import NotebookClient
from PIL import Image

import fxticker as fx
from fxticker.cli import app
from fxticker.cli.chart_size import Size
from fxticker.model.records import Outcome, Poll, TimeBasis
from fxticker.store.store import Store

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Two days of ticks, with their polls and an official rate."""
    store = Store(tmp_path_factory.mktemp("look"))
    for number in (0, 1):
        slot = NOON + number * DAY
        store.append(snapshot_ticks(slot))
        midnight = slot.replace(hour=0)
        bank = {"source": "nbt", "time_basis": TimeBasis.DATE, "source_date": midnight.date()}
        store.append([tick("TJS/USD", "0.1084", None, midnight, **bank)])
        store.record([Poll("timesca", slot, Outcome.OK, ticks=5)])
    return store


SPAN = {"start": NOON, "end": NOON + DAY}
OF_STORE = {
    "history": lambda store, **look: fx.plot_history(store, sources=["timesca"], **look),
    "drift": lambda store, **look: fx.plot_drift(store, **SPAN, **look),
    "path": lambda store, **look: fx.plot_path(store, sources=["timesca"], **look),
    "heatmap": lambda store, **look: fx.plot_heatmap(store, freq="day", sources=["timesca"], **look),
    "coverage": fx.plot_coverage,
    "compare": fx.plot_compare,
}
OF_FRAME = {
    "history": lambda store: fx.plot_history(fx.load(store, sources=["timesca"]), polls=fx.load_polls(store)),
    "drift": lambda store: fx.plot_drift(fx.drift(store, **SPAN)),
    "path": lambda store: fx.plot_path(fx.drift_series(store, sources=["timesca"])),
    "heatmap": lambda store: fx.plot_heatmap(fx.drift_by_period(store, "day", sources=["timesca"])),
    "coverage": lambda store: fx.plot_coverage(fx.load_polls(store)),
    "compare": lambda store: fx.plot_compare(fx.compare(store)),
}
PANELS = {"history": 5}
"""Of charts that have more than one."""
every_chart = pytest.mark.parametrize("chart", OF_STORE)


def pixels(figure):
    figure.set_dpi(40)
    return bytes(drawn(figure).canvas.buffer_rgba())


@pytest.mark.slow
@every_chart
def test_chart_of_a_store_is_that_of_its_frame(store, chart):
    figures = OF_STORE[chart](store), OF_FRAME[chart](store)
    if chart == "history":  # which says that a frame has no levels of a peg before it
        assert figures[0].get_suptitle() == figures[1].get_suptitle()
    else:
        assert pixels(figures[0]) == pixels(figures[1])


@pytest.mark.parametrize("chart", ["history", "drift", "path", "heatmap"])
def test_chart_of_ticks_is_that_of_the_store(store, chart):
    pairs = ["KGS", "KZT", "TJS", "UZS"]  # the caption of a peg says that a frame has no past
    of_ticks, of_store = (OF_STORE[chart](ticks, pairs=pairs) for ticks in (fx.load(store), store))
    if chart == "history":  # a frame of ticks has no polls
        assert of_ticks.get_suptitle() == of_store.get_suptitle()
    else:
        assert pixels(of_ticks) == pixels(of_store)


def test_filters_of_a_store_choose_what_is_drawn(store):
    figure = fx.plot_history(store, pairs=["KZT"], per_usd=True, sources=["timesca"], end=NOON + timedelta(hours=1))
    [panel] = figure.axes
    assert panel.get_ylabel() == "KZT per USD"
    assert "1 value" in figure.get_supxlabel()


def test_filters_of_a_frame_that_is_drawn_as_it_is_are_refused(store):
    drifts = fx.drift(store, **SPAN)
    with pytest.raises(ValueError, match="pairs: only for a store or ticks"):
        fx.plot_drift(drifts, pairs=["KZT/USD"])
    with pytest.raises(ValueError, match="start: only for a store or ticks"):
        fx.plot_history(fx.quotes(store), start="2025-11-14")
    with pytest.raises(ValueError, match="sources: only for a store or ticks"):
        fx.plot_coverage(fx.load_polls(store), sources=["timesca"])


def test_drift_of_a_store_needs_its_start(store):
    with pytest.raises(ValueError, match="start"):
        fx.plot_drift(store)


@every_chart
def test_size_and_title_are_those_asked_for(store, chart):
    figure = OF_STORE[chart](store, figsize=(12.5, 9), title="Two days")
    assert figure.get_size_inches().tolist() == [12.5, 9]
    assert figure.get_suptitle() == "Two days"


@pytest.mark.slow
@every_chart
def test_smallest_size_keeps_every_text_apart_and_on_the_canvas(store, chart):
    with pytest.raises(ValueError, match="at least") as refused:
        OF_STORE[chart](store, figsize=(1, 1))
    width, height = map(float, re.search(r"at least (\S+) x ([\d.]+)", str(refused.value)).groups())
    figure = OF_STORE[chart](store, figsize=(width, height))
    assert (outside(figure), overlapping(figure)) == ([], [])


def test_empty_title_is_none(store):
    assert fx.plot_coverage(store, title="").get_suptitle() == ""


@every_chart
def test_chart_is_drawn_on_axes_of_a_figure_of_the_caller(store, chart):
    figure = Figure(figsize=(20, 16), layout="constrained")
    axes = figure.subplots(PANELS.get(chart, 1), 2)
    left = axes[:, 0] if chart in PANELS else axes[0]
    assert OF_STORE[chart](store, ax=left, title="Here") is figure
    first = left[0] if chart in PANELS else left
    last = left[-1] if chart in PANELS else left
    assert first.get_title(loc="left").split("\n")[0] == "Here"
    assert any(text.get_text().replace("\n", " ").endswith(f"fxticker {fx.__version__}.") for text in last.texts)
    assert figure.get_suptitle() == ""
    assert outside(figure) == []


def test_figure_of_the_caller_has_the_ground_that_the_texts_of_the_theme_need(store):
    axis = Figure(facecolor="white").subplots()
    assert same_color(fx.plot_coverage(store, ax=axis, theme="dark").get_facecolor(), "#14181d")


def test_axes_that_are_too_few_or_none_are_refused(store):
    axis = Figure().subplots()
    with pytest.raises(ValueError, match="this chart has 5 panels, ax has 1 axes"):
        OF_STORE["history"](store, ax=axis)
    with pytest.raises(ValueError, match="ax must be an axis of matplotlib"):
        fx.plot_coverage(store, ax="here")
    with pytest.raises(ValueError, match="either ax or figsize"):
        fx.plot_coverage(store, ax=axis, figsize=(8, 4))


@pytest.mark.slow
@pytest.mark.parametrize("chart", ["path", "heatmap"])
def test_figure_is_gone_when_nobody_holds_it(store, chart):
    figure = drawn(OF_STORE[chart](store))
    alive = weakref.ref(figure)
    del figure
    gc.collect()
    assert alive() is None


def test_figure_shows_itself_as_a_picture(store):
    assert fx.plot_coverage(store)._repr_png_().startswith(b"\x89PNG")


def test_text_of_an_svg_is_text_that_keeps_its_spaces(store, tmp_path):
    figure = fx.plot_coverage(store, title="Two  days in November")
    fx.save_figure(figure, tmp_path / "chart.svg")
    assert "Two\xa0\xa0days in November</text>" in (tmp_path / "chart.svg").read_text("utf-8")
    assert figure.get_suptitle() == "Two  days in November"


def test_a_resolution_that_is_none_is_refused(store, tmp_path):
    with pytest.raises(ValueError, match="dpi must be above 0"):
        fx.save_figure(fx.plot_coverage(store), tmp_path / "chart.png", dpi=0)


def plotted(store, tmp_path, *options, ending="png"):
    path = tmp_path / f"chart.{ending}"
    arguments = ["plot", "coverage", "--store", str(store.backend), "-o", str(path), *options]
    return CliRunner().invoke(app, arguments), path


@pytest.mark.parametrize(
    ("options", "size"),
    [
        (["--size", "1200x675"], (1200, 675)),
        (["--size", "1001x667", "--dpi", "77"], (1001, 667)),
        (["--size", "8x4.5in"], (1200, 675)),
        (["--size", "8x4.5in", "--dpi", "100"], (800, 450)),
        (["--dpi", "75"], (600, 202)),
    ],
)
def test_picture_has_the_size_asked_for(store, tmp_path, options, size):
    result, path = plotted(store, tmp_path, *options)
    assert result.exit_code == 0, result.output
    with Image.open(path) as picture:
        assert picture.size == size


def test_svg_of_a_size_in_pixels_has_it_in_a_page(store, tmp_path):
    _, path = plotted(store, tmp_path, "--size", "1200x675", "--title", "Polls", ending="svg")
    text = path.read_text("utf-8")
    assert 'width="900pt" height="506.25pt"' in text  # of 1/72 inch, where a pixel of CSS is 1/96
    assert "Polls</text>" in text


@given(st.integers(1, 16_000), st.floats(20, 1200))
def test_size_in_pixels_survives_inches(side, dpi):
    assert [int(inches * dpi) for inches in Size(side, side, is_pixels=True).at(dpi)[0]] == [side, side]


@pytest.mark.parametrize(
    ("size", "code", "message"),
    [
        ("wide", 2, "'wide' is no size such as 1200x675 (pixels) or 8x4.5in"),
        ("0x0", 1, "do not fit"),
        ("20000x20", 2, "a side of the picture has at most 16,000 pixels"),
        ("120x20in", 2, "a side of the picture has at most 16,000 pixels"),
        ("300x200", 1, "the texts of this chart do not fit 3.12 x 2.08 inches"),
    ],
)
def test_sizes_that_are_none_are_refused(store, tmp_path, size, code, message):
    result, _ = plotted(store, tmp_path, "--size", size)
    assert result.exit_code == code
    assert message in " ".join((result.stderr + str(result.exception)).split())


@pytest.mark.slow
@pytest.mark.parametrize("first", ["", "import matplotlib.pyplot", "%matplotlib inline"])
def test_notebook_shows_a_chart_once_and_without_a_magic_line(store, first):
    lines = [first, "import fxticker as fx", f"fx.plot_coverage({str(store.backend)!r})"]
    cell = nbformat.v4.new_code_cell("\n".join(lines))
    notebook = nbformat.v4.new_notebook(cells=[cell])
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    assert [list(output["data"]).count("image/png") for output in cell.outputs] == [1]


@pytest.mark.parametrize(
    ("chart", "reader"),
    [
        (fx.plot_history, fx.quotes),
        (fx.plot_drift, fx.drift),
        (fx.plot_path, fx.drift_series),
        (fx.plot_heatmap, fx.drift_by_period),
        (fx.plot_coverage, fx.load_polls),
    ],
)
def test_chart_of_a_store_takes_all_arguments_of_its_reader(chart, reader):
    _, *arguments = signature(reader).parameters
    assert {*arguments} <= {*signature(chart).parameters}
