"""Fuzz `fxticker.parse`: any bytes are a snapshot or a `ParseError`; the fast path and the whole page agree."""

from fuzzing import fuzz, instrumented

with instrumented():
    import fxticker as fx
    from fxticker.simulation.captures import read_captures
    from fxticker.simulation.site import MARKUPS, render_html, render_text
    from fxticker.sources.html import decode

_CAPTURES = read_captures()[::30]
_FILLER = "<p>Filler of a seed, with <a href='/x/'>links</a> &amp; some more words.</p>" * 30
SEEDS = [
    *(render_html(each.ticks, each.page_date, 3, markup).encode() for each in _CAPTURES for markup in MARKUPS.values()),
    *(render_text(each.ticks, each.page_date, 2).encode() for each in _CAPTURES),
    *(
        render_html(_CAPTURES[0].ticks, None, 2, markup).replace("<body>", f"<body>{_FILLER}").encode()
        for markup in MARKUPS.values()
    ),
]
TOKENS = [
    *(
        b"<span hidden>",
        b"</span>",
        b"<template>",
        b"</template>",
        b"<!--",
        b"-->",
        b"<sup>",
        b"</sup>",
        b"<br>",
        b"<wbr>",
    ),
    *(
        b' style="display:none"',
        b" style='visibility:hidden'",
        b"<script>",
        b"</script>",
        b"<noscript>",
        b"</noscript>",
    ),
    *(
        b"&nbsp;",
        b"&#47;",
        b"&sol;",
        b"&#x2e;",
        b"&shy;",
        b"\xe2\x80\xa6",
        b"\xc2\xad",
        b"\xe2\x80\x8b",
        b"\xe2\x80\xae",
    ),
    *(
        b"KGS/USD",
        b" = ",
        b"0.00191",
        b"0%",
        b"-0%",
        b"...",
        b"\xef\xbc\x91",
        b"<li>",
        b"</li>",
        b"<div>",
        b"</div>",
        b"<svg>",
    ),
    *(
        b"<details>",
        b"<dialog>",
        b'<template shadowrootmode="open">',
        b"<slot>",
        b"14 November 2025",
        b'"',
        b"'",
        b">",
        b"/",
    ),
    *(
        b"<title>",
        b"<textarea>",
        b"<plaintext>",
        b"<style>",
        b"<input value=",
        b'<meta charset="utf-16">',
        b"<![CDATA[",
    ),
]


def check(data):
    answers = []
    for page in (data, decode(data, {})):
        try:
            answers.append(fx.parse(page))
        except fx.ParseError as error:
            answers.append((type(error), str(error)))
    assert answers[0] == answers[1], answers


if __name__ == "__main__":
    fuzz(check, SEEDS, TOKENS)
