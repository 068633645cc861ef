"""Distance: how far a rate lies from a reference, in percent of it, with its band; above 0 where the rate is higher."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fxticker.analysis.series import change_pct

Banded = Sequence[np.ndarray]
"""Values, and the lower and the upper bounds of their bands."""


def distances(rate: Banded, reference: Banded) -> dict[str, np.ndarray]:
    """Return ``distance_pct`` = 100 (rate / reference - 1), and its band ``distance_lo_pct`` and ``distance_hi_pct``.

    The bounds contain the exact ones: see `fxticker.model.bands.outward`.
    """
    lo, hi = change_pct(rate[1], rate[2], reference[1], reference[2])
    return {"distance_pct": 100 * (rate[0] / reference[0] - 1), "distance_lo_pct": lo, "distance_hi_pct": hi}
