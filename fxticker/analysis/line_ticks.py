"""Line ticks: the stored ticks from which a rate line of one source follows, at each instant of its grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fxticker.analysis.cross_rates import Rates


@dataclass(frozen=True, slots=True)
class LineTicks:
    """Ticks behind the rates of a line; nothing is looked up before it is asked for.

    Attributes
    ----------
    rows
        Settled ticks, as `fxticker.analysis.source_quotes.settled_ticks` gives them.
    rates
        The rates that follow from them.
    place
        Place among the rates at each instant of the grid; below 0 where there is none.
    """

    rows: pd.DataFrame
    rates: Rates
    place: np.ndarray

    def printed(self) -> list[tuple[str, int] | None]:
        """Return the printed text and its nominal at each instant; ``None`` where the rate is not the printed one."""
        left = self.rates.left[self.place]
        is_printed = self.rates.is_stored[self.place] & (self.place >= 0)
        texts = self.rows["rate_text"].astype("object").to_numpy()[left]
        nominals = self.rows["nominal"].to_numpy()[left]
        return [
            (text, int(nominal)) if stored and isinstance(text, str) else None
            for text, nominal, stored in zip(texts, nominals, is_printed, strict=True)
        ]

    def recorded_at(self) -> np.ndarray:
        """Return when the later tick was recorded, in microseconds since 1970; -1 where there is no rate."""
        recorded = self.rows["recorded_at"].to_numpy("M8[us]").view(np.int64)
        later = np.maximum(recorded[self.rates.left[self.place]], recorded[self.rates.right[self.place]])
        return np.where(self.place >= 0, later, -1)
