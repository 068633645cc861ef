"""HTTP API: an ETag of files says of two answers that are not alike that they are not."""

from datetime import UTC, datetime, timedelta

import pytest
from builders import NOON, snapshot_ticks, tick
from web_client import Client

from fxticker.model.records import Origin, Outcome, Poll, TimeBasis

RANGE = "/v2/rates?base=USD&quotes=KZT&from=2025-11-14"


@pytest.fixture(autouse=True)
def streamed(monkeypatch):
    """Let every range be streamed: its ETag is of files, not of its bytes."""
    monkeypatch.setattr("fxticker.web.answers.LONG_ROWS", 0)


@pytest.fixture
def polled(store):
    store.append(snapshot_ticks(NOON))
    store.record([Poll("timesca", NOON, Outcome.OK)])
    return store


def etag_of(store, path, now, **headers):
    answer = Client(store, now).get(path, **headers)
    assert answer.status_code == 200
    assert answer.headers["etag"].startswith('W/"')
    return answer.headers["etag"]


class Clock:
    """A reader's clock that moves, on a server whose present does not stand still."""

    def __init__(self, store, monkeypatch):
        self.client = Client(store, now=None, relist_s=0)
        monkeypatch.setattr(self.client.reader, "now", lambda: self.at)

    def etag(self, path, at):
        self.at = at
        return self.client.get(path).headers["etag"]


def test_forms_of_a_range_have_tags_of_their_own(polled):
    now = NOON + timedelta(hours=1)
    array = etag_of(polled, RANGE, now)
    assert etag_of(polled, RANGE, now) == array
    assert etag_of(polled, RANGE, now, accept="application/x-ndjson") != array
    assert etag_of(polled, RANGE.replace("rates?", "rates.csv?"), now) != array


def test_failed_poll_changes_the_tag_of_its_coverage_and_not_that_of_the_rates(polled):
    now, hours = NOON + timedelta(hours=1), f"{RANGE}&group=hour"
    coverage, rates = etag_of(polled, hours, now), etag_of(polled, RANGE, now)
    polled.record([Poll("timesca", NOON + timedelta(minutes=15), Outcome.TIMEOUT)])
    assert etag_of(polled, hours, now) != coverage
    assert etag_of(polled, RANGE, now) == rates


def test_rate_in_force_has_another_tag_on_the_next_day(store, monkeypatch):
    begin = datetime(2015, 1, 1, tzinfo=UTC)
    peg = {"source": "tmt-peg", "time_basis": TimeBasis.DATE, "origin": Origin.CONSTANT, "observed_at": begin}
    store.append([tick("USD/TMT", "3.5", None, source_date=None, **peg)])
    clock, path = Clock(store, monkeypatch), "/v1/2025-11-12..?base=TMT&symbols=USD"
    today = clock.etag(path, NOON)
    assert clock.etag(path, NOON + timedelta(hours=1)) == today
    assert clock.etag(path, NOON + timedelta(days=1)) != today


def test_limit_of_age_lets_the_tag_change_with_time(store, monkeypatch):
    store.append([*snapshot_ticks(NOON - timedelta(hours=16)), *snapshot_ticks(NOON - timedelta(hours=8))])
    clock, path = Clock(store, monkeypatch), "/v2/rates?base=USD&quotes=KZT&from=2025-11-13&max_age=12h"
    assert clock.etag(path, NOON) != clock.etag(path, NOON + timedelta(hours=6))  # when that of today is too old


@pytest.mark.parametrize("path", [RANGE, "/v2/polls?from=2025-01-01"])
def test_present_that_stands_still_elsewhere_has_another_tag(polled, path):
    polled.record([Poll("timesca", NOON + timedelta(minutes=15), Outcome.TIMEOUT)])
    assert etag_of(polled, path, NOON) != etag_of(polled, path, NOON + timedelta(hours=1))


def test_order_of_sources_is_part_of_the_tag(polled):
    now = NOON + timedelta(hours=1)
    found = Client(polled, now, order=("timesca",)).get(RANGE).headers["etag"]
    assert found != etag_of(polled, RANGE, now)
