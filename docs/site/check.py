"""Check of the built site: names links that lead nowhere, and what is loaded from other hosts.

``python docs/site/check.py FOLDER`` exits with 1 if there is any.
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_STYLE_URL = re.compile(r"""(?:url\(\s*|@import\s+(?!url))["']?([^"')\s]+)""")
_LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "object": "data"}


class _Page(HTMLParser):
    """What a page has: places, links, and what a browser loads for it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note what one tag has."""
        named = dict(attributes)
        self.places.add(named.get("id") or "")
        self.loaded += _STYLE_URL.findall(named.get("style") or "")
        if tag == "a" and named.get("href"):
            self.links.append(named["href"] or "")
        elif (target := named.get(_LOADED.get(tag, ""))) and named.get("rel") not in ("canonical", "author"):
            self.loaded.append(target)


def problems(folder: Path) -> list[str]:
    """Return a line for each link that leads nowhere, and each thing that is loaded from another host."""
    pages = {path: _Page(path.read_text("utf-8")) for path in sorted(folder.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        for target in (*page.links, *page.loaded):
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                if target in page.loaded and parts.scheme != "data":
                    found.append(f"{path.relative_to(folder)} loads {target}")
                continue
            file = path if not parts.path else (path.parent / unquote(parts.path)).resolve()
            if not file.is_file():
                found.append(f"{path.relative_to(folder)} leads to {target}, which is no file")
            elif parts.fragment and file in pages and unquote(parts.fragment) not in pages[file].places:
                found.append(f"{path.relative_to(folder)} leads to {target}, which has no such place")
    for path in sorted(folder.rglob("*.css")):
        urls = _STYLE_URL.findall(path.read_text("utf-8"))
        found += [f"{path.relative_to(folder)} loads {url}" for url in urls if urlsplit(url).netloc]
    return found


if __name__ == "__main__":
    lines = problems(Path(sys.argv[1]).resolve())
    sys.exit("\n".join(lines) if lines else 0)
