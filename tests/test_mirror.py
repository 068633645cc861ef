"""Mirror and restore: the copy is a sound store at every instant, nothing is lost on it, and it comes back whole."""

import hashlib
import json
from datetime import timedelta

import pytest
from builders import NOON, FixedClock, snapshot_ticks, tick
from click.testing import CliRunner
from store_faults import DAMAGES, FaultyCalls, flip

from fxticker.cli import app
from fxticker.errors import StoreError, StoreLocked, WriteFailed
from fxticker.model.records import Evidence, Outcome, Poll, Retraction
from fxticker.store import ordered_copy
from fxticker.store.arrow import records_of
from fxticker.store.backend import STORE_ID
from fxticker.store.local import LocalStorage
from fxticker.store.manifest import MANIFEST, RESTORE_MARKER
from fxticker.store.mirror import mirror, restore
from fxticker.store.ordered_copy import FOLDERS
from fxticker.store.read_span import read_span
from fxticker.store.store import Store
from fxticker.store.store_id import read_store_id

FIRST = "ticks/source=timesca/month=2025-11/00000.parquet"
POLLS = "polls/source=timesca/month=2025-11/00000.parquet"
MINUTE = timedelta(minutes=1)


class Killed(BaseException):
    """The process ends: no handler of an error runs."""


class Recorder:
    """Records polls as a daemon does: evidence, ticks, outcome; every third is rejected, every fourth corrected."""

    def __init__(self, folder):
        self.store = Store(folder, clock=FixedClock(NOON, MINUTE), segment_rows=10)
        self.polls = 0

    def poll(self):
        slot = NOON + MINUTE * self.polls
        self.polls += 1
        if self.polls % 3 == 0:
            self.store.keep_rejected("timesca", slot, b"no ticker %d" % self.polls)
            self.store.record([Poll("timesca", slot, Outcome.NO_TICKER)])
            return
        sha256 = self.store.keep_evidence("timesca", slot, Evidence("text/html", None, b"page %d" % self.polls))
        self.store.append(snapshot_ticks(slot, evidence=sha256))
        self.store.record([Poll("timesca", slot, Outcome.OK, ticks=5)])
        if self.polls % 4 == 0:
            self.store.append([tick(rate_text="0.00192", observed_at=slot)])
            self.store.retract([Retraction("timesca", "KZT/USD", slot, "0.00191", "-0%", 2, "misread")])


class Busy(LocalStorage):
    """A store that is written to before and after each reading of a folder or file, for a number of polls."""

    def __init__(self, recorder, polls, folder=""):
        super().__init__(recorder.store.backend._root)
        self._recorder = recorder
        self._left = polls
        self._folder = folder

    def _poll(self, name):
        if self._left and name.startswith(self._folder):
            self._left -= 1
            self._recorder.poll()

    def list(self, prefix):
        self._poll(prefix)
        items = super().list(prefix)
        self._poll(prefix)
        return items

    def open(self, name, *, version=None):
        self._poll(name)
        file = super().open(name, version=version)
        self._poll(name)
        return file


class Watched(LocalStorage):
    """A copy that is looked at after each change."""

    def __init__(self, folder):
        super().__init__(folder)
        self.faults = []

    def put(self, name, data, *, expected=None):
        version = super().put(name, data, expected=expected)
        self.faults += [f"after {name}: {fault}" for fault in faults_of(self._root)]
        return version

    def delete(self, name):
        super().delete(name)
        self.faults += [f"without {name}: {fault}" for fault in faults_of(self._root)]


def rows_of(table):
    return records_of(read_span(table, sources=["timesca"]))


def faults_of(folder):
    """What a reader may not see: damage, an outcome without its ticks or body, a tick without its evidence."""
    store = Store(folder)
    yield from map(str, store.check())
    ticks = rows_of(store.ticks)
    bodies = {item.name.rpartition("/")[2] for item in store.backend.list("rejected")}
    for poll in rows_of(store.polls):
        if poll["ticks"] > sum(row["observed_at"] == poll["slot"] for row in ticks):
            yield f"an outcome without its ticks: {poll['slot']}"
        if poll["outcome"] == "no_ticker" and f"{poll['slot']:%Y%m%dT%H%M%S.%fZ}.gz" not in bodies:
            yield f"an outcome without its body: {poll['slot']}"
    kept = {name.sha256 for name in store.evidence.names()}
    yield from (f"a tick without its evidence: {row}" for row in ticks if row["evidence"] not in {None, *kept})
    corrected = {row["observed_at"] for row in ticks if row["rate_text"] == "0.00192"}
    yield from (
        f"a retraction without its correction: {row}"
        for row in rows_of(store.retractions)
        if row["observed_at"] not in corrected
    )


def content(folder):
    """All files of a store by name."""
    backend = LocalStorage(folder)
    return {item.name: (folder / item.name).read_bytes() for part in FOLDERS for item in backend.list(part)}


@pytest.fixture
def recorder(root):
    """A store with eight polls, a record of a backfill and a file in quarantine."""
    recorder = Recorder(root)
    for _ in range(8):
        recorder.poll()
    recorder.store.backend.put("asked/cbr.json", b'{"version":1,"days":[]}')
    recorder.store.backend.put("deferred/source=cbr.json", b"[]                  ")
    recorder.store.backend.put("doubted/source=cbr/2025-11-14.jsonl", b'{"a": 1, "b": 2}\n{}\n')
    recorder.store.backend.put("quarantine/ticks/x", b"anything")
    return recorder


@pytest.fixture
def copy(tmp_path):
    return LocalStorage(tmp_path / "copy")


@pytest.fixture
def mirrored(recorder, copy):
    mirror(recorder.store.backend, copy)
    return recorder


def problems(summary):
    return [str(problem) for problem in summary.problems]


def test_copy_equals_the_store_and_manifest_has_all_hashes(recorder, root, copy, tmp_path):
    summary = mirror(recorder.store.backend, copy, clock=FixedClock())
    files = content(root)
    assert content(tmp_path / "copy") == files
    assert (summary.copied, summary.copied_bytes) == (len(files), sum(map(len, files.values())))
    manifest = json.loads((tmp_path / "copy" / MANIFEST).read_bytes())
    assert manifest["files"] == {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    assert manifest["completed_at"] == NOON.isoformat()


def test_sealed_segments_are_copied_once_and_the_open_one_when_changed(mirrored, copy, tmp_path):
    assert mirror(mirrored.store.backend, copy).copied == 0
    inode = (tmp_path / "copy" / FIRST).stat().st_ino
    mirrored.poll()
    assert mirror(mirrored.store.backend, copy).copied == 2  # its body and its outcome
    assert (tmp_path / "copy" / FIRST).stat().st_ino == inode


@pytest.mark.parametrize("folder", ["", *(pytest.param(name, marks=pytest.mark.slow) for name in FOLDERS)])
def test_copy_is_sound_at_every_instant_while_the_store_is_written_to(recorder, tmp_path, folder):
    copy = Watched(tmp_path / "copy")
    for polls in (4, 3):  # the second one brings a copy up to date
        assert problems(mirror(Busy(recorder, polls, folder), copy)) == []
    assert copy.faults == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "fault"),
    [
        ("ticks", "a tick without its evidence"),
        ("polls", "an outcome without its ticks"),
        ("polls", "an outcome without its body"),
        ("retractions", "a retraction without its correction"),
    ],
)
def test_that_test_sees_an_order_that_is_wrong(recorder, tmp_path, monkeypatch, folder, fault):
    monkeypatch.setattr(ordered_copy, "BEFORE", {})
    copy = Watched(tmp_path / "copy")
    for _ in range(4):  # the fourth one from now is corrected
        recorder.poll()
    mirror(Busy(recorder, 4, folder), copy)
    assert fault in " ".join(copy.faults)


@pytest.mark.slow
@pytest.mark.parametrize("step", range(1, 120))
def test_first_mirror_that_is_killed_leaves_a_sound_copy(recorder, root, tmp_path, step):
    calls = FaultyCalls()
    calls.fail(step, Killed())
    with pytest.raises(Killed):
        mirror(recorder.store.backend, LocalStorage(tmp_path / "copy", calls))
    assert list(faults_of(tmp_path / "copy")) == []
    assert problems(mirror(recorder.store.backend, LocalStorage(tmp_path / "copy"))) == []
    assert content(tmp_path / "copy") == content(root)


@pytest.mark.parametrize("fault", [Killed(), OSError(28, "No space left on device")], ids=["killed", "full"])
def test_mirror_that_ends_at_any_step_is_continued(recorder, root, tmp_path, fault):
    calls, folder, step, faults = FaultyCalls(), tmp_path / "copy", 0, 0
    while True:
        step += 1
        calls.fail(step, fault)
        try:
            mirror(recorder.store.backend, LocalStorage(folder, calls))
            break
        except (Killed, WriteFailed):
            faults += 1
            calls.heal()
        if step % 5 == 0:
            assert list(faults_of(folder)) == []
            recorder.poll() if step < 40 else None
    assert faults > 30
    assert content(folder) == content(root)


@pytest.mark.parametrize("fault", [Killed(), OSError(28, "No space left on device")], ids=["killed", "full"])
def test_restore_that_ends_at_any_step_is_continued(mirrored, root, copy, tmp_path, fault):
    calls, folder, step, faults = FaultyCalls(), tmp_path / "restored", 0, 0
    while True:
        step += 1
        calls.fail(step, fault)
        try:
            summary = restore(copy, LocalStorage(folder, calls))
            break
        except (Killed, WriteFailed):
            faults += 1
            calls.heal()
        if step % 5 == 0:
            assert list(faults_of(folder)) == []
        if (folder / RESTORE_MARKER).exists():
            with pytest.raises(StoreError, match="not complete"):
                mirror(LocalStorage(folder), copy)
    assert faults > 30
    assert problems(summary) == []
    assert content(folder) == content(root)
    assert not (folder / RESTORE_MARKER).exists()
    Recorder(folder).poll()  # it takes writes again


@pytest.mark.parametrize("step", [30, 60, 90])
def test_restore_works_from_a_mirror_that_ended_early(mirrored, copy, tmp_path, step):
    calls = FaultyCalls()
    for _ in range(12):
        mirrored.poll()
    calls.fail(step, Killed())
    with pytest.raises(Killed):
        mirror(mirrored.store.backend, LocalStorage(tmp_path / "copy", calls))
    assert problems(restore(copy, LocalStorage(tmp_path / "restored"))) == []
    assert content(tmp_path / "restored") == content(tmp_path / "copy")


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damage_in_the_store_never_reaches_the_copy(mirrored, root, copy, tmp_path, damage):
    before = (tmp_path / "copy" / FIRST).read_bytes()
    damage(root / FIRST)
    mirrored.poll()
    mirrored.store.record([Poll("timesca", NOON - MINUTE, Outcome.TIMEOUT)])
    summary = mirror(mirrored.store.backend, copy)
    assert any(FIRST in problem for problem in problems(summary))
    assert (tmp_path / "copy" / FIRST).read_bytes() == before
    assert list(faults_of(tmp_path / "copy")) == []
    mirrored.store.quarantine()
    assert problems(mirror(mirrored.store.backend, copy, delete=True)) == []
    assert (tmp_path / "copy" / FIRST).read_bytes() == before  # the only sound one


def test_new_copy_of_a_damaged_store_is_sound(recorder, root, copy, tmp_path):
    flip(root / FIRST, 40)
    summary = mirror(recorder.store.backend, copy)
    assert any("an earlier segment of its month" in problem for problem in problems(summary))
    assert list(faults_of(tmp_path / "copy")) == []


@pytest.mark.parametrize("name", [FIRST, POLLS, "evidence", "rejected", "asked", "deferred", "doubted", "quarantine"])
def test_damage_on_the_copy_is_found_and_repaired(mirrored, root, copy, tmp_path, name):
    path = next(tmp_path / "copy" / each for each in content(root) if each.startswith(name))
    size = path.stat()
    flip(path, 7)
    assert path.stat().st_size == size.st_size
    summary = mirror(mirrored.store.backend, copy)
    assert (summary.copied, problems(summary)) == (1, [])
    assert content(tmp_path / "copy") == content(root)


@pytest.mark.slow
@pytest.mark.parametrize("name", [FIRST, POLLS, "evidence", "rejected", "asked", "deferred", "doubted", "quarantine"])
def test_restore_names_damage_on_the_copy(mirrored, root, copy, tmp_path, name):
    path = next(tmp_path / "copy" / each for each in content(root) if each.startswith(name))
    flip(path, 7 if name == "quarantine" else 12)
    name = str(path.relative_to(tmp_path / "copy"))
    summary = restore(copy, LocalStorage(tmp_path / "restored"))
    assert any(name in problem for problem in problems(summary))
    assert name not in content(tmp_path / "restored")
    assert Store(tmp_path / "restored").check() == []
    path.write_bytes((root / name).read_bytes())
    assert problems(restore(copy, LocalStorage(tmp_path / "restored"))) == []
    assert content(tmp_path / "restored") == content(root)


def test_restore_names_what_the_copy_lacks(mirrored, copy, tmp_path):
    (tmp_path / "copy" / "asked" / "cbr.json").unlink()
    summary = restore(copy, LocalStorage(tmp_path / "restored"))
    assert problems(summary) == ["asked/cbr.json: missing: the manifest of the copy names it"]


def test_another_store_in_the_same_place_replaces_nothing(mirrored, copy, tmp_path):
    before = content(tmp_path / "copy")
    other = Store(tmp_path / "other")
    other.append(snapshot_ticks(NOON + timedelta(hours=3)))
    other.record([Poll("timesca", NOON + timedelta(hours=3), Outcome.OK, ticks=5)])
    with pytest.raises(StoreError, match=r"this is store \S+, and \S+ is store "):
        mirror(other.backend, copy, delete=True)
    other.backend.delete(STORE_ID)  # as a store of before ids
    summary = mirror(other.backend, copy, delete=True)
    assert any("of the copy's 10 rows are not in the store" in problem for problem in problems(summary))
    assert content(tmp_path / "copy") == before


def test_copy_and_restored_store_have_the_id_of_the_store(mirrored, copy, tmp_path):
    store_id = read_store_id(mirrored.store.backend)
    restored = LocalStorage(tmp_path / "restored")
    restore(copy, restored)
    assert store_id is not None
    assert [read_store_id(backend) for backend in (copy, restored)] == [store_id, store_id]


def test_damaged_id_is_named_and_replaces_none(mirrored, root, copy):
    store_id = read_store_id(copy)
    (root / STORE_ID).write_text("no id")
    assert problems(mirror(mirrored.store.backend, copy)) == [f"{STORE_ID}: not the id of a store"]
    assert read_store_id(copy) == store_id


def test_restore_replaces_no_other_id(mirrored, copy, tmp_path):
    other = LocalStorage(tmp_path / "other")
    other.put(STORE_ID, b"3f1c1a5e-5f0e-4c57-8ac0-3f6a4a1f2b10\n")
    with pytest.raises(StoreError, match="this is store 3f1c1a5e"):
        restore(copy, other)


def test_nothing_is_deleted_unless_asked_and_then_only_what_the_manifest_names(mirrored, root, copy, tmp_path):
    gone = next((root / "evidence").rglob("*.gz"))
    name = str(gone.relative_to(root))
    gone.unlink()
    own = tmp_path / "copy" / "asked" / "own.json"
    own.write_text("{}")
    assert mirror(mirrored.store.backend, copy).deleted == 0
    assert name in content(tmp_path / "copy")
    assert mirror(mirrored.store.backend, copy, delete=True).deleted == 1
    assert content(tmp_path / "copy") == {**content(root), "asked/own.json": b"{}"}
    assert name not in json.loads((tmp_path / "copy" / MANIFEST).read_bytes())["files"]


def test_file_of_the_copy_that_was_changed_is_not_deleted(mirrored, root, copy, tmp_path):
    (root / "asked" / "cbr.json").unlink()
    (tmp_path / "copy" / "asked" / "cbr.json").write_text("{}")
    summary = mirror(mirrored.store.backend, copy, delete=True)
    assert summary.deleted == 0
    assert "not the one of the earlier mirror" in problems(summary)[0]


def test_copy_stays_sound_while_months_are_deleted(mirrored, root, tmp_path):
    for month in range(12, 16):
        slot = NOON.replace(year=2025 + month // 13, month=(month - 1) % 12 + 1)
        mirrored.store.append(snapshot_ticks(slot))
        mirrored.store.record([Poll("timesca", slot, Outcome.OK, ticks=5)])
    copy = Watched(tmp_path / "copy")
    mirror(mirrored.store.backend, copy)
    for path in root.glob("*/*/month=2025-11/*"):
        path.unlink()
    summary = mirror(mirrored.store.backend, copy, delete=True)
    # A correction goes before its retraction, so that a misread tick never counts.
    assert [fault for fault in copy.faults if "without its correction" not in fault] == []
    assert (summary.deleted, problems(summary)) == (6, [])
    assert content(tmp_path / "copy") == content(root)


def test_store_that_lost_most_of_its_segments_deletes_nothing(mirrored, root, copy):
    for path in root.glob("*/*/month=*/*"):
        path.unlink()
    summary = mirror(mirrored.store.backend, copy, delete=True)
    assert summary.deleted == 0
    assert "another store?" in problems(summary)[0]


def test_stray_and_oversized_files_are_named_and_the_rest_is_copied(recorder, root, copy, tmp_path, monkeypatch):
    monkeypatch.setattr(ordered_copy, "MAX_OBJECT_BYTES", 100_000)
    (root / f"{FIRST}~").write_bytes(b"")
    (root / "ticks" / "notes.txt").write_bytes(b"")
    with (root / "quarantine" / "large").open("wb") as file:
        file.truncate(100_001)
    summary = mirror(recorder.store.backend, copy)
    assert [problem.name for problem in summary.problems] == ["quarantine/large", "ticks/notes.txt", f"{FIRST}~"]
    assert list(faults_of(tmp_path / "copy")) == []
    assert len(rows_of(Store(tmp_path / "copy").polls)) == 8


def test_one_mirror_at_a_time(recorder, copy, tmp_path):
    with LocalStorage(tmp_path / "copy").write_lock(1), pytest.raises(StoreLocked):
        mirror(recorder.store.backend, copy, lock_timeout_s=0.01)


def test_folders_with_other_content_are_refused(mirrored, root, copy, tmp_path):
    other = Store(tmp_path / "other")
    other.append(snapshot_ticks())
    with pytest.raises(StoreError, match="not a copy"):
        mirror(mirrored.store.backend, other.backend)
    with pytest.raises(StoreError, match="a store already"):
        restore(copy, other.backend)
    with pytest.raises(StoreError, match="no mirror was ever completed"):
        restore(LocalStorage(root), LocalStorage(tmp_path / "new"))
    with LocalStorage(tmp_path / "copy").daemon_lock(), pytest.raises(StoreError, match="a daemon records here"):
        mirror(mirrored.store.backend, copy)
    assert content(tmp_path / "other").keys() == {FIRST}


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"version":2}', '{"version":1,"files":{"a":1}}', "[" * 100_000, "\xff"]
)
def test_damaged_manifest_is_named_and_written_anew(mirrored, copy, tmp_path, text):
    (tmp_path / "copy" / MANIFEST).write_text(text, "latin-1")
    with pytest.raises(StoreError, match=MANIFEST):
        restore(copy, LocalStorage(tmp_path / "restored"))
    summary = mirror(mirrored.store.backend, copy, delete=True)
    assert [problem.name for problem in summary.problems] == [MANIFEST]
    assert problems(mirror(mirrored.store.backend, copy)) == []


def test_manifest_names_nothing_outside_of_the_copy(mirrored, copy, tmp_path):
    (tmp_path / "kept").write_bytes(b"x")
    path = tmp_path / "copy" / MANIFEST
    manifest = json.loads(path.read_bytes())
    manifest["files"]["asked/../../kept"] = hashlib.sha256(b"x").hexdigest()
    path.write_text(json.dumps(manifest))
    assert mirror(mirrored.store.backend, copy, delete=True).deleted == 0
    assert (tmp_path / "kept").exists()


def run(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.mark.parametrize("place", ["loop", "loop/below"])
def test_link_that_leads_to_itself_is_named(recorder, root, tmp_path, place):
    (tmp_path / "loop").symlink_to("loop")
    for arguments in (("mirror", tmp_path / place, "--store", root), ("restore", root, "--store", tmp_path / place)):
        result = run(*arguments)
        assert (result.exit_code, isinstance(result.exception, RuntimeError)) == (1, False)


def test_commands_copy_and_bring_back(recorder, root, tmp_path):
    result = run("mirror", tmp_path / "copy", "--store", root)
    assert (result.exit_code, "unchanged: 0" in result.output) == (0, True)
    assert run("check", "--store", tmp_path / "copy").exit_code == 0
    result = run("restore", tmp_path / "copy", "--store", tmp_path / "restored")
    assert (result.exit_code, content(tmp_path / "restored")) == (0, content(root))
    flip(tmp_path / "restored" / FIRST, 40)
    recorder.poll()
    result = run("mirror", tmp_path / "copy2", "--store", tmp_path / "restored")
    assert result.exit_code == 1
    assert FIRST in result.stderr


@pytest.mark.parametrize("dest", ["parquet", "parquet/copy", "."])
def test_command_refuses_a_copy_inside_the_store_and_the_store_inside_the_copy(recorder, tmp_path, dest):
    for arguments in (["mirror", tmp_path / dest], ["restore", tmp_path / dest]):
        result = run(*arguments, "--store", tmp_path / "parquet")
        assert isinstance(result.exception, StoreError)


def test_command_refuses_a_folder_of_other_things(recorder, root, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"x")
    assert "a folder of other things" in str(run("mirror", tmp_path / "photos", "--store", root).exception)
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["a.jpg"]
