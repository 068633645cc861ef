"""Charts against small pictures of them; ``python tests/test_charts_images.py`` draws the pictures anew."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from builders import capture_ticks
from drawn import drawn, polls_of, regular, ticks_of
from PIL import Image

import fxticker as fx
from fxticker.charts import plot_compare, plot_coverage, plot_drift, plot_heatmap, plot_history, plot_path
from fxticker.store.store import Store

PICTURES = Path(__file__).with_name("figures")
DPI = 40
MEAN_TOLERANCE = 1.5
"""Of 255: other versions of matplotlib and its fonts move the edges of letters, lost hatching is more."""

OUTCOMES = ["ok"] * 300 + ["timeout"] * 60 + ["ok"] * 200 + ["blocked"] * 40 + ["ok"] * 72


def _history(_store):
    at = regular(672)
    kept = np.flatnonzero(np.array(OUTCOMES) == "ok")
    texts = [f"{0.00191 + 0.00001 * (number // 90 % 4):.5f}" for number in kept]
    return plot_history(
        ticks_of({"pair": "KZT/USD", "observed_at": at[kept], "rate_text": texts}), polls=polls_of(OUTCOMES)
    )


def _compared(_store):
    day = regular(40, "1D", start="2025-01-06T00:00Z")
    step = np.arange(40)
    rate = 0.0915 + 0.00002 * (step // 7)
    low = rate - 0.00006 + 0.00005 * (step % 3)
    frame = pd.DataFrame({"day": day, "official_at": day, "pair": "TJS/USD", "source": "nbt", "official": rate})
    frame = frame.assign(official_lo=rate, official_hi=rate, ticker=low, ticker_lo=low, ticker_hi=low + 0.00004)
    distance = {f"distance{end}_pct": 100 * (low / rate - 1) for end in ("", "_lo", "_hi")}
    inside = (frame["ticker_lo"] <= rate) & (frame["ticker_hi"] >= rate)
    frame = frame.assign(observed_at=day + pd.Timedelta(hours=12), inside=inside, **distance)
    return plot_compare(frame[(step < 12) | (step > 15)])


CHARTS = {
    "history": _history,
    "history_dark": lambda store: plot_history(fx.load(store, pairs=["TMT/USD", "UZS/USD"]), theme="dark"),
    "drift": lambda store: plot_drift(fx.drift(store, start="2024-09-08", end="2026-02-25")),
    "path": lambda store: plot_path(fx.drift_series(store, pairs=["KGS/USD", "KZT/USD", "TJS/USD"])),
    "heatmap": lambda store: plot_heatmap(fx.drift_by_period(store, "month")),
    "coverage": lambda _store: plot_coverage(polls_of(OUTCOMES)),
    "compare": _compared,
}


def _picture(figure):
    figure.set_dpi(DPI)
    return np.asarray(drawn(figure).canvas.buffer_rgba())[..., :3]


@pytest.mark.parametrize("name", CHARTS)
def test_chart_looks_as_it_did(name, history_store):
    seen = _picture(CHARTS[name](history_store))
    with Image.open(PICTURES / f"{name}.png") as picture:
        known = np.asarray(picture.convert("RGB"))
    assert seen.shape == known.shape
    assert np.abs(seen.astype(float) - known).mean() < MEAN_TOLERANCE


def test_lost_hatching_would_be_noticed(history_store):
    figure = CHARTS["heatmap"](history_store)
    whole = _picture(figure)
    figure.axes[0].collections[1].remove()
    assert np.abs(_picture(figure).astype(float) - whole).mean() > MEAN_TOLERANCE


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        Store(Path(folder) / "parquet").append(capture_ticks())
        for one, chart in CHARTS.items():
            pixels = Image.fromarray(_picture(chart(Path(folder) / "parquet")))
            pixels.quantize(64).save(PICTURES / f"{one}.png", optimize=True)
