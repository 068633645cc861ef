"""Nested stores: none is begun inside another one, or around one that lies in the place of a table."""

import errno
import sys
import uuid
from datetime import date

import pandas as pd
import pytest
from builders import NOON, capture_ticks, snapshot_ticks
from click.testing import CliRunner
from object_faults import in_memory
from object_servers import BUCKET, environment
from processes import run

import fxticker as fx
from fxticker.backfill.known_absent import record_absent_days
from fxticker.cli import app
from fxticker.errors import NestedStore, WriteFailed
from fxticker.model.records import Evidence, Outcome, Poll
from fxticker.simulation.captures import read_captures
from fxticker.simulation.site import render_text
from fxticker.store.local import LocalStorage
from fxticker.store.mirror import mirror, restore
from fxticker.store.object_storage import ObjectStorage
from fxticker.store.store import Store

WRITES = {
    "append": lambda backend: Store(backend).append(snapshot_ticks()),
    "record": lambda backend: Store(backend).record([Poll("timesca", NOON, Outcome.OK)]),
    "evidence": lambda backend: Store(backend).keep_evidence("timesca", NOON, Evidence("text/html", "utf-8", b"<p>")),
    "absent days": lambda backend: record_absent_days(backend, "nbk", [date(2025, 11, 1)]),
}


@pytest.fixture
def outer(root):
    Store(root).append(snapshot_ticks())
    return root


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


# in a folder


@pytest.mark.parametrize("inner", ["ticks", "ticks/source=timesca/month=2025-11", "polls/new/deep", "rates"])
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_new_store_in_a_store_is_refused_and_leaves_nothing(outer, inner, write):
    before = names(outer)

    with pytest.raises(NestedStore, match="a place apart from it") as refused:
        write(LocalStorage(outer / inner))

    assert refused.value.other == str(outer)
    assert names(outer) == before
    assert len(pd.read_parquet(outer / "ticks")) == len(fx.load(outer)) == 5


def test_daemon_mirror_and_restore_refuse_a_place_in_a_store(outer, tmp_path):
    source, copy = tmp_path / "other", tmp_path / "copy"
    Store(source).append(snapshot_ticks(source="nbk"))
    mirror(LocalStorage(source), LocalStorage(copy))
    before, inner = names(outer), LocalStorage(outer / "evidence")

    with pytest.raises(NestedStore), Store(inner).daemon_lock():
        pass
    with pytest.raises(NestedStore):
        mirror(LocalStorage(source), inner)
    with pytest.raises(NestedStore):
        restore(LocalStorage(copy), inner)

    assert names(outer) == before


def test_link_and_relative_path_into_a_store_are_refused(outer, tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to(outer / "ticks")
    monkeypatch.chdir(outer)
    before = names(outer)

    for place in (tmp_path / "link", tmp_path / "link" / "new", "ticks", "new"):
        with pytest.raises(NestedStore):
            Store(place).append(snapshot_ticks())

    assert names(outer) == before


@pytest.mark.parametrize("write", ["ticks", "polls"])
def test_store_of_version_0_1_0_without_an_id_is_one(root, write):
    Store(root).append(snapshot_ticks())
    Store(root).record([Poll("timesca", NOON, Outcome.OK)])
    (root / "store.id").unlink()

    with pytest.raises(NestedStore):
        Store(root / write / "new").append(snapshot_ticks())


def test_folder_with_other_things_is_no_store(tmp_path):
    for name in ("README.md", ".lock", ".daemon"):
        (tmp_path / name).touch()
    (tmp_path / "ticks" / "dogs").mkdir(parents=True)
    (tmp_path / "polls").mkdir()

    assert Store(tmp_path / "parquet").append(snapshot_ticks()).added == 5
    assert Store(tmp_path / "ticks" / "parquet").append(snapshot_ticks()).added == 5


def test_store_that_has_an_id_is_written_to_wherever_it_lies(outer, tmp_path):
    Store(tmp_path / "old").append(snapshot_ticks())
    (tmp_path / "old").rename(outer / "old")

    assert Store(outer / "old").append(snapshot_ticks(source="nbk")).added == 5


def test_new_store_around_one_is_refused_only_where_that_one_would_be_a_table(tmp_path):
    Store(tmp_path / "rates" / "kyrgyz").append(snapshot_ticks())
    Store(tmp_path / "live" / "polls").append(snapshot_ticks())
    before = names(tmp_path / "live")

    with pytest.raises(NestedStore) as refused:
        Store(tmp_path / "live").append(snapshot_ticks())

    assert refused.value.other == str(tmp_path / "live" / "polls")
    assert names(tmp_path / "live") == before
    assert Store(tmp_path / "rates").append(snapshot_ticks()).added == 5
    assert len(fx.load(tmp_path / "rates")) == len(fx.load(tmp_path / "rates" / "kyrgyz")) == 5


def test_import_into_a_store_exits_with_1_and_names_the_outer_one(outer, tmp_path):
    capture = read_captures()[0]
    (tmp_path / "page.txt").write_text(render_text(capture.ticks, capture.page_date))
    before = names(outer)

    result = CliRunner().invoke(app, ["import", str(tmp_path / "page.txt"), "--store", str(outer / "ticks")])

    assert isinstance(result.exception, NestedStore)
    assert str(result.exception).startswith(f"{outer}/ticks: no new store is begun here, because {outer} is a store,")
    assert names(outer) == before


# on object storage


def test_new_prefix_in_a_store_is_refused_before_anything_is_put():
    outer, _ = in_memory()
    Store(outer).append(snapshot_ticks())
    inner, calls = in_memory()
    inner = ObjectStorage(calls, "memory/polls", lambda: [in_memory()[0], outer])

    for write in WRITES.values():
        with pytest.raises(NestedStore, match="memory/polls: no new store is begun here, because memory is a store"):
            write(inner)

    assert {kind for kind, _ in calls.made} <= {"get", "list"}


def test_prefixes_near_a_store_are_looked_at_once_and_only_for_a_new_one():
    other, near = in_memory()
    storage, calls = in_memory()

    Store(ObjectStorage(calls, "memory", lambda: [other])).append(snapshot_ticks())
    assert near.made == [("get", "store.id")]
    Store(ObjectStorage(calls, "memory", lambda: [other])).append(snapshot_ticks(source="nbk"))
    assert near.made == [("get", "store.id")]
    assert len(fx.load(Store(storage))) == 10


def test_prefix_that_may_not_be_read_is_no_store_and_one_out_of_reach_is_asked_for_again():
    other, near = in_memory()
    storage = ObjectStorage(in_memory()[1], "memory", lambda: [other])
    faults = [PermissionError(errno.EACCES, "denied"), OSError(errno.EIO, "gone")]

    def fail(kind, name):
        raise faults[-1]

    near.before = fail
    with pytest.raises(WriteFailed, match="gone"):
        storage.put("a", b"")
    faults.pop()
    storage.put("a", b"")

    assert len(near.made) == 2


@pytest.fixture
def location(seaweedfs_endpoint, monkeypatch):
    for name, value in environment(seaweedfs_endpoint).items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/{uuid.uuid4()}"


@pytest.mark.slow
def test_commands_begin_no_store_in_a_prefix_of_a_store_or_around_one(location, tmp_path, site):
    folder, copy = tmp_path / "parquet", tmp_path / "copy"
    for store in (location, folder):
        Store(store).append(capture_ticks())
    mirror(LocalStorage(folder), LocalStorage(copy))
    Store(f"{location}-live/ticks").append(snapshot_ticks())
    (tmp_path / "config.toml").write_text(f'[sources.timesca]\nurl = "{site.url}"\n')
    stored = [item.name for item in Store(location).backend._calls.list("")]

    for arguments in (
        ["snapshot", "--store", f"{location}/polls"],
        ["run", "--store", f"{location}/ticks/source=timesca"],
        ["mirror", f"{location}/sub", "--store", folder],
        ["restore", copy, "--store", f"{location}/retractions"],
        ["snapshot", "--store", f"{location}-live"],
    ):
        result = run([sys.executable, "-m", "fxticker", *map(str, arguments)], cwd=tmp_path, timeout_s=60)
        assert result.returncode == 1
        assert "no new store is begun here" in result.stderr

    assert [item.name for item in Store(location).backend._calls.list("")] == stored
    assert [item.name for item in Store(f"{location}-live").backend._calls.list("polls")] == []
    assert len(fx.load(location)) == len(capture_ticks())
