"""What tests ask of a drawn figure, and polls to draw."""

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text


def drawn(figure):
    FigureCanvasAgg(figure).draw()
    return figure


def outside(figure):
    """How far what is drawn reaches beyond the canvas, in inches, where it does."""
    box = drawn(figure).get_tightbbox()
    width, height = figure.get_size_inches()
    reach = [-box.x0, -box.y0, box.x1 - width, box.y1 - height]
    return [inches for inches in reach if inches > 0.01]


def overlapping(figure):
    """Pairs of texts of which one is written over the other."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    drawn(figure)
    shown = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    # ticks that are made and lie beyond their axis are not drawn; the texts' boxes include no arrow
    boxes = [(text.get_text(), Text.get_window_extent(text, renderer)) for text in shown if _is_on(text, figure)]
    return [
        (one, other)
        for place, (one, box) in enumerate(boxes)
        for other, second in boxes[:place]
        if min(box.x1, second.x1) - max(box.x0, second.x0) > 1 and min(box.y1, second.y1) - max(box.y0, second.y0) > 1
    ]


def _is_on(text, figure):
    hidden = {
        label
        for axis in [*figure.axes, *(child for axis in figure.axes for child in axis.child_axes)]
        for line in (axis.xaxis, axis.yaxis)
        for tick in {*line.majorTicks, *line.minorTicks} - set(line._update_ticks())
        for label in (tick.label1, tick.label2)
    }
    return text not in hidden


def polls_of(outcomes, start="2025-11-10T00:00Z", every="15min", source="timesca"):
    """A frame of polls with these outcomes, as `load_polls` gives it."""
    slots = pd.date_range(start, periods=len(outcomes), freq=every).as_unit("us")
    return pd.DataFrame(
        {
            "source": pd.Categorical([source] * len(outcomes)),
            "slot": slots,
            "outcome": pd.Categorical(outcomes),
        }
    )


def ticks_of(columns):
    """A frame of ticks as `load` gives it, of what differs: pair, observed_at, rate_text, and source if given."""
    frame = pd.DataFrame({"source": "timesca", **columns})
    frame = frame.assign(
        rate=frame["rate_text"].astype("float64"),
        time_basis="clock",
        nominal=np.int32(1),
        change_text=None,
        change_pct=np.nan,
        recorded_at=frame["observed_at"],
    )
    texts = ["source", "pair", "rate_text", "time_basis", "change_text"]
    return frame.astype(dict.fromkeys(texts, "category")).sort_values(["observed_at", "pair"], kind="stable")


def regular(number, every="15min", start="2025-11-10T00:00Z"):
    return pd.date_range(start, periods=number, freq=every).as_unit("us")
