import sys
from datetime import timedelta
from subprocess import run

import pandas as pd
import pytest
from builders import NOON, snapshot_ticks, tick
from matplotlib.backends.backend_agg import FigureCanvasAgg

import fxticker as fx
from fxticker.figures import save_figure
from fxticker.store import Store


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "parquet")


def _drawn(figure):
    FigureCanvasAgg(figure).draw()
    return figure


def _outside(figure):
    """How far what is drawn reaches beyond the canvas, in inches, where it does."""
    drawn = _drawn(figure).get_tightbbox()
    width, height = figure.get_size_inches()
    reach = [-drawn.x0, -drawn.y0, drawn.x1 - width, drawn.y1 - height]
    return [inches for inches in reach if inches > 0.01]


def _step_lines(panel):
    return [line for line in panel.lines if line.get_drawstyle() == "steps-post"]


def _ticks_at(minutes):
    return [tick(observed_at=NOON + timedelta(minutes=minute)) for minute in minutes]


def test_history_has_a_panel_per_pair_with_units_and_last_values(store):
    store.append(snapshot_ticks(NOON) + snapshot_ticks(NOON + timedelta(minutes=15)))
    figure = fx.plot_history(fx.load(store))
    assert [panel.get_title(loc="left") for panel in figure.axes] == [
        "KGS/USD",
        "KZT/USD",
        "TJS/USD",
        "TMT/USD",
        "UZS/USD",
    ]
    assert figure.axes[1].get_ylabel() == "USD per KZT"
    labels = [panel.texts[0].get_text() for panel in figure.axes]
    assert labels == ["0.01144", "0.00191", "0.10840", "0.28571", "0.00008"]


def test_history_draws_steps_inside_the_rounding_band(store):
    store.append(_ticks_at([0, 15, 30]))
    [panel] = fx.plot_history(fx.load(store)).axes
    assert len(_step_lines(panel)) == 1
    [band] = panel.collections
    extent = band.get_paths()[0].get_extents()
    assert (extent.y0, extent.y1) == (pytest.approx(0.001905), pytest.approx(0.001915))


def test_history_does_not_draw_across_a_gap(store):
    store.append(_ticks_at([0, 15, 30, 45, 60, 600, 615]))
    [panel] = fx.plot_history(fx.load(store)).axes
    assert [len(line.get_xdata()) for line in _step_lines(panel)] == [5, 2]


@pytest.mark.parametrize("minutes", [[0], [0, 15], [0, 15, 3000], [0, 3000, 3015]])
def test_history_of_few_ticks_keeps_every_text_on_the_canvas(store, minutes):
    store.append(_ticks_at(minutes))
    assert _outside(fx.plot_history(fx.load(store))) == []


def test_history_axis_is_labelled_with_printable_values_only(store):
    store.append([tick("UZS/USD", "0.00008", "0%")])
    [panel] = _drawn(fx.plot_history(fx.load(store))).axes
    labels = {label.get_text() for label in panel.get_yticklabels()}
    assert labels <= {"0.00006", "0.00007", "0.00008", "0.00009", "0.00010"}


def test_history_of_two_sources_names_them(store):
    store.append([*snapshot_ticks(NOON)[:1], tick("KGS/USD", "0.01145", "0%", source="other")])
    titles = [panel.get_title(loc="left") for panel in fx.plot_history(fx.load(store)).axes]
    assert titles == ["KGS/USD  (other)", "KGS/USD  (timesca)"]


def test_whole_history_keeps_every_text_on_the_canvas(history_store):
    assert _outside(fx.plot_history(fx.load(history_store))) == []


def test_drift_tells_significant_changes_in_words(history_store):
    frame = fx.drift(history_store, start="2024-09-08", end="2026-02-25")
    [axis] = fx.plot_drift(frame).axes
    said = {text.get_text().split("]")[1].strip() for text in axis.texts}
    assert said == {"significant", "no change printed"}
    assert "+11.851 %  [+11.840, +11.862]   significant" in [text.get_text() for text in axis.texts]


def test_drift_puts_the_largest_rise_on_top(history_store):
    frame = fx.drift(history_store, start="2024-09-08", end="2026-02-25")
    [axis] = fx.plot_drift(frame).axes
    upwards = [label.get_text() for label in axis.get_yticklabels()]
    assert upwards == ["KZT/USD", "KGS/USD", "TMT/USD", "UZS/USD", "TJS/USD"]


@pytest.mark.parametrize("pairs", [["TJS/USD"], ["UZS/USD"], ["KGS/USD", "TMT/USD"]])
def test_drift_of_few_pairs_keeps_every_text_on_the_canvas(history_store, pairs):
    frame = fx.drift(history_store, start="2024-09-08", end="2026-02-25", pairs=pairs)
    assert _outside(fx.plot_drift(frame)) == []


def test_nothing_to_draw_is_no_data(history_store):
    with pytest.raises(fx.NoData):
        fx.plot_history(fx.load(history_store, pairs=["EUR/USD"]))
    with pytest.raises(fx.NoData):
        fx.plot_drift(pd.DataFrame({"drift_pct": [float("nan")]}))


@pytest.mark.parametrize(("ending", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_same_data_give_the_same_bytes(store, tmp_path, ending, magic):
    store.append(_ticks_at([0, 15]))
    paths = [tmp_path / f"{name}.{ending}" for name in ("one", "two")]
    for path in paths:
        save_figure(fx.plot_history(fx.load(store)), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert paths[0].read_bytes().startswith(magic)


def test_other_endings_are_refused(store, tmp_path):
    store.append(_ticks_at([0]))
    with pytest.raises(ValueError, match=r"\.png, \.svg, \.pdf"):
        save_figure(fx.plot_history(fx.load(store)), tmp_path / "chart.jpg")


def test_drawing_uses_no_pyplot(history_store):
    code = (
        "import sys, fxticker as fx\n"
        f"fx.plot_history(fx.load({str(history_store)!r}))\n"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert run([sys.executable, "-c", code], check=False).returncode == 0
