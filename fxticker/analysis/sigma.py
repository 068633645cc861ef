"""Sigma of a walk known by intervals: its maximum likelihood, and its interval by the profile of the likelihood."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fxticker.analysis.interval_walk import Intervals, Walk

DROP = 1.920729
"""Half the 95 % point of chi squared with one degree of freedom: log-likelihoods less than this below the maximum are
in the interval."""
_FLOOR_STEPS = 32
"""Least sigma that is looked for: a daily move that fits 32 times into the interval."""
_MOST_STEPS = 6
"""Most daily moves in one interval at which sigma is told. Of 90 simulated days: at 4 nearly always, with an interval
that spans a factor of 1.9; at 8 in one case of five, by the accident of how often the walk meets an interval's end."""
_MOST_RATIO = 2.5
"""Widest interval of sigma, upper by lower bound, that tells it."""
_FEWEST = 10
"""Fewest intervals that tell a sigma."""
_FEWEST_SPARSE = 3
"""Fewest intervals that tell one where they are some hours apart."""
_REACH = 2.5
"""Factor below the first estimate down to which the likelihood is computed."""
_WIDEST = math.log(1.5)
_NARROWEST = math.log(1.005)
_SETTLED = 0.05
"""Part of the step of the last parabola, half a standard error, by which it may have moved the maximum."""
_ROUNDS = 12
_FEWEST_TRIED = 6
"""Powers of two above the least sigma that are tried at least."""


@dataclass(frozen=True, slots=True)
class Sigma:
    """The standard deviation of a day's change of the logarithm.

    Attributes
    ----------
    likeliest
        The maximum of the likelihood; the least sigma looked for if the likelihood only falls from there.
    lo, hi
        Its 95 % interval; `lo` is 0 if the intervals set no lower bound.
    problem
        Why sigma cannot be told, ``None`` if it can.
    is_least
        Whether `likeliest` is the least sigma looked for: a rate at rest agrees best with the intervals.
    """

    likeliest: float
    lo: float
    hi: float
    problem: str | None
    is_least: bool = False


def sigma_of(intervals: Intervals) -> Sigma | None:
    """Return the sigma of a walk; ``None`` if there are fewer than 10 intervals, all within hours, or without width."""
    width = intervals.width if len(intervals) else 0.0
    if len(intervals) < _FEWEST or not width > 0:
        return None
    floor = width / _FLOOR_STEPS
    sparse = intervals.thinned(floor)
    if len(sparse) < _FEWEST_SPARSE:
        return None
    pilot = _likelihood(sparse)
    tried = [math.log(floor)]
    while len(tried) < _FEWEST_TRIED or not max(map(pilot, tried)) - pilot(tried[-1]) >= DROP:  # nan while all are 0
        tried.append(tried[-1] + math.log(2))
    first = max(tried, key=pilot)
    if first == tried[0]:
        hi = math.exp(_bound(pilot, first, math.log(2)))
        return Sigma(floor, 0.0, hi, f"an interval is more than {_FLOOR_STEPS} daily moves wide", is_least=True)
    least = first - math.log(_REACH)
    likelihood = _likelihood(intervals.thinned(math.exp(least)))
    likeliest, step = _maximum(likelihood, first, least)
    lo = _bound(likelihood, likeliest, -step, least)
    hi = _bound(likelihood, likeliest, step)
    bounds = math.exp(likeliest), 0.0 if lo == least else math.exp(lo), math.exp(hi)
    return Sigma(*bounds, _problem(width, *bounds))


def _problem(width: float, likeliest: float, lo: float, hi: float) -> str | None:
    """Return why an estimate does not count."""
    if width > _MOST_STEPS * likeliest:
        return f"an interval is {width / likeliest:.0f} daily moves wide"
    return None if hi <= _MOST_RATIO * lo else f"the rate may move {100 * lo:.2g} to {100 * hi:.2g} % a day"


def _likelihood(intervals: Intervals) -> Callable[[float], float]:
    """Return the log-likelihood as a function of the logarithm of sigma, each computed once."""
    known: dict[float, float] = {}

    def value(log_sigma: float) -> float:
        if log_sigma not in known:
            known[log_sigma] = Walk(intervals, math.exp(log_sigma)).log_likelihood()
        return known[log_sigma]

    return value


def _maximum(likelihood: Callable[[float], float], start: float, least: float) -> tuple[float, float]:
    """Return the place of the maximum and some two standard errors, by parabolas through three points."""
    middle, step = start, _WIDEST
    for _ in range(_ROUNDS):
        middle = max(middle, least + step)
        low, here, high = (likelihood(middle + side * step) for side in (-1, 0, 1))
        if max(low, high) > here and (middle - step > least or high > low):
            middle += step if high > low else -step
            continue
        bend = low - 2 * here + high
        if not math.isfinite(bend) or bend >= 0:
            step /= 2
            continue
        shift = float(np.clip(0.5 * step * (low - high) / bend, -step, step))
        narrower = float(np.clip(0.5 * step / math.sqrt(-bend), _NARROWEST, step))
        # the maximum of a wide parabola is off, as the likelihood falls faster to the left, and can lie at its middle
        is_settled = abs(shift) < narrower * _SETTLED and step < 2 * narrower
        middle, step = middle + shift, narrower
        if is_settled:
            break
    return max(middle, least), 4 * step


def _bound(likelihood: Callable[[float], float], best: float, step: float, least: float = -math.inf) -> float:
    """Return where the likelihood has dropped by `DROP` on one side of its maximum.

    The root of the drop is nearly straight, and is interpolated. `least` if it has not dropped there.
    """
    top, here, root = likelihood(best), best, 0.0
    while True:
        there = max(here + step, least)
        further = math.sqrt(2 * max(top - likelihood(there), 0.0))
        if further >= math.sqrt(2 * DROP):
            return (
                here + (there - here) * (math.sqrt(2 * DROP) - root) / (further - root) if further < math.inf else there
            )
        if there == least:
            return least
        here, root = there, further
