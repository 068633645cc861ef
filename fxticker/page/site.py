"""Site: the folder that is published, in which a file is replaced as a whole and only files of ours are removed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from pathlib import Path

from fxticker.files import TEMPORARY, replaced

HASH_CHARS = 16
"""Characters of a SHA-256 in the name of an object: 64 bits; the manifest has all of it."""
_HASH = f"[0-9a-f]{{{HASH_CHARS}}}"
_OURS = {
    "data": re.compile(rf"[a-z0-9_-]+\.{_HASH}\.(?:parquet|json)"),
    "assets": re.compile(rf"(?:app|style)\.{_HASH}\.(?:js|css)"),
    "manifests": re.compile(rf"{_HASH}\.json"),
    "rates": re.compile(r"[A-Z]{3}-[A-Z]{3}/[0-9]{4}-[0-9]{2}\.(?:csv|json|parquet)"),
}
"""By folder, what the names of our files look like; other files are never touched."""
INDEX, MANIFEST, LICENCES = "index.html", "manifest.json", "assets/licences.txt"


def is_published(name: str) -> bool:
    """Return whether a path inside a folder is that of a file of ours."""
    top, _, rest = name.partition("/")
    return name in (INDEX, MANIFEST, LICENCES) or (top in _OURS and _OURS[top].fullmatch(rest) is not None)


class Site:
    """A folder of published files.

    Parameters
    ----------
    folder
        The folder; created by the first write.

    Attributes
    ----------
    folder
        As given.
    written
        Number of files that were written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.written = 0

    def read(self, name: str) -> bytes | None:
        """Return the content of a file; ``None`` if it does not exist."""
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def put(self, name: str, data: bytes) -> None:
        """Replace a file as a whole, unless it has this content already."""
        if self.read(name) == data:
            return
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with replaced(path) as file:
            file.write(data)
        self.written += 1

    def put_object(self, folder: str, stem: str, ending: str, data: bytes) -> tuple[str, str]:
        """Write an object under a name with its hash; return the name and the whole hash."""
        sha256 = hashlib.sha256(data).hexdigest()
        name = f"{folder}/{stem}.{sha256[:HASH_CHARS]}.{ending}"
        self.put(name, data)
        return name, sha256

    def delete_all_but(self, kept: Collection[str]) -> int:
        """Delete the files that have names of ours and are not among those to keep; return their number."""
        unkept = [name for name in self._ours() if name not in kept]
        for name in unkept:
            (self.folder / name).unlink()
        return len(unkept)

    def _ours(self) -> list[str]:
        found = []
        for top, pattern in _OURS.items():
            for path in sorted((self.folder / top).rglob("*")):
                name = path.relative_to(self.folder / top).as_posix()
                is_named = pattern.fullmatch(name) or TEMPORARY.fullmatch(path.name)
                if is_named and path.is_file() and not path.is_symlink():
                    found.append(f"{top}/{name}")
        return found
