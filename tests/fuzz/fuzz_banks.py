"""Fuzz the readers of banks and aggregators: any answer is checked quotes or a `ParseError`."""

from contextlib import suppress
from datetime import date
from pathlib import Path

from fuzzing import fuzz, instrumented

with instrumented():
    from fxticker.errors import ParseError
    from fxticker.model.printed import check_rate
    from fxticker.sources import cbr, cbu, fawazahmed0, nbk, nbkr, nbt

_SOURCES = [module.SOURCE for module in (cbr, cbu, fawazahmed0, nbk, nbkr, nbt)]
_PAYLOADS = Path(__file__).parent.parent / "payloads"
_HEADERS = ({}, {"content-type": "text/xml; charset=windows-1251"})
_FIRST, _LAST = date(1993, 1, 1), date(2026, 12, 31)
SEEDS = [
    path.read_bytes()[:20_000]
    for prefix in ("cbr", "cbu", "fawazahmed0", "nbk", "nbt")
    for path in sorted(_PAYLOADS.glob(f"{prefix}*"))
]
TOKENS = [
    *(
        b'<?xml version="1.0" encoding="utf-8"?>',
        b'encoding="utf-16"',
        b"<!DOCTYPE x [",
        b"<!ENTITY a ",
        b"&a;",
        b"<![CDATA[",
    ),
    *(
        b"<Valute ID=",
        b"<CharCode>USD</CharCode>",
        b"<Nominal>",
        b"<Value>87,4200</Value>",
        b"<VunitRate>",
        b"<item>",
        b"</item>",
    ),
    *(
        b'"Rate"',
        b'"Nominal"',
        b'"Ccy"',
        b'"Diff"',
        b'"Date"',
        b"1e5",
        b"1e-400",
        b"NaN",
        b"1_000",
        b"\xef\xbc\x91",
        b"31.02.2026",
    ),
    *(
        b"2026-9-29",
        b"<script>",
        b"<ISOCode>",
        b"<quant>",
        b"<description>",
        b"<title>USD</title>",
        b'"usd"',
        b"0.00",
        b"-1",
    ),
]


def check(data):
    for source in _SOURCES:
        for headers in _HEADERS:
            try:
                snapshots = [source.parse(data, headers)]
            except ParseError:
                snapshots = []
            if source.history is not None:
                with suppress(ParseError):
                    snapshots += source.history.parse(data, headers, _FIRST, _LAST)
            for snapshot in snapshots:
                for tick in snapshot.ticks:
                    check_rate(tick.rate_text, snapshot.decimal_mark)
                    assert tick.nominal > 0, tick


if __name__ == "__main__":
    fuzz(check, SEEDS, TOKENS)
