"""A store's own folders: no link below the store is followed, modes are the store's, and root leaves others' alone."""

import errno
import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from builders import NOON, FixedClock, snapshot_ticks

import fxticker as fx
from fxticker.errors import NotOwner, SegmentUnreadable, StoreError, WriteFailed
from fxticker.model.records import Evidence, Outcome, Poll
from fxticker.store.local import FileCalls, LocalStorage
from fxticker.store.store import Store

MONTH = "ticks/source=timesca/month=2025-11"
LATER = NOON + timedelta(minutes=15)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a folder away")


@pytest.fixture
def outside(tmp_path):
    """A folder beside the store with files of somebody else, one with the name of a temporary file."""
    folder = tmp_path / "outside"
    folder.mkdir()
    for name in ("letter", "4711.4712"):
        (folder / name).write_text("precious")
    return folder


def contents(folder):
    return sorted((path.name, path.read_text()) for path in folder.iterdir())


def fill(store):
    """Write once into each of the store's folders."""
    store.append(snapshot_ticks(LATER))
    store.record([Poll("timesca", LATER, Outcome.OK)])
    store.keep_evidence("timesca", NOON, Evidence("text/html", "utf-8", b"<p>"))
    store.keep_rejected("timesca", NOON, b"body")


@pytest.mark.parametrize(
    "name",
    [
        ".staging",
        "ticks",
        "ticks/source=timesca",
        MONTH,
        "polls",
        "polls/source=timesca/month=2025-11",
        "evidence",
        "evidence/source=timesca",
        "rejected",
        "rejected/source=timesca",
    ],
)
def test_link_in_place_of_a_folder_is_named_and_nothing_behind_it_changes(root, outside, name):
    before = contents(outside)
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).symlink_to(outside)

    with pytest.raises((WriteFailed, SegmentUnreadable), match=name.partition("/")[0]):
        fill(Store(root))

    assert contents(outside) == before


def test_link_in_place_of_quarantine_receives_nothing(root, outside):
    Store(root).append(snapshot_ticks())
    (root / MONTH / "stray").write_text("")
    (root / "quarantine").symlink_to(outside)
    before = contents(outside)

    with pytest.raises(StoreError, match="quarantine"):
        Store(root).quarantine()

    assert contents(outside) == before


@pytest.mark.parametrize("name", ["ticks", "ticks/source=timesca", MONTH, f"{MONTH}/00000.parquet"])
def test_readers_refuse_a_link_by_name(root, name):
    Store(root).append(snapshot_ticks())
    (root / name).rename(root.parent / "elsewhere")
    (root / name).symlink_to(root.parent / "elsewhere")

    for read in (fx.load, fx.latest):
        with pytest.raises(SegmentUnreadable, match=name):
            read(root)
    assert [finding.name for finding in Store(root).check()] == [name]


def test_store_itself_may_be_reached_through_a_link(root):
    Store(root).append(snapshot_ticks())
    (root.parent / "link").symlink_to(root)

    Store(root.parent / "link").append(snapshot_ticks(LATER))

    assert len(fx.load(root.parent / "link")) == len(fx.load(root)) == 10


@pytest.mark.parametrize("name", [".lock", ".daemon"])
def test_lock_that_is_a_link_is_refused_and_its_target_keeps_its_text(root, outside, name):
    root.mkdir()
    (root / name).symlink_to(outside / "letter")
    before = contents(outside)

    lock = Store(root).backend.write_lock(0) if name == ".lock" else Store(root).daemon_lock()
    with pytest.raises(WriteFailed, match=name), lock:
        pass
    assert Store(root).backend.lock_holder() == ""
    assert contents(outside) == before


def test_only_own_names_are_removed_from_staging(root):
    staging = root / ".staging"
    staging.mkdir(parents=True)
    strays = ["letter", "4711.4712.txt", "4711", "00000.parquet", ".4711.4712"]
    for name in [*strays, "4711.4712", "4711.4712.0123abcd", "00000.parquet.4711.4712"]:
        (staging / name).write_text("")

    Store(root).append(snapshot_ticks())

    assert sorted(path.name for path in staging.iterdir()) == sorted(strays)


def test_temporary_file_is_created_and_never_taken_over(root, outside, monkeypatch):
    monkeypatch.setattr("secrets.token_hex", lambda _: "01234567")
    monkeypatch.setattr("threading.get_ident", lambda: 1)
    store = Store(root)
    store.append(snapshot_ticks())

    class Race(FileCalls):
        """Another process puts a link where the temporary file is to be created."""

        def open(self, file, flags, mode):
            if flags & os.O_CREAT:
                Path(file).symlink_to(outside / "letter")
            return FileCalls.open(file, flags, mode)

    with pytest.raises(WriteFailed) as refused:
        Store(LocalStorage(root, Race())).append(snapshot_ticks(LATER))

    assert refused.value.errno == errno.EEXIST
    assert contents(outside)[-1] == ("letter", "precious")


@pytest.mark.parametrize("keep", [Store.keep_rejected, None])
def test_files_of_other_names_are_not_deleted_for_room(root, monkeypatch, keep):
    folder = root / ("rejected/source=timesca" if keep else "evidence/source=timesca/year=2025")
    folder.mkdir(parents=True)
    (folder / "0 letter").write_text("precious")
    monkeypatch.setattr("fxticker.store.rejected.REJECTED_FILES", 1)
    monkeypatch.setattr("fxticker.store.evidence.EVIDENCE_BYTES", 1)
    for minute in range(3):
        at = NOON + timedelta(minutes=minute)
        if keep:
            Store(root).keep_rejected("timesca", at, b"body")
        else:
            Store(root).keep_evidence("timesca", at, Evidence("text/html", "utf-8", b"%d" % minute))

    assert (folder / "0 letter").read_text() == "precious"
    assert len(list(folder.iterdir())) < 3


def test_folder_nested_without_end_is_listed_and_not_descended_into(root):
    Store(root).append(snapshot_ticks())
    deep = root / MONTH
    for _ in range(200):
        deep /= "d"
    deep.mkdir(parents=True)

    assert len(Store(root).check()) == 1
    Store(root).quarantine()
    assert len(fx.load(root)) == 5


# modes


def modes(root):
    return {str(path.relative_to(root)): stat.S_IMODE(path.lstat().st_mode) for path in root.rglob("*")}


@pytest.mark.parametrize("mode", [0o700, 0o750, 0o755, 0o775, 0o2775])
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_folders_locks_and_files_have_the_mode_of_the_store_whatever_the_umask(root, mode, umask):
    root.mkdir()
    root.chmod(mode)
    before = os.umask(umask)
    try:
        store = Store(root, clock=FixedClock())
        fill(store)
        with store.daemon_lock():
            pass
    finally:
        os.umask(before)

    found = modes(root)
    assert {found[name] for name in found if (root / name).is_dir()} == {mode}
    assert {found[name] for name in found if (root / name).is_file()} == {mode & 0o666}
    assert {".lock", ".daemon", f"{MONTH}/00000.parquet"} <= found.keys()


def test_new_store_follows_the_umask_and_its_later_files_follow_the_store(root):
    before = os.umask(0o027)
    try:
        Store(root).append(snapshot_ticks())
        os.umask(0o077)
        Store(root).append(snapshot_ticks(NOON + timedelta(days=30)))
    finally:
        os.umask(before)

    found = modes(root)
    assert stat.S_IMODE(root.stat().st_mode) == 0o750
    assert {found[name] for name in found if (root / name).is_file()} == {0o640}


def test_storage_that_refuses_modes_still_stores_rows(root):
    class NoModes(FileCalls):
        @staticmethod
        def fchmod(_handle, _mode):
            raise PermissionError(errno.EPERM, "Operation not permitted")

    root.mkdir()
    root.chmod(0o775)
    before = os.umask(0o077)
    try:
        assert Store(LocalStorage(root, NoModes())).append(snapshot_ticks()).added == 5
    finally:
        os.umask(before)


# owners


@needs_root
@pytest.mark.parametrize(("uid", "name"), [(1, "daemon"), (64_999, "#64999")])
def test_root_does_not_write_into_the_store_of_another_account(root, uid, name):
    Store(root).append(snapshot_ticks())
    before = modes(root)
    os.chown(root, uid, -1)
    writes = [
        lambda store: store.append(snapshot_ticks(LATER)),
        lambda store: store.record([Poll("timesca", NOON, Outcome.OK)]),
        lambda store: store.quarantine(),
        lambda store: store.daemon_lock().__enter__(),
    ]

    for write in writes:
        with pytest.raises(NotOwner, match=f"sudo -u '?{name}"):
            write(Store(root))

    assert modes(root) == before
    assert len(fx.load(root)) == 5


def test_account_that_is_not_root_is_not_asked_for_the_owner(root):
    class Account(FileCalls):
        @staticmethod
        def geteuid():
            return 1000

    Store(root).append(snapshot_ticks())
    if os.geteuid() == 0:
        os.chown(root, 1, -1)

    assert Store(LocalStorage(root, Account())).append(snapshot_ticks(LATER)).added == 5
