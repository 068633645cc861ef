"""Twins: the ticks of each pair and month as CSV, JSON and Parquet, under names that do not change."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any

from fxticker.export.formats import FileForm, Format, write_tables
from fxticker.frames.load import load
from fxticker.model.timestamps import MICROSECOND, iso_text
from fxticker.page.manifest import Published
from fxticker.page.site import Site
from fxticker.store.read_span import month_of
from fxticker.store.store import Store

if TYPE_CHECKING:
    import pandas as pd

FORMATS: tuple[Format, ...] = ("csv", "json", "parquet")
_KIND = "ticks"
_VERSION = "1"
"""Changes whenever the content of a twin does for the same ticks."""


def publish_twins(
    store: Store, site: Site, published: Published, objects: Sequence[Mapping[str, Any]], at: datetime, *, frozen: bool
) -> Iterator[Mapping[str, Any]]:
    """Write the twins whose ticks have changed, and yield the entry of each in the manifest, by month and pair.

    Parameters
    ----------
    store
        The store.
    site
        The folder.
    published
        What the run before published: a twin from the same segments is not computed again.
    objects
        Entries of the published segments.
    at
        The instant up to which ticks count.
    frozen
        Whether that is no present: then its month is cut there.
    """
    known = published.twins()
    for month in sorted({each["month"] for each in objects if each["kind"] == _KIND}):
        inputs = month_inputs(objects, [month], at if frozen and month == month_of(at) else None)
        earlier = [twin for (_, of), twin in sorted(known.items()) if of == month]
        if earlier and all(twin["inputs"] == inputs and _is_there(site, twin) for twin in earlier):
            yield from earlier
        else:
            yield from _publish_month(store, site, month, inputs, at)


def month_inputs(objects: Sequence[Mapping[str, Any]], months: Sequence[str], at: datetime | None) -> str:
    """Return a hash of what the ticks of some months follow from."""
    hashes = sorted(
        each["sha256"]
        for each in objects
        if (each["kind"] == _KIND and each["month"] in months) or each["kind"] == "retractions"
    )
    return hashlib.sha256("\n".join([_VERSION, *hashes, str(at)]).encode()).hexdigest()


def _publish_month(store: Store, site: Site, month: str, inputs: str, at: datetime) -> Iterator[dict[str, Any]]:
    end = at + MICROSECOND if month == month_of(at) else month
    rows = load(store, start=month, end=end, bands=True)
    for pair, ticks in sorted(rows.groupby("pair", observed=True)):
        frame = ticks.reset_index(drop=True)
        for name in frame.select_dtypes("category"):
            frame[name] = frame[name].cat.remove_unused_categories()
        stem = f"rates/{str(pair).replace('/', '-')}/{month}"
        for form in FORMATS:
            site.put(f"{stem}.{form}", _bytes(frame, form))
        first, last = (iso_text(each) for each in frame["observed_at"].iloc[[0, -1]])
        yield {
            "pair": str(pair),
            "month": month,
            "rows": len(frame),
            "first_at": first,
            "last_at": last,
            "files": [f"{stem}.{form}" for form in FORMATS],
            "inputs": inputs,
        }


def _bytes(frame: pd.DataFrame, form: Format) -> bytes:
    file: IO[bytes] = io.BytesIO()
    write_tables({_KIND: frame}, file, FileForm(form))
    return file.getvalue()  # type: ignore[attr-defined,no-any-return]


def _is_there(site: Site, twin: Mapping[str, Any]) -> bool:
    return all((site.folder / name).is_file() for name in twin["files"])
