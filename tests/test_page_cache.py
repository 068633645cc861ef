from datetime import date

import pytest

from fxticker.collect.page_cache import cached_page
from fxticker.model.records import Snapshot


def conditions(**headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return cached_page(
        "http://ticker.test/", named, sha256="aa", snapshot=Snapshot((), date(2025, 11, 14), 1)
    ).conditions


@pytest.mark.parametrize("etag", ['"v1"', 'W/"v1"', '""', '"' + "x" * 998 + '"'])
def test_entity_tag_is_sent_back_unchanged(etag):
    assert conditions(etag=etag) == {"if-none-match": etag}


@pytest.mark.parametrize(
    "etag",
    [
        "",
        "*",
        "v1",
        '"v1',
        '"v1", "v2"',
        '"v\r\nHost: elsewhere"',
        '"v\x00"',
        '"v\x7f"',
        '"v\x85"',
        '"é"',
        '"' + "x" * 999 + '"',
    ],
)
def test_invalid_entity_tag_is_ignored(etag):
    assert conditions(etag=etag) == {}


def test_last_modified_is_sent_back_unchanged():
    stamp = "Fri, 14 Nov 2025 12:00:00 GMT"
    assert conditions(last_modified=stamp) == {"if-modified-since": stamp}
    assert conditions(etag='"v1"', last_modified=stamp) == {"if-none-match": '"v1"', "if-modified-since": stamp}


@pytest.mark.parametrize("stamp", ["", "Fri\r\nCookie: a", "Fri\n", "\x1b[2J", "né", "x" * 1001])
def test_invalid_last_modified_is_ignored(stamp):
    assert conditions(last_modified=stamp) == {}
