"""Known files: a segment that has not changed is not opened again for its last rows, and one that has is."""

import os
import shutil
import time
from collections import Counter
from datetime import timedelta

import pytest
from builders import NOON, tick
from hypothesis import given
from hypothesis import strategies as st
from laws import law
from pandas.testing import assert_frame_equal

import fxticker as fx
from fxticker.errors import SegmentUnreadable
from fxticker.model.records import Retraction
from fxticker.store import known_files, read_last
from fxticker.store.local import LocalStorage
from fxticker.store.store import Store

MONTHS = [NOON - timedelta(days=31 * number) for number in range(4)]
PAIRS = ("KGS/USD", "KZT/USD", "UZS/USD")


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch):
    monkeypatch.setattr(known_files, "_known", {})


@pytest.fixture
def opened(monkeypatch):
    """How often each month's files were opened."""
    count, to_open = Counter(), LocalStorage.open

    def counted(self, name, **version):
        count[name.split("/")[2]] += 1
        return to_open(self, name, **version)

    monkeypatch.setattr(LocalStorage, "open", counted)
    return count


@pytest.fixture
def store(root):
    store = Store(root)
    for at in MONTHS:
        store.append([tick("KZT/USD", observed_at=at)])
    aged(root)
    return store


def aged(root, seconds=10.0):
    """Give all files a time of change so long ago."""
    for path in root.rglob("*.parquet"):
        at_ns = min(path.stat().st_mtime_ns, time.time_ns() - int(seconds * 1e9))
        os.utime(path, ns=(at_ns, at_ns))


def last_pairs(root):
    return fx.latest(root)["pair"].tolist()


def test_unchanged_files_are_opened_once(store, root, opened):
    first = fx.latest(root)
    assert set(opened.values()) == {1, 2}
    opened.clear()
    assert_frame_equal(fx.latest(root).drop(columns="age_h"), first.drop(columns="age_h"))
    assert fx.latest(root, pairs=["KZT/USD"])["rate_text"].tolist() == first["rate_text"].tolist()
    assert not opened


def test_last_rows_that_are_known_do_not_hide_a_retraction(store, root):
    later = MONTHS[0] + timedelta(hours=1)
    store.append([tick("KZT/USD", "0.00195", "0.5%", observed_at=later)])
    aged(root)

    def last():
        return fx.latest(root)["rate_text"].item()

    assert last() == "0.00195"
    with pytest.raises(fx.NoData):
        fx.latest(root, as_of=later)  # recorded after that
    for reason, expected in (("misread", "0.00191"), (None, "0.00195")):
        store.retract([Retraction("timesca", "KZT/USD", later, "0.00195", "0.5%", 2, reason)])
        assert last() == expected


def test_row_of_another_pair_in_an_older_month_is_seen(store, root):
    assert last_pairs(root) == ["KZT/USD"]
    store.append([tick("UZS/USD", "0.00008", observed_at=MONTHS[2])])
    assert last_pairs(root) == ["KZT/USD", "UZS/USD"]


def test_file_that_was_put_in_the_place_of_another_is_seen(store, root, tmp_path):
    other = Store(tmp_path / "other")
    other.append([tick("KGS/USD", "0.01144", observed_at=MONTHS[1])])
    assert last_pairs(root) == ["KZT/USD"]
    [old] = (root / "ticks/source=timesca/month=2025-10").iterdir()
    [new] = (tmp_path / "other/ticks/source=timesca/month=2025-10").iterdir()
    shutil.copy2(new, tmp_path / "copy")
    (tmp_path / "copy").replace(old)
    aged(root)
    assert last_pairs(root) == ["KGS/USD", "KZT/USD"]


def test_file_that_was_damaged_since_is_named(store, root):
    fx.latest(root)
    [path] = (root / "ticks/source=timesca/month=2025-09").iterdir()
    path.write_bytes(b"no Parquet")
    with pytest.raises(SegmentUnreadable, match="2025-09"):
        fx.latest(root)


def test_summary_of_a_file_that_was_written_just_now_is_not_kept(root):
    Store(root).append([tick()])
    fx.latest(root)
    assert not known_files._known
    aged(root)
    fx.latest(root)
    assert len(known_files._known) == 2  # the summary, and the last rows


def test_no_more_than_a_limit_are_kept(store, root, monkeypatch):
    monkeypatch.setattr(known_files, "_MOST", 2)
    for _ in range(2):
        assert last_pairs(root) == ["KZT/USD"]
        assert len(known_files._known) <= 2


ADDED = st.tuples(st.sampled_from(PAIRS), st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7, 40, 70]), st.integers(1, 9))


@given(st.lists(ADDED, min_size=9, max_size=20))
@law(20)
def test_latest_is_the_last_loaded_row_of_each_pair_while_a_store_grows(tmp_path_factory, added):
    root = tmp_path_factory.mktemp("law")
    store = Store(root, segment_rows=12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(read_last, "_END_ROWS", 1)  # the end of a segment is then some rows
        for part in (added[:8], added[8:]):
            ticks = [(pair, f"0.0{digit}", None, NOON - timedelta(days=days)) for pair, days, digit in part]
            store.append([tick(*fields) for fields in ticks])
            aged(root)
            rows = fx.load(root).sort_values(["observed_at", "recorded_at", "rate_text"], kind="stable")
            expected = rows.groupby("pair", observed=True).tail(1).sort_values("pair")
            found = fx.latest(root)
            for name in ("pair", "observed_at", "rate_text"):
                assert found[name].tolist() == expected[name].tolist()
