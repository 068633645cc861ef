"""Contract of a storage backend: every implementation passes the same tests."""

import os
import uuid

import pytest
from object_faults import in_memory
from object_servers import BUCKET, environment

from fxticker.errors import Conflict, SegmentUnreadable
from fxticker.store.backend import ABSENT, FreeSpace
from fxticker.store.local import LocalStorage
from fxticker.store.s3_location import s3_storage


class BackendContract:
    """Tests that a subclass runs against its own `backend` fixture."""

    def test_object_is_listed_and_read_as_it_was_put(self, backend):
        backend.put("rejected/a/1.gz", b"body")

        [item] = backend.list("rejected")

        assert (item.name, item.size_bytes) == ("rejected/a/1.gz", 4)
        assert backend.open("rejected/a/1.gz").read() == b"body"

    def test_put_replaces_the_whole_object(self, backend):
        backend.put("a/1", b"a long body")
        before = backend.list("a")[0].version

        backend.put("a/1", b"short")

        assert backend.open("a/1").read() == b"short"
        assert backend.list("a")[0].version != before

    def test_put_of_an_expected_version_replaces_that_version_only(self, backend):
        first = backend.put("a/1", b"first")
        second = backend.put("a/1", b"second", expected=first)

        with pytest.raises(Conflict, match=r"a/1: another writer changed it meanwhile"):
            backend.put("a/1", b"third", expected=first)
        with pytest.raises(Conflict):
            backend.put("a/2", b"", expected=first)

        assert backend.open("a/1").read() == b"second"
        assert [item.version for item in backend.list("a")] == [second]

    def test_put_that_expects_no_object_creates_it_once(self, backend):
        backend.put("a/1", b"first", expected=ABSENT)

        with pytest.raises(Conflict):
            backend.put("a/1", b"second", expected=ABSENT)

        assert backend.open("a/1").read() == b"first"

    def test_opening_another_version_than_the_present_one_is_a_conflict(self, backend):
        first = backend.put("a/1", b"first")
        assert backend.open("a/1", version=first).read() == b"first"

        backend.put("a/1", b"SECOND BODY")

        with pytest.raises(Conflict, match="a/1"):
            backend.open("a/1", version=first)

    def test_moved_object_has_its_content_under_the_new_name_alone(self, backend):
        backend.put("a/1", b"body")

        backend.move("a/1", "quarantine/a/1")

        assert backend.open("quarantine/a/1").read() == b"body"
        assert backend.list("a") == []

    def test_folders_are_those_directly_below(self, backend):
        for name in ("t/source=b/1", "t/source=a/month=1/1", "t/1", "u/source=c/1"):
            backend.put(name, b"")

        assert [*backend.folders("t")] == ["source=a", "source=b"]
        assert [*backend.folders("v")] == []

    def test_part_of_an_object_is_read_from_a_position(self, backend):
        data = bytes(range(256)) * 1000
        backend.put("a/1", data)

        with backend.open("a/1") as file:
            assert file.size() == len(data)
            file.seek(len(data) - 300)
            assert file.read(200) == data[-300:-100]
            file.seek(0)
            assert file.read(10) == data[:10]
        assert backend.open("a/1").read_buffer().to_pybytes() == data

    def test_replacement_does_not_change_what_an_open_reader_reads(self, backend):
        backend.put("a/1", b"first")
        reader = backend.open("a/1")

        backend.put("a/1", b"SECOND BODY")

        assert reader.read() == b"first"

    def test_listing_is_sorted_recursive_and_without_hidden_names(self, backend):
        for name in ("t/b/00001", "t/b/00000", "t/a/x/00000", "t/.hidden", "t/_metadata", "t/.folder/00000", "u/1"):
            backend.put(name, b"")

        assert [item.name for item in backend.list("t")] == ["t/a/x/00000", "t/b/00000", "t/b/00001"]

    def test_listing_of_a_missing_folder_is_empty(self, backend):
        assert backend.list("ticks/source=timesca") == []

    def test_opening_a_missing_object_names_it(self, backend):
        with pytest.raises(SegmentUnreadable, match=r"ticks/00000\.parquet"):
            backend.open("ticks/00000.parquet")

    def test_object_can_be_deleted_and_deleted_again(self, backend):
        backend.put("a/1", b"")

        backend.delete("a/1")
        backend.delete("a/1")

        assert backend.list("a") == []

    def test_version_of_what_was_written_just_now_is_not_settled(self, backend):
        assert not backend.is_settled(backend.put("a/1", b"body"))

    def test_free_space_is_known_or_none(self, backend):
        backend.put("a/1", b"")
        before = backend.free_space()
        assert before is None or before.bytes > 0


class TestLocalStorage(BackendContract):
    @pytest.fixture
    def backend(self, root):
        return LocalStorage(root)

    def test_version_of_a_file_is_settled_seconds_after_it_was_written(self, backend, root):
        backend.put("a/1", b"body")
        os.utime(root / "a/1", (1, 1))
        [item] = backend.list("a")
        assert backend.is_settled(item.version)

    def test_free_space_is_that_of_the_file_system(self, backend, root, monkeypatch):
        assert backend.free_space() is None  # the folder does not exist yet
        backend.put("a/1", b"")
        free = [4096, 512, 100, 50, 40, 1000, 900, 800, 0, 255]
        monkeypatch.setattr(os, "statvfs", lambda path: os.statvfs_result(free) if path == root else None)
        assert backend.free_space() == FreeSpace(bytes=40 * 512, inodes=800)
        free[5:8] = [0, 0, 0]  # as of btrfs
        assert backend.free_space() == FreeSpace(bytes=40 * 512, inodes=None)


class TestObjectStorageInMemory(BackendContract):
    @pytest.fixture
    def backend(self):
        pytest.importorskip("obstore")
        return in_memory()[0]


@pytest.mark.slow
class TestObjectStorageOnAServer(BackendContract):
    @pytest.fixture(params=["seaweedfs_endpoint", "moto_endpoint"])
    def backend(self, request, monkeypatch):
        for name, value in environment(request.getfixturevalue(request.param)).items():
            monkeypatch.setenv(name, value)
        return s3_storage(f"s3://{BUCKET}/{uuid.uuid4()}")
