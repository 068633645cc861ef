"""State files are replaced as a whole, and one that cannot be read counts as empty."""

import os
from pathlib import Path

import pytest

from fxticker.daemon.state_file import MAX_STATE_BYTES, StateFile, state_folder, state_name


def test_content_is_read_back_and_nothing_else_is_left(tmp_path):
    file = StateFile(tmp_path / "a" / "state", "alerts")

    file.write({"told": ["disk full"]})
    file.write({"told": []})

    assert StateFile(tmp_path / "a" / "state", "alerts").read() == {"told": []}
    assert [path.name for path in (tmp_path / "a" / "state").iterdir()] == ["alerts.json"]


def test_missing_file_is_empty_without_a_warning(tmp_path, caplog):
    assert StateFile(tmp_path, "alerts").read() == {}
    assert not caplog.records


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b"\xff", b"[" * 100_000, b" " * MAX_STATE_BYTES + b"{}"], ids=len)
def test_damaged_file_counts_as_empty_with_one_line_of_warning(tmp_path, caplog, data):
    (tmp_path / "alerts.json").write_bytes(data)

    assert StateFile(tmp_path, "alerts").read() == {}
    assert "cannot be read" in caplog.messages[0]
    assert len(caplog.messages) == 1


def test_pipe_in_place_of_the_file_counts_as_empty_and_is_replaced(tmp_path, caplog):
    os.mkfifo(tmp_path / "alerts.json")
    file = StateFile(tmp_path, "alerts")

    assert file.read() == {}
    assert "not a regular file" in caplog.text
    file.write({"told": []})
    assert file.read() == {"told": []}


def test_failed_write_leaves_the_old_content(tmp_path, monkeypatch):
    file = StateFile(tmp_path, "alerts")
    file.write({"a": 1})

    def refuse(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="No space"):
        file.write({"a": 2})

    assert file.read() == {"a": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["alerts.json"]


def test_full_disk_takes_new_content_in_the_place_of_the_old(tmp_path, monkeypatch):
    file = StateFile(tmp_path, "alerts", reserve_bytes=4096)
    file.write({"told": ["a" * 100]})
    assert (tmp_path / "alerts.json").stat().st_size == 4096
    inode = (tmp_path / "alerts.json").stat().st_ino
    open_file = os.open

    def refuse_new_files(path, flags, *mode):
        if flags & os.O_CREAT:
            raise OSError(28, "No space left on device")
        return open_file(path, flags, *mode)

    monkeypatch.setattr(os, "open", refuse_new_files)
    file.write({"told": ["b"]})
    assert file.read() == {"told": ["b"]}
    assert (tmp_path / "alerts.json").stat().st_ino == inode
    with pytest.raises(OSError, match="No space"):
        file.write({"told": ["c" * 5000]})
    with pytest.raises(OSError, match="No space"):
        StateFile(tmp_path, "other", reserve_bytes=4096).write({})
    assert file.read() == {"told": ["b"]}


def test_state_is_private_to_its_user(tmp_path):
    StateFile(tmp_path / "state", "alerts").write({})

    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "state" / "alerts.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"STATE_DIRECTORY": "/var/lib/fx", "XDG_STATE_HOME": "/x", "HOME": "/h"}, Path("/var/lib/fx")),
        ({"STATE_DIRECTORY": "/var/lib/fx:/var/lib/other", "HOME": "/h"}, Path("/var/lib/fx")),
        ({"XDG_STATE_HOME": "/x", "HOME": "/h"}, Path("/x/fxticker")),
        ({"XDG_STATE_HOME": "x", "HOME": "/h"}, Path("/h/.local/state/fxticker")),
        ({"HOME": "/h"}, Path("/h/.local/state/fxticker")),
        ({}, None),
    ],
)
def test_folder_is_that_of_the_unit_or_of_the_user(environ, folder):
    assert state_folder(environ) == folder


def test_each_store_has_a_name_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert state_name("alerts", Path("parquet")) == state_name("alerts", tmp_path / "parquet")
    assert state_name("alerts", Path("parquet")) != state_name("alerts", tmp_path / "other")
    assert state_name("alerts", Path("parquet")) != state_name("store", Path("parquet"))
