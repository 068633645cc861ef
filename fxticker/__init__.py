"""Record the Central Asian FX ticker: the outcome of every poll, and every printed number.

Everything public is here; what a name needs is imported when it is first used, so that ``import fxticker`` and the
command line start at once.
"""

__version__ = "0.2.0.dev0"

TYPE_CHECKING = False  # for type checkers it is true; importing typing would take as long as all the rest
if TYPE_CHECKING:
    from typing import Any

    from fxticker.analysis.best import best
    from fxticker.analysis.changes import changes
    from fxticker.analysis.compare import compare, lags
    from fxticker.analysis.convert import convert
    from fxticker.analysis.coverage import coverage, gaps
    from fxticker.analysis.decode import decode, rollovers
    from fxticker.analysis.drift import drift, drift_series
    from fxticker.analysis.drift_by_period import drift_by_period
    from fxticker.analysis.estimate import estimate
    from fxticker.analysis.explain import explain
    from fxticker.analysis.peg import peg
    from fxticker.analysis.quotes import as_of, quotes
    from fxticker.analysis.rate import rate
    from fxticker.analysis.resample import resample
    from fxticker.analysis.scores import scores
    from fxticker.analysis.volatility import volatility
    from fxticker.charts import (
        plot_compare,
        plot_coverage,
        plot_drift,
        plot_heatmap,
        plot_history,
        plot_path,
        save_figure,
    )
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
    from fxticker.export.save import save_frame
    from fxticker.frames.latest import latest
    from fxticker.frames.load import load
    from fxticker.frames.polls import load_polls
    from fxticker.frames.wide import wide
    from fxticker.report.monthly import monthly_report
    from fxticker.sources.timesca.ticker import parse
    from fxticker.store.store import Store

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
    "Store": "store.store",
    "StoreError": "errors",
    "as_of": "analysis.quotes",
    "best": "analysis.best",
    "changes": "analysis.changes",
    "compare": "analysis.compare",
    "convert": "analysis.convert",
    "coverage": "analysis.coverage",
    "decode": "analysis.decode",
    "drift": "analysis.drift",
    "drift_by_period": "analysis.drift_by_period",
    "drift_series": "analysis.drift",
    "estimate": "analysis.estimate",
    "explain": "analysis.explain",
    "gaps": "analysis.coverage",
    "lags": "analysis.compare",
    "latest": "frames.latest",
    "load": "frames.load",
    "load_polls": "frames.polls",
    "monthly_report": "report.monthly",
    "parse": "sources.timesca.ticker",
    "peg": "analysis.peg",
    "plot_compare": "charts",
    "plot_coverage": "charts",
    "plot_drift": "charts",
    "plot_heatmap": "charts",
    "plot_history": "charts",
    "plot_path": "charts",
    "quotes": "analysis.quotes",
    "rate": "analysis.rate",
    "resample": "analysis.resample",
    "rollovers": "analysis.decode",
    "save_figure": "charts",
    "scores": "analysis.scores",
    "save_frame": "export.save",
    "volatility": "analysis.volatility",
    "wide": "frames.wide",
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
    "estimate",
    "explain",
    "gaps",
    "lags",
    "latest",
    "load",
    "load_polls",
    "monthly_report",
    "parse",
    "peg",
    "plot_compare",
    "plot_coverage",
    "plot_drift",
    "plot_heatmap",
    "plot_history",
    "plot_path",
    "quotes",
    "rate",
    "resample",
    "rollovers",
    "save_figure",
    "save_frame",
    "scores",
    "volatility",
    "wide",
]


def __getattr__(name: str) -> "Any":
    from importlib import import_module

    if name not in _HOME:
        raise AttributeError(f"module 'fxticker' has no attribute {name!r}")
    value: Any = getattr(import_module(f"fxticker.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
