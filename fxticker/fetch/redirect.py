"""Redirect: where a page has moved according to the server, as text for a poll's detail."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from fxticker.errors import one_line

_TARGET_CHARS = 150
"""Characters of a target that are shown: an address of a page has some 60."""


def redirect_target(url: str, location: str) -> str:
    """Returns origin and path of a redirect's target; empty if there is none to show.

    User, password, query and fragment are left out: they may be keys, and sites add a new value to each answer.

    Parameters
    ----------
    url
        The request's.
    location
        The header ``Location``, as it came.
    """
    if not location.strip():
        return ""
    try:
        target = urlsplit(urljoin(url, location.strip()))
    except ValueError:
        return "an invalid address"
    if target.scheme not in ("http", "https") or not target.hostname:
        return f"an address of scheme {one_line(target.scheme)[:20]!r}" if target.scheme else "an invalid address"
    return one_line(f"{target.scheme}://{target.netloc.rpartition('@')[2]}{target.path}")[:_TARGET_CHARS]
