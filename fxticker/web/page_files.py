"""Page files: the folder that `fxticker publish` wrote, below ``/page/``; no other file of it can be named."""

from __future__ import annotations

from pathlib import Path

from fxticker.page.site import INDEX, is_published
from fxticker.web.answers import Answer
from fxticker.web.errors import not_found

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'"
)
"""Content-Security-Policy of the page, which may stand in a frame of another page: its own, and no more."""
_MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "json": "application/json; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}


def to_page() -> Answer:
    """Answer ``/page``: the page finds the files beside it from ``/page/`` only."""
    return Answer(b"", "text/plain; charset=utf-8", 308, headers=(("location", "page/"),))


def page_file(folder: Path, name: str) -> Answer:
    """Answer ``/page/`` and what is below it.

    Parameters
    ----------
    folder
        The published folder.
    name
        Path inside it; empty for the page itself.

    Raises
    ------
    Refused
        404, if there is no such published file.
    """
    name = name or INDEX
    if not is_published(name):
        raise not_found("/page/manifest.json names the files")
    try:
        data = (folder / name).read_bytes()
    except OSError as error:
        raise not_found("/page/manifest.json names the files") from error
    media_type = _MEDIA_TYPES[name.rpartition(".")[2]]
    return Answer(data, media_type=media_type, is_cached=False, headers=(("content-security-policy", POLICY),))
