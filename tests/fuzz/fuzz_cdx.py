"""Fuzz the readers of capture indexes: any answer is captures of the site within the days, or a `ParseError`."""

from contextlib import suppress
from datetime import date
from pathlib import Path

from fuzzing import fuzz, instrumented

with instrumented():
    from fxticker.backfill import commoncrawl, wayback
    from fxticker.backfill.cdx import is_page_of
    from fxticker.errors import ParseError

_PAYLOADS = Path(__file__).parent.parent / "payloads"
_FIRST, _LAST = date(2020, 1, 1), date(2026, 12, 31)
SEEDS = [path.read_bytes() for pattern in ("wayback_*", "commoncrawl_*.json*") for path in _PAYLOADS.glob(pattern)]
TOKENS = [
    *(
        b'"20251100120000"',
        b'"20251114240000"',
        b'"timestamp"',
        b'"url"',
        b'"original"',
        b'"statuscode"',
        b'"200"',
        b'"-"',
    ),
    *(
        b"https://timesca.com/",
        b"null",
        b"1e999",
        b"[[",
        b"]]",
        b"{}",
        b"\\u0000",
        b'"offset"',
        b'"length"',
        b'"filename"',
    ),
    *(b'"mime"', b'"warc/revisit"', b'"digest"', b"-1", b"NaN", b'"cdx-api"', b'"from"', b'"to"'),
]


def check(data):
    readers = (
        lambda: wayback.read_index(data, "timesca.com", _FIRST, _LAST)[0],
        lambda: commoncrawl.read_index(data, "timesca.com", _FIRST, _LAST),
    )
    for read in readers:
        try:
            captures = read()
        except ParseError:
            continue
        for capture in captures:
            assert is_page_of("timesca.com", capture.url), capture
            assert _FIRST <= capture.instant.date() <= _LAST, capture
    with suppress(ParseError):
        commoncrawl.read_crawls(data, _FIRST, _LAST)


if __name__ == "__main__":
    fuzz(check, SEEDS, TOKENS)
