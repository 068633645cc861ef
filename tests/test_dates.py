"""Dates behind the ticker: the forms that news sites print, and those that can be read in two ways."""

from datetime import date

import pytest
from builders import PRINTED_TICKS as TICKS
from builders import cases
from hypothesis import given
from hypothesis import strategies as st

import fxticker as fx
from fxticker.simulation.site import render_html, render_text
from fxticker.sources.timesca.dates import date_behind

CASES = cases("dates")
DAY = date(2025, 10, 25)


def parsed(render, text):
    return fx.parse(render(TICKS, date(2025, 1, 1)).replace("1 January 2025", text))


@pytest.mark.parametrize("render", [render_text, render_html])
@pytest.mark.parametrize("text", CASES["read_as_25_october_2025"])
def test_date_in_any_form_is_read(text, render):
    snapshot = parsed(render, text)

    assert (snapshot.source_date, snapshot.unread_date) == (DAY, None)
    assert parsed(lambda *page: render(*page).replace("<main>", "<p>x y</p>" * 99), text).source_date == DAY


@pytest.mark.parametrize("render", [render_text, render_html])
@pytest.mark.parametrize("text", CASES["unread"])
def test_date_that_cannot_be_read_is_kept_as_text(text, render):
    snapshot = parsed(render, text)

    assert snapshot.source_date is None
    assert snapshot.unread_date in text


@pytest.mark.parametrize("text", CASES["no_date"])
def test_other_text_is_no_date(text):
    snapshot = parsed(render_text, text)

    assert (snapshot.source_date, snapshot.unread_date) == (None, None)


FORMS = ("%d %B %Y", "%A, %d %B %Y", "%B %d, %Y", "%a %d %b %Y", "%d.%m.%Y", "%Y-%m-%d", "Updated: %b. %d, %Y")


@given(st.dates(date(1990, 1, 1), date(2099, 12, 31)), st.sampled_from(FORMS))
def test_printed_date_is_read_as_it_was_printed(day, form):
    assert date_behind(f"\n{day:{form}}\n", 0).date == day


@given(st.text("0123456789 ./-,:OctMay\u043c\u0430\u044f"))
def test_any_text_gives_a_date_or_none(text):
    printed = date_behind(text, 0)

    assert printed is None or printed.text in text
