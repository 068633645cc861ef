"""Contract of a storage backend: every implementation passes the same tests."""

import os

import pytest

from fxticker.errors import SegmentUnreadable
from fxticker.store.backend import FreeSpace
from fxticker.store.local import LocalStorage


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

    def test_free_space_is_known_or_none(self, backend):
        backend.put("a/1", b"")
        before = backend.free_space()
        assert before is None or before.bytes > 0


class TestLocalStorage(BackendContract):
    @pytest.fixture
    def backend(self, root):
        return LocalStorage(root)

    def test_free_space_is_that_of_the_file_system(self, backend, root, monkeypatch):
        assert backend.free_space() is None  # the folder does not exist yet
        backend.put("a/1", b"")
        free = [4096, 512, 100, 50, 40, 1000, 900, 800, 0, 255]
        monkeypatch.setattr(os, "statvfs", lambda path: os.statvfs_result(free) if path == root else None)
        assert backend.free_space() == FreeSpace(bytes=40 * 512, inodes=800)
        free[5:8] = [0, 0, 0]  # as of btrfs
        assert backend.free_space() == FreeSpace(bytes=40 * 512, inodes=None)
