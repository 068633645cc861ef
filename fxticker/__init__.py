"""Record the Central Asian FX ticker for years without lying.

Everything public is here; what a name needs is imported when it is first used, so that ``import fxticker`` and the
command line start at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str
    from fxticker.analysis.changing import changes
    from fxticker.analysis.comparing import compare, lags
    from fxticker.analysis.converting import convert
    from fxticker.analysis.covering import coverage, gaps
    from fxticker.analysis.decoding import decode, rollovers
    from fxticker.analysis.drifting import drift, drift_by_period, drift_series
    from fxticker.analysis.pegging import peg
    from fxticker.analysis.quotes import as_of, quotes
    from fxticker.analysis.resampling import resample
    from fxticker.analysis.stating import best
    from fxticker.errors import (
        ConfigError,
        DamagedPage,
        FetchError,
        FxTickerError,
        NoData,
        NotDerivable,
        NoTicker,
        ParseError,
        StaleRate,
        StoreError,
    )
    from fxticker.figures import (
        plot_compare,
        plot_coverage,
        plot_drift,
        plot_heatmap,
        plot_history,
        plot_path,
        save_figure,
    )
    from fxticker.loading import latest, load, load_polls, wide
    from fxticker.parsing import parse
    from fxticker.store import Store

_HOME = {
    "ConfigError": "errors",
    "DamagedPage": "errors",
    "FetchError": "errors",
    "FxTickerError": "errors",
    "NoData": "errors",
    "NotDerivable": "errors",
    "StaleRate": "errors",
    "NoTicker": "errors",
    "ParseError": "errors",
    "Store": "store",
    "StoreError": "errors",
    "as_of": "analysis.quotes",
    "best": "analysis.stating",
    "changes": "analysis.changing",
    "compare": "analysis.comparing",
    "convert": "analysis.converting",
    "coverage": "analysis.covering",
    "decode": "analysis.decoding",
    "drift": "analysis.drifting",
    "drift_by_period": "analysis.drifting",
    "drift_series": "analysis.drifting",
    "gaps": "analysis.covering",
    "lags": "analysis.comparing",
    "latest": "loading",
    "load": "loading",
    "load_polls": "loading",
    "parse": "parsing",
    "peg": "analysis.pegging",
    "plot_compare": "figures",
    "plot_coverage": "figures",
    "plot_drift": "figures",
    "plot_heatmap": "figures",
    "plot_history": "figures",
    "plot_path": "figures",
    "quotes": "analysis.quotes",
    "resample": "analysis.resampling",
    "rollovers": "analysis.decoding",
    "save_figure": "figures",
    "wide": "loading",
}

__all__ = [
    "ConfigError",
    "DamagedPage",
    "FetchError",
    "FxTickerError",
    "NoData",
    "NoTicker",
    "NotDerivable",
    "ParseError",
    "StaleRate",
    "Store",
    "StoreError",
    "__version__",
    "as_of",
    "best",
    "changes",
    "compare",
    "convert",
    "coverage",
    "decode",
    "drift",
    "drift_by_period",
    "drift_series",
    "gaps",
    "lags",
    "latest",
    "load",
    "load_polls",
    "parse",
    "peg",
    "plot_compare",
    "plot_coverage",
    "plot_drift",
    "plot_heatmap",
    "plot_history",
    "plot_path",
    "quotes",
    "resample",
    "rollovers",
    "save_figure",
    "wide",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value: Any = import_module("importlib.metadata").version("fxticker")
    elif name in _HOME:
        value = getattr(import_module(f"fxticker.{_HOME[name]}"), name)
    else:
        raise AttributeError(f"module 'fxticker' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
