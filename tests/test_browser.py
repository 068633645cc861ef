"""What is read of a page against what a browser shows of it, over pages made from a grammar of markup."""

import re
from collections import Counter

import markup
import pytest
from browser import CHROMIUM, shown_texts

import fxticker as fx
from fxticker.simulation.captures import read_captures
from fxticker.simulation.site import render_html

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: what a person sees is what it renders")

_UNSEEN = re.compile("[\xad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]+")


def answer(page):
    try:
        return fx.parse(page)
    except fx.ParseError as error:
        return error


def as_shown(tick):
    """A pattern of the whole entry as a text shows it."""
    rate, change = (
        re.escape(figure or "").replace(r"\-", r"-\s*").replace("%", r"\s*%")
        for figure in (tick.rate_text, tick.change_text)
    )
    behind = rf"\s*{change}(?![\w.,%\u2026])" if tick.change_text else r"(?![\w.,%\u2026]|\s*[-+]?[\d.,]+\s*%)"
    return rf"(?<![A-Z]){tick.pair}\s*[=:]\s*{rate}{behind}"


def printed_in(read, *, with_date=True):
    """The entries, number of copies and date; a date may be left unread, with its text."""
    is_read = not isinstance(read, fx.ParseError)
    return (read.ticks, read.copies, read.source_date if with_date else None) if is_read else str(read)


def wrong_in(page, shown):
    """What is wrong in the reading of a page, given the text that a browser shows of it; empty if nothing is."""
    read = answer(page.html.encode())
    as_text = answer(shown.replace("<", "\u2039"))  # so that nothing in it is taken for a tag
    if isinstance(read, fx.ParseError):
        is_overlooked = isinstance(read, fx.NoTicker) and not isinstance(as_text, fx.ParseError)
        return "no ticker, and one is shown" if is_overlooked else ""
    visible = _UNSEEN.sub("", shown)
    checks = {
        f"printed {page.ticks}": page.ticks in (None, read.ticks),
        f"dated {page.source_date}": read.source_date in (None, page.source_date),
        "another number of entries is shown": page.kind == "marks"
        or all(len(re.findall(as_shown(tick), visible)) == read.copies for tick in read.ticks),
        # innerText has marks as digits. A date may be left unread.
        f"as text {as_text!r}": page.kind == "marks"
        or printed_in(read) in (printed_in(as_text), printed_in(as_text, with_date=False)),
    }
    return "; ".join(what for what, is_right in checks.items() if not is_right)


def disagreements(pages, folder):
    texts = shown_texts([page.html for page in pages], folder)
    found = [(page, wrong_in(page, shown), shown) for page, shown in zip(pages, texts, strict=True)]
    return [each for each in found if each[1]]


def report(found):
    return "\n\n".join(
        f"{page.kind} {page.part!r}: {wrong}\nread {answer(page.html.encode())}\n{page.html}\nshown: {shown!r}"
        for page, wrong, shown in found[:5]
    )


def counted(pages):
    return Counter(page.part for page in pages)


def refused(pages):
    return [page for page in pages if isinstance(answer(page.html.encode()), fx.ParseError)]


@pytest.mark.slow
def test_no_figure_is_read_that_a_browser_does_not_show(tmp_path):
    pages = [page for page in markup.pages(60, "a few") if not page.is_limit]

    found = disagreements(pages, tmp_path)

    assert not found, report(found)


@pytest.mark.slow
def test_no_figure_is_read_that_a_browser_does_not_show_on_many_pages(tmp_path, capsys):
    pages = markup.pages(3_000, "many")

    found = disagreements(pages, tmp_path)
    sound = [page for page in pages if page.is_sound]

    with capsys.disabled():
        print()
        print(f"{len(sound)} sound pages, {len(refused(sound))} refused")
        print("pages", dict(Counter(page.kind for page in pages)))
        print("refused", dict(Counter(page.kind for page in refused(pages))))
        limits = [page for page in pages if page.is_limit]
        print("limits that are read", dict(counted(limits) - counted(refused(limits))))
    failures = [each for each in found if not each[0].is_limit]
    assert not failures, report(failures)
    assert len(refused(sound)) < 0.01 * len(sound)


@pytest.mark.slow
def test_captured_tickers_are_shown_and_read_alike(tmp_path):
    captures = read_captures()
    pages = [render_html(capture.ticks, capture.page_date) for capture in captures]

    shown = shown_texts(pages, tmp_path)

    assert [fx.parse(page.encode()) for page in pages] == [fx.parse(text) for text in shown]
