"""Selection: the filters that readers of the store take, as one record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import tzinfo
from typing import Any

from fxticker.model.pairs import directed, pair_of
from fxticker.model.timestamps import Moment

Zone = str | tzinfo
"""A time zone, or its name as ``Asia/Tashkent``."""


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
        Span of `observed_at`, or of slots where polls are read: days are whole, both included, an instant at the end is
        excluded. See `fxticker.model.days`. What has a date only counts at the midnight of that date in `tz`.
    as_of
        What was known then: rows recorded by then, without those retracted by then; of a date its end.
    tz
        Whose days are meant, and the zone of the instants that are returned; ``None`` is UTC.
    per_usd
        Whether derived rates against USD are units per USD, in place of the direction of the ticker; ``None`` is no.
    """

    pairs: tuple[str, ...] | None = None
    sources: tuple[str, ...] | None = None
    start: Moment | None = None
    end: Moment | None = None
    as_of: Moment | None = None
    tz: Zone | None = None
    per_usd: bool | None = None

    @classmethod
    def of(
        cls,
        *,
        pairs: Iterable[str] | None = None,
        sources: Iterable[str] | None = None,
        start: Moment | None = None,
        end: Moment | None = None,
        as_of: Moment | None = None,
        tz: Zone | None = None,
        per_usd: bool | None = None,
    ) -> Selection:
        """Return a selection of names given as any iterable, or a single one as text.

        Pairs may be written as `fxticker.model.pairs.pair_of` reads them; `per_usd` turns those against USD.

        Raises
        ------
        ValueError
            If a text names no pair.
        """
        wanted = _names(pairs)
        if wanted is not None:
            wanted = tuple(dict.fromkeys(map(pair_of, wanted)))
            wanted = tuple(directed(pair, per_usd=True) for pair in wanted) if per_usd else wanted
        spans: dict[str, Any] = {"start": start, "end": end, "as_of": as_of, "tz": tz}
        return cls(pairs=wanted, sources=_names(sources), per_usd=per_usd or None, **spans)

    def given(self) -> dict[str, Any]:
        """Return the restrictions as keyword arguments of a reader; those that are ``None`` are left out."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


def _names(names: Iterable[str] | None) -> tuple[str, ...] | None:
    return None if names is None else (names,) if isinstance(names, str) else tuple(names)
