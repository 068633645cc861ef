"""Charts under settings of matplotlib that are not its own: the same picture, and the settings as they were."""

import io
from concurrent.futures import ThreadPoolExecutor

import matplotlib as mpl
import pytest
from builders import capture_ticks
from click.testing import CliRunner
from matplotlib import dates
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from test_charts_images import CHARTS

import fxticker as fx
from fxticker.cli import app
from fxticker.store.store import Store

SETTINGS = {
    "text.usetex": True,
    "text.color": "red",
    "text.hinting": "none",
    "text.parse_math": False,
    "font.family": ["serif"],
    "font.size": 20,
    "mathtext.fontset": "stix",
    "figure.dpi": 30,
    "figure.facecolor": "green",
    "figure.autolayout": True,
    "figure.constrained_layout.w_pad": 0.5,
    "savefig.bbox": "tight",
    "savefig.dpi": 40,
    "savefig.facecolor": "red",
    "savefig.format": "svg",
    "savefig.pad_inches": 3,
    "savefig.transparent": True,
    "svg.fonttype": "path",
    "svg.hashsalt": "other",
    "pdf.fonttype": 3,
    "pdf.compression": 0,
    "axes.unicode_minus": False,
    "axes.formatter.use_locale": True,
    "axes.formatter.limits": (0, 0),
    "axes.formatter.useoffset": True,
    "axes.xmargin": 0.4,
    "axes.grid.which": "both",
    "axes.facecolor": "yellow",
    "axes.prop_cycle": mpl.cycler(color=["red"]),
    "xtick.direction": "in",
    "xtick.labelsize": 20,
    "xtick.minor.visible": True,
    "ytick.labelright": True,
    "ytick.major.size": 20,
    "date.converter": "concise",
    "date.interval_multiples": False,
    "timezone": "Asia/Almaty",
    "lines.marker": "o",
    "lines.linewidth": 7,
    "lines.antialiased": False,
    "path.simplify": False,
    "path.sketch": (5, 50, 2),
    "path.snap": False,
    "pcolormesh.snap": False,
    "patch.force_edgecolor": True,
    "hatch.color": "red",
    "hatch.linewidth": 4,
    "image.composite_image": False,
    "legend.frameon": True,
}
EARLY_EPOCH = "0000-12-31T00:00:00"
charts = pytest.mark.parametrize(
    "name", [name if name in {"drift", "coverage"} else pytest.param(name, marks=pytest.mark.slow) for name in CHARTS]
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("settings"))
    store.append(capture_ticks())
    return store


def saved(figure, folder, ending):
    path = folder / f"chart.{ending}"
    fx.save_figure(figure, path)
    return path.read_bytes()


def outputs(figure, folder):
    """What a chart gives in each way of drawing it."""
    buffer, canvas = io.BytesIO(), FigureCanvasAgg(figure)
    canvas.draw()
    figure.savefig(buffer, format="png")
    return [bytes(canvas.buffer_rgba()), buffer.getvalue(), saved(figure, folder, "svg")]


@charts
def test_settings_of_the_caller_change_nothing_and_stay(store, tmp_path, name):
    plain = outputs(CHARTS[name](store), tmp_path)
    with mpl.rc_context(SETTINGS):
        before = dict(mpl.rcParams)
        assert outputs(CHARTS[name](store), tmp_path) == plain
        assert dict(mpl.rcParams) == before


@pytest.mark.slow
def test_pdf_is_the_same_under_other_settings(store, tmp_path):
    plain = saved(CHARTS["drift"](store), tmp_path, "pdf")
    with mpl.rc_context(SETTINGS):
        assert saved(CHARTS["drift"](store), tmp_path, "pdf") == plain


@pytest.mark.slow
@pytest.mark.parametrize("name", ["heatmap", "coverage"])
def test_settings_between_making_and_saving_change_nothing(store, tmp_path, name):
    plain = outputs(CHARTS[name](store), tmp_path)
    figure = CHARTS[name](store)
    with mpl.rc_context(SETTINGS):
        assert outputs(figure, tmp_path) == plain


@charts
def test_chart_is_the_same_under_another_epoch(store, tmp_path, monkeypatch, name):
    plain = saved(CHARTS[name](store), tmp_path, "png")
    monkeypatch.setattr(dates, "_epoch", EARLY_EPOCH)
    assert saved(CHARTS[name](store), tmp_path, "png") == plain


def test_command_counts_from_the_default_epoch(store, tmp_path, monkeypatch):
    monkeypatch.setattr(dates, "_epoch", None)
    with mpl.rc_context({"date.epoch": EARLY_EPOCH}):
        arguments = ["plot", "heatmap", "--store", str(store.backend), "-o", str(tmp_path / "chart.png")]
        result = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert (result.exit_code, dates.get_epoch()) == (0, "1970-01-01T00:00:00")


def test_settings_stay_as_they_are_where_drawing_fails(store, tmp_path):
    before = dict(mpl.rcParams)
    figure = CHARTS["drift"](store)
    with pytest.raises(OSError, match="chart"):
        fx.save_figure(figure, tmp_path / "no such folder" / "chart.png")
    assert dict(mpl.rcParams) == before


@pytest.mark.slow
def test_threads_that_draw_at_once_leave_the_settings_as_they_are(store, tmp_path):
    before = dict(mpl.rcParams)
    plain = saved(CHARTS["drift"](store), tmp_path, "png")

    def draw(number):
        folder = tmp_path / str(number)
        folder.mkdir()
        return saved(CHARTS["drift"](store), folder, "png")

    with ThreadPoolExecutor(2) as pool:
        assert set(pool.map(draw, range(4))) == {plain}
    assert dict(mpl.rcParams) == before


def test_figure_of_another_program_is_saved_in_the_light_style(tmp_path):
    plain = saved(Figure(figsize=(1, 1)), tmp_path, "png")
    with mpl.rc_context({"savefig.transparent": True, "savefig.bbox": "tight"}):
        assert saved(Figure(figsize=(1, 1)), tmp_path, "png") == plain
