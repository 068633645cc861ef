"""Hiding places and openings are found wherever they stand, in one search or in several."""

import random
import re

import pytest

from fxticker.sources import hiding_places
from fxticker.sources.hiding_places import hiding_attributes, may_hide, openings
from fxticker.sources.timesca import prefilter
from fxticker.sources.timesca.prefilter import Openings, slashes_of

UNREAD = ("!--", "script", "style", "title", "textarea", "noscript", "noembed", "noframes", "iframe")
HIDDEN = ("template", "details", "dialog", "datalist", "rp", "annotation", "slot", "xmp", "plaintext")
OTHER = ("div", "strong", "span", "td", "img", "/script", "/rp", "!doctype", "ins", "a", "!-", "r", "nav", "tr", "i")


def _random_page(seed):
    rand = random.Random(seed)
    pieces = []
    for _ in range(400):
        name = rand.choice(UNREAD + HIDDEN + OTHER)
        name = "".join(rand.choice((letter.lower(), letter.upper())) for letter in name)
        pieces.append(
            rand.choice(("<", "<", "<", "<<", " ")) + name + rand.choice((">", " x ", "", "/USD = ", "&#x2F;"))
        )
    return "".join(pieces).encode()


def _by_pattern(page):
    unread = [(each.start(), each[0]) for each in re.finditer(rb"<(?i:%s)" % "|".join(UNREAD).encode(), page)]
    hidden = [each.start() for each in re.finditer(rb"<(?i:%s)" % "|".join(HIDDEN).encode(), page)]
    return unread, hidden


@pytest.mark.parametrize("seed", range(20))
def test_openings_are_those_that_a_pattern_finds(seed):
    page = _random_page(seed) + b"   "

    assert openings(page, 0, len(page)) == _by_pattern(page)
    assert may_hide(page)


@pytest.mark.parametrize("seed", range(5))
def test_openings_found_in_several_searches_are_those_of_one(seed, monkeypatch):
    page = _random_page(seed) + b"   "
    unread, hidden = _by_pattern(page)
    monkeypatch.setattr(prefilter, "_LEAST_BYTES", 16)
    monkeypatch.setattr(prefilter, "_BLOCK_BYTES", 64)
    found = Openings(page)
    rand = random.Random(seed)

    for end in sorted(rand.randrange(len(page)) for _ in range(100)):
        begin = rand.randrange(end + 1)
        assert found.unread(begin, end) == [each for each in unread if begin <= each[0] < end]
        assert found.hidden(begin, end) == [each for each in hidden if begin <= each < end]


def test_too_many_openings_are_not_listed():
    found = Openings(b"<!-- -->" * 11_000)

    assert len(found.unread(0, 8_000)) == 1_000
    assert found.unread(0, 88_000) is found.hidden(0, 88_000) is None


@pytest.mark.parametrize("word", ["hidden", "POPOVER", "Style='display:none'", "hidDen"])
def test_hiding_attribute_is_found_at_every_place(word, monkeypatch):
    monkeypatch.setattr(hiding_places, "_BLOCK_BYTES", 16)

    for before in range(1, 40):
        page = b"x" * before + b" " + word.encode() + b">" + b"x" * (before % 3)
        assert hiding_attributes(page, 0, 9) == [before + 1]
        assert hiding_attributes(page, before + 1, 9) == []


@pytest.mark.parametrize("name", HIDDEN)
def test_hiding_tag_is_found_at_the_edge_of_a_block(name, monkeypatch):
    monkeypatch.setattr(hiding_places, "_BLOCK_BYTES", 16)

    assert all(may_hide(b"x" * before + b"<" + name.encode() + b">  ") for before in range(40))
    assert not may_hide(b"<div><p>" * 40)


def test_slashes_are_found_beside_every_byte():
    behind = rb"(?=[A-Z<&\x00-\x20\x80-\xff])(?=[\x00-\x20]*[A-Za-z]{0,9}[\x00-\x20]*[=:<&\x80-\xff])"
    pattern = re.compile(rb"(?<=[A-Za-z0-9;>\x00-\x20\x80-\xff])/" + behind + rb"|&#0*47|&#[xX]0*2[fF]|&sol;")
    for byte in (bytes([byte]) for byte in range(256)):
        page = b"KGS/USD = 1" + byte.join(
            (b"", b"&#47;", b"/", b"USD", b"/A =", b"'/", b".&#X2f", b"&sol;", b"&amp;", b".")
        )

        assert slashes_of(page) == [match.start() for match in pattern.finditer(page)]
