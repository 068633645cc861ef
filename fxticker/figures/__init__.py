"""Charts: frames in, matplotlib figures out; nothing is shown or saved here, and no global state is touched."""

from fxticker.figures.drift import plot_drift
from fxticker.figures.history import plot_history
from fxticker.figures.style import save_figure

__all__ = ["plot_drift", "plot_history", "save_figure"]
