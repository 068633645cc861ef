"""The page that a source last showed, kept so that a conditional request can be answered with "not modified"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from fxticker.model.records import Snapshot

_MAX_VALIDATOR_CHARS = 1000
"""What servers send has a hundred at most; what is kept of their text must be bounded."""
_ENTITY_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]*"')
"""RFC 9110, 8.8.3, in ASCII. A bare ``*`` would match whatever the page has become."""
_PRINTABLE = re.compile(r"[\x20-\x7e]+")


@dataclass(frozen=True, slots=True)
class CachedPage:
    """A page that was read, so that a source's "not modified" can be answered with it.

    Attributes
    ----------
    url
        Where it was: its validators mean nothing elsewhere, and are nobody else's business.
    etag, last_modified
        The validators that came with it; null if none did.
    sha256
        Of its body.
    snapshot
        What it prints.
    """

    url: str
    etag: str | None
    last_modified: str | None
    sha256: str
    snapshot: Snapshot

    @property
    def conditions(self) -> dict[str, str]:
        """The header fields that ask for the page only if it is another by now."""
        named = {"if-none-match": self.etag, "if-modified-since": self.last_modified}
        return {name: validator for name, validator in named.items() if validator is not None}


def cached_page(url: str, headers: Mapping[str, str], *, sha256: str, snapshot: Snapshot) -> CachedPage:
    """A page with those of its validators that may be sent back: hostile text becomes none.

    Parameters
    ----------
    headers
        Of the answer, by lower-case name.
    """
    return CachedPage(
        url,
        etag=_validator(headers.get("etag"), _ENTITY_TAG),
        last_modified=_validator(headers.get("last-modified"), _PRINTABLE),
        sha256=sha256,
        snapshot=snapshot,
    )


def _validator(text: str | None, form: re.Pattern[str]) -> str | None:
    if text is None or len(text) > _MAX_VALIDATOR_CHARS or form.fullmatch(text) is None:
        return None
    return text
