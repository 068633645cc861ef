"""The pages that the simulation serves against Resiliparse, whose text of the real pages is what the captures hold."""

import pytest
from resiliparse.extract.html2text import extract_plain_text

import fxticker as fx
from fxticker.simulation.captures import read_captures
from fxticker.simulation.site import MARKUPS, render_html, render_text

CAPTURES = read_captures()
KINDS = pytest.mark.parametrize("markup", MARKUPS.values(), ids=MARKUPS)


@KINDS
def test_page_of_each_capture_extracts_to_its_text(markup):
    pages = [render_html(capture.ticks, capture.page_date, markup=markup) for capture in CAPTURES]

    texts = [render_text(capture.ticks, capture.page_date) for capture in CAPTURES]
    assert [extract_plain_text(page).strip() for page in pages] == [text.strip() for text in texts]


@KINDS
def test_page_of_each_capture_is_read_as_its_extracted_text(markup):
    pages = [render_html(capture.ticks, capture.page_date, markup=markup) for capture in CAPTURES]

    read = [fx.parse(page.encode()) for page in pages]

    assert read == [fx.parse(extract_plain_text(page)) for page in pages]
    assert [snapshot.ticks for snapshot in read] == [capture.ticks for capture in CAPTURES]
