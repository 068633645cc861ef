"""Random walk known by intervals: exact likelihood of its volatility, and the marginals of its smoother.

Model: the logarithm of a rate is a Gaussian random walk, ``x(t + dt) = x(t) + sigma sqrt(dt) z``, and of it is known at
given instants only that it lies in an interval. That is grouped, and so coarsened, data (Heitjan and Rubin 1991,
"Ignorability and coarse data"): the likelihood is the probability of all intervals together. It is integrated from one
instant to the next by Gauss-Legendre quadrature within each interval. The first value has a flat distribution.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

NODES_PER_STEP = 1.6
"""Nodes of an interval, per standard deviation of a step that fits into it: twice as many change a log-likelihood by
less than 0.001 of itself a thousand steps."""
_FEWEST_NODES = 8
_MOST_NODES = 96
MOST_STEPS = _MOST_NODES / NODES_PER_STEP
"""Widest interval that is integrated, in standard deviations of a step."""
_DAY_MINUTES = 1440
_MINUTE_DAYS = 1 / _DAY_MINUTES


@dataclass(frozen=True, slots=True)
class Intervals:
    """What is known of the walk.

    Attributes
    ----------
    minutes
        Instants in whole minutes, int64, strictly increasing.
    lo, hi
        Bounds of the logarithm of the rate, float64, each `lo` below its `hi`.
    """

    minutes: np.ndarray
    lo: np.ndarray
    hi: np.ndarray

    def __len__(self) -> int:
        return len(self.minutes)

    @property
    def width(self) -> float:
        """The median width of the intervals."""
        return float(np.median(self.hi - self.lo))

    def daily(self) -> Intervals:
        """Return the last interval of each day of UTC."""
        last = np.flatnonzero(np.diff(self.minutes // _DAY_MINUTES, append=np.iinfo(np.int64).max))
        return Intervals(self.minutes[last], self.lo[last], self.hi[last])

    def thinned(self, sigma: float, minutes: int = 1) -> Intervals:
        """Return the intervals at instants that are far enough apart to be integrated.

        Parameters
        ----------
        sigma
            The least standard deviation of a day that will be asked for: an interval is at most `MOST_STEPS` times as
            wide as the walk's step into it. Leaving intervals out loses information and biases nothing.
        minutes
            The least distance in any case.
        """
        days = ((self.hi - self.lo) / (MOST_STEPS * sigma)) ** 2
        least = np.maximum(np.ceil(days / _MINUTE_DAYS - 1e-9).astype(np.int64), minutes)
        if (np.diff(self.minutes) >= np.maximum(least[1:], least[:-1])).all():
            return self
        kept = [0]
        for place in range(1, len(self)):
            if self.minutes[place] - self.minutes[kept[-1]] >= max(least[place], least[kept[-1]]):
                kept.append(place)
        places = np.array(kept)
        return Intervals(self.minutes[places], self.lo[places], self.hi[places])


class Walk:
    """The walk between the intervals, for one sigma.

    Parameters
    ----------
    intervals
        At least two; `Intervals.thinned` for this or a lower sigma.
    sigma
        Standard deviation of the change of the logarithm in one day, above 0.
    """

    def __init__(self, intervals: Intervals, sigma: float) -> None:
        steps = sigma * np.sqrt(np.diff(intervals.minutes) * _MINUTE_DAYS)
        widths = intervals.hi - intervals.lo
        most = (np.maximum(widths[1:], widths[:-1]) / steps).max()
        nodes = int(np.clip(math.ceil(NODES_PER_STEP * most), _FEWEST_NODES, _MOST_NODES))
        self._places, self._weights = np.polynomial.legendre.leggauss(nodes)
        self.intervals = intervals
        self._transitions(steps)

    def _transitions(self, steps: np.ndarray) -> None:
        """Set the distinct matrices that take the mass at the nodes of one interval to those of the next."""
        both = np.stack([self.intervals.lo, self.intervals.hi], axis=1)
        distinct, number = np.unique(both, axis=0, return_inverse=True)
        number = number.reshape(-1)
        lengths, length = np.unique(steps, return_inverse=True)
        key = (number[:-1] * len(distinct) + number[1:]) * len(lengths) + length.reshape(-1)
        _, first, self._kind = np.unique(key, return_index=True, return_inverse=True)
        middle, half = distinct.mean(axis=1), (distinct[:, 1] - distinct[:, 0]) / 2
        nodes = middle[:, None] + half[:, None] * self._places
        before, after, step = number[first], number[first + 1], steps[first][:, None, None]
        distance = (nodes[after][:, :, None] - nodes[before][:, None, :]) / step
        exponent = 0.5 * distance**2
        # a jump of 40 steps has a density below all doubles; what all nodes have in common is kept beside the matrix
        self._common = exponent.min(axis=(1, 2))
        density = np.exp(self._common[:, None, None] - exponent) / (step * math.sqrt(2 * math.pi))
        self._matrices = density * (half[after][:, None] * self._weights)[:, :, None]
        self._first = half[number[0]] * self._weights

    def log_likelihood(self) -> float:
        """Return the logarithm of the likelihood, up to a constant that does not depend on sigma."""
        powers: dict[int, list[np.ndarray]] = {}
        mass, total = self._first, 0.0
        starts = np.flatnonzero(np.diff(self._kind, prepend=-1))
        for begin, end in pairwise([*starts.tolist(), len(self._kind)]):
            kind, count = int(self._kind[begin]), end - begin
            total -= count * self._common[kind]
            squares = powers.setdefault(kind, [self._matrices[kind]])
            bit = 0
            while count >> bit:
                if bit == len(squares):
                    squares.append(squares[-1] @ squares[-1])
                if count >> bit & 1:
                    mass = squares[bit] @ mass
                    scale = mass.sum()
                    if not scale > 0:
                        return -math.inf
                    mass = mass / scale
                    total += math.log(scale)
                bit += 1
        return total

    def quantiles(self, levels: tuple[float, ...]) -> np.ndarray:
        """Return quantiles of the walk at each instant, given all intervals.

        Parameters
        ----------
        levels
            Of the quantiles, above 0 and below 1.

        Returns
        -------
        numpy.ndarray
            Logarithms of the rate, a row per level and a column per instant.
        """
        mass = self._marginals()
        reached = np.cumsum(mass, axis=1)
        reached = np.concatenate([np.zeros((len(reached), 1)), reached / reached[:, -1:]], axis=1)
        edges = np.concatenate([[0.0], np.cumsum(self._weights) / 2])
        rows = np.arange(len(reached))
        result = []
        for level in levels:
            upper = np.clip((reached < level).sum(axis=1), 1, len(edges) - 1)
            below, above = reached[rows, upper - 1], reached[rows, upper]
            part = (level - below) / np.maximum(above - below, 1e-300)
            share = edges[upper - 1] + np.clip(part, 0, 1) * (edges[upper] - edges[upper - 1])
            result.append(self.intervals.lo + share * (self.intervals.hi - self.intervals.lo))
        return np.array(result)

    def _marginals(self) -> np.ndarray:
        """Return the mass at each node, given all intervals: of each instant up to a factor."""
        forward = np.empty((len(self.intervals), len(self._weights)))
        forward[0] = self._first / self._first.sum()
        for place, kind in enumerate(self._kind.tolist(), start=1):
            mass = self._matrices[kind] @ forward[place - 1]
            forward[place] = _mass_or(self._weights, mass)
        backward = np.ones(len(self._weights))
        for place in range(len(self._kind) - 1, -1, -1):
            backward = _mass_or(np.ones(len(backward)), backward @ self._matrices[self._kind[place]])
            forward[place] = _mass_or(self._weights, forward[place] * backward)
        return forward


def _mass_or(flat: np.ndarray, mass: np.ndarray) -> np.ndarray:
    """Return the mass with the sum 1; flat where jumps in a row leave less than the smallest double."""
    chosen = mass if mass.sum() > 0 else flat
    shares: np.ndarray = chosen / chosen.sum()
    return shares
