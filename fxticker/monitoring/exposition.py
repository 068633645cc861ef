"""Exposition: the format in which metrics are written, by what the scraper accepts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

TEXT = CONTENT_TYPE_PLAIN_0_0_4
"""Prometheus' text format. Every version of Prometheus reads it, and so do scrapers that ask for nothing else."""
OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_VERSIONS = {"text/plain": "0.0.4", "application/openmetrics-text": "1.0.0"}
_QUALITY = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")
"""RFC 9110, 12.4.2."""


def exposition(registry: CollectorRegistry, accept: str) -> tuple[str, bytes]:
    """Returns metrics and their content type.

    Parameters
    ----------
    accept
        The header ``Accept``; empty if there was none. OpenMetrics is written only if it is preferred to text; text is
        written also if neither is accepted, as a scraper can do more with it than with an error.
    """
    weights = dict.fromkeys(_VERSIONS, 0.0)
    specific = dict.fromkeys(_VERSIONS, -1)
    for media_range, parameters in _ranges(accept):
        for media_type, version in _VERSIONS.items():
            precision = _precision(media_range, media_type)
            if parameters.get("version", version) == version and precision >= max(specific[media_type], 0):
                weight = _weight(parameters)
                is_repeated = precision == specific[media_type]
                weights[media_type] = max(weight, weights[media_type]) if is_repeated else weight
                specific[media_type] = precision
    if weights["application/openmetrics-text"] > weights["text/plain"]:
        return OPEN_METRICS, openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call]
    return TEXT, generate_latest(registry)


def _ranges(accept: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The media ranges of a header and their parameters, all in lower case."""
    for media_range in accept.lower().split(","):
        name, *parameters = (part.strip() for part in media_range.split(";"))
        named: dict[str, Any] = {}
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            named.setdefault(key.strip(), value.strip().strip('"'))
        yield name, named


def _precision(media_range: str, media_type: str) -> int:
    """How precisely a range names a type, which decides between ranges; -1 if it does not include the type."""
    names = ("*/*", f"{media_type.partition('/')[0]}/*", media_type)
    return names.index(media_range) if media_range in names else -1


def _weight(parameters: dict[str, str]) -> float:
    quality = parameters.get("q", "1")
    return float(quality) if _QUALITY.fullmatch(quality) else 0.0
