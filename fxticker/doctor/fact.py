"""A fact about an installation, and how paths and URLs are written in one: without what is nobody else's business."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

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


def without_home(fact: Fact, home: Path) -> Fact:
    """Return a fact that has ``~`` in place of a home directory, which has the name of its owner."""
    if home == Path("/"):
        return fact
    return replace(fact, text=fact.text.replace(f"{home}/", "~/"))


def host_of(url: str) -> tuple[str, int]:
    """Return host and port of an http or https URL: all of it that has no secret."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
