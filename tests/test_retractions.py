"""Retractions: readers leave retracted ticks out as of an instant, plain readers see all that was recorded."""

import json
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from builders import NOON, FixedClock, snapshot_ticks, tick
from click.testing import CliRunner

import fxticker as fx
from fxticker.cli import app
from fxticker.errors import NoData, SegmentUnreadable
from fxticker.frames.latest import latest_table
from fxticker.frames.load import last_by
from fxticker.model.days import lookup
from fxticker.model.records import Retraction
from fxticker.model.selection import Selection
from fxticker.store.read_recent import read_recent
from fxticker.store.schema import RETRACTIONS
from fxticker.store.store import Store

HOUR = timedelta(hours=1)
FILE = "retractions/source=timesca/month=2025-11/00000.parquet"


@pytest.fixture
def clock():
    return FixedClock(NOON)


@pytest.fixture
def store(root, clock):
    """A store with snapshots of three hours, each recorded when it was observed."""
    store = Store(root, clock=clock)
    for hour in range(3):
        clock.at = NOON + hour * HOUR
        store.append(snapshot_ticks(clock.at))
    clock.at = NOON + 10 * HOUR
    return store


def retraction(row, reason="misread", **changes):
    fields = {"source": row.source, "pair": row.pair, "observed_at": row.observed_at, "reason": reason}
    fields |= {"rate_text": row.rate_text, "change_text": row.change_text, "parser_version": 2}
    return Retraction(**{**fields, **changes})


LAST = tick("KZT/USD", observed_at=NOON + 2 * HOUR)
"""The last tick of KZT."""


def kzt(frame):
    return frame[frame["pair"] == "KZT/USD"]["observed_at"].tolist()


def test_retracted_tick_is_left_out_by_load_and_shown_as_of_before(store, root, clock):
    assert store.retract([retraction(LAST)]) == 1

    assert kzt(fx.load(root)) == [NOON, NOON + HOUR]
    assert kzt(fx.load(root, as_of=clock.at - timedelta(microseconds=1))) == [NOON, NOON + HOUR, NOON + 2 * HOUR]
    assert kzt(fx.load(root, as_of=clock.at)) == [NOON, NOON + HOUR]
    assert len(fx.load(root)) == 14
    assert kzt(fx.load(root, pairs=["KZT/USD"], start=NOON + HOUR, columns=["pair", "observed_at"])) == [NOON + HOUR]


def test_retracted_tick_is_left_out_by_every_reader(store, root):
    store.retract([retraction(LAST)])

    assert kzt(fx.latest(root)) == [NOON + HOUR]
    assert kzt(last_by(store, lookup(NOON + 9 * HOUR, NOON + 9 * HOUR), Selection())) == [NOON + HOUR]
    assert kzt(last_by(store, lookup(NOON + 9 * HOUR, NOON + 9 * HOUR), Selection(as_of=NOON + 9 * HOUR))) == [
        NOON + 2 * HOUR
    ]
    assert fx.wide(root)["KZT/USD"].isna().tolist() == [False, False, True]
    assert len(store.live_ticks("timesca", NOON, NOON + 9 * HOUR)) == 14
    [seen] = [pair for pair in read_recent(store, "timesca", NOON + 9 * HOUR).pairs if pair.pair == "KZT/USD"]
    assert seen.seen_at == NOON + HOUR


def test_plain_readers_see_retracted_ticks(store, root):
    store.retract([retraction(LAST)])

    assert len(pd.read_parquet(root / "ticks")) == 15


def test_export_and_history_leave_a_retracted_tick_out(store, root, tmp_path):
    store.retract([retraction(LAST)])

    CliRunner().invoke(app, ["export", str(tmp_path / "out.json"), "--store", str(root)])
    shown = CliRunner().invoke(app, ["history", "--store", str(root), "--format", "json"])

    assert len(json.loads((tmp_path / "out.json").read_text())) == len(json.loads(shown.stdout)) == 14


def test_tick_counts_again_after_a_retraction_without_a_reason(store, root, clock):
    store.retract([retraction(LAST)])
    clock.at += HOUR
    assert store.retract([retraction(LAST, None)]) == 1

    assert len(fx.load(root)) == 15
    assert len(fx.load(root, as_of=clock.at - HOUR)) == 14
    assert len(fx.load(root, as_of=clock.at - 2 * HOUR)) == 15


def test_retraction_that_changes_nothing_is_not_stored(store, root):
    assert store.retract([retraction(LAST, None)]) == 0
    assert not (root / FILE).exists()
    assert store.retract([retraction(LAST), retraction(LAST, "misread again")]) == 1
    before = (root / FILE).read_bytes()
    assert store.retract([retraction(LAST, "for another reason")]) == 0
    assert (root / FILE).read_bytes() == before
    assert pd.read_parquet(root / FILE)["reason"].tolist() == ["misread again"]


@pytest.mark.parametrize("back", [timedelta(0), HOUR])
def test_later_retraction_is_later_even_if_the_clock_was_set_back(store, root, clock, back):
    for reason in ("misread", None, "misread"):
        assert store.retract([retraction(LAST, reason)]) == 1
        clock.at -= back

    assert len(fx.load(root)) == 14
    retracted_at = pd.read_parquet(root / FILE)["retracted_at"]
    assert retracted_at.is_monotonic_increasing
    assert retracted_at.is_unique


@pytest.mark.parametrize(
    "change",
    [
        {"pair": "KGS/USD"},
        {"observed_at": NOON + 2 * HOUR + timedelta(microseconds=1)},
        {"rate_text": "0.001910"},
        {"change_text": None},
        {"source": "nbk"},
    ],
)
def test_retraction_of_another_identity_leaves_the_tick(store, root, change):
    store.retract([retraction(LAST, **change)])

    assert len(fx.load(root)) == 15


def test_retraction_keeps_sources_apart(store, root):
    store.append([tick("KZT/USD", observed_at=NOON + 2 * HOUR, source="nbk")])

    store.retract([retraction(LAST)])

    assert fx.load(root, pairs=["KZT/USD"], start=NOON + 2 * HOUR)["source"].tolist() == ["nbk"]


def test_second_value_at_an_instant_counts_after_the_first_is_retracted(store, root):
    store.append([tick("KZT/USD", "0.00193", observed_at=LAST.observed_at)])
    store.retract([retraction(LAST)])

    latest = fx.latest(root)
    assert latest[latest["pair"] == "KZT/USD"]["rate_text"].tolist() == ["0.00193"]


def test_pair_whose_ticks_are_all_retracted_is_in_no_reader(root):
    store = Store(root)
    store.append([LAST])
    store.retract([retraction(LAST)])

    assert fx.load(root).empty
    assert fx.load(root).dtypes["recorded_at"] == "datetime64[us, UTC]"
    with pytest.raises(NoData):
        fx.latest(root)


def test_retractions_of_many_months_and_segments_are_found(root):
    store = Store(root, segment_rows=3)
    rows = [tick(observed_at=datetime(2025, 1 + number // 4, 1 + number % 4, tzinfo=UTC)) for number in range(20)]
    store.append(rows)
    assert store.retract([retraction(row) for row in rows[::2]]) == 10

    assert fx.load(root)["observed_at"].tolist() == [row.observed_at for row in rows[1::2]]
    assert fx.load(root, start=rows[8].observed_at)["observed_at"].tolist() == [row.observed_at for row in rows[9::2]]
    assert store.check() == []


def test_damaged_retractions_are_named_and_never_taken_for_none(store, root):
    store.retract([retraction(LAST)])
    (root / FILE).write_bytes(b"no table")

    for read in (fx.load, fx.latest):
        with pytest.raises(SegmentUnreadable, match=FILE):
            read(root)
    assert [(finding.name, finding.in_the_way) for finding in store.check()] == [(FILE, True)]
    [moved] = store.quarantine()
    assert moved.lost == "unknown: not even the footer can be read"
    assert len(fx.load(root)) == 15


def test_store_without_retractions_costs_one_look_at_a_folder(store, monkeypatch):
    looks = []
    folders = store.backend.folders
    monkeypatch.setattr(store.backend, "folders", lambda prefix: looks.append(prefix) or folders(prefix))
    listed = store.backend.list
    monkeypatch.setattr(store.backend, "list", lambda prefix: looks.append(prefix) or listed(prefix))

    fx.load(store)
    assert [look for look in looks if look.startswith("retractions")] == ["retractions"]
    looks.clear()
    latest_table(store)
    assert [look for look in looks if look.startswith("retractions")] == ["retractions"]


def test_retractions_have_an_order_and_a_summary(store, root):
    store.retract([retraction(row) for row in snapshot_ticks(NOON)[::-1]])

    [segment] = store.retractions.segments()
    assert store.retractions.summary(segment).series == ("KGS/USD", "KZT/USD", "TJS/USD", "TMT/USD", "UZS/USD")
    assert pd.read_parquet(root / FILE)["pair"].is_monotonic_increasing
    assert RETRACTIONS.identity[-1] == "retracted_at"
