"""A fact about an installation, and how paths and URLs are written in one: without what is nobody else's business."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

_URL = re.compile(r"(https?://)(?:[^\s/?#]*@)?([^\s/?#@]+)[^\s]*")
"""What comes before the host of a URL, and the host; an error's text may quote one."""
State = Literal["ok", "note", "fails"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact.

    Attributes
    ----------
    about
        One word: ``"clock"``.
    state
        ``"ok"``, ``"note"`` for what may be meant, or ``"fails"`` for what keeps fxticker from recording, or from
        recording right.
    text
        The fact, without secrets: no credentials, no path or query of a URL, no value of an environment variable.
    """

    about: str
    state: State
    text: str


def without_secrets(fact: Fact, home: Path) -> Fact:
    """Return a fact with the hosts alone of URLs, and ``~`` in place of a home directory, which names its owner."""
    text = _URL.sub(r"\1\2", fact.text)
    return replace(fact, text=text if home == Path("/") else text.replace(f"{home}/", "~/"))


def host_of(url: str) -> tuple[str, int]:
    """Return host and port of an http or https URL: all of it that has no secret."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
