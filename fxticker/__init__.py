"""Record the Central Asian FX ticker for years without lying.

Everything public is here; what a name needs is imported when it is first used, so that ``import fxticker`` and the
command line start at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from fxticker.analysis.covering import gaps
    from fxticker.analysis.drifting import drift
    from fxticker.errors import (
        ConfigError,
        DamagedPage,
        FetchError,
        FxTickerError,
        NoData,
        NoTicker,
        ParseError,
        StoreError,
    )
    from fxticker.figures import plot_drift, plot_history
    from fxticker.loading import latest, load, load_polls, wide
    from fxticker.parsing import parse
    from fxticker.store import Store

_HOME = {
    "ConfigError": "errors",
    "DamagedPage": "errors",
    "FetchError": "errors",
    "FxTickerError": "errors",
    "NoData": "errors",
    "NoTicker": "errors",
    "ParseError": "errors",
    "Store": "store",
    "StoreError": "errors",
    "drift": "analysis.drifting",
    "gaps": "analysis.covering",
    "latest": "loading",
    "load": "loading",
    "load_polls": "loading",
    "parse": "parsing",
    "plot_drift": "figures",
    "plot_history": "figures",
    "wide": "loading",
}

__all__ = [
    "ConfigError",
    "DamagedPage",
    "FetchError",
    "FxTickerError",
    "NoData",
    "NoTicker",
    "ParseError",
    "Store",
    "StoreError",
    "__version__",
    "drift",
    "gaps",
    "latest",
    "load",
    "load_polls",
    "parse",
    "plot_drift",
    "plot_history",
    "wide",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'fxticker' has no attribute {name!r}")
    value = getattr(import_module(f"fxticker.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
