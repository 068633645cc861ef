"""A store has an id, written once, and the daemon does not begin a second store where it had one."""

import errno
import json
import sys
import uuid

import pandas as pd
import pytest
from builders import NOON, snapshot_ticks
from daemons import QUARTER, planned, run_daemon
from processes import run
from store_faults import RecordedCalls

from fxticker.daemon.known_store import KnownStore
from fxticker.errors import OtherStore, SegmentUnreadable, WriteFailed
from fxticker.model.records import Outcome, Poll
from fxticker.model.schedule import Every
from fxticker.store.local import LocalStorage
from fxticker.store.store import Store
from fxticker.store.store_id import read_store_id

POLL = Poll("timesca", NOON, Outcome.OK)


@pytest.fixture
def environ(tmp_path):
    return {"STATE_DIRECTORY": str(tmp_path / "state")}


def use(root, environ, *, is_new=False):
    """Start on a store, as a daemon does, and record something."""
    store = Store(root)
    known = KnownStore(store, root, environ)
    known.require(is_new=is_new)
    store.record([POLL])
    known.polled(POLL)
    return read_store_id(store.backend)


def state_file(tmp_path):
    [path] = (tmp_path / "state").glob("store-*.json")
    return path


@pytest.mark.parametrize("given", [5, [1], {}, "", "\x1b[31m", "1" * 100, True])
def test_state_that_names_no_store_is_left_out_with_a_warning(root, environ, tmp_path, caplog, given):
    store_id = use(root, environ)
    state_file(tmp_path).write_text(json.dumps({"id": given}))

    assert use(root, environ) == store_id

    assert "not the id of a store" in caplog.text
    assert json.loads(state_file(tmp_path).read_text())["id"] == store_id


# the id


def test_first_write_gives_the_store_its_id_and_later_ones_keep_it(root):
    assert read_store_id(LocalStorage(root)) is None
    Store(root).append(snapshot_ticks())
    given = read_store_id(LocalStorage(root))

    Store(root).record([POLL])
    Store(root).append(snapshot_ticks(source="nbk"))

    assert str(uuid.UUID(given)) == given
    assert read_store_id(LocalStorage(root)) == given
    assert len(pd.read_parquet(root / "ticks")) == 10


def test_store_of_an_earlier_version_gets_an_id_with_its_next_write(root):
    Store(root).append(snapshot_ticks())
    (root / "store.id").unlink()

    assert Store(root).check() == []
    Store(root).append(snapshot_ticks())

    assert read_store_id(LocalStorage(root)) is not None


def test_reading_gives_no_id(root):
    root.mkdir()

    Store(root).check()

    assert list(root.iterdir()) == []


def test_id_is_durable_before_the_first_row(root, tmp_path):
    calls = RecordedCalls(tmp_path)
    Store(LocalStorage(root, calls)).append(snapshot_ticks())

    replaced = [place for place, (step, _) in enumerate(calls.made) if step == "replace"]
    assert calls.made[replaced[0]] == ("replace", "parquet/store.id")
    assert ("fsync folder", "parquet") in calls.made[replaced[0] : replaced[1]]


def test_refused_id_refuses_the_first_row(root, tmp_path):
    calls = RecordedCalls(tmp_path)
    calls.refused = {"replace": errno.ENOSPC}
    store = Store(LocalStorage(root, calls))

    with pytest.raises(WriteFailed, match=r"store\.id"):
        store.append(snapshot_ticks())
    calls.heal()

    assert store.append(snapshot_ticks()).added == 5


@pytest.mark.parametrize("content", [b"", b"\xff", b"an id", b"0" * 5000])
def test_damaged_id_stops_no_recording_and_check_moves_it_aside(root, environ, content):
    before = use(root, environ)
    (root / "store.id").write_bytes(content)

    assert Store(root).append(snapshot_ticks()).added == 5
    KnownStore(Store(root), root, environ).require(is_new=False)
    assert (root / "store.id").read_bytes() == content
    with pytest.raises(SegmentUnreadable):
        read_store_id(LocalStorage(root))
    assert [finding.name for finding in Store(root).check()] == ["store.id"]

    [moved] = Store(root).quarantine()
    Store(root).append(snapshot_ticks())
    assert moved.name == "store.id"
    assert Store(root).check() == []
    assert read_store_id(LocalStorage(root)) not in (None, before)


# the daemon


def test_store_whose_damaged_id_was_moved_aside_is_the_store_of_before(root, environ, caplog):
    before = use(root, environ)
    (root / "store.id").write_bytes(b"\0")
    KnownStore(Store(root), root, environ).require(is_new=False)
    KnownStore(Store(root), root, environ).polled(POLL)
    Store(root).quarantine()

    after = use(root, environ)

    assert after not in (None, before)
    assert use(root, environ) == after


def test_same_store_is_accepted_again(root, environ):
    assert use(root, environ) == use(root, environ)


def test_no_new_store_is_begun_where_one_was_before(root, environ):
    before = use(root, environ)
    root.rename(root.parent / "moved")

    for make in (lambda: None, root.mkdir, lambda: (root / "README.md").write_text("an empty mount point")):
        make()
        with pytest.raises(OtherStore, match="--new-store") as refused:
            use(root, environ)
        assert (refused.value.known, refused.value.found) == (before, None)
        assert not (root / "polls").exists()

    (root / "README.md").unlink()
    root.rmdir()
    (root.parent / "moved").rename(root)
    assert use(root, environ) == before


def test_another_store_is_refused_by_both_ids(root, environ):
    before = use(root, environ)
    root.rename(root.parent / "moved")
    Store(root).record([POLL])

    with pytest.raises(OtherStore) as refused:
        use(root, environ)

    assert refused.value.known == before
    assert refused.value.found == read_store_id(LocalStorage(root))


def test_new_store_is_begun_on_purpose_and_known_from_then_on(root, environ):
    before = use(root, environ)
    root.rename(root.parent / "moved")

    after = use(root, environ, is_new=True)

    assert after != before
    assert use(root, environ) == after


def test_stores_at_other_paths_are_other_stores(root, environ):
    assert use(root, environ) != use(root.parent / "other", environ)


def test_state_that_cannot_be_kept_is_no_reason_to_record_nothing(root, tmp_path, caplog):
    (tmp_path / "state").write_text("no folder")

    assert use(root, {"STATE_DIRECTORY": str(tmp_path / "state")}) is not None
    assert use(root, {}) is not None
    assert "a move of the store is not noticed" in caplog.text


def test_daemon_remembers_its_store_with_its_first_outcome(root, environ, site):
    store = Store(root)
    known = KnownStore(store, root, environ)
    known.require(is_new=False)

    run_daemon(store, planned(site.url, Every(QUARTER.interval / 900)), polls=1, observers=[known])
    root.rename(root.parent / "moved")

    with pytest.raises(OtherStore):
        KnownStore(Store(root), root, environ).require(is_new=False)


def test_command_run_refuses_and_names_the_way_out(root, environ, tmp_path, written):
    before = use(root, environ)
    root.rename(root.parent / "moved")
    config = written("[sources.timesca]\nurl = 'http://127.0.0.1:9/'\n")

    command = [sys.executable, "-m", "fxticker", "run", "--config", config, "--store", root]
    done = run(command, cwd=tmp_path, env={"STATE_DIRECTORY": environ["STATE_DIRECTORY"], "PATH": ""})

    assert done.returncode == 1
    assert before in done.stderr
    assert "fxticker run --new-store" in done.stderr
    assert not root.exists()
