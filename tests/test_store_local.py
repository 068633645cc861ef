"""The backend: publishing is atomic and durable, a refused step changes nothing, one writer holds the lock."""

import errno
import fcntl
import gzip
import json
import os
import re
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pandas as pd
import pytest
from builders import NOON, FixedClock, snapshot_ticks
from processes import run, script_command
from store_faults import RecordedCalls

import fxticker as fx
from fxticker.errors import SegmentUnreadable, StoreError, StoreLocked, WriteFailed
from fxticker.model.records import Outcome, Poll
from fxticker.store.local import LocalStorage
from fxticker.store.location import storage_at
from fxticker.store.store import Appended, Store

NOVEMBER = "ticks/source=timesca/month=2025-11/00000.parquet"
DECEMBER = "ticks/source=timesca/month=2025-12/00000.parquet"
LATER = NOON + timedelta(minutes=15)
NEXT_MONTH = NOON + timedelta(days=30)
STEPS = ["open folder", "open", "write", "fsync", "replace", "fsync folder"]
DIE_AT_REPLACE = """
class Dying(FileCalls):
    @staticmethod
    def replace(staged, target):
        if sys.argv[1] == "after":
            os.replace(staged, target)
        os.kill(os.getpid(), signal.SIGKILL)

Store(LocalStorage(root, Dying())).append(snapshot_ticks(NOON + timedelta(minutes=15)))
"""
BE_DAEMON = """
with Store(root).daemon_lock():
    say("holds")
    sys.stdin.read()
"""


@pytest.fixture
def calls(tmp_path):
    return RecordedCalls(tmp_path)


@pytest.fixture
def store(root, calls):
    """A store with one acknowledged snapshot of November."""
    store = Store(LocalStorage(root, calls), clock=FixedClock())
    store.append(snapshot_ticks())
    calls.heal()
    return store


@pytest.fixture
def backend(root):
    return LocalStorage(root)


@pytest.fixture
def other_daemon(start):
    """Another process that is the store's daemon."""
    daemon = start(BE_DAEMON)
    assert daemon.hear() == "holds"
    return daemon


def refuse_append(store, calls, ticks, **refused):
    """Append while the disk refuses system calls, and let it work again."""
    calls.refused = refused or {"fsync folder": errno.EIO}
    with pytest.raises(WriteFailed):
        store.append(ticks)
    calls.heal()


def staged(root):
    return [path.name for path in (root / ".staging").iterdir()]


def test_list_names_a_file_in_place_of_a_folder(backend, root):
    root.mkdir()
    (root / "ticks").write_text("")

    with pytest.raises(SegmentUnreadable, match=r"^ticks: cannot be read"):
        backend.list("ticks")


def test_list_includes_a_dangling_link_and_open_names_it(backend, root):
    backend.put("ticks/00000.parquet", b"")
    (root / "ticks" / "00001.parquet").symlink_to(root / "unmounted" / "00001.parquet")
    backend.put("ticks/00002.parquet", b"")

    assert [item.name for item in backend.list("ticks")] == [f"ticks/0000{number}.parquet" for number in range(3)]
    with pytest.raises(SegmentUnreadable, match=r"ticks/00001\.parquet"):
        backend.open("ticks/00001.parquet")


def test_failed_delete_names_the_object(root, calls):
    backend = LocalStorage(root, calls)
    backend.put("a/1", b"")
    calls.refused = {"unlink": errno.EACCES}

    with pytest.raises(WriteFailed, match=r"/parquet/a/1: Permission denied"):
        backend.delete("a/1")


def test_storage_at_refuses_a_missing_folder(tmp_path):
    with pytest.raises(StoreError, match="parquet: there is no store here"):
        storage_at(tmp_path / "parquet", must_exist=True)


def test_append_fsyncs_the_file_before_its_name_and_the_folder_after(store, calls):
    store.append(snapshot_ticks(LATER))

    folder = "parquet/ticks/source=timesca/month=2025-11"
    assert calls.steps() == STEPS
    assert calls.made[-2:] == [("replace", f"parquet/{NOVEMBER}"), ("fsync folder", folder)]


def test_first_append_fsyncs_every_new_folder(root, calls):
    Store(LocalStorage(root, calls)).append(snapshot_ticks())

    tables = ["parquet/ticks", "parquet/ticks/source=timesca", "parquet/ticks/source=timesca/month=2025-11"]
    made = [path for step, path in calls.made if step == "mkdir"]
    synced = [path for step, path in calls.made if step == "fsync folder"]
    assert made == ["parquet", "parquet/.staging", *tables]
    assert synced == [".", "parquet", "parquet", "parquet", *tables]  # the folder, .staging, the id, ticks


def test_short_writes_are_continued_until_the_file_is_whole(store, calls, root):
    calls.largest_write_bytes = 100

    store.append(snapshot_ticks(LATER))

    assert [step for step, _ in calls.made].count("write") > 10
    assert len(fx.load(root)) == 10


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EACCES])
@pytest.mark.parametrize(
    ("step", "instant", "visible_rows"),
    [
        *((step, LATER, 5) for step in STEPS[:-1]),
        (STEPS[-1], LATER, 10),
        *((step, NEXT_MONTH, 5) for step in [*STEPS, "mkdir"]),
    ],
)
def test_failed_append_is_named_and_keeps_the_old_rows(store, calls, root, step, number, instant, visible_rows):
    name = NOVEMBER if instant == LATER else DECEMBER
    calls.refused = {step: number}

    with pytest.raises(WriteFailed, match=re.escape(name)) as caught:
        store.append(snapshot_ticks(instant))

    assert (caught.value.name, caught.value.errno) == (name, number)
    assert staged(root) == []
    assert len(pd.read_parquet(root / "ticks")) == len(fx.load(root)) == visible_rows
    assert len(fx.load(root, end=LATER)) == 5
    assert Store(root).check() == []


@pytest.mark.parametrize("instant", [LATER, NEXT_MONTH])
@pytest.mark.parametrize("step", [*STEPS, "mkdir"])
def test_append_works_again_after_the_fault(store, calls, root, step, instant):
    calls.refused = {step: errno.ENOSPC}
    try:
        store.append(snapshot_ticks(instant))
    except WriteFailed:
        calls.heal()

    store.append(snapshot_ticks(instant))

    frame = fx.load(root)
    assert frame["observed_at"].tolist() == [NOON] * 5 + [instant] * 5
    assert staged(root) == []


@pytest.mark.parametrize("room_bytes", [0, 1, 1000])
def test_append_to_a_full_disk_keeps_the_old_rows(store, calls, root, room_bytes):
    calls.room_bytes = room_bytes

    with pytest.raises(WriteFailed, match="No space left on device"):
        store.append(snapshot_ticks(LATER))

    assert staged(root) == []
    assert len(fx.load(root)) == 5


def test_append_that_fails_in_one_month_keeps_the_rows_of_another(store, calls, root):
    calls.refused = {"mkdir": errno.ENOSPC}

    with pytest.raises(WriteFailed, match=re.escape(DECEMBER)):
        store.append(snapshot_ticks(LATER) + snapshot_ticks(NEXT_MONTH))
    calls.heal()

    assert store.append(snapshot_ticks(LATER) + snapshot_ticks(NEXT_MONTH)) == Appended(added=5, known=5)
    assert len(fx.load(root)) == 15


def test_append_that_fails_between_two_segments_loses_and_repeats_nothing(root, calls):
    store = Store(LocalStorage(root, calls), clock=FixedClock(), segment_rows=5)
    store.append(snapshot_ticks())
    calls.room_bytes = 6000  # enough for one segment of five rows and not for two
    rows = snapshot_ticks(LATER) + snapshot_ticks(LATER + timedelta(minutes=15))

    with pytest.raises(WriteFailed, match=r"00002\.parquet"):
        store.append(rows)
    calls.heal()

    assert store.append(rows) == Appended(added=5, known=5)
    assert len(fx.load(root)) == 15


@pytest.mark.parametrize("step", ["fsync", "fsync folder", "replace"])
def test_failed_record_is_named_and_can_be_repeated(store, calls, step):
    polls = [Poll("timesca", NOON, Outcome.OK)]
    store.record([Poll("timesca", LATER, Outcome.OK)])
    calls.refused = {step: errno.EIO}

    with pytest.raises(WriteFailed, match=r"polls/source=timesca/month=2025-11/00000\.parquet"):
        store.record(polls)
    calls.heal()
    store.record(polls)

    assert list(store.planned_slots("timesca", LATER)) == [LATER, NOON]


def test_rows_of_a_failed_folder_fsync_are_published_again_before_they_are_acknowledged(store, calls):
    refuse_append(store, calls, snapshot_ticks(LATER))

    assert store.append(snapshot_ticks(LATER)) == Appended(added=0, known=5)
    assert calls.steps() == STEPS


def test_rows_are_not_acknowledged_until_a_publish_succeeds(store, calls):
    calls.refused = {"fsync folder": errno.EIO}
    for _ in range(3):
        with pytest.raises(WriteFailed):
            store.append(snapshot_ticks(LATER))


def test_new_process_publishes_known_rows_exactly_once(store, calls, root):
    restarted = Store(LocalStorage(root, calls))

    restarted.append(snapshot_ticks())
    assert calls.steps().count("replace") == 1

    restarted.append(snapshot_ticks())
    assert calls.steps().count("replace") == 1


def test_sealed_segment_of_a_failed_folder_fsync_is_published_again(root, calls):
    store = Store(LocalStorage(root, calls), segment_rows=5)
    store.append(snapshot_ticks(NEXT_MONTH))
    refuse_append(store, calls, snapshot_ticks(NEXT_MONTH + timedelta(minutes=15)))

    store.append(snapshot_ticks(NEXT_MONTH + timedelta(minutes=30)))

    replaced = [path[-13:] for step, path in calls.made if step == "replace"]
    assert replaced == ["00001.parquet", "00002.parquet"]


def test_rows_of_another_writers_failed_fsync_are_published_again(store, calls, root):
    other_calls = RecordedCalls(root.parent)
    other = Store(LocalStorage(root, other_calls))
    other.append(snapshot_ticks())
    store.append(snapshot_ticks())
    calls.heal()
    refuse_append(other, other_calls, snapshot_ticks(LATER))

    assert store.append(snapshot_ticks(LATER)).known == 5
    assert calls.steps().count("replace") == 1


def test_folder_is_created_again_after_a_failed_fsync_of_its_parent(store, calls, root):
    refuse_append(store, calls, snapshot_ticks(source="nbk"))

    store.append(snapshot_ticks(source="nbk"))

    assert ("mkdir", "parquet/ticks/source=nbk") in calls.made


def test_next_append_fsyncs_the_parent_of_a_new_folder(store, calls):
    refuse_append(store, calls, snapshot_ticks(NEXT_MONTH))

    store.append(snapshot_ticks(NEXT_MONTH))

    assert ("fsync folder", "parquet/ticks/source=timesca") in calls.made


def test_failed_clean_up_hides_neither_the_fault_nor_rows(store, calls, root):
    calls.refused = {"replace": errno.EIO, "unlink": errno.EIO}

    with pytest.raises(WriteFailed, match=r"Input/output error"):
        store.append(snapshot_ticks(LATER))

    assert len(pd.read_parquet(root / "ticks")) == 5
    assert len(fx.load(root)) == 5


def test_store_at_the_path_of_a_file_raises_write_failed(root):
    root.write_text("not a folder")

    with pytest.raises(WriteFailed):
        Store(root).append(snapshot_ticks())
    with pytest.raises(WriteFailed), Store(root).daemon_lock():
        pass


def test_store_without_permission_for_its_folder_raises_write_failed(root, calls):
    calls.refused = {"mkdir": errno.EACCES}

    with pytest.raises(WriteFailed, match="Permission denied"):
        Store(LocalStorage(root, calls)).append(snapshot_ticks())


@pytest.mark.parametrize(("moment", "visible_rows", "left"), [("before", 5, 1), ("after", 10, 0)])
def test_writer_that_is_killed_while_publishing_leaves_whole_files(store, root, moment, visible_rows, left):
    died = run(script_command(DIE_AT_REPLACE, moment, root))

    assert died.returncode == -signal.SIGKILL
    assert len(staged(root)) == left
    assert len(pd.read_parquet(root / "ticks")) == visible_rows
    restarted = Store(root, lock_timeout_s=0)
    assert restarted.append(snapshot_ticks(LATER)).added == 10 - visible_rows
    assert staged(root) == []
    assert len(fx.load(root)) == 10


def test_temporaries_of_dead_processes_are_invisible_and_removed_by_the_next_write(store, root):
    leftover = root / ".staging" / "00000.parquet.4711.4712"
    leftover.write_bytes(b"PAR1 half a file")

    assert len(pd.read_parquet(root / "ticks")) == 5
    assert len(fx.load(root)) == 5
    assert Store(root).check() == []
    assert leftover.exists()

    for writer in (Store(root), store):  # a new writer, and one that was running before
        leftover.write_bytes(b"PAR1 half a file")
        writer.append(snapshot_ticks(LATER))
        assert staged(root) == []


@pytest.mark.parametrize("name", ["lost+found", "4711.4712"])
def test_folder_in_staging_stays_and_hinders_no_write(root, name):
    (root / ".staging" / name).mkdir(parents=True)

    assert Store(root).append(snapshot_ticks()).added == 5
    assert staged(root) == [name]


def test_second_writer_waits_and_then_names_the_lock_holder(holder, root):
    store = Store(root, lock_timeout_s=0.2)

    with pytest.raises(StoreLocked, match=rf"waited [0-9.]+ s for the lock.*process {holder.pid} ") as caught:
        store.append(snapshot_ticks())

    assert 0.2 <= caught.value.waited_s < 5
    assert caught.value.path == str(root)
    assert f"process {holder.pid} " in caught.value.holder
    assert isinstance(caught.value, TimeoutError)


@pytest.mark.parametrize(
    ("pid", "told"),
    [
        (
            os.getpid(),
            f"held by process {os.getpid()} (fxticker run) since 2026, which is this process, or by a program ",
        ),
        (2**22 + 1, "held by a program that leaves no name; `lslocks` lists it; process 4194305 (fxticker run) since "),
    ],
    ids=["this process", "an ended one"],
)
def test_lock_that_the_process_named_in_it_does_not_hold_is_told_so(store, root, pid, told):
    file = root / ".lock"
    file.write_text(json.dumps({"pid": pid, "program": "fxticker run", "since": "2026"}))

    with file.open() as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(StoreLocked) as caught:
            Store(root, lock_timeout_s=0).append(snapshot_ticks(LATER))

    assert told in str(caught.value)


@pytest.mark.parametrize(
    "write",
    [
        lambda store: store.append(snapshot_ticks()),
        lambda store: store.record([Poll("timesca", NOON, Outcome.OK)]),
        lambda store: store.keep_rejected("timesca", NOON, b"body"),
    ],
)
def test_every_writing_call_needs_the_lock(holder, root, write):
    with pytest.raises(StoreLocked):
        write(Store(root, lock_timeout_s=0))


def test_readers_do_not_wait_for_the_lock(store, root):
    with store.backend.write_lock(0):
        assert len(fx.load(root)) == 5
        assert Store(root).check() == []
        assert len(store.live_ticks("timesca", NOON, LATER)) == 5


def test_lock_ends_with_its_process(holder, root):
    holder.kill()

    assert Store(root, lock_timeout_s=0).append(snapshot_ticks()).added == 5


def test_writer_continues_when_the_lock_is_released_in_time(holder, root):
    release = threading.Timer(0.1, holder.process.stdin.close)
    release.start()

    assert Store(root, lock_timeout_s=20).append(snapshot_ticks()).added == 5
    release.join()


def test_lock_is_free_after_a_failed_write(store, calls, root):
    refuse_append(store, calls, snapshot_ticks(LATER), replace=errno.EIO)

    assert Store(root, lock_timeout_s=0).append(snapshot_ticks(LATER)).added == 5


def test_threads_that_share_a_store_write_in_turn(store, root):
    instants = [NOON + timedelta(hours=hour) for hour in range(1, 9)]
    with ThreadPoolExecutor(len(instants)) as pool:
        list(pool.map(store.append, map(snapshot_ticks, instants)))

    frame = fx.load(root)
    assert len(frame) == 45
    assert frame.groupby("observed_at").size().tolist() == [5] * 9


def test_thread_stops_waiting_for_another_thread_at_its_limit(root):
    store = Store(root, lock_timeout_s=0.05)

    with ThreadPoolExecutor(1) as pool, store.backend.write_lock(0):
        error = pool.submit(store.append, snapshot_ticks()).exception(timeout=1)

    assert isinstance(error, StoreLocked)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"pid": 1}'])
def test_lock_holder_is_empty_for_an_invalid_lock_file(backend, root, text):
    root.mkdir()
    (root / ".lock").write_text(text)

    assert backend.lock_holder() == ""


def test_failed_keep_rejected_is_named_and_can_be_repeated(store, calls, root):
    calls.refused = {"replace": errno.ENOSPC}

    with pytest.raises(WriteFailed, match=r"rejected/source=timesca/20251114T120000\.000000Z\.gz"):
        store.keep_rejected("timesca", NOON, b"body")
    calls.heal()
    store.keep_rejected("timesca", NOON, b"body")

    kept = root / "rejected" / "source=timesca" / "20251114T120000.000000Z.gz"
    assert gzip.decompress(kept.read_bytes()) == b"body"


def test_second_daemon_is_refused_at_once_with_the_name_of_the_first(other_daemon, root):
    with (
        pytest.raises(StoreLocked, match=rf"process {other_daemon.pid} \(-c .* since ") as caught,
        Store(root).daemon_lock(),
    ):
        pass

    assert caught.value.waited_s < 5
    assert Store(root).daemon().startswith(f"process {other_daemon.pid} (")
    assert Store(root, lock_timeout_s=0).append(snapshot_ticks()).added == 5


def test_daemon_ends_with_its_process(other_daemon, root):
    other_daemon.kill()

    assert str(other_daemon.pid) in (root / ".daemon").read_text()
    assert Store(root).daemon() is None
    with Store(root).daemon_lock():
        assert Store(root).daemon() is not None


def test_daemon_query_changes_nothing(root):
    assert Store(root).daemon() is None
    assert not root.exists()


def test_daemon_query_is_not_taken_for_a_daemon(root):
    with Store(root).daemon_lock():
        pass
    with (root / ".daemon").open("rb") as asking:
        fcntl.flock(asking, fcntl.LOCK_SH)
        assert Store(root).daemon() is None


def test_daemon_with_an_invalid_lock_file_is_an_unnamed_process(root):
    with Store(root).daemon_lock():
        (root / ".daemon").write_text("{")
        assert Store(root).daemon() == "an unnamed process"


def test_daemon_lock_that_cannot_be_tested_is_named(root):
    root.mkdir()
    (root / ".daemon").symlink_to(".daemon")

    with pytest.raises(SegmentUnreadable, match=r"\.daemon"):
        Store(root).daemon()


def test_folder_that_only_a_daemon_has_used_is_a_store(root):
    with Store(root).daemon_lock():
        assert storage_at(root, must_exist=True).exists()


@pytest.mark.parametrize("replaced", [True, False])
def test_daemon_writes_nothing_into_a_folder_that_replaced_its_own(store, root, replaced):
    with store.daemon_lock():
        root.rename(root.parent / "moved")
        if replaced:
            Store(root).append(snapshot_ticks(LATER))
            (root / ".daemon").touch()
        with pytest.raises(WriteFailed, match=r"\.daemon"):
            store.append(snapshot_ticks(NEXT_MONTH))

    assert root.exists() == replaced
    assert len(fx.load(root.parent / "moved")) == 5
