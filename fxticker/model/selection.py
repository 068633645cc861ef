"""Selection: the five filters that every reader of the store takes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Any

from fxticker.model.timestamps import Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which rows are meant; ``None`` means no restriction.

    Attributes
    ----------
    pairs
        Currency pairs such as ``KZT/USD``; stored ones, or also inverse and cross pairs where a function derives them.
    sources
        Ids of sources.
    start, end
        Half-open span of `observed_at`, or of slots where polls are read. A date means its 00:00 UTC.
    as_of
        Only rows recorded by then; a date reaches to its last microsecond, UTC.
    """

    pairs: Collection[str] | None = None
    sources: Collection[str] | None = None
    start: Moment | None = None
    end: Moment | None = None
    as_of: Moment | None = None

    def given(self) -> dict[str, Any]:
        """Return the restrictions as keyword arguments of a reader; those that are ``None`` are left out."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}
