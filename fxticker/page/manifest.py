"""Manifest: what a published folder holds. It is written last, and the two before it stay valid."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fxticker.page.site import HASH_CHARS, MANIFEST, Site

VERSION = 1
EARLIER = 2
"""Manifests before the present one whose objects are kept: a reader may hold one while the next two are written."""


@dataclass(frozen=True, slots=True)
class Published:
    """What an earlier run published.

    Attributes
    ----------
    content
        The manifest; empty if there is none.
    data
        Its bytes.
    is_damaged
        Whether there is one that cannot be read.
    """

    content: Mapping[str, Any] = field(default_factory=dict)
    data: bytes | None = None
    is_damaged: bool = False

    def twins(self) -> dict[tuple[str, str], Mapping[str, Any]]:
        """Return the twins by pair and month."""
        return {(twin["pair"], twin["month"]): twin for twin in self.content.get("twins", ())}

    def object_of(self, kind: str) -> str | None:
        """Return the file of the only object of a kind; ``None`` if there is none."""
        return next((each["file"] for each in self.content.get("objects", ()) if each["kind"] == kind), None)


def read_published(site: Site) -> Published:
    """Return what an earlier run published; a manifest that is damaged counts as none."""
    data = site.read(MANIFEST)
    content = _content(data)
    return Published(content, data, is_damaged=data is not None and not content)


def write_manifest(site: Site, published: Published, content: Mapping[str, Any]) -> set[str]:
    """Write a manifest, after a copy of the one before it, and return the names that it and those before it need.

    Parameters
    ----------
    site
        The folder.
    published
        What the run before published.
    content
        The new manifest, without ``earlier``.
    """
    earlier = [*published.content.get("earlier", ())]
    if published.content and published.data is not None and _without_earlier(published.content) != content:
        name = f"manifests/{hashlib.sha256(published.data).hexdigest()[:HASH_CHARS]}.json"
        site.put(name, published.data)
        earlier = [name, *(other for other in earlier if other != name)][:EARLIER]
    site.put(MANIFEST, json.dumps({**content, "earlier": earlier}, indent=1).encode())
    kept = [content, *(_content(site.read(name)) for name in earlier)]
    return {*earlier, *(name for each in kept for name in _names(each))}


def _content(data: bytes | None) -> dict[str, Any]:
    try:
        content = json.loads(data or b"")
    except ValueError:
        return {}
    return content if isinstance(content, dict) and content.get("version") == VERSION else {}


def _without_earlier(content: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != "earlier"}


def _names(content: Mapping[str, Any]) -> Sequence[str]:
    objects = [each["file"] for each in content.get("objects", ())]
    return objects + [name for twin in content.get("twins", ()) for name in twin["files"]]
