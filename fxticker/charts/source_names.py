"""Names of sources in captions: each with the address where its rates stand."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from fxticker.sources.registry import known_sources

_MOST = 6
"""Sources that a caption has room for."""


def sources_text(sources: Sequence[str]) -> str:
    """Return a sentence that names sources: ``Source: timesca (timesca.com).``; of more than six their number.

    The two sources of a cross rate, ``nbk+cbu``, are one of them.
    """
    if len(sources) > _MOST:
        return f"{len(sources)} sources."
    return f"Source{'s' if len(sources) > 1 else ''}: {', '.join(map(_named, sources))}."


def _named(source: str) -> str:
    if "+" in source:
        return " + ".join(map(_named, source.split("+")))
    known = known_sources().get(source)
    host = urlsplit(known.url).hostname if known and known.url else None
    return f"{source} ({host.removeprefix('www.')})" if host else source
