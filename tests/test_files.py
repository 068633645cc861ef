import errno
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from processes import run

from fxticker.files import replaced, staged


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    return path


def test_file_is_replaced_when_the_block_ends(file, tmp_path):
    with replaced(file) as new:
        new.write(b"new")
        assert file.read_text() == "old"
    assert file.read_text() == "new"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), OSError(errno.ENOSPC, "full"), ValueError("bad")], ids=repr)
def test_fault_in_the_block_leaves_the_old_file_and_nothing_else(file, tmp_path, fault):
    def write_half(new):
        new.write(b"half")
        raise fault

    with pytest.raises(type(fault)), replaced(file) as new:
        write_half(new)
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("call", ["fsync", "fchmod", "replace"])
def test_failing_system_call_leaves_the_old_file_and_nothing_else(file, tmp_path, monkeypatch, call):
    def fail(*_arguments, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="No space"), replaced(file) as new:
        new.write(b"new")
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_error_names_the_file_and_not_its_temporary(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"'.*/none/table\.csv'$"), replaced(tmp_path / "none" / "table.csv"):
        pass


def test_new_file_has_the_mode_of_the_umask_and_an_old_one_keeps_its_own(file, tmp_path):
    file.chmod(0o640)
    old_umask = os.umask(0o027)
    try:
        for path in (file, tmp_path / "new.csv"):
            with replaced(path) as new:
                new.write(b"new")
    finally:
        os.umask(old_umask)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "new.csv").stat().st_mode) == 0o640


def test_link_stays_and_what_it_names_is_replaced(file, tmp_path):
    link = tmp_path / "link.csv"
    link.symlink_to(file.name)
    with replaced(link) as new:
        new.write(b"new")
    assert link.is_symlink()
    assert file.read_text() == "new"


def test_device_is_written_to_and_stays():
    with replaced("/dev/null") as new:
        new.write(b"new")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_pipe_is_written_to():
    reading, writing = os.pipe()
    with replaced(f"/dev/fd/{writing}") as new:
        new.write(b"new")
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        assert stream.read() == b"new"


def test_stream_gets_all_or_nothing(file):
    with file.open("r+b") as stream:
        with suppress(ZeroDivisionError), staged(stream) as new:
            new.write(b"half" * (1 // 0))
        assert stream.tell() == 0
        with staged(stream) as new:
            new.write(b"new")
    assert file.read_text() == "new"


KILLED = """
import os, signal, sys
from fxticker.files import replaced
with replaced(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_killed_program_leaves_the_old_file(file):
    assert run([sys.executable, "-c", KILLED, file]).returncode == -9
    assert file.read_text() == "old"
