"""Page cache: the last page of a source, for conditional requests that are answered with "not modified"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from fxticker.model.records import Snapshot

_MAX_VALIDATOR_CHARS = 1000
"""Longest validator that is kept. Servers send a hundred characters at most; memory must be bounded."""
_ENTITY_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]*"')
"""RFC 9110, 8.8.3, in ASCII. A bare ``*`` is excluded: it would match any later page."""
_PRINTABLE = re.compile(r"[\x20-\x7e]+")


@dataclass(frozen=True, slots=True)
class CachedPage:
    """A page that was parsed, with the validators that confirm it.

    Attributes
    ----------
    url
        Its address. Validators are sent to this address only.
    etag, last_modified
        Its validators; `None` if it has none.
    sha256
        Hash of its body, hexadecimal.
    snapshot
        Its ticks and date.
    evidence
        Hash of the kept piece of it; `None` if none is kept.
    """

    url: str
    etag: str | None
    last_modified: str | None
    sha256: str
    snapshot: Snapshot
    evidence: str | None = None

    @property
    def conditions(self) -> dict[str, str]:
        """Header fields of a request for the page that is answered with 304 if it has not changed."""
        fields = {"if-none-match": self.etag, "if-modified-since": self.last_modified}
        return {name: validator for name, validator in fields.items() if validator is not None}


def cached_page(url: str, headers: Mapping[str, str], *, sha256: str, snapshot: Snapshot) -> CachedPage:
    """Cache a page with those of its validators that are safe to send back; an invalid one becomes `None`.

    Parameters
    ----------
    headers
        Of the response, by lower-case name.
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
