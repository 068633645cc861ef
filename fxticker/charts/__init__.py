"""Charts: draws frames as matplotlib figures; shows and saves nothing and changes no global state."""

from fxticker.charts.compare import plot_compare
from fxticker.charts.coverage import plot_coverage
from fxticker.charts.cumulative import plot_path
from fxticker.charts.drift import plot_drift
from fxticker.charts.heatmap import plot_heatmap
from fxticker.charts.history import plot_history
from fxticker.charts.style import save_figure

__all__ = [
    "plot_compare",
    "plot_coverage",
    "plot_drift",
    "plot_heatmap",
    "plot_history",
    "plot_path",
    "save_figure",
]
