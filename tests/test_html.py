"""From bytes to the text a reader sees: markup, entities, charsets, and hostile pages."""

import time

import pytest
from builders import cases

from fxticker.sources.html import decode, page_text

CASES = cases("html")

CYRILLIC = "\u0421\u043e\u043c"
LOOKALIKE = "\u2212 \u2022 \u0421\u043e\u043c"


def in_page(body):
    return f"<!doctype html><html>{body}</html>"


def shown(body):
    return page_text(in_page(body)).strip()


@pytest.mark.parametrize("text", CASES["saved_text_is_left_as_it_is"])
def test_saved_text_is_left_as_it_is(text):
    assert page_text(text) == text


@pytest.mark.parametrize("body", ["<p>one</p>", "<!DOCTYPE html>one", "<HTML lang=en>one", "one</LI >", "<html>one"])
def test_page_is_html_by_its_doctype_html_element_or_closing_tag(body):
    assert page_text(body).strip() == "one"


@pytest.mark.parametrize("body", CASES["only_visible_text_is_returned"])
def test_only_visible_text_is_returned(body):
    assert shown(body) == "0.00191"


@pytest.mark.parametrize("end", ["<script>5", "<!-- 5", "<b title='5", "<b title=5", "</", "</l", "<!", "<style"])
def test_text_in_an_unclosed_tag_or_comment_is_not_visible(end):
    assert page_text(f"<html>0.00191{end}").strip() == "0.00191"


@pytest.mark.parametrize(
    "separator",
    ["<br>", "<br/>", "</p><p>", "</li>\n<li class='rate'>", "</td><td>", "<x-rate>", "<hr>"],
)
def test_other_tags_end_the_line(separator):
    assert shown(f"one{separator}two").split() == ["one", "two"]
    assert "\n" in shown(f"one{separator}two")


@pytest.mark.parametrize("picture", ["<img src='x>y'>", "<svg viewBox='0 0 9 9'><path d='M1 1'/></svg>"])
def test_picture_parts_words_of_one_line(picture):
    text = shown(f"one{picture}two")

    assert text.split() == ["one", "two"]
    assert len(text.strip().splitlines()) == 1


@pytest.mark.parametrize(("entity", "char"), CASES["entities_are_resolved_once"])
def test_entities_are_resolved_once(entity, char):
    assert shown(f"5{entity}.") == f"5{char}."


def test_entity_without_semicolon_ends_before_the_number():
    assert shown("=&nbsp0.00191") == "=\xa00.00191"


def test_references_are_resolved_however_many_precede_them():
    assert shown("".join(f"&#{code};" for code in range(100_000, 130_000)) + "&#48;").endswith("\U0001fbcf0")


@pytest.mark.parametrize("mark", ["\xad", "\u200b", "\u200d", "\u200e", "\u200f", "\u2060", "\ufeff"])
def test_invisible_marks_are_dropped(mark):
    assert page_text(f"0.00{mark}191") == "0.00191"
    assert shown(f"0.00&#{ord(mark)};191") == "0.00191"


@pytest.mark.parametrize(
    ("body", "headers", "text"),
    [
        (LOOKALIKE.encode(), {}, LOOKALIKE),
        (b"\xef\xbb\xbf" + LOOKALIKE.encode(), {"content-type": "text/html; charset=windows-1251"}, LOOKALIKE),
        (b"\xff\xfe" + LOOKALIKE.encode("utf-16-le"), {}, LOOKALIKE),
        (b"\xfe\xff" + LOOKALIKE.encode("utf-16-be"), {}, LOOKALIKE),
        (b"\xd1\xee\xec", {"content-type": "text/html; charset=windows-1251"}, CYRILLIC),
        (b"\xd1\xee\xec", {"content-type": 'text/html; Charset = "CP1251"'}, CYRILLIC),
        (b"\xf3\xcf\xcd", {"content-type": "text/html;charset=KOI8-R"}, CYRILLIC),
        (b"\xc1\xde\xdc", {"content-type": "text/html; charset=iso-8859-5"}, CYRILLIC),
        (b"\x91\xae\xac", {"content-type": "text/html; charset=ibm866"}, CYRILLIC),
        (b"\x96 5\xa0%", {"content-type": "text/html; charset=ISO-8859-1"}, "\u2013 5\xa0%"),
        (b"\x96 5\xa0%", {"content-type": "text/html; charset=us-ascii"}, "\u2013 5\xa0%"),
        (LOOKALIKE.encode(), {"content-type": "text/html"}, LOOKALIKE),
        (LOOKALIKE.encode(), {"content-type": "text/html; charset="}, LOOKALIKE),
    ],
)
def test_charset_is_taken_from_the_mark_or_the_header(body, headers, text):
    assert decode(body, headers) == text


@pytest.mark.parametrize("meta", CASES["charset_is_taken_from_the_meta_element"])
def test_charset_is_taken_from_the_meta_element(meta):
    assert decode(meta.encode() + b"\xd1\xee\xec", {}).endswith(CYRILLIC)


def test_header_goes_before_the_meta_element():
    body = b"<meta charset=koi8-r>\xd1\xee\xec"

    assert decode(body, {"content-type": "text/html; charset=windows-1251"}).endswith(CYRILLIC)


def test_meta_element_beyond_the_window_is_ignored():
    body = b" " * 1024 + b"<meta charset=windows-1251>" + CYRILLIC.encode()

    assert decode(body, {}).endswith(CYRILLIC)


@pytest.mark.parametrize("charset", CASES["unknown_or_dangerous_charset_falls_back_to_utf8"])
def test_unknown_or_dangerous_charset_falls_back_to_utf8(charset):
    body = f'<meta charset="{charset}">{LOOKALIKE} +AD0- \\u003d xn--'.encode()

    assert decode(body, {}) == body.decode()
    assert decode(body, {"content-type": f"text/html; charset={charset}"}) == body.decode()


def test_invalid_bytes_are_replaced():
    assert decode(b"0.00\xff191", {}) == "0.00\ufffd191"
    assert decode(b"0.00191\xe2\x80", {}) == "0.00191\ufffd"
    assert decode(b"\xff\xfe0\x00.\x00\x31", {}) == "0.\ufffd"


HOSTILE = CASES["hostile"]


@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_page_is_read_to_its_end(unit):
    hostile = unit * (200_000 // len(unit))

    assert page_text(f"<html>seen{hostile}").strip().startswith("seen")


@pytest.mark.slow
@pytest.mark.parametrize("unit", HOSTILE)
def test_work_grows_with_the_length_of_a_hostile_page(unit):
    short, long = (cpu_seconds(f"<html>{unit * (size // len(unit))}") for size in (2_500_000, 10_000_000))

    # Four times the page: linear work is 4 times as much, quadratic 16 times. The addend keeps tiny times out of it.
    assert long < 10 * (short + 0.05)


def cpu_seconds(page):
    start = time.process_time()
    page_text(page)
    return time.process_time() - start


def test_fragment_with_tags_and_no_end_is_html():
    assert page_text("<p>KGS/USD&nbsp;=<br>0.01144 0%").split() == ["KGS/USD", "=", "0.01144", "0%"]


@pytest.mark.parametrize("mark", ["\u202a", "\u202e", "\u2066", "\u2069"])
def test_direction_marks_leave_no_trace(mark):
    assert page_text(f"{mark}KGS/USD{mark} = 0.01144") == "KGS/USD = 0.01144"
