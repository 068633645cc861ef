"""Source timesca: the ticker of The Times of Central Asia, on every page of the site and without an archive."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fxticker.errors import ChallengePage, NoTicker
from fxticker.model.records import Evidence, Snapshot
from fxticker.sources.age_limits import TICKER, TICKER_HOLDS_DAYS, TICKER_STALE_AFTER_DAYS
from fxticker.sources.html import decode, page_text
from fxticker.sources.source import Source
from fxticker.sources.timesca import ticker
from fxticker.sources.timesca.evidence import find_evidence

_CHALLENGE = re.compile(
    r"just a moment|checking your browser|verif(?:y|ying) (?:that )?you are (?:a )?human|enable javascript and cookies"
    r"|captcha|attention required|access (?:to this page )?(?:has been |is )?denied|unusual traffic|request blocked",
    re.IGNORECASE,
)
"""Words of the challenge and refusal pages of the common content delivery networks."""
_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{0,500})", re.IGNORECASE)
_CHALLENGE_WINDOW_CHARS = 20_000
"""Characters: such pages are short; in a longer page the words may be an article's."""


def parse(body: bytes, headers: Mapping[str, str]) -> Snapshot:
    """Read the ticker of one of the site's pages.

    Raises
    ------
    ChallengePage
        If there is no ticker and the page is a challenge or refusal.
    NoTicker, DamagedPage
        As `fxticker.parse`.
    """
    try:
        return ticker.parse(body, headers)
    except NoTicker as error:
        if _is_challenge(body, headers):
            raise ChallengePage("the site answered with a challenge or refusal page") from error
        raise


def evidence(body: bytes, headers: Mapping[str, str], snapshot: Snapshot) -> Evidence | None:
    """Return the piece of a page that its ticker is read from: see `fxticker.sources.timesca.evidence`."""
    return find_evidence(body, headers, snapshot, parse=ticker.parse)


def _is_challenge(body: bytes, headers: Mapping[str, str]) -> bool:
    if headers.get("cf-mitigated") == "challenge":  # Cloudflare marks such pages so
        return True
    text = page_text(body, headers)
    if len(text) > _CHALLENGE_WINDOW_CHARS:
        return False
    title = _TITLE.search(decode(body, headers))
    return _CHALLENGE.search(text if title is None else f"{title[1]}\n{text}") is not None


SOURCE = Source(
    id=TICKER,
    url="https://timesca.com/",
    every="15min",
    terms_url=None,
    media_types=frozenset(["text/html", "application/xhtml+xml", "text/plain"]),
    stale_after_days=TICKER_STALE_AFTER_DAYS,
    holds_days=TICKER_HOLDS_DAYS,
    parse=parse,
    evidence=evidence,
)
