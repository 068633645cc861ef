"""Publish: writes a folder that any static host can serve: objects first, then twins, the page, and the manifest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import filelock

from fxticker.errors import StoreError, StoreLocked
from fxticker.frames.now_and_zone import present
from fxticker.model.schedule import Schedule
from fxticker.page.answers import month_drift, month_ends, pegs_in_force, plain, present_rates, shown_pairs
from fxticker.page.looks import looks
from fxticker.page.manifest import VERSION, Published, read_published, write_manifest
from fxticker.page.segments import publish_segments
from fxticker.page.site import INDEX, LICENCES, MANIFEST, Site
from fxticker.page.twins import month_inputs, publish_twins
from fxticker.store.read_span import month_of
from fxticker.store.store import Store
from fxticker.store.store_id import read_store_id

ASSETS = Path(__file__).parent / "assets"
_LOCK = ".publish.lock"


@dataclass(frozen=True, slots=True)
class PublishSummary:
    """Result of a run.

    Attributes
    ----------
    written, deleted
        Files that were written, and files of earlier runs that were deleted.
    objects, twins
        Entries of the manifest.
    at
        The instant that is shown.
    """

    written: int
    deleted: int
    objects: int
    twins: int
    at: datetime


def publish(
    store: Store, folder: Path, *, at: datetime | None = None, schedules: Mapping[str, Schedule] | None = None
) -> PublishSummary:
    """Bring a folder of static files up to date with a store; the daemon may run.

    A reader that holds any of the last three manifests finds every object that it names. A run that ends early leaves
    the manifest before it in force.

    Parameters
    ----------
    store
        The store; only read.
    folder
        Where to write: empty, absent, or from earlier runs. Other files in it are left alone.
    at
        The instant to show, which then stands for the present: what was observed later does not count; ``None`` for
        now.
    schedules
        The configured grids by source, for when each is polled next.

    Raises
    ------
    StoreError
        If the folder has another page, or that of a store with ticks where this one has none, or a file of the store
        cannot be published.
    StoreLocked
        If another run writes there.
    """
    _require_ours(folder)
    instant = present() if at is None else at
    with _alone(folder):
        site = Site(folder)
        published = read_published(site)
        _require_ticks(store, published, folder)
        objects = [*publish_segments(store, site, instant)]
        twins = [*publish_twins(store, site, published, objects, instant, frozen=at is not None)]
        objects.append(_publish_rates(store, site, objects, instant, schedules or {}))
        objects.append(_publish_drifts(store, site, published, objects, instant))
        objects += _publish_page(site)
        content = {
            "version": VERSION,
            "published_at": plain(instant),
            "frozen": at is not None,
            "store_id": read_store_id(store.backend),
            "objects": objects,
            "twins": twins,
        }
        kept = write_manifest(site, published, content)
        # what a damaged manifest names is not known
        deleted = 0 if published.is_damaged else site.delete_all_but(kept)
    return PublishSummary(site.written, deleted, len(objects), len(twins), instant)


def _require_ours(folder: Path) -> None:
    if (folder / INDEX).exists() and not (folder / MANIFEST).exists():
        raise StoreError(f"{folder}: there is another page here; choose an empty folder")


def _require_ticks(store: Store, published: Published, folder: Path) -> None:
    """Refuse to replace the page of a store that has ticks by one of none: all that was published would be deleted."""
    if any(each["kind"] == "ticks" for each in published.content.get("objects", ())) and not store.ticks.sources():
        raise StoreError(f"{folder} shows a store with ticks, and this one has none: its disk may not be mounted")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(folder / _LOCK, timeout=0):
            yield
    except filelock.Timeout as error:
        raise StoreLocked(str(folder), 0, "another `fxticker publish`") from error


def _publish_rates(
    store: Store, site: Site, objects: Sequence[Mapping[str, Any]], at: datetime, schedules: Mapping[str, Schedule]
) -> dict[str, Any]:
    pairs = shown_pairs(objects)
    answers = {
        "at": plain(at),
        "rates": present_rates(store, pairs, at),
        "sources": looks(store, at, schedules),
        "pegs": pegs_in_force(pairs),
    }
    return _publish_json(site, "rates", answers) | {"pairs": pairs}


def _publish_drifts(
    store: Store, site: Site, published: Published, objects: Sequence[Mapping[str, Any]], at: datetime
) -> dict[str, Any]:
    """Write the drifts between month ends; one whose ticks are those of the run before is not computed again."""
    earlier = _earlier_drifts(site, published)
    drifts = []
    months = sorted({each["month"] for each in objects if each["kind"] == "ticks"})
    for start, end in month_ends(months, at):
        last = end if isinstance(end, str) else month_of(at)
        upto = [month for month in months if month <= last]
        inputs = month_inputs(objects, upto, None if last == end else at)
        known = earlier.get((str(start), plain(end), inputs))
        drifts.append(known or {**month_drift(store, start, end), "inputs": inputs})
    return _publish_json(site, "drifts", {"drifts": drifts})


def _earlier_drifts(site: Site, published: Published) -> dict[tuple[str, str, str], dict[str, Any]]:
    name = published.object_of("drifts")
    data = None if name is None else site.read(name)
    rows = [] if data is None else json.loads(data)["drifts"]
    return {(each["start"], each["end"], each["inputs"]): each for each in rows}


def _publish_json(site: Site, kind: str, content: Mapping[str, Any]) -> dict[str, Any]:
    data = json.dumps(content, separators=(",", ":"), allow_nan=False).encode()
    name, sha256 = site.put_object("data", kind, "json", data)
    return {"file": name, "kind": kind, "bytes": len(data), "sha256": sha256}


def _publish_page(site: Site) -> list[dict[str, Any]]:
    """Write the page, which names its script and its style by their hashes."""
    html, entries = (ASSETS / INDEX).read_text("utf-8"), []
    for stem, ending in (("app", "js"), ("style", "css")):
        data = (ASSETS / f"{stem}.{ending}").read_bytes()
        name, sha256 = site.put_object("assets", stem, ending, data)
        html = html.replace(f'"{stem}.{ending}"', f'"{name}"')
        entries.append({"file": name, "kind": stem, "bytes": len(data), "sha256": sha256})
    site.put(LICENCES, (ASSETS / "licences.txt").read_bytes())
    site.put(INDEX, html.encode())
    return entries
