"""Readers of recent polls and ticks, and the log of polls: only the newest segments are read."""

from datetime import date, timedelta

import pytest
from builders import NOON, snapshot_ticks, tick
from processes import run, script_command

from fxticker.errors import SegmentUnreadable
from fxticker.model.records import Origin, Outcome, Poll, TimeBasis
from fxticker.store.poll_log import poll_log
from fxticker.store.read_recent import read_recent, stored_bytes
from fxticker.store.store import Store

QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)
READ_RECENT = """
from fxticker.store.poll_log import poll_log
from fxticker.store.read_recent import read_recent, stored_bytes

store = Store(root)
print(len(read_recent(store, "timesca", NOON + timedelta(hours=1)).pairs), len(poll_log(store, limit=9)))
print(stored_bytes(store) > 0, "pandas" in sys.modules)
"""


def _polls(*outcomes):
    return [Poll("timesca", NOON + QUARTER * n, outcome) for n, outcome in enumerate(outcomes) if outcome]


def test_recent_polls_are_those_of_the_last_day_and_the_last_one_before(store):
    store.record(Poll("timesca", NOON - DAY - QUARTER * n, Outcome.OK) for n in range(3))
    store.record(_polls(Outcome.OK, Outcome.TIMEOUT, Outcome.STALE))
    recent = read_recent(store, "timesca", NOON + 3 * QUARTER)
    assert [(poll.slot, poll.outcome) for poll in recent.polls] == [
        (NOON - DAY, "ok"),
        (NOON, "ok"),
        (NOON + QUARTER, "timeout"),
        (NOON + 2 * QUARTER, "stale"),
    ]
    assert (recent.last_ok, recent.last_stale) == (NOON, NOON + 2 * QUARTER)


def test_last_successful_poll_is_found_in_earlier_months(store):
    store.record([Poll("timesca", NOON - 100 * DAY, Outcome.OK), Poll("timesca", NOON - 99 * DAY, Outcome.TIMEOUT)])
    store.record(Poll("timesca", NOON - DAY * n, Outcome.UNREACHABLE, detail="refused") for n in range(90))
    recent = read_recent(store, "timesca", NOON)
    assert recent.last_ok == NOON - 100 * DAY
    assert [(poll.slot, poll.detail) for poll in recent.polls] == [(NOON - DAY, "refused"), (NOON, "refused")]


def test_successful_polls_of_other_sources_do_not_count(store):
    store.record([Poll("other", NOON, Outcome.OK)])
    recent = read_recent(store, "timesca", NOON)
    assert (recent.polls, recent.last_ok, recent.last_stale, recent.pairs) == ([], None, None, [])


def test_search_stops_at_max_segments(tmp_path):
    store = Store(tmp_path, segment_rows=1)
    for n in range(5):
        store.record([Poll("timesca", NOON + QUARTER * n, Outcome.OK if n == 0 else Outcome.TIMEOUT)])
        store.append([tick(rate_text=f"0.0019{n}", observed_at=NOON + QUARTER * n)])
    recent = read_recent(store, "timesca", NOON + 5 * QUARTER, max_segments=3)
    assert (len(recent.polls), recent.last_ok) == (3, None)
    assert recent.changes_since == NOON + QUARTER
    assert [(pair.rate_text, pair.changed_at) for pair in recent.pairs] == [("0.00194", NOON + 4 * QUARTER)]


def test_pair_changes_with_its_rate_or_its_percentage(store):
    shown = (
        [("0.00191", "0%"), ("0.00192", "0%"), ("0.00192", "0%")],
        [("3.50", "0%"), ("3.50", "-0%"), ("3.50", "-0%")],
    )
    for pair, values in zip(("KZT/USD", "TMT/USD"), shown, strict=True):
        store.append(tick(pair, rate, change, NOON + QUARTER * n) for n, (rate, change) in enumerate(values))
    store.append(tick("KGS/USD", "0.01144", "0%", NOON + QUARTER * n) for n in range(3))
    recent = read_recent(store, "timesca", NOON + DAY)
    assert [(seen.pair, seen.rate_text, seen.seen_at, seen.changed_at) for seen in recent.pairs] == [
        ("KGS/USD", "0.01144", NOON + 2 * QUARTER, None),
        ("KZT/USD", "0.00192", NOON + 2 * QUARTER, NOON + QUARTER),
        ("TMT/USD", "3.50", NOON + 2 * QUARTER, NOON + QUARTER),
    ]
    assert recent.pairs[1].rate == 0.00192
    assert recent.changes_since == NOON + DAY - timedelta(days=31)


def test_changes_are_found_within_and_between_segments(tmp_path):
    store = Store(tmp_path, segment_rows=2)
    for n, rate in enumerate(["1.0", "1.1", "1.1", "1.1", "1.1"]):
        store.append([tick("TMT/USD", rate, "0%", NOON + QUARTER * n)])
    for n, rate in enumerate(["2.0", "2.0", "2.1", "2.1"]):
        store.append([tick("KGS/USD", rate, "0%", NOON + QUARTER * (n + 5))])
    kgs, tmt = read_recent(store, "timesca", NOON + DAY).pairs
    assert [(seen.pair, seen.rate_text, seen.seen_at, seen.changed_at) for seen in (kgs, tmt)] == [
        ("KGS/USD", "2.1", NOON + 8 * QUARTER, NOON + 7 * QUARTER),
        ("TMT/USD", "1.1", NOON + 4 * QUARTER, NOON + QUARTER),
    ]


def test_changes_older_than_a_month_are_not_searched(store):
    store.append([tick(rate_text="0.00190", observed_at=NOON - 41 * DAY), tick(observed_at=NOON - 40 * DAY)])
    store.append([tick(observed_at=NOON - 30 * DAY), tick()])
    [pair] = read_recent(store, "timesca", NOON).pairs
    assert (pair.seen_at, pair.changed_at) == (NOON, None)


def test_imported_pages_and_future_ticks_are_not_changes(store):
    store.append([tick(observed_at=NOON - QUARTER), tick()])
    store.append([tick(rate_text="0.00300", observed_at=NOON - QUARTER / 2, origin=Origin.PAGE)])
    midnight = NOON.replace(hour=0)
    store.append([tick(rate_text="0.00400", observed_at=midnight, time_basis=TimeBasis.DATE, origin=Origin.PAGE)])
    store.append([tick(rate_text="0.00500", observed_at=NOON + DAY)])
    [pair] = read_recent(store, "timesca", NOON).pairs
    assert (pair.rate_text, pair.changed_at) == ("0.00191", None)


def test_damaged_segment_is_named(store, tmp_path):
    store.record(_polls(Outcome.OK))
    [segment] = tmp_path.rglob("*.parquet")
    segment.write_bytes(b"no segment")
    with pytest.raises(SegmentUnreadable, match=r"polls/source=timesca/month=2025-11/00000\.parquet"):
        read_recent(store, "timesca", NOON)


def test_reading_recent_rows_needs_no_pandas(store, root):
    store.record([*_polls(Outcome.OK, Outcome.TIMEOUT), Poll("timesca", NOON + DAY, Outcome.OK, started_at=NOON + DAY)])
    store.append(snapshot_ticks())
    assert run(script_command(READ_RECENT, root)).stdout == "5 3\nTrue False\n"


# The log of polls


def test_poll_log_ends_with_the_newest(store):
    store.record(_polls(Outcome.OK, Outcome.TIMEOUT, Outcome.OK))
    store.record([Poll("another", NOON + QUARTER, Outcome.OK)])
    rows = poll_log(store, limit=3)
    assert [(row["source"], row["slot"], row["outcome"]) for row in rows] == [
        ("another", NOON + QUARTER, "ok"),
        ("timesca", NOON + QUARTER, "timeout"),
        ("timesca", NOON + 2 * QUARTER, "ok"),
    ]


def test_row_of_the_poll_log_has_every_recorded_column(store):
    started_at = NOON + timedelta(seconds=1)
    poll = Poll("timesca", NOON, Outcome.STALE, started_at, 321, 5, 200, date(2025, 11, 1), "ab", 7, 2, "old", 3)
    store.record([poll])
    [row] = poll_log(store, limit=9)
    assert row.pop("recorded_at") > NOON
    assert row == {name: getattr(poll, name) for name in Poll.__slots__}


def test_poll_log_can_be_filtered(store):
    store.record(_polls(Outcome.OK, Outcome.TIMEOUT, Outcome.MISSED, Outcome.OK))
    store.record([Poll("another", NOON, Outcome.TIMEOUT)])
    chosen = poll_log(store, limit=9, outcomes=["timeout", "missed"], sources=["timesca"])
    assert [row["outcome"] for row in chosen] == ["timeout", "missed"]
    chosen = poll_log(store, limit=9, start=NOON + QUARTER, end=NOON + 3 * QUARTER)
    assert [row["slot"] for row in chosen] == [NOON + QUARTER, NOON + 2 * QUARTER]
    assert poll_log(store, limit=9, sources=["nobody"]) == []


def test_poll_log_reads_on_until_enough_polls_match(tmp_path):
    store = Store(tmp_path, segment_rows=2)
    for n in range(10):
        store.record([Poll("timesca", NOON + DAY * 31 * n, Outcome.TIMEOUT if n < 3 else Outcome.OK)])
    assert [row["slot"] for row in poll_log(store, limit=2, outcomes=["timeout"])] == [NOON + 31 * DAY, NOON + 62 * DAY]


def test_poll_log_reads_only_the_segments_it_needs(store, root):
    store.record([Poll("timesca", NOON - 60 * DAY, Outcome.OK), *_polls(Outcome.OK, Outcome.OK)])
    old = root / "polls/source=timesca/month=2025-09/00000.parquet"
    data = bytearray(old.read_bytes())
    data[20:40] = bytes(20)
    old.write_bytes(data)
    assert len(poll_log(store, limit=2)) == 2


def test_size_of_a_store_is_that_of_its_files(store, tmp_path):
    assert stored_bytes(store) == 0
    store.append(snapshot_ticks())
    store.record(_polls(Outcome.OK))
    store.keep_rejected("timesca", NOON, b"body")
    assert stored_bytes(store) == sum(
        path.stat().st_size for path in tmp_path.rglob("*.*") if path.suffix in {".parquet", ".gz"}
    )


def test_source_is_unchanged_since_the_last_change_of_any_pair(store):
    assert read_recent(store, "timesca", NOON).unchanged_since is None
    store.append(snapshot_ticks(NOON - DAY))
    assert read_recent(store, "timesca", NOON).unchanged_since == NOON - DAY
    store.append([tick(rate_text="0.00192", observed_at=NOON - QUARTER)])
    store.append([tick("KGS/USD", "0.01144", "0%", NOON)])
    assert read_recent(store, "timesca", NOON).unchanged_since == NOON - QUARTER
