from datetime import date

import pytest
from builders import cases

from fxticker.collect.page_cache import cached_page
from fxticker.model.records import Snapshot

CASES = cases("page_cache")


def conditions(**headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return cached_page(
        "http://ticker.test/", named, sha256="aa", snapshot=Snapshot((), date(2025, 11, 14), 1)
    ).conditions


@pytest.mark.parametrize("etag", [*CASES["entity_tag_is_sent_back_unchanged"], '"' + "x" * 998 + '"'])
def test_entity_tag_is_sent_back_unchanged(etag):
    assert conditions(etag=etag) == {"if-none-match": etag}


@pytest.mark.parametrize("etag", [*CASES["invalid_entity_tag_is_ignored"], '"' + "x" * 999 + '"'])
def test_invalid_entity_tag_is_ignored(etag):
    assert conditions(etag=etag) == {}


def test_last_modified_is_sent_back_unchanged():
    stamp = "Fri, 14 Nov 2025 12:00:00 GMT"
    assert conditions(last_modified=stamp) == {"if-modified-since": stamp}
    assert conditions(etag='"v1"', last_modified=stamp) == {"if-none-match": '"v1"', "if-modified-since": stamp}


@pytest.mark.parametrize("stamp", [*CASES["invalid_last_modified_is_ignored"], "x" * 1001])
def test_invalid_last_modified_is_ignored(stamp):
    assert conditions(last_modified=stamp) == {}
