"""The source timesca: the ticker, or what stands in its place."""

from datetime import date

import pytest
from builders import PRINTED_TICKS as TICKS
from builders import TICKER, cases

from fxticker.errors import ChallengePage, DamagedPage, NoTicker
from fxticker.model.records import Outcome, Snapshot
from fxticker.simulation.site import render_html
from fxticker.sources.timesca.page import SOURCE, parse

CASES = cases("timesca_page")

DAY = date(2025, 11, 14)
FILLER = "Filler of a test page. "


def page(body):
    return f"<!doctype html><html><head><title>Test</title></head><body>{body}</body></html>".encode()


@pytest.mark.parametrize("words", CASES["challenge_page_is_distinguished_from_a_page_without_ticker"])
def test_challenge_page_is_distinguished_from_a_page_without_ticker(words):
    with pytest.raises(ChallengePage) as refusal:
        parse(page(f"<h1>{words}</h1>"), {})

    assert refusal.value.outcome is Outcome.BLOCKED


def test_challenge_is_recognised_by_its_header():
    with pytest.raises(ChallengePage):
        parse(page("<p>Un momento</p>"), {"cf-mitigated": "challenge"})


@pytest.mark.parametrize("body", [page(f"<p>{FILLER}</p>"), b"", page("<script>captcha()</script>")])
def test_page_without_ticker_is_no_challenge(body):
    with pytest.raises(NoTicker) as refusal:
        parse(body, {})

    assert not isinstance(refusal.value, ChallengePage)
    assert refusal.value.outcome is Outcome.NO_TICKER


def test_words_of_a_challenge_in_a_long_page_are_ignored():
    with pytest.raises(NoTicker) as refusal:
        parse(page(f"<p>{FILLER * 1000} They met a captcha. {FILLER * 1000}</p>"), {})

    assert not isinstance(refusal.value, ChallengePage)


def test_page_with_ticker_and_words_of_a_challenge_is_read():
    body = page("<p>Access denied, said the captcha.</p>") + render_html(TICKS, DAY).encode()

    assert parse(body, {"cf-mitigated": "challenge"}) == Snapshot(TICKS, DAY, 8)


def test_damaged_ticker_is_no_challenge():
    body = page("<p>Access denied</p>") + render_html(TICKS, DAY).replace("0.28571", "0").encode()

    with pytest.raises(DamagedPage):
        parse(body, {})


def test_charset_of_the_header_is_respected():
    body = "\n".join(f"\u2022 {pair} =\xa0{rate} \u20130.37%" for pair, rate, _ in TICKER).encode("windows-1251")

    snapshot = parse(body, {"content-type": "text/html; charset=windows-1251"})

    assert [(tick.pair, tick.rate_text, tick.change_text) for tick in snapshot.ticks] == [
        ("KGS/USD", "0.01144", "\u20130.37%"),
        ("KZT/USD", "0.00191", "\u20130.37%"),
        ("TJS/USD", "0.10840", "\u20130.37%"),
        ("UZS/USD", "0.00008", "\u20130.37%"),
        ("TMT/USD", "0.28571", "\u20130.37%"),
    ]


def test_charset_of_the_header_is_respected_in_a_challenge_page_too():
    with pytest.raises(ChallengePage):
        parse(b"\xff\xfe" + "Just a moment".encode("utf-16-le"), {"content-type": "text/html; charset=koi8-r"})


def test_source_reads_its_pages_with_this_parser():
    assert SOURCE.parse(render_html(TICKS, None).encode(), {}) == Snapshot(TICKS, None, 8)
