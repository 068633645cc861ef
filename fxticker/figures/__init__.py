"""Charts: frames in, matplotlib figures out; nothing is shown or saved here, and no global state is touched."""

from fxticker.figures.comparison import plot_compare
from fxticker.figures.coverage import plot_coverage
from fxticker.figures.drift import plot_drift
from fxticker.figures.heatmap import plot_heatmap
from fxticker.figures.history import plot_history
from fxticker.figures.path import plot_path
from fxticker.figures.style import save_figure

__all__ = [
    "plot_compare",
    "plot_coverage",
    "plot_drift",
    "plot_heatmap",
    "plot_history",
    "plot_path",
    "save_figure",
]
